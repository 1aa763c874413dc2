"""A practice's Stripe account: keys are checked, encrypted, replaced and removed; webhooks are created and checked."""

from datetime import timedelta

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings
from time_machine import Traveller

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.stripe_sync import webhook_events
from portico.domain.practices.models import CardState, OnlinePayments, PaymentProblem, Practice, StripeKey
from portico.domain.practices.stripe_setup import api_keys, payment_readiness, webhook_setup
from portico.domain.practices.stripe_setup.api_keys import (
    KeyLacksPermissions,
    KeyNotAccepted,
    Keys,
    NotAKey,
    NotASecret,
    StripeSaidNo,
    StripeTooBusy,
    StripeUnavailable,
)
from portico.domain.practices.stripe_setup.payment_readiness import CardsNotAccepted
from portico.domain.practices.stripe_setup.webhook_setup import AddressNotPublic, KeyCannotCreateWebhooks
from portico.gateways.stripe import account
from portico.gateways.stripe.errors import StripeCallFailed
from portico.plumbing.models import AuditEntry
from sandbox.stripe.server import SandboxStripe
from tests import cast
from tests.cast import DESK
from tests.support.clock import NOW

pytestmark = pytest.mark.django_db

KEY = "sk_test_demo"


@pytest.fixture(autouse=True)
def stripe(sandbox: SandboxStripe, settings: Settings) -> SandboxStripe:
    settings.STRIPE_API_BASE = sandbox.url
    return sandbox


def save(practice: Practice, key: str = KEY, secret: str = "") -> OnlinePayments:
    payments = api_keys.save_keys(practice, Keys(key, secret), by=DESK)
    practice.refresh_from_db()
    return payments


def state_of(practice: Practice) -> str:
    practice.refresh_from_db()
    return practice.card_state


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_a_valid_key_makes_the_practice_ready(practice: Practice) -> None:
    payments = save(practice)
    assert (practice.card_state, practice.takes_cards) == (CardState.TEST, True)
    assert (payments.country, payments.currency, payments.problem) == ("US", "USD", PaymentProblem.NONE)
    assert payments.account_name
    assert payments.key is not None
    assert (payments.key.ending, payments.key.livemode) == ("demo", False)
    assert account.look_up(payment_readiness.client_for(practice)).id == payments.key.account_id
    assert actions() == [AuditAction.STRIPE_KEY_SAVED, AuditAction.ONLINE_PAYMENTS_CHANGED]


def test_a_live_key_sets_the_state_to_live(practice: Practice) -> None:
    save(practice, "sk_live_demo")
    assert practice.card_state == CardState.LIVE


def test_keys_and_secrets_are_stored_encrypted(practice: Practice) -> None:
    payments = save(practice, "sk_test_very_private", "whsec_very_private")
    key = StripeKey.objects.get()
    assert b"very_private" not in bytes(key.encrypted_secret) + bytes(payments.encrypted_webhook_secret or b"")
    assert "very_private" not in str(list(AuditEntry.objects.values_list("details", flat=True)))
    assert (key.decrypted(), payments.webhook_secret()) == ("sk_test_very_private", "whsec_very_private")


def test_another_practices_ciphertext_is_not_decrypted(practice: Practice) -> None:
    save(practice)
    stolen = StripeKey(
        practice=cast.birch(), livemode=False, encrypted_secret=StripeKey.objects.get().encrypted_secret, ending="demo"
    )
    stolen.save()
    assert payment_readiness.read_client_for(stolen.practice, account_id="", livemode=False) is None


@pytest.mark.parametrize(
    "key", ["", "pk_test_abc", "sk_test_", "whsec_abc", "sk_test_a\nb", "sk_test_ä", "sk_test_" + "a" * 300]
)
def test_a_malformed_key_is_refused_without_a_call(practice: Practice, key: str, sandbox: SandboxStripe) -> None:
    sandbox.fault("hang", seconds=5)
    with pytest.raises(NotAKey):
        save(practice, key)
    assert StripeKey.objects.count() == 0


def test_a_malformed_webhook_secret_is_refused(practice: Practice) -> None:
    with pytest.raises(NotASecret):
        save(practice, KEY, "sk_test_demo")
    assert StripeKey.objects.count() == 0


def test_a_rejected_key_does_not_replace_the_current_one(practice: Practice) -> None:
    save(practice)
    with pytest.raises(KeyNotAccepted):
        save(practice, "sk_test_unknown")
    with pytest.raises(KeyLacksPermissions):
        save(practice, "rk_test_demo")
    assert state_of(practice) == CardState.TEST
    assert StripeKey.objects.get().ending == "demo"


@pytest.mark.parametrize("fault", ["500", "429", "lost", "nonsense"])
def test_nothing_is_saved_while_stripe_is_unavailable(practice: Practice, sandbox: SandboxStripe, fault: str) -> None:
    sandbox.fault(fault)
    with pytest.raises(StripeUnavailable):
        save(practice)
    assert (StripeKey.objects.count(), state_of(practice)) == (0, CardState.NOT_SET_UP)


@pytest.mark.parametrize(
    ("key", "problem"),
    [("sk_test_demo_restricted", PaymentProblem.CHARGES_OFF), ("sk_test_demo_eur", PaymentProblem.CURRENCY)],
)
def test_the_problem_of_an_account_is_saved(practice: Practice, key: str, problem: PaymentProblem) -> None:
    payments = save(practice, key)
    assert (practice.card_state, payments.problem) == (CardState.NEEDS_ATTENTION, problem)
    with pytest.raises(CardsNotAccepted):
        payment_readiness.client_for(practice)


def test_checking_again_notices_enabled_charges(practice: Practice, sandbox: SandboxStripe) -> None:
    sandbox.open_account(charges_enabled=False)
    save(practice)
    assert practice.card_state == CardState.NEEDS_ATTENTION
    sandbox.open_account(charges_enabled=True)
    api_keys.check_again(practice, by=DESK)
    assert state_of(practice) == CardState.TEST


def test_checking_again_notices_a_revoked_key(practice: Practice, sandbox: SandboxStripe) -> None:
    save(practice)
    sandbox.revoke(KEY)
    payments = api_keys.check_again(practice, by=DESK)
    assert payments is not None
    assert (state_of(practice), payments.problem) == (CardState.NEEDS_ATTENTION, PaymentProblem.KEY_REFUSED)


def test_a_failed_check_changes_nothing(practice: Practice, sandbox: SandboxStripe) -> None:
    save(practice)
    sandbox.fault("503")
    with pytest.raises(StripeUnavailable):
        api_keys.check_again(practice, by=DESK)
    assert state_of(practice) == CardState.TEST
    assert api_keys.check_again(cast.birch(), by=DESK) is None


def test_an_undecryptable_key_can_be_entered_again(practice: Practice, settings: Settings) -> None:
    save(practice)
    settings.FIELD_KEYS = {"new": b"n" * 32}
    with pytest.raises(CardsNotAccepted):
        payment_readiness.client_for(practice)
    payments = api_keys.check_again(practice, by=DESK)
    assert payments is not None
    assert payments.problem == PaymentProblem.KEY_UNREADABLE
    save(practice)
    assert practice.card_state == CardState.TEST


def test_a_replaced_key_is_kept_for_read_access(practice: Practice, sandbox: SandboxStripe) -> None:
    first = save(practice).key
    assert first is not None
    save(practice, "sk_live_demo")
    read_client = payment_readiness.read_client_for(practice, account_id=first.account_id, livemode=False)
    assert read_client is not None
    assert (read_client.is_live, payment_readiness.client_for(practice).is_live) == (False, True)
    payment_readiness.delete_replaced_key(first)
    assert payment_readiness.read_client_for(practice, account_id=first.account_id, livemode=False) is None
    # The current key is not deleted.
    payment_readiness.delete_replaced_key(StripeKey.objects.get())
    assert payment_readiness.client_for(practice).is_live


def test_saving_the_same_key_only_checks_it(practice: Practice) -> None:
    save(practice)
    save(practice)
    assert StripeKey.objects.count() == 1
    assert actions().count(AuditAction.STRIPE_KEY_SAVED) == 1


def test_a_removed_key_is_kept_for_read_access(practice: Practice) -> None:
    key = save(practice).key
    assert key is not None
    api_keys.remove_keys(practice, by=DESK)
    api_keys.remove_keys(practice, by=DESK)
    assert state_of(practice) == CardState.NOT_SET_UP
    with pytest.raises(CardsNotAccepted):
        payment_readiness.client_for(practice)
    assert payment_readiness.read_client_for(practice, account_id=key.account_id, livemode=False) is not None
    assert actions().count(AuditAction.STRIPE_KEY_REMOVED) == 1
    save(practice)
    assert practice.card_state == CardState.TEST


def test_seeded_keys_are_ready_without_a_call(practice: Practice, sandbox: SandboxStripe) -> None:
    sandbox.fault("500", times=9)
    payments = api_keys.save_unchecked(practice, Keys(KEY, "whsec_demo"), by=DESK)
    assert (state_of(practice), payments.webhook_secret()) == (CardState.TEST, "whsec_demo")
    sandbox.clear_faults()
    # An attempt that began before the account was fetched has no account id; a client is still found for it.
    api_keys.check_again(practice, by=DESK)
    assert StripeKey.objects.get().account_id.startswith("acct_")
    assert payment_readiness.read_client_for(practice, account_id="", livemode=False) is not None


def test_a_problem_during_a_call_stops_card_payments(practice: Practice) -> None:
    save(practice)
    payment_readiness.record_problem(practice, PaymentProblem.KEY_REFUSED, by=DESK)
    assert state_of(practice) == CardState.NEEDS_ATTENTION
    api_keys.check_again(practice, by=DESK)
    assert state_of(practice) == CardState.TEST
    payment_readiness.record_problem(cast.birch(), PaymentProblem.KEY_REFUSED, by=DESK)
    assert not Practice.objects.exclude(card_state="").exclude(pk=practice.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_stripe_is_never_called_inside_a_transaction(practice: Practice) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError):
        save(practice)


def make_address_public(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://portal.alder.example"


def test_a_webhook_is_created_once(practice: Practice, settings: Settings) -> None:
    make_address_public(settings)
    save(practice)
    webhook_setup.create_webhook(practice, by=DESK)
    payments = webhook_setup.create_webhook(practice, by=DESK)
    (endpoint,) = account.endpoints(payment_readiness.client_for(practice))
    assert endpoint.url == "https://portal.alder.example/hooks/stripe/alder-street/"
    entries = AuditEntry.objects.filter(action=AuditAction.WEBHOOK_SAVED)
    assert {entry.details["way"] for entry in entries} == {"by Portico"}
    assert (payments.webhook_id, payments.webhook_secret()[:6]) == (endpoint.id, "whsec_")


def test_a_local_address_cannot_have_a_webhook(practice: Practice) -> None:
    save(practice)
    with pytest.raises(AddressNotPublic):
        webhook_setup.create_webhook(practice, by=DESK)


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("https://portal.alder.example/", True),
        ("http://portal.alder.example/", False),
        ("https://localhost/", False),
        ("https://10.0.0.7/", False),
        ("https://[::1]/", False),
        ("https://office.local/", False),
        ("https://intranet/", False),
        ("https://8.8.8.8/", True),
    ],
)
def test_only_a_public_address_can_be_called(address: str, is_public: bool) -> None:  # noqa: FBT001  # A parameter.
    assert webhook_setup.is_public(address) is is_public


def test_without_a_key_no_webhook_can_be_saved(practice: Practice, settings: Settings) -> None:
    make_address_public(settings)
    with pytest.raises(CardsNotAccepted):
        webhook_setup.create_webhook(practice, by=DESK)
    with pytest.raises(CardsNotAccepted):
        webhook_setup.save_secret(practice, "whsec_abc", by=DESK)
    assert webhook_events.find_by_slug("alder-street") is None


def test_a_key_without_the_permission_cannot_create_it(
    practice: Practice, settings: Settings, sandbox: SandboxStripe
) -> None:
    make_address_public(settings)
    save(practice)
    sandbox.fault("deny", "/v1/webhook_endpoints")
    with pytest.raises(KeyCannotCreateWebhooks):
        webhook_setup.create_webhook(practice, by=DESK)
    sandbox.revoke(KEY)
    with pytest.raises(KeyNotAccepted):
        webhook_setup.create_webhook(practice, by=DESK)


def test_a_webhook_with_a_lost_secret_is_replaced(
    practice: Practice, settings: Settings, sandbox: SandboxStripe
) -> None:
    make_address_public(settings)
    save(practice)
    sandbox.fault("lost", "/v1/webhook_endpoints", method="POST")
    with pytest.raises(StripeUnavailable):
        webhook_setup.create_webhook(practice, by=DESK)
    # The endpoint whose secret was lost is replaced.
    webhook_setup.create_webhook(practice, by=DESK)
    assert len(account.endpoints(payment_readiness.client_for(practice))) == 1


def test_a_webhook_deleted_at_stripe_is_created_again(
    practice: Practice, settings: Settings, sandbox: SandboxStripe
) -> None:
    settings.PUBLIC_BASE_URL = "https://portal.example.com"
    save(practice)
    made = webhook_setup.create_webhook(practice, by=DESK)
    assert not webhook_setup.check_webhook(practice, by=DESK)
    sandbox.delete_endpoint(made.webhook_id)
    assert webhook_setup.check_webhook(practice, by=DESK)
    assert webhook_setup.check_webhook(practice, by=DESK)
    status = webhook_setup.webhook_status(OnlinePayments.objects.get(), practice)
    assert (status.is_missing, status.is_set_up) == (True, False)
    assert actions().count(AuditAction.WEBHOOK_MISSING) == 1
    again = webhook_setup.create_webhook(practice, by=DESK)
    assert again.webhook_id != made.webhook_id
    assert not webhook_setup.webhook_status(OnlinePayments.objects.get(), practice).is_missing
    assert not webhook_setup.check_webhook(practice, by=DESK)


def test_webhooks_are_checked_once_a_day(
    practice: Practice, settings: Settings, sandbox: SandboxStripe, time_machine: Traveller
) -> None:
    settings.PUBLIC_BASE_URL = "https://portal.example.com"
    save(practice)
    sandbox.delete_endpoint(webhook_setup.create_webhook(practice, by=DESK).webhook_id)
    checked = []
    for hour in range(24):
        time_machine.move_to(NOW + timedelta(hours=hour))
        checked.append(webhook_setup.check_webhooks())
    assert sum(checked) == 1
    assert OnlinePayments.objects.get().is_webhook_missing


def test_a_failed_check_does_not_mark_a_webhook_missing(
    practice: Practice, settings: Settings, sandbox: SandboxStripe
) -> None:
    settings.PUBLIC_BASE_URL = "https://portal.example.com"
    save(practice)
    webhook_setup.create_webhook(practice, by=DESK)
    for fault in ("429", "deny", "500"):
        sandbox.fault(fault, "/v1/webhook_endpoints/")
        with pytest.raises(StripeCallFailed):
            webhook_setup.check_webhook(practice, by=DESK)
    assert OnlinePayments.objects.get().has_webhook


@pytest.mark.parametrize(("code", "refusal"), [("url_invalid", AddressNotPublic), ("too_many_endpoints", StripeSaidNo)])
def test_a_rejected_webhook_is_explained(
    practice: Practice, settings: Settings, sandbox: SandboxStripe, code: str, refusal: type[Exception]
) -> None:
    settings.PUBLIC_BASE_URL = "https://portal.example.com"
    save(practice)
    sandbox.fault("refuse", "/v1/webhook_endpoints", method="POST", code=code)
    with pytest.raises(refusal):
        webhook_setup.create_webhook(practice, by=DESK)


def test_rejection_and_rate_limit_have_their_own_refusal(practice: Practice, sandbox: SandboxStripe) -> None:
    sandbox.fault("429", "/v1/account")
    with pytest.raises(StripeTooBusy):
        save(practice)
    sandbox.fault("refuse", "/v1/account", code="api_version_invalid")
    with pytest.raises(StripeSaidNo, match="api_version_invalid, req_"):
        save(practice)


def test_a_secret_entered_by_hand_is_saved(practice: Practice) -> None:
    save(practice)
    webhook_setup.save_secret(practice, "whsec_by_hand", by=DESK)
    holder = webhook_events.find_by_slug("alder-street")
    assert holder is not None
    assert holder.webhook_secret() == "whsec_by_hand"
    assert AuditEntry.objects.get(action=AuditAction.WEBHOOK_SAVED).details["way"] == "by hand"
    with pytest.raises(NotASecret):
        webhook_setup.save_secret(practice, "sk_test_demo", by=DESK)


def test_a_webhook_of_the_other_mode_is_deleted(practice: Practice) -> None:
    save(practice, KEY, "whsec_of_test")
    save(practice, "sk_live_demo")
    assert webhook_events.find_by_slug("alder-street") is None


def test_a_webhook_of_another_account_is_deleted(practice: Practice) -> None:
    save(practice, KEY, "whsec_of_demo")
    api_keys.remove_keys(practice, by=DESK)
    assert webhook_events.find_by_slug("alder-street") is not None
    save(practice, "sk_test_other")
    assert webhook_events.find_by_slug("alder-street") is None


def test_a_rolled_key_keeps_the_webhook(practice: Practice, sandbox: SandboxStripe) -> None:
    save(practice, KEY, "whsec_stays")
    sandbox.roll_key("sk_test_rolled", KEY, revoke=True)
    save(practice, "sk_test_rolled")
    holder = webhook_events.find_by_slug("alder-street")
    assert holder is not None
    assert holder.webhook_secret() == "whsec_stays"
