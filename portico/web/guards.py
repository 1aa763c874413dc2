"""Guards: decorators that check who may open a view and set practice, actor and client on its request.

Every view has exactly one; tests and `portico routes` check that.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate, NoReturn, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation

from portico.domain.access import holders
from portico.domain.access.models import PortalSession
from portico.domain.access.sign_in import portal_sessions
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.plumbing.audit import audit_log
from portico.web import client_mismatch, languages, redirects, saved_forms, staff_verification, view_as_client
from portico.web.error_pages import PracticePaused
from portico.web.http.request_types import OfficeRequest, OpenRequest, PortalRequest
from portico.web.route_list import Audience, Guard

type View[R: HttpRequest, **P] = Callable[Concatenate[R, P], HttpResponse]

# Our script sends this header with background refreshes, which do not extend a session.
BACKGROUND = "X-Portico-Background"
# The query of pages that reload themselves without JavaScript; it has the same effect on GET.
BACKGROUND_QUERY = "background"


def mark_guarded[V](view: V, guard: Guard) -> V:
    """Sets the attribute `guard` of a view, which `portico routes` and the tests read."""
    cast(Any, view).guard = guard
    return view


def _is_background(request: HttpRequest) -> bool:
    """Returns True for a page that loads itself again: that must not keep the session of an absent person alive."""
    return BACKGROUND in request.headers or (request.method == "GET" and BACKGROUND_QUERY in request.GET)


def machine_page[**P](view: View[HttpRequest, P]) -> View[HttpRequest, P]:
    """Guards a page for machines, such as health checks and webhooks: no session, no practice."""
    return mark_guarded(view, Guard(Audience.MACHINE))


def front_page[**P](view: View[HttpRequest, P]) -> View[HttpRequest, P]:
    """Guards a public page without a practice."""
    return mark_guarded(view, Guard(Audience.OPEN))


def office_sign_in_page[**P](view: View[HttpRequest, P]) -> View[HttpRequest, P]:
    """Guards a public page of the office (sign-in, set-up), where the practice is not known yet."""
    return mark_guarded(view, Guard(Audience.OPEN))


def open_page[**P](view: View[OpenRequest, P]) -> Callable[..., HttpResponse]:
    """Guards a public page of a practice's portal: sets practice, time zone and language. 404 for an unknown slug."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        open_request = cast(OpenRequest, request)
        open_request.practice = practice_at(slug)
        timezone.activate(open_request.practice.zone)
        if language := languages.chosen_language(request):
            translation.activate(language)
        _refuse_while_paused(open_request.practice)
        return languages.store_chosen_language(request, view(open_request, *args, **kwargs))

    return mark_guarded(guarded, Guard(Audience.OPEN))


class RoleMissing(PermissionDenied):
    """Raised for staff without one of the `roles` that may open a page or send its form."""

    def __init__(self, roles: tuple[Role, ...]) -> None:
        super().__init__()
        self.roles = roles


def office_page[**P](
    *roles: Role, writers: tuple[Role, ...] = ()
) -> Callable[[View[OfficeRequest, P]], Callable[..., HttpResponse]]:
    """Guards a page for staff in one of the roles, by default all. `writers` are the roles that may POST, by default
    the same. Raises PermissionDenied, and records it in the audit log, for other roles.
    """
    readers = roles or tuple(Role)
    writers = writers or readers

    def guard(view: View[OfficeRequest, P]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            staff_request = _authenticate_staff(request)
            if staff_request is None:
                return redirects.to_office_sign_in(request)
            if step := staff_verification.next_step(staff_request.session):
                return redirects.to_office_step(staff_request, step)
            if staff_request.staff.role not in (readers if request.method in {"GET", "HEAD"} else writers):
                refuse_role(staff_request, view.__name__, readers if request.method in {"GET", "HEAD"} else writers)
            if not _is_background(request):
                staff_request.session.touch()
            return view(staff_request, *args, **kwargs)

        return mark_guarded(guarded, Guard(Audience.OFFICE, _values_of(readers), _values_of(writers)))

    return guard


def refuse_role(request: OfficeRequest, page: str, roles: tuple[Role, ...]) -> NoReturn:
    """Raises RoleMissing with the roles that may open the page, and records it in the audit log."""
    audit_log.record(AuditAction.DENIED_ROLE, practice=request.practice, by=request.actor, about=page)
    raise RoleMissing(roles)


def office_second_step_page[**P](view: View[OfficeRequest, P]) -> Callable[..., HttpResponse]:
    """Guards a page between password and office: for staff whose password was accepted, without a second factor."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        staff_request = _authenticate_staff(request)
        if staff_request is None:
            return redirects.to_office_sign_in(request)
        staff_request.session.touch()
        return view(staff_request, *args, **kwargs)

    return mark_guarded(guarded, Guard(Audience.OFFICE, _values_of(Role), _values_of(Role)))


def portal_chooser_page[**P](view: View[PortalRequest, P]) -> Callable[..., HttpResponse]:
    """Guards a portal page that works before the mailbox has chosen one of its clients.

    A POST must come from a page of the same mailbox, else it is answered with 409.
    """

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        for_staff = _answer_staff(request, slug, view, *args, **kwargs)
        if for_staff is not None:
            return for_staff
        portal_request = _authenticate_client(request, slug)
        if portal_request is None:
            return redirects.to_entrance(request, slug)
        if request.method == "POST" and not client_mismatch.is_of_current_mailbox(portal_request):
            return client_mismatch.refuse(portal_request)
        return languages.store_chosen_language(request, view(portal_request, *args, **kwargs))

    return mark_guarded(guarded, Guard(Audience.PORTAL))


def portal_page[**P](view: View[PortalRequest, P]) -> Callable[..., HttpResponse]:
    """Guards a portal page about one client of the mailbox that is signed in.

    A POST must come from a page of the same mailbox and client, else it is answered with 409.
    """

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        for_staff = _answer_staff(request, slug, view, *args, **kwargs)
        if for_staff is not None:
            return for_staff
        portal_request = _authenticate_client(request, slug)
        if portal_request is None:
            return redirects.to_entrance(request, slug, saved_form_ref=_save_post(request, slug))
        is_post = request.method == "POST"
        if is_post and not client_mismatch.is_of_current_mailbox(portal_request):
            return client_mismatch.refuse(portal_request)
        if not portal_request.has_chosen:
            return redirects.to_client_chooser(request, slug)
        if is_post and not client_mismatch.is_of_current_client(portal_request):
            return client_mismatch.refuse(portal_request)
        if is_post:
            saved_forms.delete_of_client(portal_request)
        response = _call_or_offer_switch(portal_request, view, *args, **kwargs)
        return languages.store_chosen_language(request, response)

    return mark_guarded(guarded, Guard(Audience.PORTAL))


def portal_billing_page[**P](view: View[PortalRequest, P]) -> Callable[..., HttpResponse]:
    """Guards a portal page about bills: like `portal_page`, and 404 while `Access billing documents` is off."""

    @wraps(view)
    def allowed(request: PortalRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.access.sees_bills:
            raise Http404
        return view(request, *args, **kwargs)

    return portal_page(allowed)


def portal_documents_page[**P](view: View[PortalRequest, P]) -> Callable[..., HttpResponse]:
    """Guards a portal page about documents: like `portal_page`, and 404 while `Sign documents` is off."""

    @wraps(view)
    def allowed(request: PortalRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.access.sees_documents:
            raise Http404
        return view(request, *args, **kwargs)

    return portal_page(allowed)


def _answer_staff[**P](
    request: HttpRequest, slug: str, view: View[PortalRequest, P], *args: P.args, **kwargs: P.kwargs
) -> HttpResponse | None:
    """Returns the page as staff see it who view the portal as a client; None in any other browser."""
    client_view = view_as_client.view_in_browser(request, slug)
    if client_view is None:
        return None
    return view_as_client.respond(request, client_view, lambda prepared: view(prepared, *args, **kwargs))


def _call_or_offer_switch[**P](
    request: PortalRequest, view: View[PortalRequest, P], *args: P.args, **kwargs: P.kwargs
) -> HttpResponse:
    """Calls the view, or returns a page that offers to switch if the URL is about another client of the mailbox."""
    if other := client_mismatch.meant_for(request):
        return client_mismatch.offer_switch(request, other)
    try:
        return view(request, *args, **kwargs)
    except Http404:
        other = client_mismatch.owner_of(request, str(kwargs.get("ref", "")))
        if other is None:
            raise
        return client_mismatch.offer_switch(request, other)


def _values_of(roles: Iterable[Role]) -> tuple[str, ...]:
    return tuple(role.value for role in roles)


def _authenticate_staff(request: HttpRequest) -> OfficeRequest | None:
    """Sets staff, practice, actor and time zone on the request; None without a session."""
    staff = request.user
    if not isinstance(staff, StaffMember):
        return None
    staff_request = cast(OfficeRequest, request)
    staff_request.staff, staff_request.practice, staff_request.actor = staff, staff.practice, staff.actor
    timezone.activate(staff_request.practice.zone)
    _refuse_while_paused(staff_request.practice)
    return staff_request


def _save_post(request: HttpRequest, slug: str) -> str:
    """Saves a form that was posted after its session had timed out and returns its ref; empty if there is none."""
    session = ended_client_session(request, practice_at(slug)) if request.method == "POST" else None
    return saved_forms.save_for_client(request, session) if session else ""


def _authenticate_client(request: HttpRequest, slug: str) -> PortalRequest | None:
    """Sets the attributes of a PortalRequest, time zone and language; None without a session that has access now."""
    key = request.COOKIES.get(settings.CLIENT_COOKIE_NAME, "")
    opened = portal_sessions.open_session(slug, key) if key else None
    practice = opened.practice if opened else practice_at(slug)
    portal_request = cast(PortalRequest, request)
    portal_request.practice = practice
    _refuse_while_paused(practice)
    if opened is None or not opened.accesses:
        return None
    session, accesses = opened.session, opened.accesses
    chosen = next((access for access in accesses if access.client_id == session.client_id), None)
    portal_request.account, portal_request.portal_session = session.account, session
    portal_request.client_view = None
    portal_request.accesses = accesses
    portal_request.has_chosen = chosen is not None or len(accesses) == 1
    portal_request.access = chosen or accesses[0]
    portal_request.client = client = session.client = portal_request.access.client
    client.practice = practice
    portal_request.actor = holders.actor_for(portal_request.access)
    timezone.activate(practice.zone)
    # Until the end of the request, so that error pages use it too.
    own_language = session.account.language or portal_request.access.holder_language
    translation.activate(languages.chosen_language(request) or own_language)
    if not _is_background(request):
        portal_sessions.touch(session, every=settings.SESSION_IDLE_CLIENT / 30)
    return portal_request


def _refuse_while_paused(practice: Practice) -> None:
    """Raises PracticePaused. Checked at every request, so that a pause takes effect at once."""
    if practice.is_suspended:
        raise PracticePaused


def practice_at(slug: str) -> Practice:
    """Returns the practice with the slug. Raises Http404."""
    practice = Practice.objects.filter(slug=slug).first()
    if practice is None:
        raise Http404
    return practice


def client_session(request: HttpRequest, practice: Practice) -> PortalSession | None:
    """Returns the live client session of this browser at the practice, if any."""
    key = request.COOKIES.get(settings.CLIENT_COOKIE_NAME, "")
    return portal_sessions.find(practice, key) if key else None


def ended_client_session(request: HttpRequest, practice: Practice) -> PortalSession | None:
    """Returns the client session of this browser that timed out recently, if any."""
    key = request.COOKIES.get(settings.CLIENT_COOKIE_NAME, "")
    return portal_sessions.find_ended(practice, key) if key else None
