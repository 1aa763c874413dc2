"""A client's shared documents as staff list and open them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery

from portico.domain.access.models import PortalAccess, PortalSession
from portico.domain.clients.models import Client
from portico.domain.documents import completion_diagnosis
from portico.domain.documents.completion_diagnosis import CompletionFacts, CompletionStep
from portico.domain.documents.forms import questionnaire
from portico.domain.documents.models import (
    COMPLETE_STATES,
    OPEN_STATES,
    DocumentRequest,
    Packet,
    RequestState,
    TemplateKind,
    TemplateVersion,
)
from portico.domain.documents.templates import version_content
from portico.plumbing.database import keyset_pagination
from portico.plumbing.database.compiled import CompiledQuery, Parameter

PAGE_SIZE = 20
_COLUMNS = (
    *("packet", "ref", "state", "version__template__kind", "title", "decline_reason", "withdrawn_by"),
    *("email_ref", "email_state", "draft__place", "draft__saved_at", "version", "submission__signed_on"),
    *("sent_at", "opened_at", "started_at", "completed_at", "reviewed_at", "declined_at", "withdrawn_at"),
)


@dataclass(frozen=True)
class ListedDocument:
    """A request in a packet. `at` is the time since which it is in its state; `steps` are those of an open one.

    `signed_on` is the date on the paper, None for what was not signed on paper. `was_shared` is False if the paper was
    recorded without sharing the document.
    """

    ref: str
    state: RequestState
    kind: TemplateKind
    title: str
    at: datetime
    decline_reason: str
    withdrawn_by: str
    email_ref: str
    steps: list[CompletionStep]
    signed_on: date | None
    was_shared: bool

    @property
    def may_be_signed_on_paper(self) -> bool:
        return self.is_open and self.kind == TemplateKind.CONSENT

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_complete(self) -> bool:
        return self.state in COMPLETE_STATES


@dataclass(frozen=True)
class ListedPacket:
    """Documents that were shared with one access at one time; `holder` names the person.

    `relationship` is the ref of the contact's relationship, empty for the client's own access.
    """

    ref: str
    holder: str
    relationship: str
    shared_at: datetime
    shared_by: str
    documents: list[ListedDocument]

    @property
    def was_shared(self) -> bool:
        return any(each.was_shared for each in self.documents)


@dataclass(frozen=True)
class ListedPackets:
    """A page of packets, newest first. `next_before` is the ref after which the next page begins, empty on the last."""

    packets: list[ListedPacket]
    next_before: str
    is_later_page: bool


def list_for(client: Client, *, before: str = "") -> ListedPackets:
    """Returns the client's packets, newest first; those after the packet with the ref `before`, if there is one."""
    after = keyset_pagination.position_of(Packet.objects.filter(client=client), before)
    found = _packets.rows(client=client.pk, before=keyset_pagination.AT_THE_TOP if after is None else after)
    shown = found[:PAGE_SIZE]
    documents: dict[int, list[ListedDocument]] = {each.pk: [] for each in shown}
    for packet, document in _documents(client, shown):
        documents[packet].append(document)
    return ListedPackets(
        packets=[
            ListedPacket(
                each.ref,
                _holder(each, client),
                each.access.relationship.ref if each.access.relationship else "",
                each.shared_at,
                each.shared_by,
                documents[each.pk],
            )
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


def _documents(client: Client, packets: list[Packet]) -> Iterator[tuple[int, ListedDocument]]:
    """Yields the documents of the packets, which are newest first, each with the id of its packet."""
    if not packets:
        return
    span = {"client": client.pk, "first": packets[-1].pk, "last": packets[0].pk}
    by_id = {each.pk: each for each in packets}
    # The content of a form is large: it is read only to number the question at which its client stopped.
    questions = {pk: _link_ids(content) for pk, content in _started_forms.rows(**span)}
    for row in _requests.rows(**span):
        yield row[0], _listed(row, by_id[row[0]], questions)


def _link_ids(content: dict[str, Any]) -> list[str]:  # Any: JSON, see TemplateVersion.
    return [item.link_id for item in questionnaire.parse(content["en"]["questionnaire"]).questions]


def _listed(
    row: tuple[Any, ...], packet: Packet, questions: dict[int, list[str]]
) -> ListedDocument:  # Any: the columns above.
    _packet, ref, state, kind, title, decline_reason, withdrawn_by, email_ref, email_state, place, saved_at = row[:11]
    version, signed_on, *times = row[11:]
    by_state = dict(zip(RequestState, times, strict=True))
    steps = list[CompletionStep]()
    if state in OPEN_STATES:
        asked = questions.get(version, [])
        facts = CompletionFacts(
            TemplateKind(kind),
            packet.shared_at,
            email_ref or "",
            email_state or "",
            packet.__dict__["last_seen_at"],
            by_state[RequestState.OPENED],
            by_state[RequestState.STARTED],
            saved_at,
            asked.index(place) + 1 if place in asked else 0,
            len(asked),
        )
        steps = completion_diagnosis.steps_of(facts)
    return ListedDocument(
        ref,
        RequestState(state),
        TemplateKind(kind),
        title,
        by_state[RequestState(state)],
        decline_reason,
        withdrawn_by,
        email_ref or "",
        steps,
        signed_on,
        signed_on is None or by_state[RequestState.SENT] != by_state[RequestState.COMPLETED],
    )


@CompiledQuery
def _packets(client: Parameter, before: Parameter) -> QuerySet[Packet]:
    sessions = PortalSession.objects.filter(account=OuterRef("access__account")).order_by("-seen_at")
    rows = Packet.objects.annotate(last_seen_at=Subquery(sessions.values("seen_at")[:1]))
    rows = rows.filter(client=client, pk__lt=before).select_related("access__relationship__contact")
    return rows.order_by("-id")[: PAGE_SIZE + 1]


@CompiledQuery
def _requests(client: Parameter, first: Parameter, last: Parameter) -> QuerySet[DocumentRequest, tuple[Any, ...]]:
    title = version_content.title_in("en")
    rows = DocumentRequest.objects.filter(client=client, packet__gte=first, packet__lte=last)
    rows = rows.annotate(title=title, email_ref=F("packet__email__ref"), email_state=F("packet__email__state"))
    return rows.order_by("packet", "position", "id").values_list(*_COLUMNS)


@CompiledQuery
def _started_forms(
    client: Parameter, first: Parameter, last: Parameter
) -> QuerySet[TemplateVersion, tuple[int, dict[str, Any]]]:
    requests = DocumentRequest.objects.filter(client=client, packet__gte=first, packet__lte=last)
    started = requests.filter(state=RequestState.STARTED, version__template__kind=TemplateKind.FORM)
    return TemplateVersion.objects.filter(pk__in=started.values("version")).values_list("pk", "content")


@CompiledQuery
def _by_ref(client: Parameter, ref: Parameter) -> QuerySet[DocumentRequest]:
    return DocumentRequest.objects.filter(client=client, ref=ref).select_related(
        "version__template__current_version",
        "access__relationship__contact",
        "submission__review__reviewed_by",
        "submission__countersignature__signed_by",
    )
