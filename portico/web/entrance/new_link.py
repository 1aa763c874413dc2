"""One press for a new link, where the page knows the address already: it is shown masked and typed by nobody."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from portico.domain.access.sign_in import link_redemption, sign_in_requests
from portico.web import page_subjects, portal_redirects
from portico.web.entrance import opened_links, out_of_date, request_link
from portico.web.guards import open_page, session_that_ended
from portico.web.http import request_origin
from portico.web.http.request_types import OpenRequest


@dataclass(frozen=True)
class KnownAddress:
    """The address, whether it was typed in this browser, and the place it was to lead to."""

    address: str
    is_typed: bool
    goes_to: str


@open_page
@require_POST
def ask(request: OpenRequest) -> HttpResponse:
    """Sends a link to the address that the page showed. The form names where it is known from, never the address."""
    subject = request.POST.get(page_subjects.FIELD, "")
    known = _FINDERS.get(request.POST.get("by", ""), _nothing)(request, subject)
    if known is None:
        return out_of_date.page(request) if subject else redirect("entrance:doorway", slug=request.practice.slug)
    return request_link.ask(request, known.address, is_typed=known.is_typed, goes_to=known.goes_to)


def _by_ask(request: OpenRequest, subject: str) -> KnownAddress | None:
    key = request_origin.request_cookie_of(request)
    ask = sign_in_requests.find_by_name(request.practice, key, subject) if key else None
    return None if ask is None else KnownAddress(ask.address, ask.is_typed, ask.goes_to)


def _by_link(request: OpenRequest, subject: str) -> KnownAddress | None:
    opened = opened_links.named(request, request.practice, subject)
    link = link_redemption.find(request.practice, opened.token).link if opened is not None else None
    if link is None:
        return None
    return KnownAddress(link.address.address, is_typed=False, goes_to=link.ask.goes_to if link.ask is not None else "")


def _by_session(request: OpenRequest, subject: str) -> KnownAddress | None:
    session = session_that_ended(request, request.practice)
    if session is None or session.ref != subject:
        return None
    return KnownAddress(session.account.mailbox_key, is_typed=False, goes_to=portal_redirects.requested_path(request))


def _nothing(_request: OpenRequest, _subject: str) -> KnownAddress | None:
    return None


_FINDERS = {"ask": _by_ask, "link": _by_link, "session": _by_session}
