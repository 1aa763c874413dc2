"""Sends a new link to an address that the page already knows, without typing it again."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from portico.domain.access.sign_in import link_redemption
from portico.domain.access.sign_in.requests import sign_in_requests
from portico.web import client_mismatch, redirects
from portico.web.entrance import opened_links, out_of_date, request_link
from portico.web.guards import ended_client_session, open_page
from portico.web.http import ip_and_browser
from portico.web.http.request_types import OpenRequest


@dataclass(frozen=True)
class KnownAddress:
    """An address, and the page to open after signing in. `is_typed` if it was typed in this browser."""

    address: str
    is_typed: bool
    goes_to: str


@open_page
@require_POST
def send(request: OpenRequest) -> HttpResponse:
    """Sends a link to the address on the form's page. The form names a request, link or session, never the address."""
    subject = request.POST.get(client_mismatch.FIELD, "")
    known = _FINDERS.get(request.POST.get("by", ""), _unknown)(request, subject)
    if known is None:
        return out_of_date.page(request) if subject else redirect("entrance:doorway", slug=request.practice.slug)
    return request_link.request_link(request, known.address, is_typed=known.is_typed, goes_to=known.goes_to)


def _from_request(request: OpenRequest, subject: str) -> KnownAddress | None:
    key = ip_and_browser.request_cookie_of(request)
    sign_in_request = sign_in_requests.find_by_name(request.practice, key, subject) if key else None
    if sign_in_request is None:
        return None
    return KnownAddress(sign_in_request.address, sign_in_request.is_typed, sign_in_request.goes_to)


def _from_link(request: OpenRequest, subject: str) -> KnownAddress | None:
    opened = opened_links.find(request, request.practice, subject)
    link = link_redemption.find(request.practice, opened.token).link if opened is not None else None
    if link is None:
        return None
    return KnownAddress(link.address.address, is_typed=False, goes_to=link.goes_to)


def _from_session(request: OpenRequest, subject: str) -> KnownAddress | None:
    session = ended_client_session(request, request.practice)
    if session is None or session.ref != subject or not session.account.email:
        return None
    return KnownAddress(session.account.email, is_typed=False, goes_to=redirects.requested_portal_path(request))


def _unknown(_request: OpenRequest, _subject: str) -> KnownAddress | None:
    return None


_FINDERS = {"ask": _from_request, "link": _from_link, "session": _from_session}
