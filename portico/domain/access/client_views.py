"""Views of the portal by staff: read-only, under the staff member's own name, for fifteen minutes.

A view is no session of the client. It has its own row and cookie, shows one client, as the client or one of the
contacts sees it, and works with access off.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from portico.domain.access import access_lookups
from portico.domain.access.models import ClientView, PortalAccess, PortalAccount, ViewEnd
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_details import ClientArchived
from portico.domain.clients.contacts import RelationshipEnded
from portico.domain.clients.models import Client, Relationship
from portico.domain.practices.models import CLIENT_EDITORS, StaffMember
from portico.domain.practices.staff import staff_sessions
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.models import Restoration
from portico.plumbing.refusals import Refused

LIFETIME = timedelta(minutes=15)
KEPT_FOR = timedelta(days=1)
# The id of no row: an account with it has no sessions and no cards.
NO_ACCOUNT = 0


class ViewIsReadOnly(Refused):
    """Raised for every form sent from a view."""

    status = 403

    def __init__(self, view: ClientView) -> None:
        super().__init__(read_only_message(view))


@dataclass(frozen=True)
class StartedView:
    """A new view and the key for its cookie, which is not stored."""

    view: ClientView
    key: str


def read_only_message(view: ClientView) -> str:
    """Returns "You are viewing as Jordan. Nothing can be changed here."."""
    return _("You are viewing as %(name)s. Nothing can be changed here.") % {"name": view.called}


def start(
    client: Client, *, staff: StaffMember, session_ref: str, reason: str, relationship: Relationship | None = None
) -> StartedView:
    """Starts a view of the client's portal in the browser of the office session, and ends an earlier one there.

    `session_ref` is the ref of that StaffSession of `staff`; `relationship` that of the contact who is viewed as.
    Raises ClientArchived, RelationshipEnded.
    """
    if client.is_archived_now:
        raise ClientArchived
    if relationship is not None and not relationship.is_current:
        raise RelationshipEnded
    key = tokens.new_token()
    with transaction.atomic():
        for earlier in ClientView.objects.open().filter(practice=client.practice, staff_session=session_ref):
            end(earlier, ViewEnd.REPLACED, by=staff.actor)
        view = ClientView.objects.create(
            practice=client.practice,
            client=client,
            relationship=relationship,
            staff=staff,
            staff_session=session_ref,
            key_hash=tokens.digest(key),
            reason=reason,
        )
        audit_log.record(
            AuditAction.CLIENT_VIEW_STARTED,
            practice=client.practice,
            client=client,
            by=staff.actor,
            about=view.ref,
            reason=reason,
            **_details_of(view),
        )
    return StartedView(view, key)


def find(slug: str, key: str) -> ClientView | None:
    """Returns the view of a cookie at this practice unless it was ended; `reason_to_end` says whether it may go on."""
    session = staff_sessions.unexpired().filter(ref=OuterRef("staff_session"), staff=OuterRef("staff"))
    missing = Restoration.objects.unreconciled().filter(practice=OuterRef("practice"))
    views = ClientView.objects.open().filter(practice__slug=slug, key_hash=tokens.digest(key))
    view = (
        views.select_related("practice", "staff", "client__portal_access__account", "client__portal_access__address")
        .select_related("relationship__contact", "relationship__access__account", "relationship__access__address")
        .annotate(has_session=Exists(session), reconciled=~Exists(missing))
        .first()
    )
    if view is not None:
        view.staff.practice = view.client.practice = view.practice
    return view


def reason_to_end(view: ClientView) -> ViewEnd | None:
    """Returns why a view from `find` must end now; None if it may go on."""
    if not clock.is_within(view.created_at, LIFETIME):
        return ViewEnd.EXPIRED
    is_allowed = (
        view.staff.may_sign_in
        and view.staff.role in CLIENT_EDITORS
        and view.__dict__["has_session"]
        and not view.client.is_archived_now
        and (view.relationship is None or view.relationship.is_current)
    )
    return None if is_allowed else ViewEnd.NOT_ALLOWED


def ends_at(view: ClientView) -> datetime:
    return view.created_at + LIFETIME


def end(view: ClientView, because: ViewEnd, *, by: Actor) -> bool:
    """Ends a view; returns False if it had already ended."""
    with transaction.atomic():
        ended = ClientView.objects.open().filter(pk=view.pk).update(ended_at=clock.now(), ended_because=because)
        if ended:
            audit_log.record(
                AuditAction.CLIENT_VIEW_ENDED,
                practice=view.practice,
                client=view.client,
                by=by,
                about=view.ref,
                because=because.value,
                **_details_of(view),
            )
    return bool(ended)


def record_page(view: ClientView, *, page: str, ref: str) -> None:
    """Records that the view is about to show a page: its URL name, and the ref of the invoice or payment on it."""
    audit_log.record(
        AuditAction.PAGE_VIEWED_AS_CLIENT,
        practice=view.practice,
        client=view.client,
        by=view.staff.actor,
        about=ref,
        page=page,
        **_details_of(view),
    )


def access_as_if_on(view: ClientView) -> PortalAccess:
    """Returns the access of the client or contact as it would be if it were on, for a view from `find`.

    It must not be saved.
    """
    client, relationship = view.client, view.relationship
    saved = getattr(client, "portal_access", None) if relationship is None else getattr(relationship, "access", None)
    access = saved or access_lookups.new_access(client, relationship)
    access.practice, access.client, access.relationship = view.practice, client, relationship
    access.enabled_at = access.enabled_at or view.created_at
    if access.address is not None and access.address.closed_at is not None:
        access.address = None
    access.__dict__["reconciled"] = view.__dict__["reconciled"]
    return access


def _details_of(view: ClientView) -> dict[str, str]:
    """Returns the details with which an entry names the contact as whom staff view; see `holders.details_of`."""
    if view.relationship is None:
        return {}
    return {"access": view.relationship.ref, "holder": view.viewed_as}


def account_of(access: PortalAccess) -> PortalAccount:
    """Returns the account that signs in for the client; without one, an unsaved account that has nothing."""
    return access.account or PortalAccount(id=NO_ACCOUNT, practice_id=access.practice_id)


def delete_old() -> int:
    """Deletes views that started more than a day ago; a scheduled task. Returns their number."""
    return ClientView.objects.filter(created_at__lt=clock.now() - KEPT_FOR).delete()[0]
