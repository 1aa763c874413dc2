"""Sign-in links: opening one moves its token into a cookie; the page's button signs in."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.views.decorators.http import require_http_methods, require_safe

from portico.domain.access.models import PortalAccount, PortalSession
from portico.domain.access.sign_in import failure_audit_entries, link_redemption
from portico.domain.access.sign_in.link_redemption import LinkState, LinkStatus
from portico.web import client_mismatch, languages, redirects
from portico.web.entrance import completing_sign_in, opened_links, out_of_date
from portico.web.entrance.opened_links import OpenedLink
from portico.web.entrance.request_link import RequestLinkForm
from portico.web.guards import client_session, open_page
from portico.web.http import ip_and_browser
from portico.web.http.request_types import OpenRequest


@open_page
@require_safe
def open_link(request: OpenRequest, token: str) -> HttpResponse:
    """Moves the token from the URL into a cookie and redirects. Does not redeem the link: scanners open links too."""
    if request.method == "GET":
        _record_opening(request, link_redemption.find(request.practice, token))
    response = redirect("entrance:link", slug=request.practice.slug)
    # The URL of this response is secret.
    response["Referrer-Policy"] = "no-referrer"
    opened_links.add(request, response, request.practice, token)
    return response


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OpenRequest) -> HttpResponse:
    """Shows the link opened last at this practice; POST signs in with the link named in the form."""
    if request.method == "POST":
        return _redeem(request)
    opened = opened_links.last(request, request.practice)
    return _page(request, opened, link_redemption.find(request.practice, opened.token))


def _redeem(request: OpenRequest) -> HttpResponse:
    opened = opened_links.find(request, request.practice, request.POST.get(client_mismatch.FIELD, ""))
    if opened is None:
        return out_of_date.page(request)
    browser = ip_and_browser.browser_from(request)
    outcome = link_redemption.redeem(request.practice, opened.token, visitor=browser)
    if isinstance(outcome, LinkStatus):
        return _page(request, opened, outcome)
    response = completing_sign_in.complete_sign_in(request, outcome, browser)
    opened_links.remove(request, response, opened)
    return response


def _record_opening(request: OpenRequest, status: LinkStatus) -> None:
    """Records the first fetch of a link, and the opening of a dead one. Its page is then shown without further work."""
    if status.found is None or status.link is None:
        return
    is_first_fetch = link_redemption.record_fetch(status.link)
    if status.state is LinkState.LIVE or _is_signed_in_by(client_session(request, request.practice), status):
        return
    failure_audit_entries.record_dead_link_opened(
        request.practice, status.found, state=status.state.value, is_first_fetch=is_first_fetch
    )


def _page(request: OpenRequest, opened: OpenedLink, status: LinkStatus) -> HttpResponse:
    session = client_session(request, request.practice)
    if status.state is LinkState.UNKNOWN and session is not None:
        return redirect("portal:home", slug=request.practice.slug)
    if status.state is not LinkState.LIVE and _is_signed_in_by(session, status) and (path := _path_of(request, status)):
        return redirect(path)
    if language := languages.chosen_language(request) or _language_of(status):
        translation.activate(language)
    context = {
        "practice": request.practice,
        "link": status.link,
        "subject": opened.name,
        "address": status.link.address.address if status.link else "",
        "state": status.state.value,
        "someone_else": _other_account(session, status),
    }
    if status.state is LinkState.LIVE:
        return render(request, "entrance/link/live.html", context)
    return render(request, "entrance/link/gone.html", context | {"form": RequestLinkForm()}, status=410)


def _path_of(request: OpenRequest, status: LinkStatus) -> str:
    """Returns the page that the link leads to, such as the bill of its mail; empty if it leads to Home."""
    return redirects.safe_portal_path(request.practice, status.link.goes_to) if status.link is not None else ""


def _language_of(status: LinkStatus) -> str:
    return status.link.account.language or status.link.address.owner.language if status.link is not None else ""


def _is_signed_in_by(session: PortalSession | None, status: LinkStatus) -> bool:
    """Returns True if the link's own mailbox is signed in here: reopening its email is not a failed attempt."""
    return session is not None and status.link is not None and session.account_id == status.link.account_id


def _other_account(session: PortalSession | None, status: LinkStatus) -> PortalAccount | None:
    """Returns the account that is signed in here; None if there is none, or if it is the link's."""
    if session is None or status.link is None or _is_signed_in_by(session, status):
        return None
    return session.account
