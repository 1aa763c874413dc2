"""The sandbox without its HTTP server: the methods that tests and the control URLs call."""

import os
import threading
from pathlib import Path

from sandbox.stripe import objects
from sandbox.stripe.account_data import AccountData, Clock
from sandbox.stripe.accounts import Account, Accounts
from sandbox.stripe.api_errors import Json, missing
from sandbox.stripe.endpoints import customers
from sandbox.stripe.faults import Fault, FaultKind, Faults
from sandbox.stripe.payments import charge_records, charges, checkout, disputes, refunds
from sandbox.stripe.payments.cards import BY_NUMBER
from sandbox.stripe.payments.charge_records import BookedCharge
from sandbox.stripe.store import Store
from sandbox.stripe.webhooks import DeliveryPlan, WebhookSender

KEY = "sk_test_demo"


class OutsideDemo(RuntimeError):
    """The sandbox was started outside the demo: it takes no real money, so no practice may use it."""


class Sandbox:
    """Accounts, faults, and actions on Stripe's own pages; `serving.SandboxStripe` serves it over HTTP."""

    url = ""

    def __init__(self, *, store: Path | None = None) -> None:
        if "1" not in {os.environ.get("PORTICO_DEMO"), os.environ.get("PORTICO_TESTS")}:
            raise OutsideDemo("The sandbox Stripe is for the demo and for tests. Set PORTICO_DEMO=1.")
        self.store = Store(store)
        self.clock = Clock()
        self.post = WebhookSender(self.clock.now)
        self.accounts = Accounts()
        self.faults = Faults()
        self.stopping = threading.Event()

    def wait(self, seconds: float) -> None:
        """Sleeps, or returns early when the sandbox stops."""
        self.stopping.wait(seconds)

    # Accounts and their keys.

    def account_data(self, key: str = KEY) -> AccountData:
        """Returns the data of a key's account. Raises ApiError."""
        return self._desk(self.accounts.of(key))

    def all_account_data(self) -> list[AccountData]:
        """Returns the data of every used account, in each mode."""
        rows = [body for scope in self.store.scopes() for body in self.store.newest_first(scope, "opened")]
        return [self._desk(Account(**row)) for row in rows]

    def open_account(
        self,
        key: str = KEY,
        *,
        name: str = "",
        country: str = "US",
        currency: str = "usd",
        charges_enabled: bool = True,
    ) -> str:
        """Configures the account of a key; returns its id."""
        return self.accounts.open(
            key, name=name, country=country, currency=currency, charges_enabled=charges_enabled
        ).id

    def roll_key(self, new_key: str, old_key: str, *, revoke: bool = False) -> None:
        """Adds a key to the account of another; the old key stays valid unless it is revoked."""
        self.accounts.alias(new_key, old_key)
        if revoke:
            self.accounts.revoke(old_key)

    def revoke(self, key: str) -> None:
        self.accounts.revoke(key)

    # Events and faults.

    def add_endpoint(
        self, url: str, secret: str, *, key: str = KEY, events: tuple[str, ...] | list[str] = ("*",)
    ) -> str:
        """Adds an endpoint, also a local one, which the API refuses; like `stripe listen`."""
        with self.store.turn():
            data = self.account_data(key)
            known = data.all("webhook_endpoint", lambda each: each["url"] == url)
            endpoint = known[0] if known else data.new("webhook_endpoint", url=url)
            data.save(endpoint | {"enabled_events": list(events), "_secrets": [secret]})
        return str(endpoint["id"])

    def roll_secret(self, endpoint: str, secret: str) -> None:
        """Rolls the secret of an endpoint: events carry two signatures from now on, the new one first."""
        with self.store.turn():
            data, body = self.find_with_account("webhook_endpoint", endpoint)
            data.save(body | {"_secrets": [secret, *body["_secrets"]][:2]})

    def plan(
        self, *, copies: int = 1, shuffle: bool = False, delay: float = 0.0, lose: int = 0, hold: bool = False
    ) -> None:
        """Sets how events are delivered; without arguments each is sent once, in order, immediately."""
        self.post.change(DeliveryPlan(copies, shuffle, delay, lose, hold))

    def fault(
        self,
        kind: str,
        path: str = "/v1/",
        *,
        method: str = "",
        times: int = 1,
        seconds: float = 0.0,
        code: str = "",
        param: str = "",
    ) -> None:
        self.faults.add(Fault(FaultKind(kind), path, method, times, seconds, code, param))

    def clear_faults(self) -> None:
        self.faults.clear()

    def forward(self, seconds: int) -> None:
        self.clock.forward(seconds)

    # Actions on Stripe's own pages.

    def pay(self, session: str, number: str = "4242424242424242", *, name: str = "") -> str:
        """Pays as on the hosted page; returns the status of the payment intent."""
        with self.store.turn():
            data, body = self.find_with_account("checkout.session", session)
            body = checkout.current(data, body)
            if body["status"] != "open":
                raise ValueError(f"This session is {body['status']}.")
            return str(checkout.pay(data, body, BY_NUMBER[number], month=12, year=2034, name=name)["status"])

    def answer_at_bank(self, intent: str, *, accept: bool) -> str:
        """Confirms or refuses as on the bank's page; returns the status of the payment intent."""
        with self.store.turn():
            data, body = self.find_with_account("payment_intent", intent)
            was_waiting = body["status"] == "requires_action"
            body = charges.bank_said(data, body, yes=accept)
            session = data.find("checkout.session", body["_session"])
            if was_waiting and body["status"] == "succeeded" and session is not None:
                checkout.complete(data, session)
            return str(body["status"])

    def delete_customer(self, customer: str) -> None:
        """Deletes a customer as in the dashboard: its cards are detached for good."""
        with self.store.turn():
            data, body = self.find_with_account("customer", customer)
            customers.remove(data, body)

    def detach_card(self, payment_method: str) -> None:
        """Detaches a card as in the dashboard: it can never be used again."""
        with self.store.turn():
            data, body = self.find_with_account("payment_method", payment_method)
            customers.detach_method(data, body)

    def delete_endpoint(self, endpoint: str) -> None:
        """Deletes an endpoint as in the dashboard."""
        self.erase("webhook_endpoint", endpoint)

    def erase(self, kind: str, id_: str) -> None:
        """Removes an object without an event, as after `Delete all test data`."""
        with self.store.turn():
            data, body = self.find_with_account(kind, id_)
            data.remove(body)

    def refund(self, charge: str, *, amount: int | None = None) -> str:
        """Refunds a charge as in the dashboard; returns the id of the refund."""
        with self.store.turn():
            data, body = self.find_with_account("charge", charge)
            return str(refunds.refund(data, body, amount=amount)["id"])

    def end_refund(self, refund: str, *, fails: bool) -> None:
        """Settles a refund: the client's bank sends the money back or accepts it."""
        with self.store.turn():
            data, body = self.find_with_account("refund", refund)
            if fails:
                refunds.fail(data, body)
            else:
                refunds.succeed(data, body)

    def dispute(self, charge: str, *, amount: int | None = None, reason: str = "general") -> str:
        with self.store.turn():
            data, body = self.find_with_account("charge", charge)
            return str(disputes.open_dispute(data, body, amount=amount, reason=reason)["id"])

    def end_dispute(self, dispute: str, *, won: bool) -> None:
        with self.store.turn():
            data, body = self.find_with_account("dispute", dispute)
            disputes.close(data, body, won=won)

    # Inspection.

    def book(self, key: str = KEY) -> tuple[BookedCharge, ...]:
        return charge_records.charges_of(self.account_data(key))

    def find(self, kind: str, id_: str) -> Json:
        """Returns an object as in a response."""
        body: Json = objects.shown(self.find_with_account(kind, id_)[1])
        return body

    def _desk(self, account: Account) -> AccountData:
        if self.store.find(account.scope, "opened", account.id) is None:
            self.store.put(account.scope, "opened", dict(vars(account)))
        return AccountData(account, self.store, self.clock, self.post, self.url)

    def find_with_account(self, kind: str, id_: str) -> tuple[AccountData, Json]:
        """Returns the account data with that object, and the object. Raises ApiError."""
        for data in self.all_account_data():
            body = data.find(kind, id_)
            if body is not None:
                return data, body
        raise missing(kind, id_)
