"""Invoice numbers have no gaps and no doubles, however many issue at once and however many change their minds."""

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

EACH = 8


def drafts() -> list[list[Invoice]]:
    practice = cast.alder()
    people = [cast.client(practice, f"Client{number}") for number in range(HANDS)]
    entry = InvoiceInput(clock.today("UTC"), lines=(LineInput("Session", 14_000),))
    return [[invoicing.draft(person, entry, by=cast.DESK) for _ in range(EACH)] for person in people]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_numbers_given_side_by_side_are_one_to_n_though_every_third_is_rolled_back() -> None:
    piles = drafts()

    def issue(pile: list[Invoice]) -> None:
        for number, draft in enumerate(pile):
            with transaction.atomic():
                invoicing.issue(draft, shown=None, by=cast.DESK)
                # As when whoever was issuing gives up at the last moment.
                transaction.set_rollback(number % 3 == 0)

    assert at_once(*[partial(issue, pile) for pile in piles]) == [None] * HANDS
    numbers = Invoice.objects.issued().order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, HANDS * (EACH - len(range(0, EACH, 3))) + 1))
    assert list(verification.mismatches()) == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_two_get_the_same_number_and_the_database_refuses_one() -> None:
    first, second = (pile[0] for pile in drafts()[:2])
    InvoiceCounter.objects.create(practice=first.practice)
    both_have_looked = threading.Barrier(2)

    def issue_without_lock(draft: Invoice) -> None:
        with locks.lock_books(draft.client):
            counter = InvoiceCounter.objects.get(practice=draft.practice)
            both_have_looked.wait(30)
            InvoiceCounter.objects.filter(pk=counter.pk).update(next_number=counter.next_number + 1)
            Invoice.objects.filter(pk=draft.pk).update(number=counter.next_number, issued_at=clock.now())

    issued = at_once(partial(issue_without_lock, first), partial(issue_without_lock, second))
    assert {type(each) for each in issued} == {IntegrityError, type(None)}


def test_a_number_lost_from_the_counter_is_named(practice: Practice) -> None:
    cast.bill(cast.ana(practice))
    InvoiceCounter.objects.update(next_number=5)
    assert {each.rule for each in verification.mismatches()} == {"invoices are numbered without gaps"}
