"""A portal access's requests, as its client or contact lists and opens them.

A contact who was removed and added again has a new access, which also shows what they completed for the client
before.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.clients.models import Relationship
from portico.domain.documents.models import (
    COMPLETE_STATES,
    OPEN_STATES,
    DocumentRequest,
    RequestState,
    TemplateKind,
)
from portico.domain.documents.templates import version_content
from portico.plumbing.database import keyset_pagination
from portico.plumbing.database.compiled import CompiledQuery, Parameter

# Beyond these, the page says that there are more.
MAX_OPEN = 100
PAGE_SIZE = 25
# Those that the client has answered.
ENDED_STATES = (*COMPLETE_STATES, RequestState.DECLINED)
type _Row = tuple[Any, ...]  # Any: the columns below.
_COLUMNS = (
    *("ref", "state", "completed_at", "declined_at"),
    *("version__template__kind", "version__minutes", "title_en", "title_es", "submission__signed_on"),
)


@dataclass(frozen=True)
class ListedRequest:
    """A request in a list. `ended_at` is the time at which it was completed or declined."""

    ref: str
    state: RequestState
    ended_at: datetime | None
    kind: TemplateKind
    minutes: int
    title: str
    is_on_paper: bool

    @property
    def is_started(self) -> bool:
        return self.state == RequestState.STARTED

    @property
    def is_declined(self) -> bool:
        return self.state == RequestState.DECLINED


@dataclass(frozen=True)
class ListedRequests:
    """The open requests in their order, and a page of the completed and declined ones, newest first."""

    to_complete: list[ListedRequest]
    has_more: bool
    ended: list[ListedRequest]
    # The ref after which the next page begins; empty on the last page.
    next_before: str
    is_later_page: bool


@dataclass(frozen=True)
class Progress:
    """The number and minutes of requests left in unfinished packets; `next_ref` is the request to continue with."""

    left: int
    total: int
    minutes: int
    next_ref: str
    is_begun: bool


def list_for(access: PortalAccess, language: str, *, before: str = "") -> ListedRequests:
    """Returns the access's requests; the completed ones after the one with the ref `before`."""
    if not access.pk:
        return ListedRequests([], has_more=False, ended=[], next_before="", is_later_page=False)
    after = keyset_pagination.position_of(_shown(access.pk, access.client_id), before)
    position = keyset_pagination.AT_THE_TOP if after is None else after
    to_complete = [] if after is not None else [_listed(row, language) for row in _open.rows(access=access.pk)]
    ended = [_listed(row, language) for row in _ended.rows(access=access.pk, client=access.client_id, before=position)]
    return ListedRequests(
        to_complete=to_complete[:MAX_OPEN],
        has_more=len(to_complete) > MAX_OPEN,
        ended=ended[:PAGE_SIZE],
        next_before=ended[PAGE_SIZE - 1].ref if len(ended) > PAGE_SIZE else "",
        is_later_page=after is not None,
    )


def progress(access: PortalAccess) -> Progress | None:
    """Returns what is left to complete; None if nothing is."""
    # Staff may view the portal as a client without a saved access.
    if not access.pk:
        return None
    rows = _of_open_packets.rows(access=access.pk)
    left = [(ref, minutes, state) for ref, minutes, state in rows if state in OPEN_STATES]
    if not left:
        return None
    return Progress(
        left=len(left),
        total=len(rows),
        minutes=sum(minutes for _ref, minutes, _state in left),
        next_ref=left[0][0],
        is_begun=len(left) < len(rows) or any(state == RequestState.STARTED for _ref, _minutes, state in left),
    )


def completed_of_packet(access: PortalAccess, packet: int, language: str) -> list[ListedRequest]:
    """Returns what was completed of a packet, in its order."""
    return [_listed(row, language) for row in _completed_of_packet.rows(access=access.pk, packet=packet)]


def open_counts(account: PortalAccount) -> dict[int, int]:
    """Returns the number of requests to complete by the id of each access of the mailbox that has some."""
    return dict(_open_counts.rows(account=account.pk))


def find(access: PortalAccess, ref: str) -> DocumentRequest | None:
    """Returns a request of the access, also a withdrawn one, with version, template and draft.

    A complete one has its submission with the countersignature, if there is one.

    Of an earlier access of the same contact only what is complete.
    """
    request = _by_ref.first(access=access.pk, client=access.client_id, ref=ref) if access.pk else None
    if request is not None:
        request.client, request.practice = access.client, access.practice
        if request.access_id == access.pk:
            request.access = access
    return request


def _shown(access: int | Parameter, client: int | Parameter) -> QuerySet[DocumentRequest]:
    """Returns the requests of the client's access, and those that the same contact completed for the client before."""
    own = Relationship.objects.filter(access=access)
    earlier = PortalAccess.objects.filter(
        relationship__contact__in=own.values("contact"), relationship__client__in=own.values("client")
    )
    # All of them are the client's. No index fits the condition about accesses.
    return DocumentRequest.objects.filter(
        Q(access=access) | Q(access__in=earlier.values("pk"), state__in=COMPLETE_STATES), client=client
    )


def _listed(row: _Row, language: str) -> ListedRequest:
    ref, state, completed_at, declined_at, kind, minutes, english, spanish, signed_on = row
    return ListedRequest(
        str(ref),
        RequestState(state),
        completed_at or declined_at,
        TemplateKind(kind),
        minutes,
        str(spanish if language == "es" and spanish else english),
        is_on_paper=signed_on is not None,
    )


def _with_titles(requests: QuerySet[DocumentRequest]) -> QuerySet[DocumentRequest]:
    return requests.annotate(title_en=version_content.title_in("en"), title_es=version_content.title_in("es"))


@CompiledQuery
def _open(access: Parameter) -> QuerySet[DocumentRequest, _Row]:
    rows = _with_titles(DocumentRequest.objects.open().filter(access=access))
    return rows.order_by("packet", "position", "id").values_list(*_COLUMNS)[: MAX_OPEN + 1]


@CompiledQuery
def _ended(access: Parameter, client: Parameter, before: Parameter) -> QuerySet[DocumentRequest, _Row]:
    rows = _with_titles(_shown(access, client).filter(state__in=ENDED_STATES, pk__lt=before))
    return rows.order_by("-id").values_list(*_COLUMNS)[: PAGE_SIZE + 1]


@CompiledQuery
def _completed_of_packet(access: Parameter, packet: Parameter) -> QuerySet[DocumentRequest, _Row]:
    rows = _with_titles(DocumentRequest.objects.complete().filter(access=access, packet=packet))
    return rows.order_by("position", "id").values_list(*_COLUMNS)


@CompiledQuery
def _of_open_packets(access: Parameter) -> QuerySet[DocumentRequest, tuple[str, int, str]]:
    packets = DocumentRequest.objects.open().filter(access=access).values("packet")
    rows = DocumentRequest.objects.filter(access=access, packet__in=packets).exclude(state=RequestState.WITHDRAWN)
    return rows.order_by("packet", "position", "id").values_list("ref", "version__minutes", "state")


@CompiledQuery
def _open_counts(account: Parameter) -> QuerySet[DocumentRequest, tuple[int, int]]:
    rows = DocumentRequest.objects.open().filter(access__account=account)
    return rows.values_list("access").annotate(number=Count("pk")).order_by()


@CompiledQuery
def _by_ref(access: Parameter, client: Parameter, ref: Parameter) -> QuerySet[DocumentRequest]:
    rows = _shown(access, client).filter(ref=ref)
    return rows.select_related("version__template", "draft", "submission__countersignature")
