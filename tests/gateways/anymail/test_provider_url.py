"""EMAIL_URL of a provider is parsed, or refused with a message that does not repeat its key."""

import pytest

from portico.gateways import email_url
from portico.gateways.anymail import provider_url
from portico.gateways.anymail.providers import PROVIDERS, HookSecret, Provider

pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize(
    ("url", "api_url", "token", "secret", "options"),
    [
        ("anymail+postmark://hidden@", "https://api.postmarkapp.com/", "hidden", "", {}),
        ("anymail+postmark://hidden@api.postmarkapp.com", "https://api.postmarkapp.com/", "hidden", "", {}),
        ("anymail+mailgun://k%40y@api.eu.mailgun.net", "https://api.eu.mailgun.net/v3/", "k@y", "", {}),
        ("anymail+mailjet://key:hidden@", "https://api.mailjet.com/v3.1/", "key", "hidden", {}),
        (
            "anymail+postmark://hidden@?message_stream=portal",
            "https://api.postmarkapp.com/", "hidden", "", {"message_stream": "portal"},
        ),
        ("anymail+postmark://hidden@127.0.0.1:8025", "http://127.0.0.1:8025/", "hidden", "", {}),
    ],
)  # fmt: skip
def test_a_valid_url_is_parsed(url: str, api_url: str, token: str, secret: str, options: dict[str, str]) -> None:
    account = provider_url.parse(url)
    assert (account.api_url, account.token, account.secret, account.options) == (api_url, token, secret, options)
    assert "hidden" not in repr(account)
    email_url.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "anymail+pigeon://hidden@",
        "anymail+postmark://",
        "anymail+postmark://hidden:hidden@",
        "anymail+mailjet://hidden@",
        "anymail+postmark://hidden@host/folder",
        "anymail+postmark://hidden@?stream=hidden",
        "anymail+postmark://hidden@host:99999",
        "anymail+postmark://hidden@[::1",
        "anymail+amazon-ses://hidden:hidden@",
        "anymail+amazon-ses://hidden:hidden@email.us-east-1.amazonaws.com?region=us-east-1",
    ],
)
def test_an_invalid_url_is_refused_without_repeating_the_key(url: str) -> None:
    with pytest.raises(ValueError, match=r"must|names|has") as refused:
        email_url.check(url)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_the_secret_of_the_webhook_fits_the_provider(provider: Provider) -> None:
    login = "k:s" if provider.second_key_option else "k"
    url = f"anymail+{provider.name}://{login}@{'?region=us-east-1' * provider.needs_option}"
    email_url.check_hook_secret(f"portico:{'x' * 20}", url)
    if provider.hook_secret is HookSecret.BASIC:
        with pytest.raises(ValueError, match="20 characters"):
            email_url.check_hook_secret("portico:short", url)


def test_a_webhook_needs_a_provider() -> None:
    with pytest.raises(ValueError, match="names a provider"):
        email_url.check_hook_secret("secret", "smtp://localhost")
