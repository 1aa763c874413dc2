"""Documents that can be shared, and what an access was asked already."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, F, OuterRef, QuerySet, Subquery, When

from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client
from portico.domain.documents.models import (
    COMPLETE_STATES,
    OPEN_STATES,
    DocumentRequest,
    DocumentTemplate,
    RequestState,
    TemplateKind,
    TemplateVersion,
)
from portico.domain.practices.models import Practice
from portico.plumbing.database.compiled import CompiledQuery, Parameter

# Of one access, the newest requests that are looked at.
MAX_REQUESTS = 500
MAX_VERSIONS = 100
type _Columns = tuple[Any, ...]  # Any: the fields of a ShareableDocument.


@dataclass(frozen=True)
class ShareableDocument:
    """A document with the newest request for it that the access has to complete or has completed, if any."""

    ref: str
    title: str
    kind: TemplateKind
    minutes: int
    in_welcome_packet: bool
    sent_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.sent_at is not None and self.completed_at is None

    @property
    def is_proposed(self) -> bool:
        """True if the welcome packet has it and the access was not asked for it."""
        return self.in_welcome_packet and self.sent_at is None


def list_for(practice: Practice, access: PortalAccess | None) -> list[ShareableDocument]:
    """Returns what the practice may share, in the order of its settings."""
    if access is None or not access.pk:
        rows = _shareable.rows(practice=practice.pk)
    else:
        rows = _with_asked.rows(practice=practice.pk, access=access.pk)
    return [ShareableDocument(ref, title, TemplateKind(kind), *others) for ref, title, kind, *others in rows]


@dataclass(frozen=True)
class AskedDocument:
    """A request for a document that one access of a client has to complete or has completed."""

    ref: str
    access: int
    sent_at: datetime
    completed_at: datetime | None
    # The key of the form that shared it.
    form_key: str

    @property
    def is_open(self) -> bool:
        return self.completed_at is None


def asked_of_client(client: Client) -> list[AskedDocument]:
    """Returns the newest requests of all accesses of a client, newest first; `ref` is that of the document."""
    return [AskedDocument(*row) for row in _asked_of_client.rows(client=client.pk)]


def versions_of(practice: Practice, refs: Collection[str]) -> list[TemplateVersion]:
    """Returns the current versions of the practice's documents with these refs, in the order of the settings.

    They are loaded with their documents.
    """
    templates = DocumentTemplate.objects.shareable().filter(practice=practice, ref__in=refs)
    found = templates.select_related("current_version__template")
    return [each.current_version for each in found if each.current_version]


def published_versions_of(practice: Practice, ref: str) -> list[TemplateVersion]:
    """Returns the versions of a document with it, newest first: up to MAX_VERSIONS."""
    rows = TemplateVersion.objects.filter(practice=practice, template__ref=ref).select_related("template")
    return list(rows.order_by("-number")[:MAX_VERSIONS])


def not_open(access: PortalAccess | None, versions: Sequence[TemplateVersion]) -> list[TemplateVersion]:
    """Leaves out the versions of documents that the access has still to complete, in any version."""
    if access is None or not access.pk or not versions:
        return list(versions)
    requests = DocumentRequest.objects.open().filter(access=access)
    waiting = set(requests.values_list("version__template", flat=True))
    return [each for each in versions if each.template_id not in waiting]


def welcome_packet_of(access: PortalAccess) -> list[TemplateVersion]:
    """Returns the documents of the welcome packet that the access has neither completed nor still to complete."""
    return list(_welcome_packet.rows(practice=access.client.practice_id, access=access.pk or 0))


_COLUMNS = ("ref", "title", "kind", "current_version__minutes", "in_welcome_packet")


@CompiledQuery
def _shareable(practice: Parameter) -> QuerySet[DocumentTemplate, _Columns]:
    return DocumentTemplate.objects.shareable().filter(practice=practice).values_list(*_COLUMNS)


@CompiledQuery
def _with_asked(practice: Parameter, access: Parameter) -> QuerySet[DocumentTemplate, _Columns]:
    asked = DocumentRequest.objects.filter(access=access, state__in=(*OPEN_STATES, *COMPLETE_STATES))
    # An open request counts more than a newer one that was completed.
    first = asked.filter(version__template=OuterRef("pk")).order_by(
        Case(When(completed_at=None, then=0), default=1), "-id"
    )
    rows = DocumentTemplate.objects.shareable().filter(practice=practice)
    return rows.values_list(
        *_COLUMNS, Subquery(first.values("sent_at")[:1]), Subquery(first.values("completed_at")[:1])
    )


@CompiledQuery
def _asked_of_client(client: Parameter) -> QuerySet[DocumentRequest, tuple[str, int, datetime, datetime | None, str]]:
    columns = ("version__template__ref", "access", "sent_at", "completed_at", "packet__form_key")
    rows = DocumentRequest.objects.filter(client=client, state__in=(*OPEN_STATES, *COMPLETE_STATES)).order_by("-id")
    return rows.values_list(*columns)[:MAX_REQUESTS]


@CompiledQuery
def _welcome_packet(practice: Parameter, access: Parameter) -> QuerySet[TemplateVersion]:
    asked = DocumentRequest.objects.filter(access=access).exclude(state=RequestState.WITHDRAWN)
    rows = TemplateVersion.objects.filter(
        practice=practice,
        template__archived_at=None,
        template__in_welcome_packet=True,
        template__current_version=F("pk"),
    )
    templates = asked.values("version__template")
    return rows.exclude(template__in=templates).order_by("template__position", "template")
