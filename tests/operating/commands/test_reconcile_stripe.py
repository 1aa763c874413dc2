"""`portico reconcile-stripe` reports missing payments, and reopens `Pay Now` after a restore once it has seen all."""

from datetime import timedelta

import pytest
from django.core.management import CommandError
from pytest_django.fixtures import Settings

from portico.domain.billing.models import Invoice
from portico.domain.billing.stripe_sync import reconciliation
from portico.plumbing.models import Restoration
from tests import cast
from tests.operating.commands.test_verifying import run
from tests.support.card_payments import Till, let_pay
from tests.support.clock import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def bill(till: Till) -> Invoice:
    """An invoice that was paid at Stripe while its webhook was lost."""
    bill = cast.bill(let_pay(cast.ana(till.practice)))
    till.type_card(till.start(bill.client, bill))
    return bill


def test_it_prints_what_was_missing_per_practice(bill: Invoice) -> None:
    cast.birch()
    code, output = run("reconcile_stripe")
    assert code == 0
    assert "alder-street: 1 payments in Stripe since 2026-11-16" in output
    assert "1 were missing in Portico." in output
    assert "birch-lane: 0 payments in Stripe" in output
    bill.refresh_from_db()
    assert bill.is_paid
    assert "0 were missing in Portico." in run("reconcile_stripe")[1]


def test_after_a_restore_it_begins_a_day_before_the_backup(till: Till, bill: Invoice) -> None:
    Restoration.objects.create(practice=till.practice, backup_made_at=NOW - timedelta(days=20))
    assert "since 2026-11-02" in run("reconcile_stripe")[1]
    assert reconciliation.since_of(till.practice) is None


def test_a_later_start_does_not_reopen_payments(till: Till, bill: Invoice) -> None:
    Restoration.objects.create(practice=till.practice, backup_made_at=NOW - timedelta(days=20))
    assert "since 2026-11-20 09:30 UTC" in run("reconcile_stripe", "--since", "2026-11-20T09:30")[1]
    assert reconciliation.since_of(till.practice) is not None
    with pytest.raises(CommandError, match="--since must be a date"):
        run("reconcile_stripe", "--since", "yesterday")


def test_with_stripe_down_it_fails_and_reopens_nothing(till: Till, bill: Invoice) -> None:
    Restoration.objects.create(practice=till.practice, backup_made_at=NOW)
    till.stripe.fault("503")
    with pytest.raises(CommandError, match="alder-street: Stripe could not be reached"):
        run("reconcile_stripe")
    assert reconciliation.since_of(till.practice) is not None


def test_with_an_undecipherable_key_it_fails_with_advice(till: Till, bill: Invoice, settings: Settings) -> None:
    Restoration.objects.create(practice=till.practice, backup_made_at=NOW)
    settings.FIELD_KEYS = {"new": b"n" * 32}
    with pytest.raises(CommandError, match="Enter the keys again in Settings > Online Payments"):
        run("reconcile_stripe")
    assert reconciliation.since_of(till.practice) is not None
