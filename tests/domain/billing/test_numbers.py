"""Invoice numbers have no gaps and no doubles, however many issue at once and however many change their minds."""

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connections, transaction

from portico.domain.billing import holding, invoicing, verifying
from portico.domain.billing.entries import InvoiceEntry, LineEntry
from portico.domain.billing.models import Invoice, InvoiceCounter
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast

HANDS, EACH = 6, 8


def drafts() -> list[list[Invoice]]:
    practice = cast.alder()
    people = [cast.client(practice, f"Client{number}") for number in range(HANDS)]
    entry = InvoiceEntry(clock.today("UTC"), lines=(LineEntry("Session", 14_000),))
    return [[invoicing.draft(person, entry, by=cast.DESK) for _ in range(EACH)] for person in people]


def all_at_once(works: list[Callable[[], None]]) -> list[BaseException]:
    start, errors = threading.Barrier(len(works)), list[BaseException]()

    def run(work: Callable[[], None]) -> None:
        try:
            start.wait(30)
            work()
        except BaseException as error:  # noqa: BLE001 - told to the test
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return errors


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_numbers_given_side_by_side_are_one_to_n_though_every_third_is_rolled_back() -> None:
    piles = drafts()

    def issue(pile: list[Invoice]) -> None:
        for number, draft in enumerate(pile):
            with transaction.atomic():
                invoicing.issue(draft, by=cast.DESK)
                # As when whoever was issuing gives up at the last moment.
                transaction.set_rollback(number % 3 == 0)

    assert all_at_once([lambda pile=pile: issue(pile) for pile in piles]) == []  # type: ignore[misc]  # bound at once
    numbers = Invoice.objects.issued().order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, HANDS * (EACH - len(range(0, EACH, 3))) + 1))
    assert list(verifying.mismatches()) == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_two_get_the_same_number_and_the_database_refuses_one() -> None:
    first, second = (pile[0] for pile in drafts()[:2])
    InvoiceCounter.objects.create(practice=first.practice)
    both_have_looked = threading.Barrier(2)

    def issue_without_lock(draft: Invoice) -> None:
        with holding.books_of(draft.client):
            counter = InvoiceCounter.objects.get(practice=draft.practice)
            both_have_looked.wait(30)
            InvoiceCounter.objects.filter(pk=counter.pk).update(next_number=counter.next_number + 1)
            Invoice.objects.filter(pk=draft.pk).update(number=counter.next_number, issued_at=clock.now())

    errors = all_at_once([lambda: issue_without_lock(first), lambda: issue_without_lock(second)])
    assert [type(error) for error in errors] == [IntegrityError]


def test_a_number_lost_from_the_counter_is_named(practice: Practice) -> None:
    cast.bill(cast.ana(practice))
    InvoiceCounter.objects.update(next_number=5)
    assert {each.rule for each in verifying.mismatches()} == {"invoices are numbered without gaps"}
