"""`Update open requests`: what is not completed is moved to the current version of its document, with its answers."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, QuerySet

from portico.domain.audit_actions import AuditAction
from portico.domain.documents.completion import drafts, request_states
from portico.domain.documents.models import (
    OPEN_STATES,
    DocumentRequest,
    DocumentTemplate,
    RequestState,
    TemplateVersion,
)
from portico.domain.documents.templates.template_editing import TemplateChanged
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.database.deadlocks import retry_on_deadlock

# The most requests that one call updates; the page says how many are left.
MAX_UPDATED = 200
_NOT_STARTED = (RequestState.SENT, RequestState.OPENED)


@dataclass(frozen=True)
class OutdatedRequests:
    """The numbers of open requests with an earlier version: those without answers or files yet, and the others."""

    not_started: int = 0
    started: int = 0

    @property
    def total(self) -> int:
        return self.not_started + self.started


def count_outdated(template: DocumentTemplate) -> OutdatedRequests:
    """Counts the open requests that do not have the current version."""
    if template.current_version_id is None:
        return OutdatedRequests()
    rows = dict(_counts.rows(template=template.pk, current=template.current_version_id))
    started = rows.pop(RequestState.STARTED, 0)
    return OutdatedRequests(sum(rows.values()), started)


def update(template: DocumentTemplate, *, shown: int, with_started: bool, by: Actor) -> int:
    """Moves open requests to the current version; returns how many, at most MAX_UPDATED.

    `shown` is the number of the version that the page promised. Each request is updated in a transaction of its own,
    and what is completed meanwhile is left as it is: repeating the call goes on. Raises TemplateChanged if another
    version is current.
    """
    version = template.current_version
    if version is None or version.number != shown:
        raise TemplateChanged
    states = OPEN_STATES if with_started else _NOT_STARTED
    found = _outdated(template.pk, version.pk).filter(state__in=states).order_by("id")
    return sum(_update(each, version, states, by=by) for each in list(found[:MAX_UPDATED]))


@retry_on_deadlock
def _update(request: DocumentRequest, version: TemplateVersion, states: Collection[RequestState], *, by: Actor) -> bool:
    """Moves one request; returns False if it was completed, started or updated meanwhile, also to a later version."""
    with transaction.atomic():
        row = request_states.lock(request)
        if row.state not in states or row.version.number >= version.number:
            return False
        draft = drafts.of(row)
        if draft is not None:
            drafts.carry_over(draft, version, row.language)
        earlier, row.version, row.version_changed_at = row.version, version, clock.now()
        row.save(update_fields=["version", "version_changed_at"])
        request_states.record(
            AuditAction.DOCUMENT_UPDATED, row, by=by, earlier=earlier.ref, had_answers=draft is not None
        )
    return True


def _outdated(template: int | Parameter, current: int | Parameter) -> QuerySet[DocumentRequest]:
    # A packet has a version once.
    packets = DocumentRequest.objects.filter(version=current).values("packet")
    open_requests = DocumentRequest.objects.open().filter(version__template=template)
    return open_requests.exclude(version=current).exclude(packet__in=packets)


@CompiledQuery
def _counts(template: Parameter, current: Parameter) -> QuerySet[DocumentRequest, tuple[str, int]]:
    return _outdated(template, current).values_list("state").annotate(number=Count("pk")).order_by()
