"""A test client for entrance and portal, which posts as from a page that was just opened."""

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.http import HttpRequest
from django.test import Client
from django.test.client import MULTIPART_CONTENT

from portico.domain.access.sign_in import portal_sessions
from portico.domain.access.sign_in.requests import sign_in_requests
from portico.domain.practices.models import Practice
from portico.web import client_mismatch
from portico.web.entrance import opened_links
from portico.web.guards import ended_client_session

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

DOCUMENTS = re.compile("/portal/[^/]+/documents/")
HIDDEN = re.compile('name="(page_language|agreement)" value="([^"]*)"')


class Browser(Client):
    """Adds the hidden field `subject` as on the page, unless the test gives another value.

    tests/web/portal/test_subjects.py checks that every form has the field. Documents are sent with the hidden fields
    of the document's page that was opened last; before that, with those of a first one in English.
    """

    def __init__(self, *args: Any, **more: Any) -> None:  # Any: Django's own.
        super().__init__(*args, **more)
        self.shown = {"page_language": "en", "agreement": "shown"}

    def get(self, path: str, *args: Any, **more: Any) -> "_MonkeyPatchedWSGIResponse":  # type: ignore[override]  # Any: Django's own.
        response = super().get(path, *args, **more)
        if DOCUMENTS.match(path) and response.headers.get("Content-Type", "").startswith("text/html"):
            self.shown |= dict(HIDDEN.findall(response.text))
        return response

    def post(  # type: ignore[override]  # The stubs of Django do the same.
        self,
        path: str,
        data: Any = None,
        content_type: str = MULTIPART_CONTENT,
        **more: Any,  # Any: Django's own.
    ) -> "_MonkeyPatchedWSGIResponse":
        if data is None or isinstance(data, dict):
            shown = self.shown if DOCUMENTS.match(path) else {}
            data = self._subject(path, data or {}) | shown | (data or {})
        return super().post(path, data, content_type, **more)

    def _subject(self, path: str, data: dict[str, Any]) -> dict[str, str]:
        found = re.match(r"/portal/([^/]+)/(?:(link|code|again|pin)/)?", path)
        practice = Practice.objects.filter(slug=found[1]).first() if found else None
        if found is None or practice is None:
            return {}
        request = HttpRequest()
        request.COOKIES = {name: morsel.value for name, morsel in self.cookies.items()}
        name = self._name(practice, request, found[2] or "", str(data.get("by", "")))
        return {client_mismatch.FIELD: name} if name else {}

    def _name(self, practice: Practice, request: HttpRequest, page: str, by: str) -> str:
        if page == "link" or by == "link":
            opened = opened_links.last(request, practice)
            return opened.name if opened.token else ""
        if page == "code" or by == "ask":
            ask = sign_in_requests.latest(practice, request.COOKIES.get(settings.ASKING_COOKIE_NAME, ""))
            return sign_in_requests.name_of(ask) if ask else ""
        if by == "session":
            over = ended_client_session(request, practice)
            return over.ref if over else ""
        return "" if page else subject_in_portal(practice, request)


def subject_in_portal(practice: Practice, request: HttpRequest) -> str:
    """Returns the subject on a page of the portal, also after the session has timed out."""
    key = request.COOKIES.get(settings.CLIENT_COOKIE_NAME, "")
    session = (portal_sessions.find(practice, key) or portal_sessions.find_ended(practice, key)) if key else None
    if session is None:
        return ""
    opened = list(portal_sessions.accesses_of(session))
    chosen = next((each for each in opened if each.client_id == session.client_id), None)
    access = chosen or (opened[0] if len(opened) == 1 else None)
    return f"{session.account.ref}.{access.client.ref if access else ''}"


@pytest.fixture
def client() -> Browser:
    return Browser()
