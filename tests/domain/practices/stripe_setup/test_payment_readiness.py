"""A practice's own Stripe account: keys are checked, kept unreadable, replaced and removed; what is missing is said."""

from datetime import timedelta

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings
from time_machine import Traveller

from portico.domain.audit_actions import AuditAction
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
from sandbox.stripe.serving import SandboxStripe
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


def verbs() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))


def test_a_good_key_is_asked_about_and_makes_the_practice_ready(practice: Practice) -> None:
    payments = save(practice)
    assert (practice.card_state, practice.takes_cards) == (CardState.TEST, True)
    assert (payments.country, payments.currency, payments.trouble) == ("US", "USD", PaymentProblem.NONE)
    assert payments.account_name
    assert payments.key is not None
    assert (payments.key.ending, payments.key.livemode) == ("demo", False)
    assert account.look_up(payment_readiness.client_for(practice)).id == payments.key.account_id
    assert verbs() == [AuditAction.STRIPE_KEY_SAVED, AuditAction.ONLINE_PAYMENTS_CHANGED]


def test_a_live_key_takes_real_money(practice: Practice) -> None:
    save(practice, "sk_live_demo")
    assert practice.card_state == CardState.LIVE


def test_no_key_or_secret_is_readable_in_the_database_or_the_trail(practice: Practice) -> None:
    payments = save(practice, "sk_test_very_private", "whsec_very_private")
    key = StripeKey.objects.get()
    assert b"very_private" not in bytes(key.box) + bytes(payments.webhook_box or b"")
    assert "very_private" not in str(list(AuditEntry.objects.values_list("details", flat=True)))
    assert (key.unlocked(), payments.webhook_secret()) == ("sk_test_very_private", "whsec_very_private")


def test_a_box_of_another_practice_does_not_open(practice: Practice) -> None:
    save(practice)
    stolen = StripeKey(practice=cast.birch(), livemode=False, box=StripeKey.objects.get().box, ending="demo")
    stolen.save()
    assert payment_readiness.read_client_for(stolen.practice, account_id="", livemode=False) is None


@pytest.mark.parametrize(
    "key", ["", "pk_test_abc", "sk_test_", "whsec_abc", "sk_test_a\nb", "sk_test_ä", "sk_test_" + "a" * 300]
)
def test_what_is_no_secret_key_is_refused_without_asking(practice: Practice, key: str, sandbox: SandboxStripe) -> None:
    sandbox.fault("hang", seconds=5)
    with pytest.raises(NotAKey):
        save(practice, key)
    assert StripeKey.objects.count() == 0


def test_a_webhook_secret_that_is_none_is_refused(practice: Practice) -> None:
    with pytest.raises(NotASecret):
        save(practice, KEY, "sk_test_demo")
    assert StripeKey.objects.count() == 0


def test_a_wrong_key_is_not_saved_and_leaves_the_good_one(practice: Practice) -> None:
    save(practice)
    with pytest.raises(KeyNotAccepted):
        save(practice, "sk_test_unknown")
    with pytest.raises(KeyLacksPermissions):
        save(practice, "rk_test_demo")
    assert state_of(practice) == CardState.TEST
    assert StripeKey.objects.get().ending == "demo"


@pytest.mark.parametrize("fault", ["500", "429", "lost", "nonsense"])
def test_with_stripe_away_nothing_is_saved(practice: Practice, sandbox: SandboxStripe, fault: str) -> None:
    sandbox.fault(fault)
    with pytest.raises(StripeUnavailable):
        save(practice)
    assert (StripeKey.objects.count(), state_of(practice)) == (0, CardState.NOT_SET_UP)


@pytest.mark.parametrize(
    ("key", "trouble"),
    [("sk_test_demo_restricted", PaymentProblem.CHARGES_OFF), ("sk_test_demo_eur", PaymentProblem.CURRENCY)],
)
def test_an_account_that_cannot_be_used_is_kept_with_its_reason(
    practice: Practice, key: str, trouble: PaymentProblem
) -> None:
    payments = save(practice, key)
    assert (practice.card_state, payments.trouble) == (CardState.TROUBLE, trouble)
    with pytest.raises(CardsNotAccepted):
        payment_readiness.client_for(practice)


def test_what_stripe_mended_is_seen_by_checking_again(practice: Practice, sandbox: SandboxStripe) -> None:
    sandbox.open_account(charges_enabled=False)
    save(practice)
    assert practice.card_state == CardState.TROUBLE
    sandbox.open_account(charges_enabled=True)
    api_keys.check_again(practice, by=DESK)
    assert state_of(practice) == CardState.TEST


def test_a_revoked_key_is_seen_by_checking_again(practice: Practice, sandbox: SandboxStripe) -> None:
    save(practice)
    sandbox.revoke(KEY)
    payments = api_keys.check_again(practice, by=DESK)
    assert payments is not None
    assert (state_of(practice), payments.trouble) == (CardState.TROUBLE, PaymentProblem.KEY_REFUSED)


def test_checking_again_with_stripe_away_changes_nothing(practice: Practice, sandbox: SandboxStripe) -> None:
    save(practice)
    sandbox.fault("503")
    with pytest.raises(StripeUnavailable):
        api_keys.check_again(practice, by=DESK)
    assert state_of(practice) == CardState.TEST
    assert api_keys.check_again(cast.birch(), by=DESK) is None


def test_lost_field_keys_are_told_and_the_key_can_be_entered_again(practice: Practice, settings: Settings) -> None:
    save(practice)
    settings.FIELD_KEYS = {"new": b"n" * 32}
    with pytest.raises(CardsNotAccepted):
        payment_readiness.client_for(practice)
    payments = api_keys.check_again(practice, by=DESK)
    assert payments is not None
    assert payments.trouble == PaymentProblem.KEY_UNREADABLE
    save(practice)
    assert practice.card_state == CardState.TEST


def test_a_replaced_key_is_kept_for_asking_only(practice: Practice, sandbox: SandboxStripe) -> None:
    first = save(practice).key
    assert first is not None
    save(practice, "sk_live_demo")
    asking = payment_readiness.read_client_for(practice, account_id=first.account_id, livemode=False)
    assert asking is not None
    assert (asking.is_live, payment_readiness.client_for(practice).is_live) == (False, True)
    (replaced,) = payment_readiness.replaced_keys(practice)
    assert replaced.pk == first.pk
    payment_readiness.delete_replaced_key(replaced)
    assert payment_readiness.read_client_for(practice, account_id=first.account_id, livemode=False) is None
    # The current one is not forgotten by mistake.
    payment_readiness.delete_replaced_key(StripeKey.objects.get())
    assert payment_readiness.client_for(practice).is_live


def test_the_same_key_again_is_only_checked_again(practice: Practice) -> None:
    save(practice)
    save(practice)
    assert StripeKey.objects.count() == 1
    assert verbs().count(AuditAction.STRIPE_KEY_SAVED) == 1


def test_a_removed_key_takes_no_money_and_can_still_ask(practice: Practice) -> None:
    key = save(practice).key
    assert key is not None
    api_keys.remove_keys(practice, by=DESK)
    api_keys.remove_keys(practice, by=DESK)
    assert state_of(practice) == CardState.NOT_SET_UP
    with pytest.raises(CardsNotAccepted):
        payment_readiness.client_for(practice)
    assert payment_readiness.read_client_for(practice, account_id=key.account_id, livemode=False) is not None
    assert verbs().count(AuditAction.STRIPE_KEY_REMOVED) == 1
    save(practice)
    assert practice.card_state == CardState.TEST


def test_seeded_keys_are_ready_without_a_call(practice: Practice, sandbox: SandboxStripe) -> None:
    sandbox.fault("500", times=9)
    payments = api_keys.save_unchecked(practice, Keys(KEY, "whsec_demo"), by=DESK)
    assert (state_of(practice), payments.webhook_secret()) == (CardState.TEST, "whsec_demo")
    sandbox.clear_faults()
    # An attempt that began before Stripe was asked names no account; it is still found afterwards.
    api_keys.check_again(practice, by=DESK)
    assert StripeKey.objects.get().account_id.startswith("acct_")
    assert payment_readiness.read_client_for(practice, account_id="", livemode=False) is not None


def test_trouble_met_on_the_way_closes_paying_until_it_is_mended(practice: Practice) -> None:
    save(practice)
    payment_readiness.record_problem(practice, PaymentProblem.KEY_REFUSED, by=DESK)
    assert state_of(practice) == CardState.TROUBLE
    api_keys.check_again(practice, by=DESK)
    assert state_of(practice) == CardState.TEST
    payment_readiness.record_problem(cast.birch(), PaymentProblem.KEY_REFUSED, by=DESK)
    assert not Practice.objects.exclude(card_state="").exclude(pk=practice.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_stripe_is_never_asked_inside_a_transaction(practice: Practice) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError):
        save(practice)


# Hearing from Stripe.


def public(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://portal.alder.example"


def test_a_webhook_is_made_at_stripe_once(practice: Practice, settings: Settings) -> None:
    public(settings)
    save(practice)
    webhook_setup.create_webhook(practice, by=DESK)
    payments = webhook_setup.create_webhook(practice, by=DESK)
    (endpoint,) = account.endpoints(payment_readiness.client_for(practice))
    assert endpoint.url == "https://portal.alder.example/hooks/stripe/alder-street/"
    told = AuditEntry.objects.filter(verb=AuditAction.WEBHOOK_SAVED)
    assert {entry.details["way"] for entry in told} == {"by Portico"}
    assert (payments.webhook_id, payments.webhook_secret()[:6]) == (endpoint.id, "whsec_")


def test_on_this_machine_no_webhook_can_be_made(practice: Practice) -> None:
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


def test_without_a_key_there_is_nothing_to_hear(practice: Practice, settings: Settings) -> None:
    public(settings)
    with pytest.raises(CardsNotAccepted):
        webhook_setup.create_webhook(practice, by=DESK)
    with pytest.raises(CardsNotAccepted):
        webhook_setup.save_secret(practice, "whsec_abc", by=DESK)
    assert webhook_setup.secret_holder("alder-street") is None


def test_a_key_that_may_not_make_webhooks_is_told(
    practice: Practice, settings: Settings, sandbox: SandboxStripe
) -> None:
    public(settings)
    save(practice)
    sandbox.fault("deny", "/v1/webhook_endpoints")
    with pytest.raises(KeyCannotCreateWebhooks):
        webhook_setup.create_webhook(practice, by=DESK)
    sandbox.revoke(KEY)
    with pytest.raises(KeyNotAccepted):
        webhook_setup.create_webhook(practice, by=DESK)


def test_with_stripe_away_no_webhook_is_kept(practice: Practice, settings: Settings, sandbox: SandboxStripe) -> None:
    public(settings)
    save(practice)
    sandbox.fault("lost", "/v1/webhook_endpoints", method="POST")
    with pytest.raises(StripeUnavailable):
        webhook_setup.create_webhook(practice, by=DESK)
    # The one whose secret nobody heard is replaced.
    webhook_setup.create_webhook(practice, by=DESK)
    assert len(account.endpoints(payment_readiness.client_for(practice))) == 1


def test_a_webhook_deleted_at_stripe_is_told_as_missing_and_made_again(
    practice: Practice, settings: Settings, sandbox: SandboxStripe
) -> None:
    settings.PUBLIC_BASE_URL = "https://portal.example.com"
    save(practice)
    made = webhook_setup.create_webhook(practice, by=DESK)
    assert not webhook_setup.check_webhook(practice, by=DESK)
    sandbox.delete_endpoint(made.webhook_id)
    assert webhook_setup.check_webhook(practice, by=DESK)
    assert webhook_setup.check_webhook(practice, by=DESK)
    heard = webhook_setup.webhook_status(OnlinePayments.objects.get(), practice)
    assert (heard.is_missing, heard.is_set_up) == (True, False)
    assert verbs().count(AuditAction.WEBHOOK_MISSING) == 1
    again = webhook_setup.create_webhook(practice, by=DESK)
    assert again.webhook_id != made.webhook_id
    assert not webhook_setup.webhook_status(OnlinePayments.objects.get(), practice).is_missing
    assert not webhook_setup.check_webhook(practice, by=DESK)


def test_webhooks_are_looked_for_once_a_day(
    practice: Practice, settings: Settings, sandbox: SandboxStripe, time_machine: Traveller
) -> None:
    settings.PUBLIC_BASE_URL = "https://portal.example.com"
    save(practice)
    sandbox.delete_endpoint(webhook_setup.create_webhook(practice, by=DESK).webhook_id)
    looked_for = []
    for hour in range(24):
        time_machine.move_to(NOW + timedelta(hours=hour))
        looked_for.append(webhook_setup.check_webhooks())
    assert sum(looked_for) == 1
    assert OnlinePayments.objects.get().misses_webhook


def test_while_stripe_is_away_no_webhook_is_missing(
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
def test_a_refused_webhook_says_why(
    practice: Practice, settings: Settings, sandbox: SandboxStripe, code: str, refusal: type[Exception]
) -> None:
    settings.PUBLIC_BASE_URL = "https://portal.example.com"
    save(practice)
    sandbox.fault("refuse", "/v1/webhook_endpoints", method="POST", code=code)
    with pytest.raises(refusal):
        webhook_setup.create_webhook(practice, by=DESK)


def test_a_refused_request_and_a_busy_stripe_are_not_an_absent_one(practice: Practice, sandbox: SandboxStripe) -> None:
    sandbox.fault("429", "/v1/account")
    with pytest.raises(StripeTooBusy):
        save(practice)
    sandbox.fault("refuse", "/v1/account", code="api_version_invalid")
    with pytest.raises(StripeSaidNo, match="api_version_invalid, req_"):
        save(practice)


def test_a_secret_typed_by_hand_is_kept(practice: Practice) -> None:
    save(practice)
    webhook_setup.save_secret(practice, "whsec_by_hand", by=DESK)
    holder = webhook_setup.secret_holder("alder-street")
    assert holder is not None
    assert holder.webhook_secret() == "whsec_by_hand"
    assert AuditEntry.objects.get(verb=AuditAction.WEBHOOK_SAVED).details["way"] == "by hand"
    with pytest.raises(NotASecret):
        webhook_setup.save_secret(practice, "sk_test_demo", by=DESK)


def test_a_webhook_of_the_other_mode_is_forgotten_with_its_key(practice: Practice) -> None:
    save(practice, KEY, "whsec_of_test")
    save(practice, "sk_live_demo")
    assert webhook_setup.secret_holder("alder-street") is None


def test_a_webhook_of_another_account_is_forgotten_also_after_a_removal(practice: Practice) -> None:
    save(practice, KEY, "whsec_of_demo")
    api_keys.remove_keys(practice, by=DESK)
    assert webhook_setup.secret_holder("alder-street") is not None
    save(practice, "sk_test_other")
    assert webhook_setup.secret_holder("alder-street") is None


def test_a_rolled_key_keeps_the_webhook(practice: Practice, sandbox: SandboxStripe) -> None:
    save(practice, KEY, "whsec_stays")
    sandbox.roll_key("sk_test_rolled", KEY, revoke=True)
    save(practice, "sk_test_rolled")
    holder = webhook_setup.secret_holder("alder-street")
    assert holder is not None
    assert holder.webhook_secret() == "whsec_stays"
