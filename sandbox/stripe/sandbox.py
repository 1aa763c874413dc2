"""The sandbox as a whole, without its server: what a test holds in its hands and the control addresses call."""

import os
import threading
from pathlib import Path

from sandbox.stripe import book, charging, checkout, disputing, objects, refunding
from sandbox.stripe.accounts import Account, Accounts
from sandbox.stripe.answers import customers
from sandbox.stripe.book import BookedCharge
from sandbox.stripe.cards import BY_NUMBER
from sandbox.stripe.desk import Clock, Desk
from sandbox.stripe.faults import Fault, Faults, Kind
from sandbox.stripe.problems import Json, missing
from sandbox.stripe.store import Store
from sandbox.stripe.webhooks import Plan, Post

KEY = "sk_test_demo"


class OutsideDemo(RuntimeError):
    """A sandbox takes money from nobody, so no practice may ever be paid by it."""


class Sandbox:
    """Accounts, bad days and what people do at Stripe's own pages; `serving.SandboxStripe` gives it an address."""

    url = ""

    def __init__(self, *, store: Path | None = None) -> None:
        if "1" not in {os.environ.get("PORTICO_DEMO"), os.environ.get("PORTICO_TESTS")}:
            raise OutsideDemo("The sandbox Stripe is for the demo and for tests. Set PORTICO_DEMO=1.")
        self.store = Store(store)
        self.clock = Clock()
        self.post = Post(self.clock.now)
        self.accounts = Accounts()
        self.faults = Faults()
        self.stopping = threading.Event()

    def wait(self, seconds: float) -> None:
        """For so long, or until the sandbox ends."""
        self.stopping.wait(seconds)

    # Accounts and their keys.

    def desk(self, key: str = KEY) -> Desk:
        """What a key opens. Raises Problem."""
        return self._desk(self.accounts.of(key))

    def desks(self) -> list[Desk]:
        """Every account that has been used, in each mode."""
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
        """Says what a key opens, and gives the account's id."""
        return self.accounts.open(
            key, name=name, country=country, currency=currency, charges_enabled=charges_enabled
        ).id

    def roll_key(self, new_key: str, old_key: str, *, revoke: bool = False) -> None:
        """A new key of the same account; the old one goes on unless it is revoked."""
        self.accounts.alias(new_key, old_key)
        if revoke:
            self.accounts.revoke(old_key)

    def revoke(self, key: str) -> None:
        self.accounts.revoke(key)

    # Events and bad days.

    def add_endpoint(
        self, url: str, secret: str, *, key: str = KEY, events: tuple[str, ...] | list[str] = ("*",)
    ) -> str:
        """An endpoint on this machine too, which the API itself refuses; as Stripe's own listening tool does it."""
        with self.store.turn():
            desk = self.desk(key)
            known = desk.all("webhook_endpoint", lambda each: each["url"] == url)
            endpoint = known[0] if known else desk.new("webhook_endpoint", url=url)
            desk.save(endpoint | {"enabled_events": list(events), "_secrets": [secret]})
        return str(endpoint["id"])

    def roll_secret(self, endpoint: str, secret: str) -> None:
        """From now on letters carry two signatures, the new one first."""
        with self.store.turn():
            desk, body = self.holding("webhook_endpoint", endpoint)
            desk.save(body | {"_secrets": [secret, *body["_secrets"]][:2]})

    def plan(
        self, *, copies: int = 1, shuffle: bool = False, delay: float = 0.0, lose: int = 0, hold: bool = False
    ) -> None:
        """What becomes of events from now on; without arguments each is sent once, in order, at once."""
        self.post.change(Plan(copies, shuffle, delay, lose, hold))

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
        self.faults.add(Fault(Kind(kind), path, method, times, seconds, code, param))

    def clear_faults(self) -> None:
        self.faults.clear()

    def forward(self, seconds: int) -> None:
        self.clock.forward(seconds)

    # What people do at Stripe's own pages.

    def pay(self, session: str, number: str = "4242424242424242", *, name: str = "") -> str:
        """As on the hosted page. The status of the payment intent afterwards."""
        with self.store.turn():
            desk, body = self.holding("checkout.session", session)
            body = checkout.current(desk, body)
            if body["status"] != "open":
                raise ValueError(f"This session is {body['status']}.")
            return str(checkout.pay(desk, body, BY_NUMBER[number], month=12, year=2034, name=name)["status"])

    def answer_at_bank(self, intent: str, *, accept: bool) -> str:
        """As on the bank's page. The status of the payment intent afterwards."""
        with self.store.turn():
            desk, body = self.holding("payment_intent", intent)
            was_waiting = body["status"] == "requires_action"
            body = charging.bank_said(desk, body, yes=accept)
            session = desk.find("checkout.session", body["_session"])
            if was_waiting and body["status"] == "succeeded" and session is not None:
                checkout.complete(desk, session)
            return str(body["status"])

    def delete_customer(self, customer: str) -> None:
        """As in the dashboard: its cards are detached and can never be used again."""
        with self.store.turn():
            desk, body = self.holding("customer", customer)
            customers.remove(desk, body)

    def detach_card(self, payment_method: str) -> None:
        """As in the dashboard: the card can never be used again."""
        with self.store.turn():
            desk, body = self.holding("payment_method", payment_method)
            customers.detach_method(desk, body)

    def delete_endpoint(self, endpoint: str) -> None:
        """As in the dashboard."""
        self.erase("webhook_endpoint", endpoint)

    def erase(self, kind: str, id_: str) -> None:
        """The object is gone without a trace and without an event, as after `Delete all test data`."""
        with self.store.turn():
            desk, body = self.holding(kind, id_)
            desk.remove(body)

    def refund(self, charge: str, *, amount: int | None = None) -> str:
        """As in the dashboard."""
        with self.store.turn():
            desk, body = self.holding("charge", charge)
            return str(refunding.refund(desk, body, amount=amount)["id"])

    def end_refund(self, refund: str, *, fails: bool) -> None:
        """The client's bank sends the money back, or takes what was pending."""
        with self.store.turn():
            desk, body = self.holding("refund", refund)
            if fails:
                refunding.fail(desk, body)
            else:
                refunding.succeed(desk, body)

    def dispute(self, charge: str, *, amount: int | None = None, reason: str = "general") -> str:
        with self.store.turn():
            desk, body = self.holding("charge", charge)
            return str(disputing.open_dispute(desk, body, amount=amount, reason=reason)["id"])

    def end_dispute(self, dispute: str, *, won: bool) -> None:
        with self.store.turn():
            desk, body = self.holding("dispute", dispute)
            disputing.close(desk, body, won=won)

    # To look at.

    def book(self, key: str = KEY) -> tuple[BookedCharge, ...]:
        return book.of(self.desk(key))

    def find(self, kind: str, id_: str) -> Json:
        """An object as Stripe would show it."""
        body: Json = objects.shown(self.holding(kind, id_)[1])
        return body

    def _desk(self, account: Account) -> Desk:
        if self.store.find(account.scope, "opened", account.id) is None:
            self.store.put(account.scope, "opened", dict(vars(account)))
        return Desk(account, self.store, self.clock, self.post, self.url)

    def holding(self, kind: str, id_: str) -> tuple[Desk, Json]:
        """The account in which an object is, and the object. Raises Problem."""
        for desk in self.desks():
            body = desk.find(kind, id_)
            if body is not None:
                return desk, body
        raise missing(kind, id_)
