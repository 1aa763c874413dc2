"""The demo has an invoice of each state, and its ledger is sound."""

import json

from portico.domain.billing.invoices import invoice_list
from portico.domain.billing.invoices.invoice_list import StatusFilter
from portico.domain.billing.ledger import verification
from portico.domain.practices.models import Practice
from portico.operating.demo import demo_command
from portico.operating.demo.demo_books import DemoBooks
from sandbox.stripe.payments import cards
from tests import cast


def test_the_welcome_names_a_client_and_a_card_that_can_pay() -> None:
    (practice,) = json.loads(demo_command.PEOPLE.read_text(encoding="utf-8"))["practices"]
    accesses = [each.get("portal_access") or {} for each in practice["clients"]]
    payers = [access["email"] for access in accesses if access.get("pay_by_card")]
    assert demo_command.PAYS in payers
    assert "Pays at once" in [card.says for card in cards.on_page() if card.spaced == demo_command.CARD]


def test_the_demo_has_every_state_that_needs_no_card(practice: Practice) -> None:
    names = ("alex", "dana", "lena", "lucia", "child-1", "child-2")
    clients = {name: cast.client(practice, name.title()) for name in names}
    DemoBooks(practice, by=cast.DESK).write(clients)
    counts = invoice_list.counts(practice)
    assert {show for show, number in counts.items() if not number} == {StatusFilter.PROCESSING}
    assert list(verification.mismatches()) == []
