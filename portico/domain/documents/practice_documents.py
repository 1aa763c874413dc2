"""The practice's shared documents: waiting for clients, stuck, to review, reviewed, declined, and due again."""

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum

from django.db.models import F, Q, QuerySet

from portico.domain.clients.models import is_none_or_current
from portico.domain.documents import due_again
from portico.domain.documents.models import DocumentRequest, DocumentRequestQuerySet, RequestState
from portico.domain.documents.templates import version_content
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.database import keyset_pagination
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.database.keyset_pagination import KeysetPage

PAGE_SIZE = 25
STUCK_AFTER = timedelta(days=5)


class Filter(StrEnum):
    """The documents that a list shows."""

    WAITING = "waiting"
    STUCK = "stuck"
    TO_REVIEW = "review"
    REVIEWED = "reviewed"
    DECLINED = "declined"
    DUE_AGAIN = "due"


_STATES = {
    Filter.TO_REVIEW: RequestState.COMPLETED,
    Filter.REVIEWED: RequestState.REVIEWED,
    Filter.DECLINED: RequestState.DECLINED,
}
# The people for whom a document can still wait.
_PRESENT = Q(client__is_archived=False) & is_none_or_current("access__relationship")


def list_for(practice: Practice, chosen: Filter, *, before: str = "") -> KeysetPage[DocumentRequest]:
    """Returns a page of requests, newest first, after the one with the ref `before`.

    Each has its client, the holder of its access, `title`, and `signed_on`, None unless it was signed on paper.
    Stuck is what was sent five days ago or earlier, due again what `due_again.due` returns.
    """
    after = keyset_pagination.position_of(DocumentRequest.objects.filter(practice=practice), before)
    position = keyset_pagination.AT_THE_TOP if after is None else after
    now = clock.now()
    if chosen == Filter.DUE_AGAIN:
        found = list(_listed(due_again.due(practice).filter(pk__lt=position)))
    elif chosen in _STATES:
        found = _in_state.rows(practice=practice.pk, state=_STATES[chosen].value, before=position)
    else:
        sent_until = now - STUCK_AFTER if chosen == Filter.STUCK else now + clock.SKEW
        found = _open.rows(practice=practice.pk, sent_until=sent_until, before=position)
    for each in found:
        each.access.client = each.client
    return keyset_pagination.page_of(found, is_first=after is None, size=PAGE_SIZE)


def open_requests(practice: Practice, chosen: Filter) -> DocumentRequestQuerySet:
    """Returns the practice's requests that wait for clients; for STUCK those sent five days ago or earlier.

    Not those of archived clients and former contacts, who can't complete them.
    """
    rows = DocumentRequest.objects.open().filter(_PRESENT, practice=practice)
    return rows.filter(sent_at__lte=clock.now() - STUCK_AFTER) if chosen == Filter.STUCK else rows


def all_of(practice: Practice, chosen: Filter) -> Iterator[DocumentRequest]:
    """Returns all requests of the list as `list_for` does, with `kind`, oldest first, for an export."""
    rows = _with_columns(_matching(practice, chosen)).annotate(kind=F("version__template__kind"))
    for each in rows.order_by("id").iterator(chunk_size=1000):
        each.access.client = each.client
        yield each


def number_of(practice: Practice, chosen: Filter) -> int:
    """Returns the number of all requests of the list."""
    return _matching(practice, chosen).count()


def _matching(practice: Practice, chosen: Filter) -> DocumentRequestQuerySet:
    if chosen == Filter.DUE_AGAIN:
        return due_again.due(practice)
    if chosen in _STATES:
        return DocumentRequest.objects.filter(practice=practice, state=_STATES[chosen])
    return open_requests(practice, chosen)


@CompiledQuery
def _open(practice: Parameter, sent_until: Parameter, before: Parameter) -> QuerySet[DocumentRequest]:
    rows = DocumentRequest.objects.open().filter(_PRESENT, practice=practice, sent_at__lte=sent_until, pk__lt=before)
    return _listed(rows)


@CompiledQuery
def _in_state(practice: Parameter, state: Parameter, before: Parameter) -> QuerySet[DocumentRequest]:
    return _listed(DocumentRequest.objects.filter(practice=practice, state=state, pk__lt=before))


def _listed(rows: QuerySet[DocumentRequest]) -> QuerySet[DocumentRequest]:
    return _with_columns(rows).order_by("-id")[: PAGE_SIZE + 1]


def _with_columns(rows: QuerySet[DocumentRequest]) -> QuerySet[DocumentRequest]:
    related = rows.select_related("client", "access__relationship__contact")
    title = version_content.title_in("en")
    return related.annotate(title=title, signed_on=F("submission__signed_on"))
