"""A headless browser with cookies, for the real web servers of a test."""

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from portico.domain.clients.models import Client
from tests import cast


@dataclass(frozen=True)
class Answer:
    status: int
    location: str
    text: str


class Visitor:
    """Sends requests to the server at `base`, which may be changed to another of the same installation.

    `subject` is the subject of the forms on the last page, and is sent with each POST.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self.subject = ""
        self.cookies = http.cookiejar.CookieJar()
        jar = urllib.request.HTTPCookieProcessor(self.cookies)
        self._following = urllib.request.build_opener(jar)
        self._staying = urllib.request.build_opener(jar, _Stay)

    def get(self, path: str, *, method: str = "GET") -> Answer:
        """Returns the answer after all redirects."""
        return self._send(self._following, urllib.request.Request(self.base + path, method=method))

    def post(
        self,
        path: str,
        fields: Mapping[str, str] = MappingProxyType({}),
        *,
        follow: bool = False,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        """Sends a form. Without `follow`, returns the redirect itself."""
        # The CSRF token is in the cookie too; Django accepts either.
        token = next(cookie.value for cookie in self.cookies if cookie.name.endswith("csrf"))
        data = urllib.parse.urlencode({"subject": self.subject, **fields, "csrfmiddlewaretoken": token}).encode()
        request = urllib.request.Request(self.base + path, data, dict(headers), method="POST")
        return self._send(self._following if follow else self._staying, request)

    def sign_in(self, person: Client) -> "Visitor":
        """Signs in with the link of an invitation."""
        slug = person.practice.slug
        self.get(f"/portal/{slug}/link/{cast.token_of(cast.invited(person))}/")
        answer = self.post(f"/portal/{slug}/link/", follow=True)
        assert answer.status == 200, answer
        return self

    def _send(self, opener: urllib.request.OpenerDirector, request: urllib.request.Request) -> Answer:
        try:
            with opener.open(request, timeout=30) as answer:
                text = answer.read().decode()
                found = re.search(r'name="subject" value="([^"]*)"', text)
                self.subject = found[1] if found else self.subject
                return Answer(answer.status, "", text)
        except urllib.error.HTTPError as other:
            with other:
                return Answer(other.code, other.headers.get("Location", ""), other.read().decode())


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:  # Any: the library's own.
        """Does not follow the redirect."""
