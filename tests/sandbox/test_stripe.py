"""The sandbox Stripe: hosted pages, webhooks, faults and restrictions."""

import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe

from portico.gateways.stripe import checkout_sessions, customers
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.errors import RequestRejected, ResourceMissing
from portico.gateways.stripe.objects import CheckoutSession
from portico.plumbing import clock
from sandbox.stripe.sandbox import OutsideDemo
from sandbox.stripe.server import SandboxStripe
from tests.stripe_cards import attach_card
from tests.support.servers.ports import free_port

pytestmark = pytest.mark.sqlite

type NewLine = Callable[..., StripeClient]

BACK = "http://localhost:1/back/"
SECRET = "whsec_of_this_test"


class StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def visit(url: str, fields: dict[str, str] | None = None, **headers: str) -> "tuple[int, str, Message]":
    """Returns the status, page and headers, without following a redirect."""
    sent = urllib.parse.urlencode(fields).encode() if fields is not None else None
    request = urllib.request.Request(url, sent, headers)
    try:
        with urllib.request.build_opener(StayHere).open(request, timeout=10) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers


def control(sandbox: SandboxStripe, verb: str, **arguments: object) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{sandbox.url}/_sandbox/{verb}", json.dumps(arguments).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def typed(number: str) -> dict[str, str]:
    return {"number": number, "expires": "12 / 34", "code": "123", "name": "Ana Fenn"}


@pytest.fixture
def session(line: NewLine) -> CheckoutSession:
    customer = customers.create(line(), email="ana@example.org", metadata={}, key="customer")
    return checkout_sessions.open_session(
        line(), amount_minor=14_000, currency="USD", name="Invoice 1001", customer=customer, save_card=True,
        expires_at=clock.now() + timedelta(minutes=45), success_url=f"{BACK}?session={{CHECKOUT_SESSION_ID}}",
        cancel_url=BACK, metadata={}, key="session",
    )  # fmt: skip


def test_the_hosted_page_shows_amount_and_test_notice(session: CheckoutSession) -> None:
    status, page, headers = visit(session.address)
    assert status == 200
    for words in (
        "Sandbox Stripe</a>: no real money",
        "Invoice 1001",
        "Pay $140.00",
        "4000000000000002",
        "will be saved",
    ):
        assert words in page
    assert f'<a href="{BACK}">Back</a>' in page
    assert "form-action 'self' http://localhost:1" in headers["Content-Security-Policy"]
    assert "script" not in page


def test_a_successful_card_redirects_to_success(sandbox: SandboxStripe, session: CheckoutSession) -> None:
    status, _, headers = visit(session.address, typed("4242 4242 4242 4242"))
    assert (status, headers["Location"]) == (303, f"{BACK}?session={session.id}")
    (paid,) = sandbox.book()
    assert (paid.amount, paid.currency, paid.refunded, paid.is_lost) == (14_000, "usd", 0, False)
    # The back button, and submitting again.
    assert visit(session.address, typed("4242424242424242"))[0] == 303
    assert len(sandbox.book()) == 1


def test_a_slow_card_leaves_the_payment_processing(
    sandbox: SandboxStripe, line: NewLine, session: CheckoutSession
) -> None:
    status, _, headers = visit(session.address, typed("4000000000007742"))
    assert (status, headers["Location"]) == (303, f"{BACK}?session={session.id}")
    found = checkout_sessions.look_up(line(), session.id)
    assert (found.status, found.payment_status) == ("complete", "unpaid")
    assert found.intent is not None
    assert (found.intent.status, found.intent.received_minor) == ("processing", 0)
    assert sandbox.book() == ()


@pytest.mark.parametrize(
    ("number", "words"),
    [("4000000000000002", "Your card was declined."), ("4000000000009995", "Your card has insufficient funds.")],
)
def test_a_declined_card_can_be_followed_by_another(
    sandbox: SandboxStripe, session: CheckoutSession, number: str, words: str
) -> None:
    status, page, _ = visit(session.address, typed(number))
    assert (status, words in page, 'value="Ana Fenn"' in page) == (402, True, True)
    assert sandbox.book() == ()
    assert visit(session.address, typed("4242424242424242"))[0] == 303


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"number": "4111111111111111"}, "not one of the test cards"),
        ({"number": ""}, "not one of the test cards"),
        ({"expires": "12/20"}, "expiration date"),
        ({"expires": "soon"}, "expiration date"),
        ({"code": "12"}, "security code"),
    ],
)
def test_invalid_input_is_explained(session: CheckoutSession, changes: dict[str, str], words: str) -> None:
    status, page, _ = visit(session.address, typed("4242424242424242") | changes)
    assert (status, words in page) == (422, True)


def test_the_bank_confirms(sandbox: SandboxStripe, session: CheckoutSession) -> None:
    status, _, headers = visit(session.address, typed("4000000000003220"))
    assert (status, headers["Location"].startswith(f"{sandbox.url}/bank/pi_")) == (303, True)
    bank = headers["Location"]
    assert "Accept" in visit(bank)[1]
    address, _, key = bank.partition("?key=")
    assert visit(address, {"key": "wrong", "answer": "accept"})[0] == 404
    assert sandbox.book() == ()
    status, _, headers = visit(address, {"key": key, "answer": "accept"})
    assert (status, headers["Location"]) == (303, f"{BACK}?session={session.id}")
    assert len(sandbox.book()) == 1
    assert visit(bank)[0] == 410
    assert visit(address, {"key": key, "answer": "accept"})[0] == 303
    assert len(sandbox.book()) == 1


def test_the_bank_refuses(sandbox: SandboxStripe, session: CheckoutSession) -> None:
    bank, _, key = visit(session.address, typed("4000002500003155"))[2]["Location"].partition("?key=")
    back = visit(bank, {"key": key, "answer": "refuse"})[2]["Location"]
    assert "unable to authenticate" in visit(f"{sandbox.url}{back}")[1]
    assert sandbox.book() == ()
    assert visit(session.address, typed("4242424242424242"))[0] == 303


def test_a_session_expires(sandbox: SandboxStripe, line: NewLine, session: CheckoutSession) -> None:
    sandbox.forward(45 * 60)
    status, page, _ = visit(session.address, typed("4242424242424242"))
    assert (status, "Nothing was charged" in page) == (410, True)
    assert checkout_sessions.look_up(line(), session.id).status == "expired"
    assert sandbox.book() == ()


def test_a_session_expired_at_the_bank_charges_nothing(
    sandbox: SandboxStripe, line: NewLine, session: CheckoutSession
) -> None:
    bank, _, key = visit(session.address, typed("4000000000003220"))[2]["Location"].partition("?key=")
    checkout_sessions.expire(line(), session.id)
    visit(bank, {"key": key, "answer": "accept"})
    assert sandbox.book() == ()


def test_a_checkout_intent_cannot_be_changed_directly(
    sandbox: SandboxStripe, line: NewLine, session: CheckoutSession
) -> None:
    visit(session.address, typed("4000000000000002"))
    intent = checkout_sessions.look_up(line(), session.id).intent_id
    client = stripe.StripeClient("sk_test_demo", base_addresses={"api": sandbox.url})
    for ask in (client.v1.payment_intents.cancel, client.v1.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError, match="created by Checkout"):
            ask(intent)


def test_the_dashboard_refunds_and_disputes(sandbox: SandboxStripe, session: CheckoutSession) -> None:
    sandbox.pay(session.id)
    (paid,) = sandbox.book()
    dashboard = f"{sandbox.url}/dashboard/{sandbox.account_data().account.scope}"
    assert "Invoice 1001" in visit(dashboard)[1]
    assert visit(dashboard, {"deed": "refund", "id": paid.id})[0] == 303
    (paid,) = sandbox.book()
    assert (paid.refunded, paid.refunds[0].status) == (14_000, "succeeded")
    visit(dashboard, {"deed": "refund_fails", "id": paid.refunds[0].id})
    assert sandbox.book()[0].refunded == 0
    visit(dashboard, {"deed": "dispute", "id": paid.id})
    assert visit(dashboard, {"deed": "refund", "id": paid.id})[0] == 400
    visit(dashboard, {"deed": "lose", "id": sandbox.book()[0].disputes[0].id})
    assert sandbox.book()[0].is_lost
    assert "lost" in visit(dashboard)[1]


def test_the_front_page_lists_test_cards(sandbox: SandboxStripe) -> None:
    page = visit(sandbox.url)[1]
    assert "4242 4242 4242 4242" in page
    assert "sk_test_demo_restricted" in page
    assert visit(f"{sandbox.url}/nothing")[0] == 404
    assert visit(f"{sandbox.url}/sandbox.css")[0] == 200


# Webhooks.


class Inbox:
    """An endpoint that stores received events; it responds with the next of `statuses`, then with 200."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, bytes]] = []
        self.statuses: list[int] = []
        received_events = self

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # The name is the library's.
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = received_events.statuses.pop(0) if received_events.statuses else 200
                if status == 200:
                    received_events.letters.append((self.headers["Stripe-Signature"], body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Hook)
        self.url = f"http://localhost:{self.server.server_address[1]}/hook/"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.letters]

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def received_events() -> Iterator[Inbox]:
    received_events = Inbox()
    yield received_events
    received_events.close()


PAID = [
    "payment_intent.created",
    "payment_method.attached",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
]


def test_events_are_signed_and_come_in_order(
    sandbox: SandboxStripe, session: CheckoutSession, received_events: Inbox
) -> None:
    sandbox.add_endpoint(received_events.url, SECRET)
    sandbox.pay(session.id)
    assert sandbox.post.settle()
    assert received_events.types == PAID
    signature, body = received_events.letters[0]
    at, _, given = signature.partition(",v1=")
    right = hmac.new(SECRET.encode(), at.removeprefix("t=").encode() + b"." + body, hashlib.sha256).hexdigest()
    assert given == right
    event = json.loads(body)
    assert (event["livemode"], "_" in "".join(key[0] for key in event["data"]["object"])) == (False, False)


def test_an_endpoint_gets_its_own_events_only(
    sandbox: SandboxStripe, session: CheckoutSession, received_events: Inbox
) -> None:
    sandbox.add_endpoint(received_events.url, SECRET, events=["charge.succeeded"])
    sandbox.add_endpoint(received_events.url, SECRET, key="sk_test_other")
    sandbox.add_endpoint(received_events.url, SECRET, key="sk_live_demo")
    sandbox.pay(session.id)
    sandbox.post.settle()
    assert received_events.types == ["charge.succeeded"]


@pytest.mark.real_time
def test_events_can_be_repeated_delayed_or_dropped(
    sandbox: SandboxStripe, session: CheckoutSession, received_events: Inbox
) -> None:
    sandbox.add_endpoint(received_events.url, SECRET)
    sandbox.plan(lose=2)
    sandbox.pay(session.id)
    sandbox.post.settle()
    assert (received_events.types, sandbox.post.lost) == (PAID[2:], 2)
    sandbox.plan(copies=2, delay=0.3)
    began = time.monotonic()
    sandbox.refund(sandbox.book()[0].id)
    sandbox.post.settle()
    assert time.monotonic() - began > 0.25
    assert sorted(received_events.types[3:]) == ["charge.refunded"] * 2 + ["refund.created"] * 2


def test_held_events_can_be_shuffled(sandbox: SandboxStripe, session: CheckoutSession, received_events: Inbox) -> None:
    sandbox.add_endpoint(received_events.url, SECRET)
    sandbox.plan(copies=20, shuffle=True, hold=True)
    sandbox.pay(session.id)
    letters = sandbox.post.take()
    assert len(letters) == 100
    assert [letter.type for letter in letters] != sorted((letter.type for letter in letters), key=PAID.index)
    assert (received_events.letters, sandbox.post.take()) == ([], [])


def test_a_failing_endpoint_is_retried(
    sandbox: SandboxStripe, session: CheckoutSession, received_events: Inbox
) -> None:
    sandbox.add_endpoint(received_events.url, SECRET, events=["checkout.session.completed"])
    received_events.statuses = [503]
    sandbox.pay(session.id)
    assert sandbox.post.settle()
    assert received_events.types == ["checkout.session.completed"]


# Faults and restrictions.


def test_faults_apply_to_matching_calls_only(sandbox: SandboxStripe) -> None:
    sandbox.fault("500", "/v1/charges", method="GET", times=2)
    client = stripe.StripeClient("sk_test_demo", base_addresses={"api": sandbox.url}, max_network_retries=0)
    client.v1.accounts.retrieve_current()
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.charges.list()
    assert client.v1.charges.list().data == []
    sandbox.fault("500")
    sandbox.clear_faults()
    assert client.v1.charges.list().data == []


def test_unknown_parameters_are_rejected(sandbox: SandboxStripe) -> None:
    client = stripe.StripeClient("sk_test_demo", base_addresses={"api": sandbox.url}, max_network_retries=0)
    params: Any = {"amount": 100, "currency": "usd", "payment_method_types": ["card"]}
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: payment_method_types"):
        client.v1.payment_intents.create(params)
    with pytest.raises(stripe.InvalidRequestError, match="minimum"):
        client.v1.payment_intents.create({"amount": 49, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="Missing required param: amount"):
        client.v1.payment_intents.create({"currency": "usd"})  # type: ignore[typeddict-item]  # What is tested.


def test_lists_are_paginated_in_both_directions(sandbox: SandboxStripe) -> None:
    client = stripe.StripeClient("sk_test_demo", base_addresses={"api": sandbox.url})
    made = [client.v1.customers.create({"name": str(number)}).id for number in range(5)][::-1]
    first = client.v1.customers.list({"limit": 2})
    assert ([each.id for each in first.data], first.has_more) == (made[:2], True)
    assert [each.id for each in client.v1.customers.list({"limit": 2, "starting_after": made[1]}).data] == made[2:4]
    assert [each.id for each in client.v1.customers.list({"limit": 2, "ending_before": made[4]}).data] == made[2:4]
    assert [each.id for each in first.auto_paging_iter()] == made


def test_a_rolled_key_opens_the_same_account_and_a_revoked_one_none(sandbox: SandboxStripe, line: NewLine) -> None:
    customer = customers.create(line(), email="ana@example.org", metadata={}, key="customer")
    sandbox.roll_key("sk_test_new", "sk_test_demo", revoke=True)
    assert customers.cards(line("sk_test_new"), customer) == []
    client = stripe.StripeClient("sk_test_demo", base_addresses={"api": sandbox.url})
    with pytest.raises(stripe.AuthenticationError):
        client.v1.accounts.retrieve_current()


def test_payments_and_responses_survive_a_restart(tmp_path: Path) -> None:
    store = tmp_path / "stripe.sqlite3"
    with SandboxStripe(store=store) as first:
        customer = customers.create(
            StripeClient("sk_test_demo", base=first.url), email="a@example.org", metadata={}, key="one"
        )
    with SandboxStripe(store=store) as second:
        again = customers.create(
            StripeClient("sk_test_demo", base=second.url), email="a@example.org", metadata={}, key="one"
        )
        assert again == customer
        assert second.find("customer", customer)["email"] == "a@example.org"


def test_requests_under_other_hosts_are_refused(sandbox: SandboxStripe) -> None:
    assert visit(sandbox.url, Host="evil.example:80")[0] == 421


def test_control_accepts_json_only(sandbox: SandboxStripe, line: NewLine, session: CheckoutSession) -> None:
    assert control(sandbox, "pay", session=session.id) == (200, {"result": "succeeded"})
    status, book = control(sandbox, "book")
    assert (status, book["result"][0]["amount"]) == (200, 14_000)
    assert control(sandbox, "pay", session=session.id)[0] == 400
    assert control(sandbox, "refund", charge="ch_none")[0] == 404
    assert control(sandbox, "fault", kind="earthquake")[0] == 400
    assert control(sandbox, "stop")[0] == 404
    # Posted like the form of another site.
    assert visit(f"{sandbox.url}/_sandbox/clear_faults", {"a": "b"})[0] == 405
    with pytest.raises(ResourceMissing):
        checkout_sessions.look_up(line("sk_test_other"), session.id)
    with pytest.raises(RequestRejected):
        checkout_sessions.expire(line(), session.id)


def test_a_scripted_rejection_is_repeated_for_its_key(sandbox: SandboxStripe, line: NewLine) -> None:
    sandbox.fault("refuse", "/v1/customers", method="POST", code="tax_id_invalid", param="tax")
    for key, is_refused in (("one", True), ("one", True), ("two", False)):
        if not is_refused:
            assert customers.create(line(), email="ana@example.org", metadata={}, key=key)
            continue
        with pytest.raises(RequestRejected) as refusal:
            customers.create(line(), email="ana@example.org", metadata={}, key=key)
        assert (refusal.value.code, refusal.value.param) == ("tax_id_invalid", "tax")


def test_the_dashboard_deletes_customers_cards_and_webhooks(sandbox: SandboxStripe, line: NewLine) -> None:
    customer = customers.create(line(), email="ana@example.org", metadata={}, key="customer")
    card = attach_card(line(), "pm_card_visa", customer)
    assert card is not None
    endpoint = sandbox.add_endpoint("http://localhost/hook", "whsec_x")
    dashboard = f"{sandbox.url}/dashboard/{sandbox.account_data().account.scope}"
    for deed, id_ in (("detach_card", card.id), ("delete_customer", customer), ("delete_endpoint", endpoint)):
        assert id_ in visit(dashboard)[1]
        visit(dashboard, {"deed": deed, "id": id_})
        assert id_ not in visit(dashboard)[1]


@pytest.mark.parametrize(("currency", "amount"), [("kwd", 12_345), ("isk", 50_050), ("ugx", 150), ("iqd", 1_000)])
def test_unchargeable_amounts_are_rejected(sandbox: SandboxStripe, line: NewLine, currency: str, amount: int) -> None:
    with pytest.raises(RequestRejected):
        line().call(lambda stripe: stripe.v1.payment_intents.create({"amount": amount, "currency": currency}))
    assert sandbox.account_data().all("payment_intent") == []


def test_it_refuses_to_run_outside_demo_and_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTICO_DEMO", "0")
    with pytest.raises(OutsideDemo):
        SandboxStripe()


@pytest.mark.real_processes
def test_it_runs_as_a_program_or_explains_why_not(tmp_path: Path) -> None:
    port = free_port()

    def start(demo: str, *options: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "sandbox.stripe", "--port", str(port), *options],
            env=os.environ | {"PORTICO_DEMO": demo, "PORTICO_TESTS": "0", "PYTHONUNBUFFERED": "1"},
            cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    outside = start("0").communicate(timeout=20)[0]
    assert "PORTICO_DEMO=1" in outside
    hook = ("--webhook", "http://localhost:1/hook/")
    assert "come together" in start("1", *hook).communicate(timeout=20)[0]
    running = start("1", "--store", str(tmp_path / "stripe.sqlite3"), *hook, "--webhook-secret", SECRET)
    try:
        assert running.stdout is not None
        assert re.search(rf"localhost:{port}/ ", running.stdout.readline())
        assert f"cannot use port {port}" in start("1").communicate(timeout=20)[0]
        (endpoint,) = (
            stripe.StripeClient("sk_test_demo", base_addresses={"api": f"http://localhost:{port}"})
            .v1.webhook_endpoints.list()
            .data
        )
        assert endpoint.url == hook[1]
    finally:
        running.terminate()
        running.communicate(timeout=20)
    assert running.returncode == 0
