"""Sentence, icon and actor of each entry of the audit log."""

from datetime import UTC, datetime

import pytest

from portico.domain.audit_actions import AuditAction
from portico.plumbing.models import AuditEntry
from portico.web import icons
from portico.web.office.audit_log import entry_rows, entry_sentences


@pytest.mark.parametrize("action", list(AuditAction))
def test_every_action_has_a_sentence_and_an_icon(action: AuditAction) -> None:
    line = entry_rows.row_for(AuditEntry(action=action, at=datetime(2026, 11, 23, tzinfo=UTC), actor_kind="system"))

    assert line.sentence
    assert "%(" not in line.sentence
    assert line.icon in icons.shapes_by_name()


@pytest.mark.parametrize(
    ("action", "details", "sentence"),
    [
        (AuditAction.CLIENT_EDITED, {"fields": "first_name, phones"}, "Client Info changed: first name, phone"),
        (AuditAction.ADDRESS_CHOSEN, {"address": None}, "Portal email removed: no address chosen"),
        (AuditAction.OPTIONS_CHANGED, {"access_billing_documents": False}, "Billing access turned off"),
        (AuditAction.OPTIONS_CHANGED, {"access_billing_documents": True}, "Billing access turned on"),
        (AuditAction.INVITATION_REFUSED, {"why": "email_ok"}, "Invitation not sent: Email ok was not checked"),
        (AuditAction.INVITATION_REFUSED, {"why": "moon"}, "Invitation not sent"),
        (AuditAction.LINK_REFUSED, {"state": "used"}, "A sign-in link was used a second time"),
        (AuditAction.EMAIL_DROPPED, {"reason": "Access is off."}, "An email was not sent. Access is off."),
        (AuditAction.STAFF_ADDED, {"role": "front_desk"}, "Staff member added as front desk"),
    ],
)
def test_sentences_contain_the_details(action: AuditAction, details: dict[str, object], sentence: str) -> None:
    assert entry_sentences.sentence(AuditEntry(action=action, details=details)) == sentence


@pytest.mark.parametrize(
    ("kind", "said_of"),
    [
        ("staff", "Fay"),
        ("client", "Portal account for Fay"),
        ("operator", "System administrator"),
        ("nobody", "Not signed in"),
    ],
)
def test_actor_has_the_name_of_that_time(kind: str, said_of: str) -> None:
    assert entry_rows.actor_label(AuditEntry(actor_kind=kind, actor_name="Fay")) == said_of
