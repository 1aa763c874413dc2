"""Every response carries the security headers."""

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from portico.domain.practices.models import Practice

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.failures")]

HEADERS = {
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/office/sign-in/", 200),
        ("get", "/office/clients/", 302),
        ("get", "/nowhere/", 404),
        ("put", "/office/sign-in/", 405),
        ("get", "/office/set-up/", 410),
        ("get", "/read/?x=%00", 400),
        ("get", "/trouble/forbidden/", 403),
        ("get", "/trouble/too-many/", 429),
        ("get", "/trouble/mistake/", 500),
        ("get", "/trouble/away/", 503),
        ("get", "/healthz", 200),
    ],
)
def test_every_response_carries_all_security_headers(client: Browser, method: str, path: str, status: int) -> None:
    client.raise_request_exception = False
    response = getattr(client, method)(path)
    assert response.status_code == status
    assert set(response.headers) >= HEADERS
    assert response["Cache-Control"] == "no-store"
    # With `no-referrer` a browser would send `Origin: null` with the page's own form, which would be refused.
    assert response["Referrer-Policy"] == "same-origin"
    assert "unsafe" not in response["Content-Security-Policy"]


def test_https_base_url_sends_hsts_without_proxy_header(client: Browser, settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    assert client.get("/healthz")["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_http_is_not_redirected_to_https(client: Browser, practice: Practice, settings: Settings) -> None:
    """The proxy redirects: behind one that talks plain http to us, a redirect of ours would loop."""
    settings.SECURE_HSTS_SECONDS = 31_536_000
    assert client.get("/portal/alder-street/", HTTP_X_FORWARDED_PROTO="http").status_code == 200


def test_no_response_names_the_software(client: Browser) -> None:
    response = client.get("/nowhere/")
    text = f"{response.headers} {response.content.decode()}".lower()
    assert not any(name in text for name in ("waitress", "django", "whitenoise", "python"))
