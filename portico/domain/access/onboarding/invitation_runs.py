"""Runs of invitations: starting, pausing and stopping them, and their progress until the clients have signed in."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from django.db import transaction
from django.db.models import BooleanField, Count, ExpressionWrapper, Q, QuerySet
from django.utils.translation import gettext_lazy

from portico.domain.access.models import INVITING, InvitationRun, InvitationRunItem, ItemState, LeftOutReason, RunKind
from portico.domain.access.onboarding import bulk_selection, run_creation
from portico.domain.access.onboarding.bulk_selection import Selection
from portico.domain.access.onboarding.run_creation import PlannedItem
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.models.outgoing_emails import NOT_DELIVERED_STATES, WAITING, EmailState
from portico.plumbing.refusals import Refused

# Items that are listed with a problem.
MAX_LISTED = 100
# Items whose states the list of runs counts.
MAX_COUNTED = 10_000
# Nothing is to be done about clients left out for these reasons.
NO_PROBLEM = (LeftOutReason.SIGNED_IN, LeftOutReason.ALREADY_INVITED, LeftOutReason.ARCHIVED)


class NoClientEligible(Refused):
    message = gettext_lazy("None of these clients can be invited now.")


class SelectionChanged(Refused):
    message = gettext_lazy("The clients in this list have changed since you opened the page. Check them again.")


def start(
    practice: Practice, selection: Selection, *, shown: str, form_key: str, requested_by: StaffMember
) -> InvitationRun:
    """Starts a run with all clients of the selection; those left out are recorded with the reason.

    `shown` is the digest of the preview that staff saw, and `form_key` the form's random key: submitting the same
    form again returns the first run.
    Raises FormSentBefore, NoClientEligible, SelectionChanged, and what `bulk_selection.preview` raises.
    """
    return run_creation.create_once(
        practice,
        form_key=form_key,
        content=selection.text,
        create=lambda: _start(practice, selection, shown=shown, form_key=form_key, requested_by=requested_by),
    )


def _start(
    practice: Practice, selection: Selection, *, shown: str, form_key: str, requested_by: StaffMember
) -> InvitationRun:
    preview = bulk_selection.preview(practice, selection)
    if not preview.number:
        raise NoClientEligible
    if preview.digest != shown:
        raise SelectionChanged
    planned = [PlannedItem(client) for client in preview.invited]
    for reason, clients in preview.left_out.items():
        planned += [PlannedItem(client, left_out=reason) for client in clients]
    planned += [PlannedItem(each.client, each.relationship) for each in preview.contacts]
    for reason, contacts in preview.contacts_left_out.items():
        planned += [PlannedItem(each.client, each.relationship, reason) for each in contacts]
    run = run_creation.create(practice, selection.kind, planned, form_key=form_key, requested_by=requested_by)
    _record(AuditAction.INVITATION_RUN_STARTED, run, by=requested_by.actor, kind=run.kind, number=run.total)
    return run


def pause(run: InvitationRun, *, by: Actor) -> None:
    """Pauses the run: when this returns, no further invitation is written. Repeating it changes nothing."""
    with transaction.atomic():
        run = InvitationRun.objects.locked().get(pk=run.pk)
        if run.is_over or run.is_paused:
            return
        pause_locked(run, by=by)


def pause_locked(run: InvitationRun, *, by: Actor) -> None:
    """Pauses a run in progress that the caller has locked."""
    run.paused_at = clock.now()
    run.save(update_fields=["paused_at"])
    _record(AuditAction.INVITATION_RUN_PAUSED, run, by=by)


def resume(run: InvitationRun, *, by: Actor) -> None:
    """Continues a paused run. Repeating it changes nothing.

    If the account of the colleague who started it was deactivated, it goes on in the name of `by`.
    """
    with transaction.atomic():
        run = InvitationRun.objects.locked().get(pk=run.pk)
        if not run.is_paused:
            return
        run.paused_at = None
        if not run.requested_by.is_active and by.staff_id is not None:
            run.requested_by_id = by.staff_id
        run.save(update_fields=["paused_at", "requested_by"])
        _record(AuditAction.INVITATION_RUN_RESUMED, run, by=by)


def stop(run: InvitationRun, *, by: Actor) -> None:
    """Ends the run: clients who wait get no invitation from it. Invitations already written are still sent.

    Repeating it changes nothing.
    """
    with transaction.atomic():
        run = InvitationRun.objects.locked().get(pk=run.pk)
        if run.is_over:
            return
        run.stopped_at = run.ended_at = clock.now()
        run.save(update_fields=["stopped_at", "ended_at"])
        number = run.items.waiting().update(state=ItemState.STOPPED)
        _record(AuditAction.INVITATION_RUN_STOPPED, run, by=by, number=number)


def pause_all(practice: Practice, *, by: Actor) -> int:
    """Pauses all runs of a practice that have not ended; returns how many."""
    runs = InvitationRun.objects.unfinished().filter(practice=practice, paused_at=None)
    paused = list(runs)
    for run in paused:
        pause(run, by=by)
    return len(paused)


# The words for a run that shares documents.
_OF_SHARING = {
    AuditAction.INVITATION_RUN_PAUSED: AuditAction.DOCUMENT_RUN_PAUSED,
    AuditAction.INVITATION_RUN_RESUMED: AuditAction.DOCUMENT_RUN_RESUMED,
    AuditAction.INVITATION_RUN_STOPPED: AuditAction.DOCUMENT_RUN_STOPPED,
}


def _record(action: AuditAction, run: InvitationRun, *, by: Actor, **details: str | int) -> None:
    if run.kind == RunKind.SHARE:
        action = _OF_SHARING[action]
    audit_log.record(action, practice=run.practice, client=None, by=by, about=run.ref, **details)


@dataclass(frozen=True)
class RunProgress:
    """The numbers of clients of a run by the state of their invitations; each client is counted once.

    `not_written` have no mail yet, `queued` one that waits. `accepted` are known to have reached the receiving server.
    """

    not_written: int = 0
    queued: int = 0
    handed_over: int = 0
    accepted: int = 0
    failed: int = 0
    # Arrived, and marked as spam.
    complained: int = 0
    signed_in: int = 0
    stopped: int = 0
    left_out: dict[LeftOutReason, int] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        return self.not_written + self.queued

    @property
    def number_left_out(self) -> int:
        return sum(self.left_out.values())

    @property
    def not_signed_in(self) -> int:
        """The number of clients who were written to and have not signed in, and may be written to again."""
        return self.handed_over + self.accepted + self.failed


def newest_to_count(runs: Sequence[InvitationRun]) -> list[InvitationRun]:
    """Returns the first of the runs that have at most MAX_COUNTED items together, at least one run.

    Counting joins every item with mail and access, also of clients left out: a page of the largest runs would join
    125,000.
    """
    sums = accumulate(run.item_count for run in runs)
    return [run for place, (run, items) in enumerate(zip(runs, sums, strict=True)) if not place or items <= MAX_COUNTED]


def progress_of(runs: Collection[InvitationRun]) -> dict[int, RunProgress]:
    """Returns the progress of each run by its id, in one query."""
    items = InvitationRunItem.objects.filter(run__in=[run.pk for run in runs]).order_by()
    annotated = items.annotate(has_signed_in=_HAS_SIGNED_IN, is_accepted=_IS_ACCEPTED)
    columns = ("run", "state", "reason", "invitation__email__state", "is_accepted", "has_signed_in")
    grouped = annotated.values_list(*columns).annotate(number=Count("pk"))
    numbers = defaultdict[int, Counter[str]](Counter)
    left_out = defaultdict[int, dict[LeftOutReason, int]](dict)
    for run, state, reason, mail_state, is_accepted, has_signed_in, number in grouped:
        if state == ItemState.LEFT_OUT:
            left_out[run][LeftOutReason(reason)] = number
        else:
            column = _column_of(state, mail_state, is_accepted=is_accepted, has_signed_in=has_signed_in)
            numbers[run][column] += number
    return {run.pk: RunProgress(**numbers[run.pk], left_out=left_out[run.pk]) for run in runs}


# The item's person: the client, or the contact of its relationship.
_SIGNED_IN = Q(relationship=None, client__portal_access__first_signed_in_at__isnull=False) | Q(
    relationship__access__first_signed_in_at__isnull=False
)
_HAS_SIGNED_IN = ExpressionWrapper(_SIGNED_IN, output_field=BooleanField())


# From a delivery report.
_IS_ACCEPTED = ExpressionWrapper(Q(invitation__email__accepted_at__isnull=False), output_field=BooleanField())


def _column_of(state: str, mail_state: str | None, *, is_accepted: bool, has_signed_in: bool) -> str:
    """Returns the field of RunProgress that counts an item."""
    match state:
        case ItemState.WAITING:
            return "not_written"
        case ItemState.STOPPED:
            return "stopped"
        case _ if has_signed_in:
            return "signed_in"
    match mail_state:
        case EmailState.HANDED_OVER:
            return "accepted" if is_accepted else "handed_over"
        case EmailState.DELIVERED:
            return "accepted"
        case EmailState.COMPLAINED:
            return "complained"
        case _:
            return "queued" if mail_state in WAITING else "failed"


def problems_of(run: InvitationRun) -> list[InvitationRunItem]:
    """Returns the items that need attention, with client and mail, by name: up to MAX_LISTED, and one more if any.

    They were left out for a reason that staff can change; or their mail was not received or marked as spam, and they
    have not signed in.
    """
    left_out = Q(state=ItemState.LEFT_OUT) & ~Q(reason__in=NO_PROBLEM)
    failed = Q(invitation__email__state__in=NOT_DELIVERED_STATES) & ~_SIGNED_IN
    items = InvitationRunItem.objects.filter(left_out | failed, run=run)
    related = items.select_related("client", "relationship__contact", "invitation__email")
    return list(related.order_by("client__sort_key", "client_id")[: MAX_LISTED + 1])


def runs_of(practice: Practice, *, kinds: Collection[RunKind] = INVITING) -> QuerySet[InvitationRun]:
    """Returns the practice's runs of these kinds with the staff who started them."""
    return InvitationRun.objects.filter(practice=practice, kind__in=kinds).select_related("requested_by")
