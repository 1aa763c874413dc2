"""Diagnosis: why a client can't sign in. Ten steps in order, of which the first that is broken or waiting is marked."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from portico.domain.access.diagnosis import mail_checks, pin_checks
from portico.domain.access.diagnosis.evidence import Evidence, MailFacts
from portico.domain.access.diagnosis.portal_history import PortalHistory
from portico.domain.access.diagnosis.requirement_checks import Check
from portico.domain.access.diagnosis.steps import (
    STOPS,
    TITLES,
    TITLES_BY_PIN,
    DiagnosedStep,
    Diagnosis,
    Finding,
    StepName,
    StepState,
)
from portico.domain.access.models import PortalAccess, PortalSession
from portico.domain.clients.models import Client


def diagnose(
    client: Client,
    access: PortalAccess | None,
    history: PortalHistory,
    *,
    facts: MailFacts,
    sessions: Sequence[PortalSession],
    has_addresses: bool,
    at: datetime,
) -> Diagnosis:
    """Returns the client's steps, from loaded rows, without a query.

    A client who signs in with a PIN has five of them: the PIN is generated instead of an invitation sent, and entered
    instead of a link used.
    """
    access = access or PortalAccess.of(client)
    mail = history.newest_link(access)
    evidence = Evidence(client, access, history, mail, facts, sessions, has_addresses, at)
    by_pin = evidence.is_by_pin
    checks, titles = (pin_checks.CHECKS, TITLES_BY_PIN) if by_pin else (mail_checks.CHECKS, TITLES)
    titled = {name: str(titles[name]) for name in checks}
    return Diagnosis(tuple(_steps(evidence, checks, titled)), by_pin, evidence.can_request_mail)


def _steps(evidence: Evidence, checks: dict[StepName, Check], titles: dict[StepName, str]) -> Iterator[DiagnosedStep]:
    """Yields each step; after the first that is broken or waiting, the others are ahead and not checked."""
    has_stopped = False
    for name, check in checks.items():
        finding = Finding(StepState.AHEAD, titles[name]) if has_stopped else check(evidence)
        has_stopped = has_stopped or finding.state in STOPS
        yield DiagnosedStep(name, finding)
