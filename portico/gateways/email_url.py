"""Checks EMAIL_URL, which names an SMTP server or a provider's API, without loading either."""

from portico.gateways.anymail import provider_url
from portico.gateways.anymail.provider_url import ProviderAccount
from portico.gateways.anymail.providers import HookSecret, Provider
from portico.gateways.smtp import server_url


def check(url: str) -> None:
    """Raises ValueError, with a message that does not repeat the URL, unless it names a server or a provider."""
    if provider_url.names_provider(url):
        provider_url.parse(url)
    else:
        server_url.parse(url)


def account_of(url: str) -> ProviderAccount | None:
    """Returns the account at the provider; None for an SMTP server. Raises ValueError, as `check` does."""
    return provider_url.parse(url) if provider_url.names_provider(url) else None


def provider_of(url: str) -> Provider | None:
    """Returns the provider; None for an SMTP server. Raises ValueError, as `check` does."""
    account = account_of(url)
    return account.provider if account is not None else None


def check_hook_secret(secret: str, url: str) -> None:
    """Raises ValueError unless this can be the secret of the webhook of the provider that the URL names."""
    provider = provider_of(url)
    if provider is None:
        raise ValueError("needs an EMAIL_URL that names a provider, such as anymail+postmark://TOKEN@.")
    user, _colon, password = secret.partition(":")
    if provider.hook_secret is HookSecret.BASIC and not (user and len(password) >= MIN_PASSWORD_LENGTH):
        raise ValueError(
            f"must be user:password for {provider.label}, with a password of {MIN_PASSWORD_LENGTH} characters or more."
        )


# It is entered once, at the provider, and guards against forged events.
MIN_PASSWORD_LENGTH = 20
