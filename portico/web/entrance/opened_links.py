"""The mailed links that were opened in this browser: their tokens in one cookie, each named by its page's form."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.web.http import cookies

# How long the pages may stand open after a link was opened last, in seconds.
LIFETIME = 3600
# Opening a sixth forgets the oldest; its page is then out of date.
MOST = 5
# Neither stands in a slug or a token.
_BETWEEN, _AFTER_SLUG = ".", ":"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True)
class OpenedLink:
    """A token and the practice at whose address it was opened. The token is empty if it cannot be one of ours."""

    slug: str
    token: str

    @property
    def name(self) -> str:
        """A keyed digest of the token for the page's form: it opens nothing without the cookie."""
        return tokens.fingerprint(self.token, purpose="opened link")


def remember(request: HttpRequest, response: HttpResponse, practice: Practice, token: str) -> None:
    """Adds the token to the cookie as the one opened last."""
    opened = OpenedLink(practice.slug, token if _TOKEN.fullmatch(token) else "")
    _write(response, [*(each for each in _read(request) if each != opened), opened][-MOST:])


def forget(request: HttpRequest, response: HttpResponse, opened: OpenedLink) -> None:
    """Takes a spent link out of the cookie."""
    _write(response, [each for each in _read(request) if each != opened])


def last(request: HttpRequest, practice: Practice) -> OpenedLink:
    """Returns the link opened last at this practice; an empty one if there is none."""
    return next(reversed(_at(request, practice)), OpenedLink(practice.slug, ""))


def named(request: HttpRequest, practice: Practice, name: str) -> OpenedLink | None:
    """Returns the link that a form of its page names, if this browser still holds its token."""
    return next((each for each in _at(request, practice) if each.name == name), None)


def _at(request: HttpRequest, practice: Practice) -> list[OpenedLink]:
    return [each for each in _read(request) if each.slug == practice.slug]


def _read(request: HttpRequest) -> list[OpenedLink]:
    """Oldest first. Nothing that a browser sends makes more of it than was ever written."""
    parts = request.COOKIES.get(settings.LINK_COOKIE_NAME, "").split(_BETWEEN)[-MOST:]
    pairs = [part.partition(_AFTER_SLUG) for part in parts]
    return [OpenedLink(slug, token) for slug, _, token in pairs if slug and (not token or _TOKEN.fullmatch(token))]


def _write(response: HttpResponse, opened: list[OpenedLink]) -> None:
    if not opened:
        cookies.delete_cookie(response, settings.LINK_COOKIE_NAME)
        return
    value = _BETWEEN.join(f"{each.slug}{_AFTER_SLUG}{each.token}" for each in opened)
    cookies.set_cookie(response, settings.LINK_COOKIE_NAME, value, max_age=LIFETIME)
