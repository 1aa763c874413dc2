"""The kept total that a practice is owed: right before and after the worker includes changes, and with many at once."""

from functools import partial
from threading import Barrier

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from portico.domain.billing.invoices import invoicing
from portico.domain.billing.ledger import practice_owed_total, verification
from portico.domain.billing.models import Invoice, OwedTotal
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.at_once import HANDS, at_once, errors

pytestmark = pytest.mark.django_db
both_databases = pytest.mark.both_databases


def added_up(practice: Practice) -> int:
    return sum(invoice.owed_minor for invoice in Invoice.objects.filter(practice=practice))


def kept(practice: Practice) -> int:
    minor: int = OwedTotal.objects.get(practice=practice).minor
    return minor


@both_databases
def test_the_total_follows_each_change_at_once(practice: Practice) -> None:
    ana, dora = cast.ana(practice), cast.dora(cast.birch())
    cast.bill(dora, 900)
    assert practice_owed_total.owed_minor(practice) == 0
    bill, other = cast.bill(ana, 500), cast.bill(ana, 300)
    assert practice_owed_total.owed_minor(practice) == 800
    practice_owed_total.include_changes()
    cast.cash(ana, 200, invoice=bill)
    assert practice_owed_total.owed_minor(practice) == 600
    invoicing.void(other, reason="A mistake", shown=None, by=cast.DESK)
    assert practice_owed_total.owed_minor(practice) == 300
    assert practice_owed_total.owed_minor(dora.practice) == 900
    assert list(verification.mismatches()) == []


@both_databases
def test_changes_are_included_once(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practice_owed_total, "BATCH_SIZE", 2)
    ana, dora = cast.ana(practice), cast.dora(cast.birch())
    for person in (ana, dora, ana, dora, ana):
        cast.bill(person, 500)
    assert [practice_owed_total.include_changes() for _turn in range(2)] == [5, 0]
    assert (kept(practice), kept(dora.practice)) == (1_500, 1_000)
    cast.cash(ana, 700)
    assert practice_owed_total.include_changes() == 2
    assert (kept(practice), practice_owed_total.owed_minor(practice)) == (800, 800)


@both_databases
def test_a_wrong_total_is_a_mismatch(practice: Practice) -> None:
    cast.bill(cast.ana(practice), 500)
    practice_owed_total.include_changes()
    OwedTotal.objects.update(minor=700)
    (found,) = verification.mismatches()
    assert (found.stored, found.computed) == ("700", "500")


@both_databases
def test_included_invoices_are_not_read_again(
    practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ana = cast.ana(practice)
    for _number in range(30):
        cast.bill(ana, 500)
    practice_owed_total.include_changes()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # Without statistics of this table, PostgreSQL plans with those of an earlier test.
            cursor.execute("ANALYZE")
            cursor.execute("SET LOCAL enable_seqscan = off")
    with django_assert_num_queries(1):
        assert practice_owed_total.owed_minor(practice) == 15_000
    assert "billing_not_totaled" in practice_owed_total._parts.queryset(practice=practice.pk).explain()
    assert "billing_not_totaled" in Invoice.objects.not_totaled().values_list("pk")[:9].explain()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_payments_and_workers_at_once_keep_the_total_right(practice: Practice) -> None:
    people = [cast.client(practice, name) for name in ("Nia", "Olu", "Pia")]
    for _round in range(3):
        bills = [cast.bill(person, 500, shared=False) for person in people]
        pay = [partial(cast.cash, bill.client, 100, invoice=bill) for bill in bills]
        done = at_once(*pay, *[practice_owed_total.include_changes] * (HANDS - len(pay)))
        assert errors(done) == []
        assert practice_owed_total.owed_minor(practice) == added_up(practice)
    practice_owed_total.include_changes()
    assert kept(practice) == added_up(practice) == 3_600
    assert list(verification.mismatches()) == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_two_workers_include_a_change_twice(practice: Practice) -> None:
    cast.bill(cast.ana(practice), 500)
    have_read = Barrier(2)

    def include_without_lock() -> None:
        changed = Invoice.objects.not_totaled().values_list("practice_id", "pk", "open_minor")
        with transaction.atomic():
            rows = list(changed)
            have_read.wait(30)
            practice_owed_total._include(rows)

    assert errors(at_once(include_without_lock, include_without_lock)) == []
    assert (kept(practice), added_up(practice)) == (1_000, 500)
