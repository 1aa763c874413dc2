"""A sandbox Stripe for one test, and the sides that contract tests run against."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.deadline import Deadline
from sandbox.stripe.sandbox import KEY
from sandbox.stripe.server import SandboxStripe

# With a key of Stripe's own test mode in the environment, the contract tests run against Stripe too.
REAL_KEY = os.environ.get("STRIPE_TEST_KEY", "")
SIDES = ["sandbox", *(["stripe"] if REAL_KEY else [])]


@pytest.fixture
def sandbox() -> Iterator[SandboxStripe]:
    with SandboxStripe() as running:
        yield running


@pytest.fixture
def line(sandbox: SandboxStripe) -> Callable[..., StripeClient]:
    """Provides new clients of the sandbox, each with its own deadline."""

    def new(key: str = KEY, *, seconds: float = 10.0, before_call: Callable[[], None] = lambda: None) -> StripeClient:
        return StripeClient(key, base=sandbox.url, deadline=Deadline(seconds), before_call=before_call)

    return new


@dataclass(frozen=True)
class Side:
    """The sandbox, or Stripe itself in test mode."""

    key: str
    base: str

    def line(self, key: str | None = None) -> StripeClient:
        return StripeClient(key or self.key, base=self.base, deadline=Deadline(60))


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    if request.param == "stripe":
        yield Side(REAL_KEY, "")
        return
    with SandboxStripe() as running:
        yield Side(KEY, running.url)
