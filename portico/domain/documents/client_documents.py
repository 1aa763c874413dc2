"""A client's shared documents as staff list and open them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform, KeyTransform

from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client
from portico.domain.documents.models import (
    COMPLETE_STATES,
    OPEN_STATES,
    DocumentRequest,
    Packet,
    RequestState,
    TemplateKind,
)
from portico.plumbing.database import keyset_pagination
from portico.plumbing.database.compiled import CompiledQuery, Parameter

PAGE_SIZE = 20
# Greater than the id of any packet: the first page.
AT_THE_TOP = 2**63 - 1
_COLUMNS = (
    *("packet", "ref", "state", "version__template__kind", "title", "decline_reason", "withdrawn_by"),
    *("sent_at", "opened_at", "started_at", "completed_at", "reviewed_at", "declined_at", "withdrawn_at"),
)


@dataclass(frozen=True)
class ListedDocument:
    """A request in a packet. `at` is the time since which it is in its state."""

    ref: str
    state: RequestState
    kind: TemplateKind
    title: str
    at: datetime
    decline_reason: str
    withdrawn_by: str

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_complete(self) -> bool:
        return self.state in COMPLETE_STATES


@dataclass(frozen=True)
class ListedPacket:
    """Documents that were shared with one access at one time; `holder` names the person."""

    ref: str
    holder: str
    shared_at: datetime
    shared_by: str
    documents: list[ListedDocument]


@dataclass(frozen=True)
class ListedPackets:
    """A page of packets, newest first. `next_before` is the ref after which the next page begins, empty on the last."""

    packets: list[ListedPacket]
    next_before: str
    is_later_page: bool


def list_for(client: Client, *, before: str = "") -> ListedPackets:
    """Returns the client's packets, newest first; those after the packet with the ref `before`, if there is one."""
    after = keyset_pagination.position_of(Packet.objects.filter(client=client), before)
    found = _packets.rows(client=client.pk, before=AT_THE_TOP if after is None else after)
    shown = found[:PAGE_SIZE]
    documents: dict[int, list[ListedDocument]] = {each.pk: [] for each in shown}
    if shown:
        for row in _requests.rows(client=client.pk, first=shown[-1].pk, last=shown[0].pk):
            documents[row[0]].append(_listed(row))
    return ListedPackets(
        packets=[
            ListedPacket(each.ref, _holder(each, client), each.shared_at, each.shared_by, documents[each.pk])
            for each in shown
        ],
        next_before=shown[-1].ref if len(found) > PAGE_SIZE else "",
        is_later_page=after is not None,
    )


def find(client: Client, ref: str) -> DocumentRequest | None:
    """Returns one of the client's requests with version, access and, if it is complete, submission and review."""
    request = _by_ref.first(client=client.pk, ref=ref)
    if request is not None:
        request.client, request.practice = client, client.practice
        request.access.client = client
    return request


def _holder(packet: Packet, client: Client) -> str:
    access: PortalAccess = packet.access
    access.client = client
    return access.holder_name()


def _listed(row: tuple[Any, ...]) -> ListedDocument:  # Any: the columns above.
    _packet, ref, state, kind, title, decline_reason, withdrawn_by, *times = row
    by_state = dict(zip(RequestState, times, strict=True))
    at = by_state[RequestState(state)]
    return ListedDocument(ref, RequestState(state), TemplateKind(kind), title, at, decline_reason, withdrawn_by)


@CompiledQuery
def _packets(client: Parameter, before: Parameter) -> QuerySet[Packet]:
    rows = Packet.objects.filter(client=client, pk__lt=before).select_related("access__relationship__contact")
    return rows.order_by("-id")[: PAGE_SIZE + 1]


@CompiledQuery
def _requests(client: Parameter, first: Parameter, last: Parameter) -> QuerySet[DocumentRequest, tuple[Any, ...]]:
    # The content of a form is large: only its title is read.
    title = KeyTextTransform("title", KeyTransform("en", "version__content"))
    rows = DocumentRequest.objects.filter(client=client, packet__gte=first, packet__lte=last).annotate(title=title)
    return rows.order_by("packet", "position", "id").values_list(*_COLUMNS)


@CompiledQuery
def _by_ref(client: Parameter, ref: Parameter) -> QuerySet[DocumentRequest]:
    return DocumentRequest.objects.filter(client=client, ref=ref).select_related(
        "version__template",
        "access__relationship__contact",
        "submission__review__reviewed_by",
        "submission__countersignature__signed_by",
    )
