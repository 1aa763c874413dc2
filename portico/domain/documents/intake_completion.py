"""A client's intake, complete or not: the one fact about documents that roles without access to them see."""

from enum import StrEnum

from django.db.models import Q, QuerySet

from portico.domain.clients.models import Client
from portico.domain.documents.models import COMPLETE_STATES, OPEN_STATES, DocumentRequest
from portico.plumbing.database.compiled import CompiledQuery, Parameter


class IntakeState(StrEnum):
    """Nothing is shared also if all of it was declined or withdrawn."""

    NOTHING_SHARED = "nothing_shared"
    INCOMPLETE = "incomplete"
    COMPLETE = "complete"


def state_of(client: Client) -> IntakeState:
    """Returns COMPLETE if something was completed and nothing is left, by the client or a present contact."""
    states = {state for (state,) in _states.rows(client=client.pk)}
    if not states.isdisjoint(OPEN_STATES):
        return IntakeState.INCOMPLETE
    return IntakeState.NOTHING_SHARED if states.isdisjoint(COMPLETE_STATES) else IntakeState.COMPLETE


@CompiledQuery
def _states(client: Parameter) -> QuerySet[DocumentRequest, tuple[str]]:
    """Returns the states of the client's requests, each once, without what a former contact left open."""
    present = ~Q(state__in=OPEN_STATES) | Q(access__relationship__ended_at=None)
    return DocumentRequest.objects.filter(present, client=client).order_by().values_list("state").distinct()
