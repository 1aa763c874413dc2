"""Runs that share documents with many people: their list, and their progress until all is completed."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from portico.domain.access.models import InvitationRun, InvitationRunItem, ItemState, LeftOutReason, RunKind
from portico.domain.access.onboarding import invitation_runs
from portico.domain.access.onboarding.invitation_runs import MAX_LISTED
from portico.domain.documents.models import COMPLETE_STATES, DocumentRequest, DocumentRunVersion, Packet, RequestState
from portico.domain.documents.templates import version_content
from portico.domain.practices.models import Practice
from portico.plumbing.models.outgoing_emails import NOT_DELIVERED_STATES, WAITING

# Nothing is to be done about people left out for these reasons.
NO_PROBLEM = (LeftOutReason.COMPLETED, LeftOutReason.STILL_OPEN, LeftOutReason.ARCHIVED)


@dataclass(frozen=True)
class DocumentRunProgress:
    """The numbers of people of a run. Those who opened a document, and completed all, are counted as shared with, too.

    `queued` have their documents, and an email that waits; `failed` one that was not delivered.
    """

    waiting: int = 0
    stopped: int = 0
    shared: int = 0
    queued: int = 0
    failed: int = 0
    opened: int = 0
    completed: int = 0
    left_out: dict[LeftOutReason, int] = field(default_factory=dict)

    @property
    def number_left_out(self) -> int:
        return sum(self.left_out.values())


def runs_of(practice: Practice) -> QuerySet[InvitationRun]:
    """Returns the practice's runs that share documents, with the staff who started them."""
    return invitation_runs.runs_of(practice, kinds=(RunKind.SHARE,))


def progress_of(runs: Collection[InvitationRun]) -> dict[int, DocumentRunProgress]:
    """Returns the progress of each run by its id, in two queries."""
    ids = [run.pk for run in runs]
    numbers = defaultdict[int, Counter[str]](Counter)
    left_out = defaultdict[int, dict[LeftOutReason, int]](dict)
    items = InvitationRunItem.objects.filter(run__in=ids).order_by()
    for run, state, reason, number in items.values_list("run", "state", "reason").annotate(number=Count("pk")):
        if state == ItemState.LEFT_OUT:
            left_out[run][LeftOutReason(reason)] = number
        elif state != ItemState.SHARED:
            numbers[run][{ItemState.WAITING: "waiting", ItemState.STOPPED: "stopped"}[ItemState(state)]] += number
    for run, mail_state, is_opened, is_completed, number in _packets(ids):
        counted = {
            "shared": True,
            "queued": mail_state in WAITING,
            "failed": mail_state in NOT_DELIVERED_STATES,
            "opened": is_opened,
            "completed": is_completed,
        }
        numbers[run].update({column: number for column, holds in counted.items() if holds})
    return {run: DocumentRunProgress(**numbers[run], left_out=left_out[run]) for run in ids}


def _packets(runs: Collection[int]) -> QuerySet[Packet, tuple[int, str | None, bool, bool, int]]:
    """Returns the numbers of packets of each run, by the state of the mail and of the documents."""
    requests = DocumentRequest.objects.filter(packet=OuterRef("pk")).order_by()
    untouched = (RequestState.SENT, RequestState.WITHDRAWN)
    packets = Packet.objects.filter(document_run__run__in=runs).order_by()
    annotated = packets.annotate(
        is_opened=Exists(requests.exclude(state__in=untouched)),
        is_completed=Exists(requests.filter(state__in=COMPLETE_STATES)) & ~Exists(requests.open()),
    )
    columns = ("document_run__run", "email__state", "is_opened", "is_completed")
    return annotated.values_list(*columns).annotate(number=Count("pk"))


def titles_of(run: InvitationRun) -> list[str]:
    """Returns the English titles of the documents that the run shares, in their order."""
    title = version_content.title_in("en")
    rows = DocumentRunVersion.objects.filter(document_run__run=run).order_by("position")
    return list(rows.values_list(title, flat=True))


def left_out_of(run: InvitationRun) -> list[InvitationRunItem]:
    """Returns the items left out for a reason that staff can change, by name: up to MAX_LISTED, and one more if any."""
    items = run.items.filter(state=ItemState.LEFT_OUT).exclude(reason__in=NO_PROBLEM)
    related = items.select_related("client", "relationship__contact")
    return list(related.order_by("client__sort_key", "client_id", "id")[: MAX_LISTED + 1])


def undelivered_of(run: InvitationRun) -> list[Packet]:
    """Returns the packets whose mail was not received and that were not opened, by name, as `left_out_of` does."""
    opened = DocumentRequest.objects.filter(packet=OuterRef("pk")).exclude(state=RequestState.SENT)
    failed = Q(email__state__in=NOT_DELIVERED_STATES) & ~Exists(opened)
    packets = Packet.objects.filter(failed, document_run__run=run)
    related = packets.select_related("client", "email", "access__relationship__contact")
    found = list(related.order_by("client__sort_key", "client_id", "id")[: MAX_LISTED + 1])
    for packet in found:
        packet.access.client = packet.client
    return found
