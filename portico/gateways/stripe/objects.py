"""Stripe's objects as dataclasses: amounts in our minor units, currencies in capitals, times in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class StripeAccount:
    id: str
    name: str
    country: str
    currency: str
    charges_enabled: bool


@dataclass(frozen=True)
class StripeCard:
    """A payment method; `id` is empty for the card of a charge."""

    id: str
    brand: str
    last4: str
    expires_month: int
    expires_year: int
    customer: str = ""
    # The same for each payment method with this card number, within a Stripe account.
    fingerprint: str = ""


@dataclass(frozen=True)
class Charge:
    id: str
    intent: str
    amount_minor: int
    refunded_minor: int
    currency: str
    livemode: bool
    is_paid: bool
    is_disputed: bool
    customer: str
    card: StripeCard | None
    created_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PaymentIntent:
    """`status` is Stripe's own, `bank_address` the URL of the bank's check, `decline` the last decline code."""

    id: str
    status: str
    amount_minor: int
    received_minor: int
    currency: str
    livemode: bool
    customer: str
    card: str
    created_at: datetime
    charge_id: str = ""
    charge: Charge | None = None
    bank_address: str = ""
    decline: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_paid(self) -> bool:
        return self.status == "succeeded"

    @property
    def is_over(self) -> bool:
        """True once it is paid or canceled."""
        return self.status in {"succeeded", "canceled"}


@dataclass(frozen=True)
class CheckoutSession:
    """A Checkout session. `address` is the URL of its page; empty once it is over."""

    id: str
    status: str
    payment_status: str
    address: str
    amount_minor: int
    currency: str
    livemode: bool
    customer: str
    expires_at: datetime
    created_at: datetime
    intent_id: str = ""
    intent: PaymentIntent | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.status == "open"


@dataclass(frozen=True)
class StripeRefund:
    id: str
    charge: str
    intent: str
    amount_minor: int
    currency: str
    status: str
    created_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_failed(self) -> bool:
        return self.status in {"failed", "canceled"}


@dataclass(frozen=True)
class StripeDispute:
    id: str
    charge: str
    intent: str
    amount_minor: int
    currency: str
    livemode: bool
    status: str
    reason: str
    created_at: datetime

    @property
    def is_lost(self) -> bool:
        return self.status == "lost"

    @property
    def is_over(self) -> bool:
        return self.status in {"won", "lost", "warning_closed", "prevented"}


@dataclass(frozen=True)
class Event:
    """A webhook event: names the object that changed; its state must be looked up."""

    id: str
    type: str
    livemode: bool
    created_at: datetime
    object_kind: str
    object_id: str


@dataclass(frozen=True)
class WebhookEndpoint:
    """`secret` is known only when the endpoint is created."""

    id: str
    url: str
    secret: str = field(default="", repr=False)
