"""The charges recorded by the sandbox, for comparison with Portico's ledger."""

from dataclasses import dataclass

from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import Json


@dataclass(frozen=True)
class BookedRefund:
    """A charge; amounts are in minor units."""

    id: str
    charge: str
    amount: int
    status: str


@dataclass(frozen=True)
class BookedDispute:
    id: str
    charge: str
    amount: int
    status: str


@dataclass(frozen=True)
class BookedCharge:
    id: str
    payment_intent: str
    amount: int
    currency: str
    customer: str | None
    metadata: dict[str, str]
    refunds: tuple[BookedRefund, ...] = ()
    disputes: tuple[BookedDispute, ...] = ()

    @property
    def refunded(self) -> int:
        """Returns the refunded amount, including pending refunds."""
        return sum(each.amount for each in self.refunds if each.status in {"succeeded", "pending"})

    @property
    def is_lost(self) -> bool:
        return any(each.status == "lost" for each in self.disputes)


def charges_of(data: AccountData) -> tuple[BookedCharge, ...]:
    """Returns every successful charge, oldest first."""
    refunds, disputes = data.all("refund")[::-1], data.all("dispute")[::-1]
    return tuple(_booked(charge, refunds, disputes) for charge in data.all("charge", lambda each: each["paid"])[::-1])


def _booked(charge: Json, refunds: list[Json], disputes: list[Json]) -> BookedCharge:
    id_ = charge["id"]
    return BookedCharge(
        id=id_,
        payment_intent=charge["payment_intent"],
        amount=charge["amount"],
        currency=charge["currency"],
        customer=charge["customer"],
        metadata=charge["metadata"],
        refunds=tuple(
            BookedRefund(each["id"], id_, each["amount"], each["status"]) for each in refunds if each["charge"] == id_
        ),
        disputes=tuple(
            BookedDispute(each["id"], id_, each["amount"], each["status"]) for each in disputes if each["charge"] == id_
        ),
    )
