"""Where a request comes from, and in which browser, as far as that can be known."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.sign_in_requests import RequestOrigin
from portico.plumbing import tokens

# The first that is found names the browser: most of them also claim to be Chrome, Safari or both.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
DEVICES = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)


def ip_of(request: HttpRequest) -> str:
    """The address of the visitor, counted from the right past the proxies that are ours.

    What stands further left in `X-Forwarded-For` is the visitor's own claim and gives no new budget. A request
    with fewer hops than proxies came around them: then the connection itself is the visitor.
    """
    connected = str(request.META.get("REMOTE_ADDR", ""))
    if not settings.TRUSTED_PROXY_COUNT:
        return connected
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    if len(hops) < settings.TRUSTED_PROXY_COUNT:
        return connected
    return _address(hops[-settings.TRUSTED_PROXY_COUNT]) or connected


def browser_of(request: HttpRequest) -> str:
    """A name to recognise a session by: "Safari on iPhone"; empty when nothing is known."""
    agent = request.headers.get("User-Agent", "")
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    device = next((name for mark, name in DEVICES if mark in agent), "")
    # Names of products, the same in every language; only the word between them is ours.
    return " on ".join(part for part in (browser, device) if part)


def browser_from(request: HttpRequest) -> Browser:
    """The browser of somebody who signs in, with a new key when it has none."""
    return Browser(
        browser_of(request), request.COOKIES.get(settings.BROWSER_COOKIE_NAME, "")[:64] or tokens.new_token()
    )


def origin_of(request: HttpRequest) -> RequestOrigin:
    """Where somebody asks for a link, with a new key when this browser has none yet."""
    return RequestOrigin(request_cookie_of(request) or tokens.new_token(), ip_of(request))


def request_cookie_of(request: HttpRequest) -> str:
    """The key of a browser that has asked for a link; empty when it has not."""
    return request.COOKIES.get(settings.ASKING_COOKIE_NAME, "")[:64]


def _address(hop: str) -> str:
    """One hop without its port and brackets; empty when it is no address."""
    hop = hop.strip()
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return ""
