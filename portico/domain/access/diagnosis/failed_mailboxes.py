"""Mailboxes that need a fix: those of clients whose last email failed and that have accepted none since."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, QuerySet

from portico.domain.access import eligibility
from portico.domain.access.diagnosis import failure_fixes
from portico.domain.access.eligibility import Purpose
from portico.domain.access.eligibility_steps import Fix
from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client, EmailAddress, Status
from portico.domain.practices.models import Practice
from portico.plumbing.database import keyset_pagination
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.database.keyset_pagination import KeysetPage
from portico.plumbing.models import MailStop, OutgoingEmail
from portico.plumbing.models.outgoing_emails import (
    FAILED_STATES,
    OUR_CAUSES,
    TAKEN_STATES,
    FailureCause,
    OutgoingEmailQuerySet,
)

PAGE_SIZE = 25
# The states after which an earlier failure of the mailbox no longer counts: a later mail was taken, or failed itself.
_ANSWERED = (*FAILED_STATES, *TAKEN_STATES)
# An id beyond all rows, for the first page: a parameter is never None.
_BEYOND = 2**62


@dataclass(frozen=True)
class FailedMailbox:
    """The last mail to a mailbox, its client, and the one fix that staff should try."""

    email: OutgoingEmail
    client: Client
    fix: Fix


@dataclass(frozen=True)
class FailureCounts:
    """The number of failed mailboxes by cause, in the order of `FailureCause`; `ours` counts those of OUR_CAUSES."""

    by_cause: dict[FailureCause, int]
    ours: int

    @property
    def total(self) -> int:
        return sum(self.by_cause.values())


def page(practice: Practice, cause: FailureCause | None, *, after: str = "") -> KeysetPage[OutgoingEmail]:
    """Returns one page of the failed mails with their clients, the newest first; of one cause, or of all."""
    last = keyset_pagination.position_of(OutgoingEmail.objects.filter(practice=practice), after)
    before = last if last is not None else _BEYOND
    if cause is None:
        rows = _newest.rows(practice=practice.pk, before=before)
    else:
        rows = _newest_of_cause.rows(practice=practice.pk, before=before, cause=cause.value)
    return keyset_pagination.page_of(rows, is_first=last is None, size=PAGE_SIZE)


def mailbox_of(email: OutgoingEmail) -> FailedMailbox:
    """Returns the row for a mail from `page` or `all_of`, without a query."""
    client = email.client
    if client is None:
        raise AssertionError("A failed mailbox belongs to a client.")
    return FailedMailbox(email, client, _fix(email, client))


def counts(practice: Practice) -> FailureCounts:
    """Returns the numbers of failed mailboxes, in one query."""
    found = {FailureCause(cause): number for cause, number in _numbers.rows(practice=practice.pk)}
    by_cause = {cause: found[cause] for cause in FailureCause if cause in found and cause not in OUR_CAUSES}
    return FailureCounts(by_cause, sum(found.get(cause, 0) for cause in OUR_CAUSES))


def all_of(practice: Practice, cause: FailureCause | None) -> Iterator[OutgoingEmail]:
    """Returns every failed mail, the newest first, for an export."""
    rows = _with_clients(_mailboxes(practice.pk))
    return (rows if cause is None else rows.filter(failure_cause=cause)).order_by("-id").iterator(chunk_size=500)


def clients_for_letters(practice: Practice, refs: list[str]) -> list[Client]:
    """Returns the clients with these refs whose mailbox needs a fix, by name."""
    failed = _mailboxes(practice.pk).filter(client=OuterRef("pk"))
    clients = Client.objects.filter(practice=practice, ref__in=refs).filter(Exists(failed))
    return list(clients.select_related("clinician").order_by("sort_key", "id"))


@CompiledQuery
def _newest(practice: Parameter, before: Parameter) -> QuerySet[OutgoingEmail]:
    return _page(_mailboxes(practice), before)


@CompiledQuery
def _newest_of_cause(practice: Parameter, before: Parameter, cause: Parameter) -> QuerySet[OutgoingEmail]:
    return _page(_mailboxes(practice).filter(failure_cause=cause), before)


@CompiledQuery
def _numbers(practice: Parameter) -> QuerySet[OutgoingEmail, tuple[str, int]]:
    grouped = _failures(practice).order_by().values("failure_cause").annotate(number=Count("id"))
    return grouped.order_by("failure_cause").values_list("failure_cause", "number")


def _page(rows: OutgoingEmailQuerySet, before: Parameter) -> OutgoingEmailQuerySet:
    # One more, if there is a next page.
    return _with_clients(rows.filter(pk__lt=before)).order_by("-id")[: PAGE_SIZE + 1]


def _with_clients(rows: OutgoingEmailQuerySet) -> OutgoingEmailQuerySet:
    stops = MailStop.objects.live().filter(
        practice=OuterRef("practice"), mailbox_key=OuterRef("client__portal_access__address__mailbox_key")
    )
    return rows.select_related("client__portal_access__address").annotate(has_stop=Exists(stops))


def _mailboxes(practice: int | Parameter) -> OutgoingEmailQuerySet:
    return _failures(practice).exclude(failure_cause__in=OUR_CAUSES)


def _failures(practice: int | Parameter) -> OutgoingEmailQuerySet:
    """Returns the last mail of each mailbox if it failed; of clients who still have that address."""
    later = OutgoingEmail.objects.filter(
        practice=practice, to_address=OuterRef("to_address"), pk__gt=OuterRef("pk"), state__in=_ANSWERED
    )
    address = EmailAddress.objects.open().filter(client=OuterRef("client_id"), address=OuterRef("to_address"))
    failed = OutgoingEmail.objects.filter(practice=practice, failed_at__isnull=False)
    of_clients = failed.filter(client__isnull=False).exclude(client__status=Status.ARCHIVED)
    return of_clients.filter(~Exists(later), Exists(address))


def _fix(email: OutgoingEmail, client: Client) -> Fix:
    """Returns the fix: what prevents an invitation comes first, since nothing else helps before."""
    access = getattr(client, "portal_access", None) or PortalAccess.of(client)
    broken = eligibility.first_broken(access, Purpose.INVITATION)
    if broken is not None:
        return broken.fix
    return failure_fixes.fix_of(email.state, email.failure_cause, access, has_stop=email.__dict__["has_stop"])
