"""The steps `Why can’t … sign in?` of one client, for the `Client Portal` tab and the page of a help request."""

from collections.abc import Sequence
from datetime import datetime

from portico.domain.access import mail_stops, portal_states
from portico.domain.access.diagnosis import diagnosis, evidence
from portico.domain.access.diagnosis.evidence import MailFacts
from portico.domain.access.diagnosis.portal_history import PortalHistory
from portico.domain.access.models import PortalAccess, PortalSession
from portico.domain.access.sign_in.requests import near_misses
from portico.domain.clients.models import Client, Relationship
from portico.web.http.request_types import OfficeRequest
from portico.web.office.client_portal.diagnosis import diagnosis_labels, phone_script, recent_attempts
from portico.web.office.roles import may_edit


def chain_context(
    request: OfficeRequest,
    client: Client,
    access: PortalAccess | None,
    history: PortalHistory,
    *,
    sessions: Sequence[PortalSession],
    has_addresses: bool,
    at: datetime,
    is_on_tab: bool,
    relationship: Relationship | None = None,
) -> dict[str, object]:
    """Returns the context for the steps, the attempts and what to tell the person; for the client without a query.

    The client was loaded by `lookups.client_for_portal_tab`. `access` is the client's own, or that of the contact with
    this relationship. Without `is_on_tab`, each fix is a link to the tab.
    """
    diagnosed = diagnosis.diagnose(
        client,
        access,
        history,
        facts=_mail_facts(client, access, relationship),
        sessions=sessions,
        has_addresses=has_addresses,
        at=at,
    )
    followed = history.newest_link(access) if access is not None else None
    mail = followed.email if followed is not None else None
    attempts = recent_attempts.attempts(history, access, can_request_mail=diagnosed.can_request_mail, at=at)
    chain = diagnosis_labels.chain(diagnosed, client, mail, is_on_tab=is_on_tab, relationship=relationship)
    person = client if relationship is None else relationship.contact
    return {
        "chain": chain,
        "called": client.called if relationship is None else relationship.contact.first_name,
        "state": portal_states.state_of(access).state,
        "scripts": phone_script.scripts(client, chain.cause, mail, spoken=person.language)
        if chain.cause is not None
        else (),
        "attempts": attempts,
        "near_miss": near_misses.newest_of_contact(access) if relationship else near_misses.newest_of(client, access),
        "failed_attempt": next((each for each in attempts if each.has_failed), None),
        # An archived client cannot be changed, only restored.
        "may_fix": may_edit(request),
    }


def _mail_facts(client: Client, access: PortalAccess | None, relationship: Relationship | None) -> MailFacts:
    own = evidence.mail_facts_of(client)
    if relationship is None:
        return own
    stop = mail_stops.stop_of_access(access)
    return MailFacts(stop.kind if stop is not None else "", reports_arrive=own.reports_arrive)
