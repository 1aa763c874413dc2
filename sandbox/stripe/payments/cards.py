"""Stripe's test cards and their outcomes: https://docs.stripe.com/testing. The last is our own."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """A test card: `decline` and `code` are the decline of its charges; `bank` requires a confirmation by the bank.

    The charge of a `slow` card never leaves the state `processing`, as that of a payment method which takes days.
    """

    number: str
    token: str
    says: str
    brand: str = "visa"
    decline: str = ""
    code: str = "card_declined"
    bank: str = ""  # "": never. "always", or "until_set_up" when it wants none off session once set up.
    saves: bool = True
    refund: str = "succeeded"
    disputed: bool = False
    slow: bool = False

    @property
    def spaced(self) -> str:
        """Returns the number as printed on a card."""
        return " ".join(self.number[place : place + 4] for place in range(0, len(self.number), 4))

    @property
    def last4(self) -> str:
        return self.number[-4:]


CARDS = (
    Card("4242424242424242", "pm_card_visa", "Pays at once"),
    Card("5555555555554444", "pm_card_mastercard", "Pays at once", brand="mastercard"),
    Card("4000000000000002", "pm_card_visa_chargeDeclined", "Is declined", decline="generic_decline", saves=False),
    Card(
        "4000000000009995",
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "Has insufficient funds",
        decline="insufficient_funds",
        saves=False,
    ),
    Card(
        "4000000000000069",
        "pm_card_chargeDeclinedExpiredCard",
        "Has expired",
        decline="expired_card",
        code="expired_card",
        saves=False,
    ),
    Card(
        "4000000000000119",
        "pm_card_chargeDeclinedProcessingError",
        "Meets an error at the bank",
        decline="processing_error",
        code="processing_error",
        saves=False,
    ),
    Card("4000002500003155", "pm_card_authenticationRequiredOnSetup", "Asks the bank", bank="until_set_up"),
    Card("4000000000003220", "pm_card_threeDSecure2Required", "Asks the bank each time", bank="always"),
    Card("4000000000000341", "pm_card_chargeCustomerFail", "Can be saved, then is declined", decline="generic_decline"),
    Card("4000000000000259", "pm_card_createDispute", "Pays, then is disputed", disputed=True),
    Card("4000000000005126", "pm_card_refundFail", "Pays; a refund stays pending, and may fail", refund="pending"),
    Card("4000000000007742", "pm_card_slow", "Stays processing", saves=False, slow=True),
)

BY_NUMBER = {card.number: card for card in CARDS}
BY_TOKEN = {card.token: card for card in CARDS}

MESSAGES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}


def on_page() -> tuple[Card, ...]:
    """Returns the cards that the hosted page lists."""
    numbers = ("4242424242424242", "4000000000000002", "4000000000009995", "4000002500003155", "4000000000003220")
    return tuple(BY_NUMBER[number] for number in numbers)
