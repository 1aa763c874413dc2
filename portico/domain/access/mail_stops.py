"""Mail stops at clients: marking every access of a stopped mailbox, and lifting a stop."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, QuerySet, When
from django.utils.translation import gettext_lazy

from portico.domain.access import portal_states
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client, EmailAddress, Relationship
from portico.domain.practices.models import Role, StaffMember
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.mail import mail_stops
from portico.plumbing.models import MailStop, OutgoingEmail, StopKind
from portico.plumbing.refusals import Refused

# Someone who lifts the stop of a mailbox again and again is asked to let an owner decide.
LIFT_PERIOD = timedelta(days=7)
MAX_LIFTS = 3


class ComplaintUnsettled(Refused):
    message = gettext_lazy("Ask the client by phone first, then check “They asked us to”.")


class OwnerNeeded(Refused):
    message = gettext_lazy(
        "This address was allowed again three times in a week, and its email keeps coming back. "
        "Only an owner can lift the stop now."
    )


class MarkedAccesses:
    """Marks the accesses of a mailbox while it is stopped; registered with `plumbing.mail.mail_stops`."""

    def lock(self, practice_id: int, mailbox_key: str) -> None:
        """Locks account and clients, in the order used everywhere. No access can get or lose the mailbox then."""
        if _locked_account.rows(practice=practice_id, mailbox=mailbox_key):
            _locked_clients.rows(practice=practice_id, mailbox=mailbox_key)

    def stop_changed(self, practice_id: int, mailbox_key: str, stop: MailStop | None) -> None:
        of_clients = _accesses_of_clients.rows(practice=practice_id, mailbox=mailbox_key)
        of_mailbox = [
            each for each in of_clients if each.account is not None and each.account.mailbox_key == mailbox_key
        ]
        for access in of_mailbox:
            set_marks(access, stop)
        PortalAccess.objects.filter(pk__in=[access.pk for access in of_mailbox]).update(**_marks(stop))
        portal_states.store_all(of_clients, are_all=True)


@CompiledQuery
def _locked_account(practice: Parameter, mailbox: Parameter) -> QuerySet[PortalAccount]:
    return PortalAccount.objects.locked().filter(practice=practice, mailbox_key=mailbox)


@CompiledQuery
def _locked_clients(practice: Parameter, mailbox: Parameter) -> QuerySet[Client]:
    opened = PortalAccess.objects.filter(account__practice=practice, account__mailbox_key=mailbox)
    return Client.objects.locked().filter(pk__in=opened.values("client")).order_by("pk")


@CompiledQuery
def _accesses_of_clients(practice: Parameter, mailbox: Parameter) -> QuerySet[PortalAccess]:
    """Returns every access of the clients whom the mailbox opens, by whatever mailbox."""
    opened = PortalAccess.objects.filter(account__practice=practice, account__mailbox_key=mailbox)
    found = PortalAccess.objects.filter(client__in=opened.values("client"))
    return found.select_related("account", "client", "address", "relationship").order_by("client_id")


def stops_of(addresses: Iterable[EmailAddress]) -> dict[str, MailStop]:
    """Returns the live stops of the addresses' mailboxes by mailbox key; the addresses are of one practice."""
    rows = list(addresses)
    if not rows:
        return {}
    keys = {address.mailbox_key for address in rows}
    stops = MailStop.objects.live().filter(practice=rows[0].practice_id, mailbox_key__in=keys)
    return {stop.mailbox_key: stop for stop in stops}


def stop_of(address: EmailAddress | None) -> MailStop | None:
    """Returns the live stop of the address's mailbox; None if it is not stopped."""
    if address is None or not getattr(address, "has_stop", True):
        return None
    return _live.first(practice=address.practice_id, mailbox=address.mailbox_key)


def stop_of_access(access: PortalAccess | None) -> MailStop | None:
    """Returns the live stop of the access's mailbox. Runs no query unless the access is marked."""
    return stop_of(access.address) if access is not None and access.mail_stopped_at is not None else None


def access_of_email(email: OutgoingEmail) -> PortalAccess | None:
    """Returns the access that signs in with the mailbox to which the mail about its client was sent.

    If several do, the client's own, else that of a contact who is not a former one. None if no access does.
    """
    mailbox_key = mail_stops.key_of(email)
    if email.client_id is None or not mailbox_key:
        return None
    return _of_mailbox.first(client=email.client_id, mailbox=mailbox_key)


@CompiledQuery
def _of_mailbox(client: Parameter, mailbox: Parameter) -> QuerySet[PortalAccess]:
    rows = PortalAccess.objects.select_related("address", "relationship")
    found = rows.filter(client=client, address__mailbox_key=mailbox)
    return found.order_by(
        Case(When(relationship=None, then=0), When(relationship__ended_at=None, then=1), default=2), "pk"
    )


@CompiledQuery
def _live(practice: Parameter, mailbox: Parameter) -> QuerySet[MailStop]:
    return MailStop.objects.live().filter(practice=practice, mailbox_key=mailbox)


def set_marks(access: PortalAccess, stop: MailStop | None) -> None:
    """Sets the marks of an access in memory: those of the stop, or none."""
    for name, value in _marks(stop).items():
        setattr(access, name, value)


def _marks(stop: MailStop | None) -> dict[str, datetime | str | None]:
    if stop is None:
        return {"mail_stopped_at": None, "mail_stopped_reason": ""}
    return {"mail_stopped_at": clock.now(), "mail_stopped_reason": stop.words}


@retry_on_deadlock
def lift(client: Client, relationship: Relationship | None = None, *, asked_to: bool, by: Actor) -> MailStop | None:
    """Lifts the stop of the access's mailbox, so that mail is sent to it again; repeating it changes nothing.

    `asked_to`: the client asked for mail again, which a complaint requires. Returns None if there is no stop.
    Raises ComplaintUnsettled, OwnerNeeded.
    """
    with transaction.atomic():
        accounts = PortalAccount.objects.locked()
        if relationship is None:
            account = accounts.filter(accesses__own_client=client).first()
        else:
            account = accounts.filter(accesses__relationship=relationship).first()
        if account is None:
            return None
        mail_stops.lock(account.practice_id, account.mailbox_key)
        stop = mail_stops.live_stop(account.practice_id, account.mailbox_key)
        if stop is None:
            return None
        if stop.kind == StopKind.COMPLAINED and not asked_to:
            raise ComplaintUnsettled
        if not _may_lift(account, by=by):
            raise OwnerNeeded
        mail_stops.lift(account.practice_id, account.mailbox_key, by=by, is_complaint_settled=asked_to)
        _record(client, stop, by=by)
    return stop


def _may_lift(account: PortalAccount, *, by: Actor) -> bool:
    """Returns True unless people lifted stops of the mailbox MAX_LIFTS times lately, and `by` is not an owner."""
    lifted = MailStop.objects.filter(clock.within("lifted_at", LIFT_PERIOD), practice=account.practice_id)
    lifted = lifted.filter(mailbox_key=account.mailbox_key).exclude(lifted_by=Actor.system().name)
    if lifted.count() < MAX_LIFTS or by.staff_id is None:
        return True
    return StaffMember.objects.filter(pk=by.staff_id, role=Role.OWNER).exists()


def lift_after_sign_in(access: PortalAccess) -> None:
    """Lifts a `refused` stop after a mailed link or code was used, which proves that mail to the mailbox arrives.

    In the caller's transaction, with account, client and access locked. Leaves the marks of a complaint.
    """
    lift_refusal(access, by=Actor.system())
    set_marks(access, stop_of(access.address))


def lift_refusal(access: PortalAccess, *, by: Actor) -> MailStop | None:
    """Lifts a `refused` stop of the access's mailbox. Returns the stop that remains, a complaint, else None.

    In the caller's transaction, with account, client and access locked; the caller saves the access's own marks.
    Raises OwnerNeeded, before anything is changed.
    """
    client, account = access.client, access.account
    if account is None:
        return None
    stop = mail_stops.live_stop(account.practice_id, account.mailbox_key)
    if stop is None or stop.kind == StopKind.COMPLAINED:
        return stop
    if not _may_lift(account, by=by):
        raise OwnerNeeded
    lifted = mail_stops.lift(account.practice_id, account.mailbox_key, by=by)
    if lifted is None:
        return mail_stops.live_stop(account.practice_id, account.mailbox_key)
    _record(client, lifted, by=by)
    # Computed for every client of the mailbox, this one included.
    client.refresh_from_db(fields=["portal_state", "portal_reason"])
    return None


def _record(client: Client, lifted: MailStop, *, by: Actor) -> None:
    audit_log.record(
        AuditAction.MAIL_STOP_LIFTED,
        practice=client.practice,
        client=client,
        about=lifted.ref,
        by=by,
        kind=lifted.kind,
    )
