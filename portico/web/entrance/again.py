"""One press for a new link, where the page knows the address already: it is shown masked and typed by nobody."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from portico.domain.access import asking, signing_in
from portico.web import going, visitors
from portico.web.entrance import doorway
from portico.web.guards import open_page, session_that_ended
from portico.web.requests import OpenRequest


@dataclass(frozen=True)
class Known:
    """The address, whether it was typed in this browser, and the place it was to lead to."""

    address: str
    is_typed: bool
    goes_to: str


@open_page
@require_POST
def ask(request: OpenRequest) -> HttpResponse:
    """Which of the things in this browser knows the address is what the pressed page says; never the address itself."""
    known = _FINDERS.get(request.POST.get("by", ""), _nothing)(request)
    if known is None:
        return redirect("entrance:doorway", slug=request.practice.slug)
    return doorway.ask(request, known.address, is_typed=known.is_typed, goes_to=known.goes_to)


def _by_ask(request: OpenRequest) -> Known | None:
    key = visitors.asking_key_of(request)
    ask = asking.last_of(request.practice, key) if key else None
    return None if ask is None else Known(ask.address, ask.is_typed, ask.goes_to)


def _by_link(request: OpenRequest) -> Known | None:
    link = signing_in.look(request.practice, request.COOKIES.get(settings.LINK_COOKIE_NAME, "")).link
    if link is None:
        return None
    return Known(link.address.address, is_typed=False, goes_to=link.ask.goes_to if link.ask is not None else "")


def _by_session(request: OpenRequest) -> Known | None:
    session = session_that_ended(request, request.practice)
    if session is None:
        return None
    return Known(session.account.mailbox_key, is_typed=False, goes_to=going.asked_for(request))


def _nothing(_request: OpenRequest) -> Known | None:
    return None


_FINDERS = {"ask": _by_ask, "link": _by_link, "session": _by_session}
