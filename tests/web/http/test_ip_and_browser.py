"""IP address and browser of a request."""

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from portico.web.http import ip_and_browser

PROXY = "10.0.0.1"


def ip(forwarded: str | None) -> str:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return ip_and_browser.ip_of(RequestFactory(REMOTE_ADDR=PROXY).get("/", headers=headers))


@pytest.mark.parametrize("forwarded", [None, "203.0.113.9", "1.1.1.1, 203.0.113.9"])
def test_without_trusted_proxies_only_the_connection_counts(forwarded: str | None, settings: Settings) -> None:
    settings.TRUSTED_PROXY_COUNT = 0
    assert ip(forwarded) == PROXY


@pytest.mark.parametrize(
    ("count", "forwarded", "expected"),
    [
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_hops_are_counted_from_the_right(count: int, forwarded: str, expected: str, settings: Settings) -> None:
    settings.TRUSTED_PROXY_COUNT = count
    assert ip(forwarded) == expected


@pytest.mark.parametrize("forwarded", [None, "", "unknown", "203.0.113.9, <script>", ","])
def test_malformed_hop_falls_back_to_the_connection(forwarded: str | None, settings: Settings) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    assert ip(forwarded) == PROXY


def test_request_bypassing_the_proxy_uses_the_connection(settings: Settings) -> None:
    settings.TRUSTED_PROXY_COUNT = 2
    assert ip("6.6.6.6") == PROXY


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.0", ""),
        ("", ""),
    ],
)
def test_browser_is_named(agent: str, name: str) -> None:
    assert ip_and_browser.browser_of(RequestFactory().get("/", headers={"User-Agent": agent})) == name
