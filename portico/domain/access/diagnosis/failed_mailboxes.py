"""Mailboxes that need a fix: those of clients and contacts whose last email failed and that accepted none since."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import batched

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery

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
_BATCH_SIZE = 500


@dataclass(frozen=True)
class FailedMailbox:
    """The last mail to a mailbox, the client whom it is about, and the one fix that staff should try.

    `access` is that of the mailbox's owner: the client's own, which may be unsaved, or that of a contact.
    """

    email: OutgoingEmail
    client: Client
    access: PortalAccess
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


def mailboxes_of(emails: Sequence[OutgoingEmail]) -> list[FailedMailbox]:
    """Returns the rows for mails from `page`, with one query if there are contacts among them."""
    held = {each.pk: each.__dict__["contact_access"] for each in emails if not each.__dict__["is_own"]}
    related = PortalAccess.objects.select_related("address", "relationship__contact")
    accesses = related.annotate(has_stop=Exists(_stops("address__mailbox_key"))).in_bulk(held.values()) if held else {}
    return [_mailbox_of(email, accesses.get(held.get(email.pk))) for email in emails]


def counts(practice: Practice) -> FailureCounts:
    """Returns the numbers of failed mailboxes, in one query."""
    found = {FailureCause(cause): number for cause, number in _numbers.rows(practice=practice.pk)}
    by_cause = {cause: found[cause] for cause in FailureCause if cause in found and cause not in OUR_CAUSES}
    return FailureCounts(by_cause, sum(found.get(cause, 0) for cause in OUR_CAUSES))


def all_of(practice: Practice, cause: FailureCause | None) -> Iterator[FailedMailbox]:
    """Returns every failed mailbox, the newest first, for an export."""
    rows = _with_people(_mailboxes(practice.pk))
    found = (rows if cause is None else rows.filter(failure_cause=cause)).order_by("-id")
    for emails in batched(found.iterator(chunk_size=_BATCH_SIZE), _BATCH_SIZE, strict=False):
        yield from mailboxes_of(emails)


def of_emails(practice: Practice, refs: Sequence[str]) -> list[FailedMailbox]:
    """Returns the failed mailboxes to which the mails with these refs were sent, by the client's name."""
    rows = _with_people(_mailboxes(practice.pk).filter(ref__in=refs)).select_related("client__clinician")
    return mailboxes_of(list(rows.order_by("client__sort_key", "client", "id")))


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
    return _with_people(rows.filter(pk__lt=before)).order_by("-id")[: PAGE_SIZE + 1]


def _with_people(rows: OutgoingEmailQuerySet) -> OutgoingEmailQuerySet:
    """Annotates `is_own`, whether the address is the client's own, and otherwise the id of the contact's access."""
    stops = _stops("client__portal_access__address__mailbox_key")
    contact_access = Subquery(_accesses_of_contacts().order_by("pk").values("pk")[:1])
    annotated = rows.annotate(is_own=Exists(_own_addresses()), contact_access=contact_access, has_stop=Exists(stops))
    return annotated.select_related("client__portal_access__address")


def _stops(mailbox_key: str) -> QuerySet[MailStop]:
    return MailStop.objects.live().filter(practice=OuterRef("practice"), mailbox_key=OuterRef(mailbox_key))


def _own_addresses() -> QuerySet[EmailAddress]:
    """Returns the addresses of the mail's client to which it was sent."""
    return EmailAddress.objects.open().filter(client=OuterRef("client_id"), address=OuterRef("to_address"))


def _accesses_of_contacts() -> QuerySet[PortalAccess]:
    """Returns the accesses of the client's contacts who have the address to which the mail was sent."""
    return PortalAccess.objects.filter(
        client=OuterRef("client_id"),
        relationship__ended_at=None,
        relationship__contact__email_addresses__address=OuterRef("to_address"),
        relationship__contact__email_addresses__closed_at=None,
    )


def _mailboxes(practice: int | Parameter) -> OutgoingEmailQuerySet:
    return _failures(practice).exclude(failure_cause__in=OUR_CAUSES)


def _failures(practice: int | Parameter) -> OutgoingEmailQuerySet:
    """Returns the last mail of each mailbox if it failed; of clients and contacts who still have that address."""
    later = OutgoingEmail.objects.filter(
        practice=practice, to_address=OuterRef("to_address"), pk__gt=OuterRef("pk"), state__in=_ANSWERED
    )
    failed = OutgoingEmail.objects.filter(practice=practice, failed_at__isnull=False)
    of_clients = failed.filter(client__isnull=False).exclude(client__status=Status.ARCHIVED)
    return of_clients.filter(~Exists(later), Exists(_own_addresses()) | Exists(_accesses_of_contacts()))


def _mailbox_of(email: OutgoingEmail, of_contact: PortalAccess | None) -> FailedMailbox:
    client = email.client
    if client is None:
        raise AssertionError("A failed mailbox belongs to a client.")
    if of_contact is None:
        access = getattr(client, "portal_access", None) or PortalAccess.of(client)
        return FailedMailbox(email, client, access, _fix(email, access, has_stop=email.__dict__["has_stop"]))
    of_contact.client = client
    fix = _fix(email, of_contact, has_stop=of_contact.__dict__["has_stop"])
    return FailedMailbox(email, client, of_contact, fix)


def _fix(email: OutgoingEmail, access: PortalAccess, *, has_stop: bool) -> Fix:
    """Returns the fix: what prevents an invitation comes first, since nothing else helps before."""
    broken = eligibility.first_broken(access, Purpose.INVITATION)
    if broken is not None:
        return broken.fix
    return failure_fixes.fix_of(email.state, email.failure_cause, access, has_stop=has_stop)
