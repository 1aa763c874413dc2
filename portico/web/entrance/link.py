"""A mailed link: arriving takes the token out of the address, the page shows one button, pressing it signs in."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.views.decorators.http import require_http_methods, require_safe

from portico.domain.access import signing_in
from portico.domain.access.models import PortalSession
from portico.domain.access.signing_in import LinkSeen, LinkState
from portico.web import cookies, languages, visitors
from portico.web.entrance import stepping_in
from portico.web.entrance.doorway import AskForm
from portico.web.guards import client_session, open_page
from portico.web.requests import OpenRequest

# How long the page may stand open before its link must be opened again, in seconds.
PAGE_LIFETIME = 3600


@open_page
@require_safe
def arrive(request: OpenRequest, token: str) -> HttpResponse:
    """Moves the token into a cookie of this browser and goes on to a clean address. Spends nothing."""
    if request.method == "GET":
        seen = signing_in.look(request.practice, token)
        if seen.link is not None:
            signing_in.note_fetched(seen.link)
    response = redirect("entrance:link", slug=request.practice.slug)
    # The one answer whose own address is a secret.
    response["Referrer-Policy"] = "no-referrer"
    cookies.give(response, settings.LINK_COOKIE_NAME, token[:100], max_age=PAGE_LIFETIME)
    return response


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OpenRequest) -> HttpResponse:
    """The page of the link that was opened last; only its button signs in."""
    token = request.COOKIES.get(settings.LINK_COOKIE_NAME, "")
    if request.method == "POST":
        return _press(request, token)
    return _page(request, signing_in.look(request.practice, token))


def _press(request: OpenRequest, token: str) -> HttpResponse:
    visitor = visitors.visitor_of(request)
    outcome = signing_in.press(request.practice, token, visitor=visitor)
    if isinstance(outcome, LinkSeen):
        return _page(request, outcome)
    response = stepping_in.step_in(request, outcome, visitor)
    cookies.take(response, settings.LINK_COOKIE_NAME)
    return response


def _page(request: OpenRequest, seen: LinkSeen) -> HttpResponse:
    present = client_session(request, request.practice)
    if seen.state is LinkState.UNKNOWN and present is not None:
        return redirect("portal:home", slug=request.practice.slug)
    if language := languages.chosen(request) or _language_of(seen):
        translation.activate(language)
    context = {
        "practice": request.practice,
        "link": seen.link,
        "address": seen.link.address.address if seen.link else "",
        "state": seen.state.value,
        "someone_else": _address_of_other(present, seen),
    }
    if seen.state is LinkState.LIVE:
        return render(request, "entrance/link/live.html", context)
    if request.method == "GET" and not _is_signed_in_by(present, seen):
        signing_in.note_opened_dead(request.practice, seen)
    return render(request, "entrance/link/gone.html", context | {"form": AskForm()}, status=410)


def _language_of(seen: LinkSeen) -> str:
    return seen.link.account.language or seen.link.address.client.language if seen.link is not None else ""


def _is_signed_in_by(present: PortalSession | None, seen: LinkSeen) -> bool:
    """Whether the link's own mailbox is signed in here: opening its mail once more is no failed attempt."""
    return present is not None and seen.link is not None and present.account_id == seen.link.account_id


def _address_of_other(present: PortalSession | None, seen: LinkSeen) -> str:
    """The mailbox that is signed in here, when it is not the link's."""
    if present is None or seen.link is None or _is_signed_in_by(present, seen):
        return ""
    return present.account.mailbox_key
