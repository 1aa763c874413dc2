"""The four sums that accounts, statements, lists and reports show, and the balance they add up to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sums:
    """Amounts in minor units.

    `paid_minor` is all money received, `refunded_minor` what of it was paid back. `adjusted_minor` changes the balance
    without money from or to the client, and carries its sign: credits and credit notes are negative, payments lost in
    a dispute positive. Void invoices, payments that were taken back and refunds that failed count nowhere.
    """

    invoiced_minor: int = 0
    paid_minor: int = 0
    refunded_minor: int = 0
    adjusted_minor: int = 0

    @property
    def balance_minor(self) -> int:
        """What is still owed; negative if the client has credit."""
        return self.invoiced_minor - self.paid_minor + self.refunded_minor + self.adjusted_minor

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.invoiced_minor + other.invoiced_minor,
            self.paid_minor + other.paid_minor,
            self.refunded_minor + other.refunded_minor,
            self.adjusted_minor + other.adjusted_minor,
        )
