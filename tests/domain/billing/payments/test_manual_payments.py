"""Manual payments: applied to chosen invoices, with a receipt by email, undone by the person who recorded them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from time_machine import Traveller

from portico.domain.billing import bill_mails
from portico.domain.billing.invoices import invoicing
from portico.domain.billing.models import Invoice, Payment, PaymentKind
from portico.domain.billing.payments import manual_payments
from portico.domain.billing.payments.manual_payments import InvoicePortion, PaymentInput
from portico.domain.billing.refusals import ExceedsInvoice, ExceedsPayment, InvoiceVoid, UndoExpired
from portico.domain.clients.models import Client
from portico.domain.practices.models import StaffMember
from portico.plumbing import clock
from portico.plumbing.mail import outbox
from portico.plumbing.models import OutgoingEmail
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_stay_right")]
CASH = PaymentInput(PaymentKind.CASH, 10_000, clock.today("UTC"))


@pytest.fixture
def fay(ana: Client) -> StaffMember:
    return cast.fay(ana.practice)


def recorded(ana: Client, member: StaffMember, entry: PaymentInput = CASH, *portions: tuple[Invoice, int]) -> Payment:
    chosen = tuple(InvoicePortion(invoice.pk, amount) for invoice, amount in portions)
    return manual_payments.record(ana, replace(entry, portions=chosen), shown=None, by=member.actor)


def undo(payment: Payment, member: StaffMember) -> Payment:
    return manual_payments.take_back(payment, reason="By mistake", shown=None, by=member.actor, only_own=True)


def paid(*bills: Invoice) -> list[int]:
    return [Invoice.objects.get(pk=bill.pk).paid_minor for bill in bills]


def test_without_a_choice_the_oldest_invoice_is_paid_first(ana: Client, fay: StaffMember) -> None:
    old, new = cast.bill(ana), cast.bill(ana)
    recorded(ana, fay)
    assert paid(old, new) == [10_000, 0]


def test_chosen_amounts_come_first_and_the_rest_goes_to_the_oldest(ana: Client, fay: StaffMember) -> None:
    old, new, unshared = cast.bill(ana), cast.bill(ana), cast.bill(ana, shared=False)
    recorded(ana, fay, CASH, (new, 5_000), (unshared, 2_000))
    assert paid(old, new, unshared) == [3_000, 5_000, 2_000]


@pytest.mark.parametrize(("first", "second", "refusal"), [(14_001, 0, ExceedsInvoice), (6_000, 4_001, ExceedsPayment)])
def test_more_than_there_is_is_refused(
    ana: Client, fay: StaffMember, first: int, second: int, refusal: type[Exception]
) -> None:
    bills = cast.bill(ana), cast.bill(ana)
    entry = replace(CASH, amount_minor=max(10_000, first))
    with pytest.raises(refusal):
        recorded(ana, fay, entry, (bills[0], first), (bills[1], second))
    assert not Payment.objects.exists()


def test_a_void_invoice_is_not_paid(ana: Client, fay: StaffMember) -> None:
    bill = cast.bill(ana)
    invoicing.void(bill, reason="Created by mistake", shown=None, by=cast.DESK)
    with pytest.raises(InvoiceVoid):
        recorded(ana, fay, CASH, (bill, 5_000))


@pytest.mark.parametrize("kind", [PaymentKind.BANK_TRANSFER, PaymentKind.HSA_FSA, PaymentKind.OTHER])
def test_other_kinds_are_recorded(ana: Client, fay: StaffMember, kind: PaymentKind) -> None:
    assert recorded(ana, fay, replace(CASH, kind=kind)).kind == kind


def test_a_receipt_is_emailed_only_if_asked_for(ana: Client, fay: StaffMember) -> None:
    assert not bill_mails.is_receipt_queued(recorded(ana, fay))
    assert bill_mails.is_receipt_queued(recorded(ana, fay, replace(CASH, email_receipt=True)))


def test_the_receipt_of_a_payment_undone_meanwhile_is_not_sent(ana: Client, fay: StaffMember) -> None:
    payment = recorded(ana, fay, replace(CASH, email_receipt=True))
    mail = OutgoingEmail.objects.get(kind=bill_mails.RECEIPT)
    composer = outbox.composer_of(mail.kind)
    assert composer.refuse(mail) is None
    undo(payment, fay)
    assert composer.refuse(mail) == "The payment was voided."


def test_an_own_payment_is_undone_for_15_minutes(ana: Client, fay: StaffMember, stopped_clock: Traveller) -> None:
    bill = cast.bill(ana)
    payment = recorded(ana, fay)
    stopped_clock.shift(timedelta(minutes=15) - timedelta(seconds=1))
    assert manual_payments.may_undo(payment, actor=fay.actor)
    assert undo(payment, fay).is_taken_back
    assert paid(bill) == [0]


def test_after_15_minutes_it_stays(ana: Client, fay: StaffMember, stopped_clock: Traveller) -> None:
    payment = recorded(ana, fay)
    stopped_clock.shift(timedelta(minutes=15))
    assert not manual_payments.may_undo(payment, actor=fay.actor)
    with pytest.raises(UndoExpired):
        undo(payment, fay)


def test_a_colleague_cannot_undo_it(ana: Client, fay: StaffMember) -> None:
    with pytest.raises(UndoExpired):
        undo(recorded(ana, fay), cast.hal(ana.practice))


def test_a_payment_of_no_staff_member_is_nobodys_to_undo(ana: Client) -> None:
    assert not manual_payments.may_undo(cast.cash(ana, 5_000), actor=cast.DESK)
