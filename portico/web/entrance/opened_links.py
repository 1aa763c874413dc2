"""The tokens of the mailed links that were opened in this browser, in one cookie for each kind of link."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.web.http import cookies

# The cookie of sign-in links; links to a new email have their own.
SIGN_IN_LINKS = settings.LINK_COOKIE_NAME
# Seconds since a link was opened last.
LIFETIME = 3600
# Opening a sixth drops the oldest; its page is then out of date.
MAX_LINKS = 5
# Neither occurs in a slug or a token.
_LINK_SEPARATOR, _SLUG_SEPARATOR = ".", ":"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True)
class OpenedLink:
    """A token and the slug of the practice where it was opened. The token is empty if it is malformed."""

    slug: str
    token: str

    @property
    def name(self) -> str:
        """A keyed digest of the token for the page's form, useless without the cookie."""
        return tokens.fingerprint(self.token, purpose="opened link")


def add(
    request: HttpRequest, response: HttpResponse, practice: Practice, token: str, *, cookie: str = SIGN_IN_LINKS
) -> None:
    """Adds the token to the cookie as the latest."""
    opened = OpenedLink(practice.slug, token if _TOKEN.fullmatch(token) else "")
    _write(response, cookie, [*(each for each in _read(request, cookie) if each != opened), opened][-MAX_LINKS:])


def remove(request: HttpRequest, response: HttpResponse, opened: OpenedLink, *, cookie: str = SIGN_IN_LINKS) -> None:
    """Removes a redeemed link from the cookie."""
    _write(response, cookie, [each for each in _read(request, cookie) if each != opened])


def last(request: HttpRequest, practice: Practice, *, cookie: str = SIGN_IN_LINKS) -> OpenedLink:
    """Returns the link opened last at this practice, or one with an empty token."""
    return next(reversed(_at(request, practice, cookie)), OpenedLink(practice.slug, ""))


def find(request: HttpRequest, practice: Practice, name: str, *, cookie: str = SIGN_IN_LINKS) -> OpenedLink | None:
    """Returns the link with the name from a form, if its token is still in the cookie."""
    return next((each for each in _at(request, practice, cookie) if each.name == name), None)


def _at(request: HttpRequest, practice: Practice, cookie: str) -> list[OpenedLink]:
    return [each for each in _read(request, cookie) if each.slug == practice.slug]


def _read(request: HttpRequest, cookie: str) -> list[OpenedLink]:
    """Returns the links oldest first, and never more than MAX_LINKS, whatever the browser sends."""
    parts = request.COOKIES.get(cookie, "").split(_LINK_SEPARATOR)[-MAX_LINKS:]
    pairs = [part.partition(_SLUG_SEPARATOR) for part in parts]
    return [OpenedLink(slug, token) for slug, _, token in pairs if slug and (not token or _TOKEN.fullmatch(token))]


def _write(response: HttpResponse, cookie: str, opened: list[OpenedLink]) -> None:
    if not opened:
        cookies.delete_cookie(response, cookie)
        return
    value = _LINK_SEPARATOR.join(f"{each.slug}{_SLUG_SEPARATOR}{each.token}" for each in opened)
    cookies.set_cookie(response, cookie, value, max_age=LIFETIME)
