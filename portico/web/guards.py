"""Who may open a page: every view has exactly one guard, which gives it its practice and its person."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Any, Concatenate, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import urlencode

from portico.domain.access.models import PortalSession
from portico.domain.access.sign_in import portal_sessions, saved_forms
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.plumbing import form_recovery
from portico.plumbing.audit import audit_log
from portico.web import languages, office_redirects, page_subjects, staff_verification
from portico.web.error_pages import PracticePaused
from portico.web.http.request_types import OfficeRequest, OpenRequest, PortalRequest


class Audience(StrEnum):
    OPEN = "open"
    OFFICE = "office"
    PORTAL = "portal"
    MACHINE = "machine"


@dataclass(frozen=True)
class Guard:
    """What `portico routes` tells of a page: who it is for, and for the office, in which roles.

    `writers` are the roles that may send what the page takes; the others only look.
    """

    audience: Audience
    roles: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()


type View[R: HttpRequest, **P] = Callable[Concatenate[R, P], HttpResponse]

# A background refresh is marked by our own script with this header: it keeps nobody signed in.
BACKGROUND = "X-Portico-Background"
# In an address of the portal: the ref of what was posted there before signing in.
SAVED_FORM_PARAMETER = "kept"


def mark_guarded[V](view: V, guard: Guard) -> V:
    """Notes the guard on a view, where `portico routes` and the tests find it."""
    cast(Any, view).guard = guard
    return view


def machine_page[**P](view: View[HttpRequest, P]) -> View[HttpRequest, P]:
    """A page for machines: health, and what needs no practice."""
    return mark_guarded(view, Guard(Audience.MACHINE))


def front_page[**P](view: View[HttpRequest, P]) -> View[HttpRequest, P]:
    """The installation's own front door, before any practice is named."""
    return mark_guarded(view, Guard(Audience.OPEN))


def office_sign_in_page[**P](view: View[HttpRequest, P]) -> View[HttpRequest, P]:
    """How staff get in (sign-in, set-up): no practice yet, for whoever comes."""
    return mark_guarded(view, Guard(Audience.OPEN))


def open_page[**P](view: View[OpenRequest, P]) -> Callable[..., HttpResponse]:
    """A page at a practice's portal that anybody may open, in their language; an unknown slug is 404."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        asked = cast(OpenRequest, request)
        asked.practice = practice_at(slug)
        timezone.activate(asked.practice.zone)
        if language := languages.chosen_language(request):
            translation.activate(language)
        _refuse_while_paused(asked.practice)
        return languages.remember(request, view(asked, *args, **kwargs))

    return mark_guarded(guarded, Guard(Audience.OPEN))


def office_page[**P](
    *roles: Role, writers: tuple[Role, ...] = ()
) -> Callable[[View[OfficeRequest, P]], Callable[..., HttpResponse]]:
    """A page for staff in one of the roles; without any named, for all of them.

    Where not everybody who may look may also change something, `writers` are the roles that may.
    """
    readers = roles or tuple(Role)
    writers = writers or readers

    def guard(view: View[OfficeRequest, P]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            asked = _known(request)
            if asked is None:
                return office_redirects.to_sign_in(request)
            if step := staff_verification.next_step(asked.session):
                return office_redirects.to_step(asked, step)
            if asked.staff.role not in (readers if request.method in {"GET", "HEAD"} else writers):
                audit_log.record(AuditAction.DENIED_ROLE, practice=asked.practice, by=asked.actor, about=view.__name__)
                raise PermissionDenied
            if BACKGROUND not in request.headers:
                asked.session.touch()
            return view(asked, *args, **kwargs)

        return mark_guarded(guarded, Guard(Audience.OFFICE, _named(readers), _named(writers)))

    return guard


def office_second_step_page[**P](view: View[OfficeRequest, P]) -> Callable[..., HttpResponse]:
    """A page on the way in: for staff whose password was right, whatever they have still to show."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        asked = _known(request)
        if asked is None:
            return office_redirects.to_sign_in(request)
        asked.session.touch()
        return view(asked, *args, **kwargs)

    return mark_guarded(guarded, Guard(Audience.OFFICE, _named(Role), _named(Role)))


def portal_chooser_page[**P](view: View[PortalRequest, P]) -> Callable[..., HttpResponse]:
    """A page for a mailbox that is signed in at this practice and may not have said yet whom it looks at.

    A form of it must come from a page of the same mailbox.
    """

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        asked = _signed_in(request, slug)
        if asked is None:
            return to_entrance(request, slug)
        if request.method == "POST" and not page_subjects.names_mailbox(asked):
            return page_subjects.refuse(asked)
        return languages.remember(request, view(asked, *args, **kwargs))

    return mark_guarded(guarded, Guard(Audience.PORTAL))


def portal_page[**P](view: View[PortalRequest, P]) -> Callable[..., HttpResponse]:
    """A page for a mailbox that is signed in at this practice and looks at one of its clients.

    A form of it must come from a page of the same mailbox and client; else nothing is done, and a page says so.
    """

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        asked = _signed_in(request, slug)
        if asked is None:
            return to_entrance(request, slug, kept=_keep_post(request, slug))
        is_post = request.method == "POST"
        if is_post and not page_subjects.names_mailbox(asked):
            return page_subjects.refuse(asked)
        if not asked.has_chosen:
            return _to_chooser(request, slug)
        if is_post and not page_subjects.names_client(asked):
            return page_subjects.refuse(asked)
        if is_post and SAVED_FORM_PARAMETER in request.GET:
            # Pressed once more: the page must not say again that nothing was sent.
            saved_forms.delete(asked.account, request.GET[SAVED_FORM_PARAMETER])
        return languages.remember(request, _answer(asked, view, *args, **kwargs))

    return mark_guarded(guarded, Guard(Audience.PORTAL))


def _answer[**P](asked: PortalRequest, view: View[PortalRequest, P], *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
    """Returns the answer of the page, or one that offers to switch if it belongs to another client of the mailbox."""
    if other := page_subjects.meant_for(asked):
        return page_subjects.offer_switch(asked, other)
    try:
        return view(asked, *args, **kwargs)
    except Http404:
        other = page_subjects.owner_of(asked, str(kwargs.get("ref", "")))
        if other is None:
            raise
        return page_subjects.offer_switch(asked, other)


def _named(roles: Iterable[Role]) -> tuple[str, ...]:
    return tuple(role.value for role in roles)


def _known(request: HttpRequest) -> OfficeRequest | None:
    """The request with the member of staff whose password was right; None when nobody's was."""
    staff = request.user
    if not isinstance(staff, StaffMember):
        return None
    asked = cast(OfficeRequest, request)
    asked.staff, asked.practice, asked.actor = staff, staff.practice, staff.actor
    timezone.activate(asked.practice.zone)
    _refuse_while_paused(asked.practice)
    return asked


def to_entrance(request: HttpRequest, slug: str, *, kept: str = "") -> HttpResponse:
    """Sends whoever is not signed in to the door, with the way back in the address.

    Back to the page of a form too, on which what was posted stands again if it was `kept`; the door forgets what is
    no page.
    """
    door = reverse("entrance:doorway", kwargs={"slug": slug})
    back = f"{request.path}?{urlencode({SAVED_FORM_PARAMETER: kept})}" if kept else request.get_full_path()
    return redirect(f"{door}?{urlencode({'next': back})}")


def _keep_post(request: HttpRequest, slug: str) -> str:
    """The ref of what was posted after time had ended the session; empty when there is nothing to keep."""
    session = session_that_ended(request, practice_at(slug)) if request.method == "POST" else None
    if session is None:
        return ""
    posted = [field for field in form_recovery.posted_fields(request.POST.lists()) if field.name != page_subjects.FIELD]
    client_ref = page_subjects.client_named(request, session.account)
    kept = saved_forms.save(session, client_ref=client_ref, path=request.path, fields=posted)
    return kept.ref if kept else ""


def _to_chooser(request: HttpRequest, slug: str) -> HttpResponse:
    """Asks whom the mailbox looks at, and goes on from there to the page that was asked for."""
    chooser = reverse("portal:who", kwargs={"slug": slug})
    if request.method not in {"GET", "HEAD"}:
        return redirect(chooser)
    return redirect(f"{chooser}?{urlencode({'next': request.get_full_path()})}")


def _signed_in(request: HttpRequest, slug: str) -> PortalRequest | None:
    """The request with its session and what that opens at this moment; None when it opens nothing."""
    practice = practice_at(slug)
    asked = cast(PortalRequest, request)
    asked.practice = practice
    _refuse_while_paused(practice)
    session = client_session(request, practice)
    accesses = list(portal_sessions.accesses_of(session)) if session else []
    if session is None or not accesses:
        return None
    chosen = next((access for access in accesses if access.client_id == session.client_id), None)
    asked.account, asked.portal_session = session.account, session
    asked.accesses = accesses
    asked.has_chosen = chosen is not None or len(accesses) == 1
    asked.access = chosen or accesses[0]
    asked.client = session.client = asked.access.client
    asked.client.practice = practice
    asked.actor = portal_sessions.actor_of(session)
    timezone.activate(practice.zone)
    # Until the end of the request, so that a page that says no speaks it too.
    translation.activate(languages.chosen_language(request) or session.account.language or asked.client.language)
    if BACKGROUND not in request.headers:
        portal_sessions.touch(session, every=settings.SESSION_IDLE_CLIENT / 30)
    return asked


def _refuse_while_paused(practice: Practice) -> None:
    """Asked at every request, so that a pause counts from the next one on. Raises PracticePaused."""
    if practice.is_suspended:
        raise PracticePaused


def practice_at(slug: str) -> Practice:
    """The practice of an address. Raises Http404."""
    practice = Practice.objects.filter(slug=slug).first()
    if practice is None:
        raise Http404
    return practice


def client_session(request: HttpRequest, practice: Practice) -> PortalSession | None:
    """The client session that this browser's cookie names at this practice, when it is alive."""
    key = request.COOKIES.get(settings.CLIENT_COOKIE_NAME, "")
    return portal_sessions.find(practice, key) if key else None


def session_that_ended(request: HttpRequest, practice: Practice) -> PortalSession | None:
    """The client session of this browser that time has ended, when it is not long ago."""
    key = request.COOKIES.get(settings.CLIENT_COOKIE_NAME, "")
    return portal_sessions.find_ended(practice, key) if key else None
