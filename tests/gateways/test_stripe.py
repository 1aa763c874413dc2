"""The Stripe gateway: outcomes of failed calls, deadlines, amounts and signatures."""

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from portico.gateways.stripe import (
    account,
    charges,
    checkout_sessions,
    currencies,
    customers,
    decline_reasons,
    payment_intents,
    webhook_payloads,
)
from portico.gateways.stripe.client import StripeClient, is_key, is_live
from portico.gateways.stripe.deadline import Deadline
from portico.gateways.stripe.decline_reasons import DeclineReason
from portico.gateways.stripe.errors import (
    CardDeclined,
    InvalidKey,
    NotSetUp,
    OutcomeUnknown,
    PermissionMissing,
    RequestRejected,
    StripeCallFailed,
    StripeUnreachable,
)
from portico.gateways.stripe.http_client import HttpClient
from portico.gateways.stripe.webhook_payloads import PayloadInvalid, SignatureInvalid
from portico.plumbing.database import transaction_guard
from sandbox.stripe.server import SandboxStripe
from tests.stripe_cards import attach_card
from tests.support.clock import NOW
from tests.support.servers.ports import free_port

pytestmark = pytest.mark.sqlite

type NewLine = Callable[..., StripeClient]

SECRET = "whsec_of_this_test"


def saved_card(line: NewLine, token: str = "pm_card_visa") -> tuple[str, str]:
    """Returns the ids of a customer and of a saved card."""
    customer = customers.create(line(), email="ana@example.org", metadata={}, key="the customer")
    card = attach_card(line(), token, customer)
    assert card is not None
    return customer, card.id


def charge(line: StripeClient, customer: str, card: str, *, amount_minor: int = 14_000, key: str = "the charge") -> Any:
    return payment_intents.charge_card(
        line, amount_minor=amount_minor, currency="USD", name="Invoice 1001", customer=customer, card=card,
        return_url="http://localhost/back/", metadata={"invoices": "abc"}, key=key,
    )  # fmt: skip


@pytest.mark.parametrize("fault", ["lost", "half", "nonsense", "fail_after"])
def test_a_lost_response_leaves_the_outcome_unknown(sandbox: SandboxStripe, line: NewLine, fault: str) -> None:
    customer, card = saved_card(line)
    sandbox.fault(fault, "/v1/payment_intents", method="POST")
    with pytest.raises(OutcomeUnknown) as trouble:
        charge(line(), customer, card)
    assert not isinstance(trouble.value, StripeUnreachable)
    (found,) = payment_intents.of_customer(line(), customer, since=NOW - timedelta(hours=1))
    assert (found.is_paid, found.metadata) == (True, {"invoices": "abc"})
    assert len(sandbox.book()) == 1


@pytest.mark.parametrize("fault", ["500", "503"])
def test_a_server_error_retried_with_its_key_charges_once(sandbox: SandboxStripe, line: NewLine, fault: str) -> None:
    customer, card = saved_card(line)
    sandbox.fault(fault, "/v1/payment_intents")
    with pytest.raises(OutcomeUnknown):
        charge(line(), customer, card)
    assert sandbox.book() == ()
    assert charge(line(), customer, card) == charge(line(), customer, card)
    assert len(sandbox.book()) == 1


def test_a_rate_limited_call_had_no_effect(sandbox: SandboxStripe, line: NewLine) -> None:
    customer, card = saved_card(line)
    sandbox.fault("429")
    with pytest.raises(StripeUnreachable):
        charge(line(), customer, card)
    assert sandbox.book() == ()


def test_an_unreachable_stripe_had_no_effect() -> None:
    with pytest.raises(StripeUnreachable):
        account.look_up(StripeClient("sk_test_demo", base=f"http://localhost:{free_port()}"))


def test_a_hanging_call_ends_at_the_deadline(sandbox: SandboxStripe, line: NewLine) -> None:
    hurried = line(seconds=0.5)
    sandbox.fault("hang", seconds=20)
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        account.look_up(hurried)
    with pytest.raises(StripeUnreachable):
        account.look_up(hurried)
    assert time.monotonic() - began < 8


def test_a_slow_response_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            caller, _ = listener.accept()
            with caller:
                caller.recv(65536)
                try:
                    for sign in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200:
                        caller.sendall(bytes([sign]))
                        time.sleep(0.05)
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            account.look_up(
                StripeClient("sk_test_x", base=f"http://127.0.0.1:{listener.getsockname()[1]}", deadline=Deadline(0.5))
            )
        assert time.monotonic() - began < 8
        dripping.join()


class ConnectionCounter:
    """A server that answers each request with a customer, and closes after `per_connection` of them without a word."""

    def __init__(self, per_connection: int) -> None:
        self.requests_on: list[int] = []
        self._per_connection = per_connection
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "ConnectionCounter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        with ThreadPoolExecutor() as pool:
            while True:
                try:
                    caller, _ = self._listener.accept()
                except OSError:
                    return
                self.requests_on.append(0)
                pool.submit(self._answer, caller, len(self.requests_on) - 1)

    def _answer(self, caller: socket.socket, number: int) -> None:
        body = b'{"id": "cus_1", "object": "customer"}'
        with caller:
            caller.settimeout(5)
            while self.requests_on[number] < self._per_connection and caller.recv(65536):
                self.requests_on[number] += 1
                caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def test_reads_share_a_connection_only_if_asked_to() -> None:
    with ConnectionCounter(100) as server:
        several = StripeClient("sk_test_x", base=server.url)
        for _ in range(3):
            customers.is_there(several, "cus_1")
        shared = StripeClient("sk_test_x", base=server.url, keeps_connection=True)
        for _ in range(3):
            customers.is_there(shared, "cus_1")
        assert customers.create(shared, email="ana@mail.example", metadata={}, key="one") == "cus_1"
        shared.close()
        # The change had a fifth connection, of its own.
        assert server.requests_on[:4] == [1, 1, 1, 3]
        assert len(server.requests_on) == 5


def test_a_read_whose_connection_was_closed_is_sent_again() -> None:
    with ConnectionCounter(2) as server:
        shared = StripeClient("sk_test_x", base=server.url, keeps_connection=True)
        for _ in range(5):
            assert customers.is_there(shared, "cus_1")
        shared.close()
        assert server.requests_on == [2, 2, 1]


def test_a_shared_connection_leads_to_one_server_only() -> None:
    with ConnectionCounter(100) as first, ConnectionCounter(100) as second:
        client = HttpClient(Deadline(5), keeps_connection=True)
        for server in (first, second, second, first):
            client.request("get", f"{server.url}/v1/customers/cus_1", {})
        client.close()
        assert (first.requests_on, second.requests_on) == ([1, 1], [2])


def test_a_shared_connection_keeps_to_each_deadline() -> None:
    with ConnectionCounter(1) as server:
        shared = StripeClient("sk_test_x", base=server.url, keeps_connection=True, deadline=Deadline(5))
        customers.is_there(shared, "cus_1")
        shared.extend(Deadline(0))
        with pytest.raises(StripeUnreachable):
            customers.is_there(shared, "cus_1")
        shared.extend(Deadline(5))
        customers.is_there(shared, "cus_1")
        shared.close()


def test_a_concurrent_idempotency_key_is_unknown(sandbox: SandboxStripe, line: NewLine) -> None:
    customer, card = saved_card(line)
    sandbox.fault("slow", "/v1/payment_intents", seconds=1)
    first = threading.Thread(target=charge, args=(line(), customer, card))
    first.start()
    time.sleep(0.4)
    with pytest.raises(OutcomeUnknown) as trouble:
        charge(line(), customer, card)
    first.join()
    assert trouble.value.code == "idempotency_key_in_use"
    assert len(sandbox.book()) == 1


def test_a_decline_has_its_reason(line: NewLine) -> None:
    customer, card = saved_card(line, "pm_card_chargeCustomerFail")
    with pytest.raises(CardDeclined) as refusal:
        charge(line(), customer, card)
    assert decline_reasons.reason(refusal.value.code) is DeclineReason.DECLINED
    assert refusal.value.intent is not None
    assert refusal.value.reference.startswith("req_")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("insufficient_funds", DeclineReason.FUNDS),
        ("expired_card", DeclineReason.EXPIRED),
        ("payment_intent_authentication_failure", DeclineReason.BANK_REFUSED),
        ("stolen_card", DeclineReason.DECLINED),
        ("", DeclineReason.DECLINED),
    ],
)
def test_decline_codes_map_to_reasons(code: str, reason: DeclineReason) -> None:
    assert decline_reasons.reason(code) is reason


def test_key_and_account_errors_are_distinguished(sandbox: SandboxStripe, line: NewLine) -> None:
    with pytest.raises(InvalidKey) as unknown:
        account.look_up(line("sk_test_unknown"))
    assert not isinstance(unknown.value, PermissionMissing)
    with pytest.raises(PermissionMissing):
        account.look_up(line("rk_test_demo"))
    closed = "sk_test_demo_restricted"
    assert account.look_up(line(closed)).charges_enabled is False
    customer = customers.create(line(closed), email="ana@example.org", metadata={}, key="one")
    with pytest.raises(NotSetUp):
        charge(line(closed), customer, "pm_card_visa")


def test_keys_are_recognised_by_their_format() -> None:
    assert is_key("sk_live_abc")
    assert not any(is_key(text) for text in ("pk_test_abc", "sk_test_", "sk_test_a b", "whsec_abc", ""))
    assert (is_live("sk_live_abc"), is_live("rk_live_abc"), is_live("sk_test_live_")) == (True, True, False)


def test_errors_never_contain_the_key(line: NewLine) -> None:
    with pytest.raises(StripeCallFailed) as trouble:
        account.look_up(line("sk_test_unknown_but_secret"))
    assert "unknown_but" not in f"{trouble.value}"


@pytest.mark.django_db(transaction=True)
def test_calls_inside_a_transaction_are_refused(line: NewLine) -> None:
    asking = line(before_call=transaction_guard.refuse_inside_transaction)
    with transaction.atomic(), pytest.raises(RuntimeError):
        account.look_up(asking)
    assert account.look_up(asking).currency == "USD"


def test_accounts_and_modes_are_separate(line: NewLine) -> None:
    customer, _ = saved_card(line)
    for key in ("sk_test_other", "sk_live_demo"):
        with pytest.raises(RequestRejected):
            attach_card(line(key), "pm_card_visa", customer)
    assert account.look_up(line("sk_live_demo")).id == account.look_up(line("sk_test_demo")).id


def test_a_zero_decimal_currency_is_charged_unscaled(sandbox: SandboxStripe, line: NewLine) -> None:
    sandbox.open_account(currency="jpy", country="JP")
    customer, card = saved_card(line)
    paid = payment_intents.charge_card(
        line(), amount_minor=1_500, currency="JPY", name="Invoice 1001", customer=customer, card=card,
        return_url="http://localhost/", metadata={}, key="yen",
    )  # fmt: skip
    assert (paid.amount_minor, paid.currency, sandbox.book()[0].amount) == (1_500, "JPY", 1_500)


@pytest.mark.parametrize(
    ("minor", "currency", "at_stripe"),
    [
        (14_000, "USD", 14_000), (500, "JPY", 500), (500, "ISK", 50_000), (500, "UGX", 50_000), (1_230, "KWD", 1_230),
        (99_999_999, "usd", 99_999_999), (500_000, "MGA", 5_000),
    ],
)  # fmt: skip
def test_amounts_are_converted_to_stripes_units(minor: int, currency: str, at_stripe: int) -> None:
    assert currencies.to_stripe(minor, currency) == at_stripe
    assert currencies.from_stripe(at_stripe, currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency"),
    [(0, "USD"), (-1, "USD"), (100_000_000, "USD"), (1_231, "KWD"), (100, "XXX"), (1_000_000, "ISK")],
)
def test_unchargeable_amounts_are_refused_without_a_call(minor: int, currency: str) -> None:
    with pytest.raises(currencies.CannotBeCharged):
        currencies.to_stripe(minor, currency)


def test_a_fraction_of_a_minor_unit_is_refused() -> None:
    with pytest.raises(currencies.CannotBeCharged):
        currencies.from_stripe(50_050, "ISK")


def test_each_currency_has_a_minimum_charge() -> None:
    assert currencies.minimum_charge_minor("usd") == 50
    assert currencies.minimum_charge_minor("KES") == 1
    assert not currencies.is_known("XXX")


def test_a_paid_checkout_has_its_intent_and_card(sandbox: SandboxStripe, line: NewLine) -> None:
    customer, _ = saved_card(line)
    opened = checkout_sessions.open_session(
        line(), amount_minor=500, currency="USD", name="Invoice 1001", customer=customer, save_card=True,
        expires_at=NOW + timedelta(minutes=45), success_url="http://localhost/", cancel_url="http://localhost/",
        metadata={}, key="checkout",
    )  # fmt: skip
    sandbox.pay(opened.id)
    paid = checkout_sessions.look_up(line(), opened.id)
    assert paid.intent is not None
    assert (paid.status, paid.payment_status, paid.intent.is_paid) == ("complete", "paid", True)
    assert (paid.intent.charge.card.last4 if paid.intent.charge and paid.intent.charge.card else "") == "4242"
    # The card was saved by Checkout, beside the one from before.
    assert len(customers.cards(line(), customer)) == 2


def test_disputes_are_parsed(sandbox: SandboxStripe, line: NewLine) -> None:
    customer, card = saved_card(line)
    paid = charge(line(), customer, card)
    sandbox.end_dispute(sandbox.dispute(paid.charge_id), won=False)
    (dispute,) = charges.disputes(line(), paid.charge_id)
    assert (dispute.status, dispute.is_lost, dispute.is_over, dispute.amount_minor) == ("lost", True, True, 14_000)
    assert charges.dispute_look_up(line(), dispute.id) == dispute
    assert charges.look_up(line(), paid.charge_id).is_disputed


def test_a_refund_that_fails_later_is_parsed(sandbox: SandboxStripe, line: NewLine) -> None:
    customer, card = saved_card(line)
    paid = charge(line(), customer, card)
    refund = charges.refund(line(), paid.charge_id, amount_minor=500, currency="USD", metadata={"a": "b"}, key="refund")
    assert (refund.has_failed, refund.metadata) == (False, {"a": "b"})
    sandbox.end_refund(refund.id, fails=True)
    assert charges.refund_look_up(line(), refund.id).has_failed
    assert charges.look_up(line(), paid.charge_id).refunded_minor == 0


def test_the_origin_of_the_checkout_page_is_known() -> None:
    assert checkout_sessions.origin("") == "https://checkout.stripe.com"
    assert checkout_sessions.origin("http://localhost:8002") == "http://localhost:8002"


def body(**changes: Any) -> bytes:
    inside = {"id": "pi_1", "object": "payment_intent", "metadata": {"a": "b"}}
    event = {
        "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "livemode": False,
        "created": int(NOW.timestamp()), "data": {"object": inside},
    }  # fmt: skip
    return json.dumps(event | changes).encode()


def signature(sent: bytes, *secrets: str, at: datetime = NOW) -> str:
    seconds = int(at.timestamp())
    made = (hmac.new(each.encode(), f"{seconds}.".encode() + sent, hashlib.sha256).hexdigest() for each in secrets)
    return ",".join([f"t={seconds}", *(f"v1={each}" for each in made)])


def test_a_signed_event_is_read_without_personal_data() -> None:
    event = webhook_payloads.read(body(), signature(body(), SECRET), secret=SECRET, now=NOW)
    assert (event.id, event.type, event.livemode) == ("evt_1", "payment_intent.succeeded", False)
    assert (event.object_kind, event.object_id, event.created_at) == ("payment_intent", "pi_1", NOW)
    assert not hasattr(event, "metadata")


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_one_of_two_signatures_is_enough(minutes: int) -> None:
    signed = signature(body(), "whsec_new", SECRET, at=NOW + timedelta(minutes=minutes))
    assert webhook_payloads.read(body(), signed, secret=SECRET, now=NOW).id == "evt_1"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "v1=abc",
        "t=,v1=abc",
        "t=²,v1=abc",
        "t=99999999999999999999,v1=abc",
        f"t={int(NOW.timestamp())}",
        f"t={int(NOW.timestamp())},v1=é",
        signature(body(), "whsec_other"),
        signature(body(), ""),
        signature(body(id="evt_2"), SECRET),
        signature(body(), SECRET).replace("v1=", "v0="),
        signature(body(), SECRET, at=NOW - timedelta(minutes=5, seconds=1)),
        signature(body(), SECRET, at=NOW + timedelta(minutes=5, seconds=1)),
        signature(body(), SECRET) + f",t={int(NOW.timestamp())}",
    ],
)
def test_forged_old_and_future_events_are_refused(header: str) -> None:
    with pytest.raises(SignatureInvalid):
        webhook_payloads.read(body(), header, secret=SECRET, now=NOW)


def test_without_a_secret_every_event_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        webhook_payloads.read(body(), signature(body(), ""), secret="", now=NOW)


@pytest.mark.parametrize(
    "sent",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, body(object="charge"), body(id=7), body(data={}),
        body(livemode="no"), body(created="now"), body(created=10**30),
        body(data={"object": {"object": "charge", "id": 5}}),
    ],
)  # fmt: skip
def test_a_signed_body_that_is_no_event_is_refused(sent: bytes) -> None:
    with pytest.raises(PayloadInvalid):
        webhook_payloads.read(sent, signature(sent, SECRET), secret=SECRET, now=NOW)


def test_the_sandbox_signs_as_stripe_does(sandbox: SandboxStripe, line: NewLine) -> None:
    sandbox.plan(hold=True)
    endpoint = sandbox.add_endpoint("http://localhost/hooks/", SECRET)
    sandbox.roll_secret(endpoint, "whsec_new")
    customers.create(line(), email="ana@example.org", metadata={}, key="customer")
    (letter,) = sandbox.post.take()
    for secret in (SECRET, "whsec_new"):
        event = webhook_payloads.read(
            letter.body, letter.signature(int(NOW.timestamp())), secret=secret, now=datetime.now(UTC)
        )
        assert event.type == "customer.created"
