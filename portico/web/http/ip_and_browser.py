"""IP address and browser of a request."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.requests.sign_in_requests import RequestOrigin
from portico.plumbing import tokens

# The first match counts: most browsers also claim to be Chrome, Safari or both.
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
    """Returns the visitor's IP address, counted from the right of `X-Forwarded-For` past TRUSTED_PROXY_COUNT.

    Entries further left are set by the visitor and must not give a new rate limit. A request with fewer hops than
    proxies bypassed them: then REMOTE_ADDR is the visitor.
    """
    remote_address = str(request.META.get("REMOTE_ADDR", ""))
    if not settings.TRUSTED_PROXY_COUNT:
        return remote_address
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    if len(hops) < settings.TRUSTED_PROXY_COUNT:
        return remote_address
    return _address(hops[-settings.TRUSTED_PROXY_COUNT]) or remote_address


def browser_of(request: HttpRequest) -> str:
    """Returns a name for the browser, such as "Safari on iPhone"; empty if it is unknown."""
    agent = request.headers.get("User-Agent", "")
    browser = next((name for token, name in BROWSERS if token in agent), "")
    device = next((name for token, name in DEVICES if token in agent), "")
    # Product names are not translated.
    return " on ".join(part for part in (browser, device) if part)


def browser_from(request: HttpRequest) -> Browser:
    """Returns the browser with the key of its cookie, or a new key."""
    return Browser(
        browser_of(request), request.COOKIES.get(settings.BROWSER_COOKIE_NAME, "")[:64] or tokens.new_token()
    )


def origin_of(request: HttpRequest) -> RequestOrigin:
    """Returns the origin of a request for a link, with the key of the browser's cookie, or a new key."""
    return RequestOrigin(request_cookie_of(request) or tokens.new_token(), ip_of(request))


def request_cookie_of(request: HttpRequest) -> str:
    """Returns the key of a browser that has requested a link; empty if it has not."""
    return request.COOKIES.get(settings.ASKING_COOKIE_NAME, "")[:64]


def _address(hop: str) -> str:
    """Returns the IP address of a hop without port and brackets; empty if it is not an IP address."""
    hop = hop.strip()
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return ""
