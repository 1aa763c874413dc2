"""Invoice numbers are unique and without gaps, with concurrent issuing and rollbacks."""

import threading
from functools import partial

import pytest
from django.db import IntegrityError, transaction

from portico.domain.billing.invoices import invoicing
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.ledger import locks, verification
from portico.domain.billing.models import Invoice, InvoiceCounter
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast
from tests.support.at_once import HANDS, at_once

pytestmark = pytest.mark.both_databases

DRAFTS_EACH = 8


def drafts() -> list[list[Invoice]]:
    practice = cast.alder()
    people = [cast.client(practice, f"Client{number}") for number in range(HANDS)]
    entry = InvoiceInput(clock.today("UTC"), lines=(LineInput("Session", 14_000),))
    return [[invoicing.create_draft(person, entry, by=cast.DESK) for _ in range(DRAFTS_EACH)] for person in people]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_concurrent_numbers_have_no_gaps_after_rollbacks() -> None:
    batches = drafts()

    def issue(batch: list[Invoice]) -> None:
        for number, draft in enumerate(batch):
            with transaction.atomic():
                invoicing.issue(draft, shown=None, by=cast.DESK)
                # As if the request failed at the last moment.
                transaction.set_rollback(number % 3 == 0)

    assert at_once(*[partial(issue, batch) for batch in batches]) == [None] * HANDS
    numbers = Invoice.objects.issued().order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, HANDS * (DRAFTS_EACH - len(range(0, DRAFTS_EACH, 3))) + 1))
    assert list(verification.mismatches()) == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_a_constraint_refuses_a_duplicate() -> None:
    first, second = (batch[0] for batch in drafts()[:2])
    InvoiceCounter.objects.create(practice=first.practice)
    both_have_read = threading.Barrier(2)

    def issue_without_lock(draft: Invoice) -> None:
        with locks.lock_books(draft.client):
            counter = InvoiceCounter.objects.get(practice=draft.practice)
            both_have_read.wait(30)
            InvoiceCounter.objects.filter(pk=counter.pk).update(next_number=counter.next_number + 1)
            Invoice.objects.filter(pk=draft.pk).update(number=counter.next_number, issued_at=clock.now())

    issued = at_once(partial(issue_without_lock, first), partial(issue_without_lock, second))
    assert {type(each) for each in issued} == {IntegrityError, type(None)}


def test_a_gap_in_the_counter_is_a_mismatch(practice: Practice) -> None:
    cast.bill(cast.ana(practice))
    InvoiceCounter.objects.update(next_number=5)
    assert {each.rule for each in verification.mismatches()} == {"invoices are numbered without gaps"}
