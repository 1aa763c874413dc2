"""Drafting, editing, issuing, voiding and reissuing invoices: successes, repeated calls and refusals."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.invoices import invoicing
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.ledger import balances
from portico.domain.billing.models import AttemptState, Invoice, InvoiceStatus
from portico.domain.billing.refusals import (
    BeingPaid,
    InvoiceEmpty,
    InvoiceIssued,
    InvoiceNotIssued,
    Processing,
    ReasonMissing,
    TotalNotPositive,
)
from portico.domain.clients.client_details import ClientConflict
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry
from tests import cast

DAY = date(2026, 11, 23)


def entry(*amounts: int) -> InvoiceInput:
    return InvoiceInput(DAY, DAY + timedelta(days=14), tuple(LineInput("Session", amount) for amount in amounts))


def test_a_draft_has_no_number_and_is_not_owed(practice: Practice) -> None:
    ana = cast.ana(practice)
    draft = invoicing.create_draft(ana, entry(14_000, 1_500), by=cast.DESK)
    assert (draft.number, draft.total_minor, draft.currency) == (None, 15_500, "USD")
    assert balances.office_account(ana).office_minor == 0


def test_one_form_key_creates_one_draft(practice: Practice) -> None:
    ana = cast.ana(practice)
    first = invoicing.create_draft(ana, entry(100), form_key="p" * 43, by=cast.DESK)
    assert invoicing.create_draft(ana, entry(100), form_key="p" * 43, by=cast.DESK) == first


def test_editing_an_outdated_version_is_refused(practice: Practice) -> None:
    draft = invoicing.create_draft(cast.ana(practice), entry(14_000), by=cast.DESK)
    changed = invoicing.edit_draft(draft, entry(100, 200), version=draft.version, by=cast.DESK)
    assert [line.amount_minor for line in changed.lines.order_by("position")] == [100, 200]
    with pytest.raises(ClientConflict):
        invoicing.edit_draft(draft, entry(1), version=draft.version, by=cast.DESK)
    draft.refresh_from_db()
    assert draft.total_minor == 300


def test_a_draft_keeps_raw_input_until_it_is_saved(practice: Practice) -> None:
    draft = invoicing.create_draft(cast.ana(practice), entry(14_000), by=cast.DESK)
    assert invoicing.save_draft_input(draft, {"note": "half a sen"}, version=draft.version)
    draft.refresh_from_db()
    assert draft.typed == {"note": "half a sen"}
    saved = invoicing.edit_draft(draft, entry(14_000), version=draft.version, by=cast.DESK)
    assert saved.typed is None
    assert not invoicing.save_draft_input(draft, {"note": "too late"}, version=draft.version)


def test_a_discarded_draft_leaves_no_gap(practice: Practice) -> None:
    ana = cast.ana(practice)
    draft = invoicing.create_draft(ana, entry(14_000), by=cast.DESK)
    invoicing.discard_draft(draft, shown=None, by=cast.DESK)
    invoicing.discard_draft(draft, shown=None, by=cast.DESK)
    assert not Invoice.objects.filter(pk=draft.pk).exists()
    assert cast.bill(ana).number == 1


def test_issuing_gives_the_next_number_once(practice: Practice) -> None:
    ana = cast.ana(practice)
    first = invoicing.issue(invoicing.create_draft(ana, entry(14_000), by=cast.DESK), shown=None, by=cast.DESK)
    again = invoicing.issue(first, shown=None, by=cast.DESK)
    second = cast.bill(ana)
    assert (first.number, again.number, second.number) == (1, 1, 2)
    assert AuditEntry.objects.filter(action=AuditAction.INVOICE_ISSUED).count() == 2


def test_each_practice_has_its_own_numbers(practice: Practice) -> None:
    cast.bill(cast.ana(practice))
    assert cast.bill(cast.dora(cast.birch())).number == 1


def test_an_empty_or_zero_invoice_is_not_issued(practice: Practice) -> None:
    ana = cast.ana(practice)
    with pytest.raises(InvoiceEmpty):
        invoicing.issue(invoicing.create_draft(ana, entry(), by=cast.DESK), shown=None, by=cast.DESK)
    with pytest.raises(TotalNotPositive):
        invoicing.issue(invoicing.create_draft(ana, entry(100, -100), by=cast.DESK), shown=None, by=cast.DESK)
    assert cast.bill(ana).number == 1


def test_a_line_may_be_negative_but_no_total(practice: Practice) -> None:
    ana = cast.ana(practice)
    assert invoicing.create_draft(ana, entry(14_000, -4_000), by=cast.DESK).total_minor == 10_000
    with pytest.raises(TotalNotPositive):
        invoicing.create_draft(ana, entry(4_000, -14_000), by=cast.DESK)


def test_an_issued_invoice_cannot_be_edited(practice: Practice) -> None:
    invoice = cast.bill(cast.ana(practice))
    with pytest.raises(InvoiceIssued):
        invoicing.edit_draft(invoice, entry(1), version=invoice.version, by=cast.DESK)
    with pytest.raises(InvoiceIssued):
        invoicing.discard_draft(invoice, shown=None, by=cast.DESK)


def test_voiding_keeps_the_number_and_credits_payments(practice: Practice) -> None:
    ana = cast.ana(practice)
    invoice = cast.bill(ana, 28_000)
    cast.cash(ana, 14_000, invoice=invoice)
    voided = invoicing.void(invoice, reason="Created by mistake", shown=None, by=cast.DESK)
    again = invoicing.void(invoice, reason="Another", shown=None, by=cast.DESK)
    assert (voided.number, again.void_reason) == (invoice.number, "Created by mistake")
    account = balances.office_account(ana)
    assert (account.sums.invoiced_minor, account.unused_minor, account.office_minor) == (0, 14_000, -14_000)
    assert AuditEntry.objects.get(action=AuditAction.INVOICE_VOIDED).details["became_credit_minor"] == 14_000


def test_credit_of_a_void_invoice_pays_the_next_one(practice: Practice) -> None:
    ana = cast.ana(practice)
    invoice = cast.bill(ana, 14_000)
    cast.cash(ana, 14_000, invoice=invoice)
    other = cast.bill(ana, 20_000)
    invoicing.void(invoice, reason="Created by mistake", shown=None, by=cast.DESK)
    other.refresh_from_db()
    assert (other.paid_minor, balances.office_account(ana).office_minor) == (14_000, 6_000)


def test_voiding_needs_a_reason_and_an_issued_invoice(practice: Practice) -> None:
    ana = cast.ana(practice)
    with pytest.raises(ReasonMissing):
        invoicing.void(cast.bill(ana), reason=" ", shown=None, by=cast.DESK)
    with pytest.raises(InvoiceNotIssued):
        invoicing.void(invoicing.create_draft(ana, entry(1), by=cast.DESK), reason="x", shown=None, by=cast.DESK)


@pytest.mark.parametrize(
    ("state", "refusal"),
    [(AttemptState.OPEN, BeingPaid), (AttemptState.PROCESSING, Processing), (AttemptState.QUARANTINED, Processing)],
)
def test_an_invoice_with_an_open_attempt_is_not_voided(
    practice: Practice, state: AttemptState, refusal: type[Exception]
) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    invoice = cast.bill(ana)
    cast.attempt(invoice, state=state)
    with pytest.raises(refusal):
        invoicing.void(invoice, reason="Created by mistake", shown=None, by=cast.DESK)
    invoice.refresh_from_db()
    assert not invoice.is_void


def test_reissuing_creates_one_draft_with_the_same_lines(practice: Practice) -> None:
    invoice = cast.bill(cast.ana(practice), 14_000)
    reissued = invoicing.void_and_reissue(invoice, reason="Wrong price", shown=None, by=cast.DESK)
    assert (reissued.is_draft, reissued.total_minor, reissued.replaces) == (True, 14_000, invoice)
    assert [line.label for line in reissued.lines.all()] == ["Session, 50 minutes"]
    assert invoicing.void_and_reissue(invoice, reason="Wrong price", shown=None, by=cast.DESK) == reissued


def test_the_first_invoice_fixes_the_currency(practice: Practice) -> None:
    assert practice.currency_fixed_at is None
    cast.bill(cast.ana(practice))
    practice.refresh_from_db()
    assert practice.currency_fixed_at is not None


@pytest.mark.parametrize(
    ("days", "status"), [(-1, InvoiceStatus.PAST_DUE), (0, InvoiceStatus.UNPAID), (1, InvoiceStatus.UNPAID)]
)
def test_an_invoice_is_past_due_after_its_due_date(practice: Practice, days: int, status: InvoiceStatus) -> None:
    today = clock.today(practice.time_zone)
    invoice = cast.bill(cast.ana(practice), due_on=today + timedelta(days=days))
    assert Invoice.objects.with_attempts().get(pk=invoice.pk).status_on(today) is status


@pytest.mark.parametrize(
    "change",
    [
        {"paid_minor": 14_001},
        {"number": None},
        {"voided_at": None, "void_reason": "no time"},
        {"total_minor": 0},
        {"paid_minor": -1},
    ],
)
def test_constraints_refuse_inconsistent_invoices(practice: Practice, change: dict[str, object]) -> None:
    invoice = cast.bill(cast.ana(practice))
    with pytest.raises(IntegrityError), transaction.atomic():
        Invoice.objects.filter(pk=invoice.pk).update(**change)
