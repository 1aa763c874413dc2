"""The email provider's settings, parsed from a URL such as anymail+postmark://TOKEN@api.postmarkapp.com."""

from dataclasses import dataclass, field
from importlib.util import find_spec
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from portico import hosts
from portico.gateways.anymail.providers import PROVIDERS, Provider

SCHEME = "anymail+"


@dataclass(frozen=True)
class ProviderAccount:
    """An account at a provider. `api_url` is the base URL of its API; empty for the library's own."""

    provider: Provider
    api_url: str
    token: str = field(repr=False)
    secret: str = field(default="", repr=False)
    options: dict[str, str] = field(default_factory=dict)


def names_provider(url: str) -> bool:
    """Returns True if the URL names a provider rather than an SMTP server."""
    return url.startswith(SCHEME)


def parse(url: str) -> ProviderAccount:
    """Parses the URL. Raises ValueError with a message that does not repeat the URL, which holds a secret."""
    form = "must look like anymail+postmark://TOKEN@ or anymail+mailgun://KEY@api.eu.mailgun.net."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(form) from None
    provider = PROVIDERS.get(parts.scheme.removeprefix(SCHEME)) if names_provider(url) else None
    if provider is None:
        raise ValueError(f"names no known provider. Known are: {', '.join(PROVIDERS)}.")
    token, secret = unquote(parts.username or ""), unquote(parts.password or "")
    if not token or parts.path.strip("/") or parts.fragment:
        raise ValueError(form)
    if bool(secret) != bool(provider.second_key_option):
        wanted = "KEY:SECRET" if provider.second_key_option else "one key"
        raise ValueError(f"must have {wanted} before the @ for {provider.label}.")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := options.keys() - set(provider.options):
        raise ValueError(f"has an unknown option for {provider.label}: {', '.join(sorted(unknown))}.")
    if provider.needs_option and not options.get(provider.options[0]):
        raise ValueError(f"must end in ?{provider.options[0]}=… for {provider.label}.")
    if not provider.api_url and host and not hosts.is_loopback(host):
        raise ValueError(f"must name no host for {provider.label}: it follows from the region.")
    if provider.library and find_spec(provider.library) is None:
        raise ValueError(f"needs {provider.library} for {provider.label}: install it with pip.")
    return ProviderAccount(provider, _api_url(provider, host, port), token, secret, options)


def _api_url(provider: Provider, host: str, port: int | None) -> str:
    """Returns the API's URL at another host, such as that of a region; over plain HTTP on this machine only."""
    if not host:
        return provider.api_url
    netloc = host if port is None else f"{host}:{port}"
    scheme = "http" if hosts.is_loopback(host) else "https"
    return urlunsplit((scheme, netloc, urlsplit(provider.api_url).path, "", ""))
