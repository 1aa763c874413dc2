"""A mailed link: arriving takes the token out of the address, the page shows one button, pressing it signs in."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.views.decorators.http import require_http_methods, require_safe

from portico.domain.access.models import PortalSession
from portico.domain.access.sign_in import link_redemption
from portico.domain.access.sign_in.link_redemption import LinkState, LinkStatus
from portico.web import languages, page_subjects
from portico.web.entrance import completing_sign_in, opened_links, out_of_date
from portico.web.entrance.opened_links import OpenedLink
from portico.web.entrance.request_link import AskForm
from portico.web.guards import client_session, open_page
from portico.web.http import request_origin
from portico.web.http.request_types import OpenRequest


@open_page
@require_safe
def open_link(request: OpenRequest, token: str) -> HttpResponse:
    """Moves the token into a cookie of this browser and goes on to a clean address. Spends nothing."""
    if request.method == "GET":
        seen = link_redemption.find(request.practice, token)
        if seen.link is not None:
            link_redemption.record_fetch(seen.link)
    response = redirect("entrance:link", slug=request.practice.slug)
    # The one answer whose own address is a secret.
    response["Referrer-Policy"] = "no-referrer"
    opened_links.remember(request, response, request.practice, token)
    return response


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OpenRequest) -> HttpResponse:
    """Shows the link that was opened last at this practice; the button signs in by the link its page had named."""
    if request.method == "POST":
        return _press(request)
    return _look(request, opened_links.last(request, request.practice))


def _press(request: OpenRequest) -> HttpResponse:
    opened = opened_links.named(request, request.practice, request.POST.get(page_subjects.FIELD, ""))
    if opened is None:
        return out_of_date.page(request)
    visitor = request_origin.browser_from(request)
    outcome = link_redemption.redeem(request.practice, opened.token, visitor=visitor)
    if isinstance(outcome, LinkStatus):
        return _page(request, opened, outcome)
    response = completing_sign_in.complete_sign_in(request, outcome, visitor)
    opened_links.forget(request, response, opened)
    return response


def _look(request: OpenRequest, opened: OpenedLink) -> HttpResponse:
    return _page(request, opened, link_redemption.find(request.practice, opened.token))


def _page(request: OpenRequest, opened: OpenedLink, seen: LinkStatus) -> HttpResponse:
    present = client_session(request, request.practice)
    if seen.state is LinkState.UNKNOWN and present is not None:
        return redirect("portal:home", slug=request.practice.slug)
    if language := languages.chosen_language(request) or _language_of(seen):
        translation.activate(language)
    context = {
        "practice": request.practice,
        "link": seen.link,
        "subject": opened.name,
        "address": seen.link.address.address if seen.link else "",
        "state": seen.state.value,
        "someone_else": _address_of_other(present, seen),
    }
    if seen.state is LinkState.LIVE:
        return render(request, "entrance/link/live.html", context)
    if request.method == "GET" and not _is_signed_in_by(present, seen):
        link_redemption.record_opened_if_dead(request.practice, seen)
    return render(request, "entrance/link/gone.html", context | {"form": AskForm()}, status=410)


def _language_of(seen: LinkStatus) -> str:
    return seen.link.account.language or seen.link.address.client.language if seen.link is not None else ""


def _is_signed_in_by(present: PortalSession | None, seen: LinkStatus) -> bool:
    """Whether the link's own mailbox is signed in here: opening its mail once more is no failed attempt."""
    return present is not None and seen.link is not None and present.account_id == seen.link.account_id


def _address_of_other(present: PortalSession | None, seen: LinkStatus) -> str:
    """The mailbox that is signed in here, when it is not the link's."""
    if present is None or seen.link is None or _is_signed_in_by(present, seen):
        return ""
    return present.account.mailbox_key
