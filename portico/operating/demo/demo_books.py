"""The demo's invoices and payments in every state, made by the same operations as in the office."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from portico.domain.billing.invoices import invoice_sharing, invoicing, service_items
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.models import Invoice, Payment, PaymentKind, ServiceItem
from portico.domain.billing.payments import account_credits, manual_payments, refunds
from portico.domain.billing.payments.manual_payments import PaymentInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor

MONTHS, DAYS_A_MONTH = 6, 30
METHODS = (PaymentKind.CASH, PaymentKind.CHECK, PaymentKind.CARD_ELSEWHERE)
# The months ago that are not paid, so that there are debts of every age.
HISTORY: Mapping[str, Collection[int]] = {"dana": (1,), "lucia": (2,), "child-1": (3,), "child-2": (5, 6)}
SERVICES = (
    ("S50", "Session, 50 minutes", "Sesión de 50 minutos", 14_000),
    ("S25", "Session, 25 minutes", "Sesión de 25 minutos", 8_000),
    ("MISSED", "Missed session", "Sesión a la que no asistió", 6_000),
)


class DemoBooks:
    """Writes the invoices and payments of one practice, as one staff member."""

    def __init__(self, practice: Practice, *, by: Actor) -> None:
        self.by = by
        self.today = clock.today(practice.time_zone)
        self.items = [
            service_items.save(practice, code=code, label=label, label_es=spanish, price_minor=price, shown=None, by=by)
            for code, label, spanish, price in SERVICES
        ]

    def write(self, clients: Mapping[str, Client]) -> None:
        """Writes at least one invoice of each kind: paid, partly paid, past due, open, not shared, void, draft."""
        alex, dana, lena, lucia = (clients[name] for name in ("alex", "dana", "lena", "lucia"))
        self.pay(self.bill(alex, days_ago=60), PaymentKind.CASH)
        self.bill(alex, days_ago=30)
        self.bill(alex, days_ago=3, quantity=2)
        self.pay(self.bill(dana, days_ago=20, quantity=2), PaymentKind.CHECK, amount_minor=14_000)
        invoicing.void(self.bill(dana, days_ago=45), reason="Created by mistake", shown=None, by=self.by)
        self.bill(dana, days_ago=1, share=False)
        paid = self.pay(self.bill(lena, days_ago=40), PaymentKind.CARD_ELSEWHERE)
        refunds.record_manual_refund(paid, amount_minor=4_000, reason="Wrong price", shown=None, by=self.by)
        account_credits.give(lena, amount_minor=2_000, reason="Goodwill", shown=None, by=self.by)
        self.bill(lucia, days_ago=5)
        for name in ("child-1", "child-2"):
            self.bill(clients[name], days_ago=4, item=self.items[1])
        invoicing.create_draft(alex, self.entry(self.items[0], self.today, 1), by=self.by)
        for name, unpaid in HISTORY.items():
            self.write_history(clients[name], unpaid=unpaid)

    def write_history(self, client: Client, *, unpaid: Collection[int]) -> None:
        """Writes a session for each of the last six months, paid in turn by the methods, except in months `unpaid`."""
        for month in range(MONTHS, 0, -1):
            invoice = self.bill(client, days_ago=DAYS_A_MONTH * month + 2)
            if month not in unpaid:
                self.pay(invoice, METHODS[month % len(METHODS)])

    def bill(
        self, client: Client, *, days_ago: int, quantity: int = 1, share: bool = True, item: ServiceItem | None = None
    ) -> Invoice:
        entry = self.entry(item or self.items[0], self.today - timedelta(days=days_ago), quantity)
        draft = invoicing.create_draft(client, entry.in_language(client.language), by=self.by)
        invoice = invoicing.issue(draft, shown=None, by=self.by)
        # Without emails, so that the demo's mailbox shows only the invitations.
        return invoice_sharing.share(invoice, notify=False, shown=None, by=self.by).invoice if share else invoice

    def entry(self, item: ServiceItem, on: date, quantity: int) -> InvoiceInput:
        line = LineInput(item.label, item.price_minor, quantity, on, item)
        return InvoiceInput(on, on + timedelta(days=14), (line,))

    def pay(self, invoice: Invoice, kind: PaymentKind, *, amount_minor: int | None = None) -> Payment:
        amount = invoice.still_open_minor if amount_minor is None else amount_minor
        number = "1182" if kind == PaymentKind.CHECK else ""
        entry = PaymentInput(kind, amount, min(self.today, invoice.dated_on + timedelta(days=7)), check_number=number)
        return manual_payments.record(invoice.client, entry, invoice=invoice, shown=None, by=self.by)
