"""The four sums shown in accounts, statements, lists and reports, and the balance they add up to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sums:
    """Amounts in minor units.

    `paid_minor` is all money received, `refunded_minor` the part of it that was refunded. `adjusted_minor` changes the
    balance without a payment or a refund and is signed: credits and credit notes are negative, payments lost in a
    dispute positive. Void invoices, payments that were taken back and failed refunds are excluded from every sum.
    """

    invoiced_minor: int = 0
    paid_minor: int = 0
    refunded_minor: int = 0
    adjusted_minor: int = 0

    @property
    def balance_minor(self) -> int:
        """The amount still owed; negative if the client has credit."""
        return self.invoiced_minor - self.paid_minor + self.refunded_minor + self.adjusted_minor

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.invoiced_minor + other.invoiced_minor,
            self.paid_minor + other.paid_minor,
            self.refunded_minor + other.refunded_minor,
            self.adjusted_minor + other.adjusted_minor,
        )
