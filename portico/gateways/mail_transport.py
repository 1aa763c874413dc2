"""The transport that EMAIL_URL names: an SMTP server, or a provider's API."""

from portico.gateways.anymail import provider_url
from portico.gateways.anymail.transport import AnymailTransport
from portico.gateways.smtp import server_url
from portico.gateways.smtp.transport import SmtpTransport


def transport(url: str, *, reports_success: bool = True) -> SmtpTransport | AnymailTransport:
    """Returns the transport. Raises ValueError, with a message, if the URL names neither a server nor a provider.

    `reports_success`: an SMTP server is asked to report also each mail that arrived.
    """
    if provider_url.names_provider(url):
        return AnymailTransport(provider_url.parse(url))
    return SmtpTransport(server_url.parse(url), reports_success=reports_success)


def describe(url: str) -> str:
    """Returns the server or provider in words: "The mail server smtp.example.com:587", or "Postmark"."""
    if provider_url.names_provider(url):
        return provider_url.parse(url).provider.label
    server = server_url.parse(url)
    return f"The mail server {server.host}:{server.port}"
