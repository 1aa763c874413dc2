"""A client's `Billing` tab: invoices, balance, payments and credits."""

from dataclasses import dataclass
from enum import StrEnum

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from portico.domain.access import access_lookups, client_changes
from portico.domain.access.models import PortalAccount
from portico.domain.audit_actions import AuditAction
from portico.domain.billing import shown_sums
from portico.domain.billing.card_payments import saved_cards
from portico.domain.billing.ledger import balances
from portico.domain.billing.models import Invoice, SavedCard
from portico.domain.billing.models.invoices import InvoiceQuerySet
from portico.domain.billing.payments import manual_payments
from portico.domain.clients.models import Client
from portico.plumbing.audit import audit_log
from portico.plumbing.database import keyset_pagination
from portico.plumbing.database.keyset_pagination import KeysetPage
from portico.plumbing.models import AuditEntry
from portico.web import payment_labels
from portico.web.billing_documents import summary_lines
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.billing import invoice_labels
from portico.web.office.roles import may_edit_billing

PAGE_SIZE = 25
MAX_PAYMENTS = 20


class InvoiceFilter(StrEnum):
    ALL = ""
    TO_PAY = "to_pay"
    PAID = "paid"


LABELS = {
    InvoiceFilter.ALL: gettext_lazy("All"),
    InvoiceFilter.TO_PAY: gettext_lazy("Unpaid"),
    InvoiceFilter.PAID: gettext_lazy("Paid"),
}


@dataclass(frozen=True)
class InvoiceChip:
    """A filter link with the number of invoices it shows."""

    show: str
    label: str
    number: int
    is_current: bool


@dataclass(frozen=True)
class CardRow:
    """A saved card. `stays_with` is its account if that no longer has access to the client."""

    card: SavedCard
    name: str
    stays_with: PortalAccount | None = None


@office_page()
@require_safe
def show(request: OfficeRequest, ref: str) -> HttpResponse:
    client = lookups.get_client(request, ref)
    audit_log.record(AuditAction.BILLING_VIEWED, practice=request.practice, client=client, by=request.actor)
    show = _selected_filter(request)
    page = _page_of_invoices(client, show, request.GET.get("before", ""))
    account = balances.office_account(client)
    payments = list(client.payments.order_by("-id")[: MAX_PAYMENTS + 1])
    credits_given = list(client.credits.order_by("-id")[: MAX_PAYMENTS + 1])
    context = {
        "client": client,
        "rows": invoice_labels.status_labels(page.rows, invoice_labels.first_seen(_openings(client, page.rows))),
        "chips": _chips(client, show),
        "show": show,
        "next_before": page.next_ref,
        "is_later_page": not page.is_first,
        "account": account,
        "sums": summary_lines.of_account(account.sums, account.currency),
        "payments": [
            (
                payment,
                payment_labels.payment_name(payment),
                shown_sums.of_left_over(payment),
                manual_payments.may_undo(payment, actor=request.actor),
            )
            for payment in payments[:MAX_PAYMENTS]
        ],
        "credits": [(credit, shown_sums.of_credit(credit)) for credit in credits_given[:MAX_PAYMENTS]],
        "max_payments": MAX_PAYMENTS,
        "has_more_payments": max(len(payments), len(credits_given)) > MAX_PAYMENTS,
        "cards": _cards(client),
        "may_edit_billing": may_edit_billing(request),
    }
    return render(request, "office/clients/billing.html", context)


@office_page()
@require_POST
def set_reminders(request: OfficeRequest, ref: str) -> HttpResponse:
    on = bool(request.POST.get("on"))
    client = client_changes.set_reminders(lookups.get_client(request, ref), on=on, by=request.actor)
    message = _("Reminders are on for %(name)s.") if on else _("Reminders are off for %(name)s.")
    messages.success(request, message % {"name": client.called})
    return redirect("office:client_billing", ref=ref)


def _selected_filter(request: OfficeRequest) -> InvoiceFilter:
    show = request.GET.get("show", "")
    return InvoiceFilter(show) if show in list(InvoiceFilter) else InvoiceFilter.ALL


def _chips(client: Client, current: InvoiceFilter) -> list[InvoiceChip]:
    """Returns every filter with its count, in one query; an empty list while there is no invoice."""
    counts = {show: Count("pk", filter=Q(pk__in=_filtered(client, show).values("pk"))) for show in InvoiceFilter}
    numbers = client.invoices.aggregate(**{show.name: count for show, count in counts.items()})
    if not numbers[InvoiceFilter.ALL.name]:
        return []
    return [InvoiceChip(show.value, str(LABELS[show]), numbers[show.name], show is current) for show in InvoiceFilter]


def _filtered(client: Client, show: InvoiceFilter) -> InvoiceQuerySet:
    match show:
        case InvoiceFilter.TO_PAY:
            return client.invoices.outstanding()
        case InvoiceFilter.PAID:
            return client.invoices.settled()
        case _:
            return client.invoices.all()


def _page_of_invoices(client: Client, show: InvoiceFilter, before: str) -> KeysetPage[Invoice]:
    rows = _filtered(client, show).with_attempts().with_sums()
    after = keyset_pagination.position_of(client.invoices.all(), before)
    page = keyset_pagination.newest_first(rows, after=after, size=PAGE_SIZE)
    for invoice in page.rows:
        invoice.practice = client.practice
    return page


def _openings(client: Client, invoices: list[Invoice]) -> QuerySet[AuditEntry]:
    """Returns the entries about the client's first opening of the invoices, newest first."""
    refs = [invoice.ref for invoice in invoices]
    entries = AuditEntry.objects.filter(client=client, action=AuditAction.INVOICE_SEEN, about__in=refs)
    return entries.order_by("-id")


def _cards(client: Client) -> list[CardRow]:
    """Returns the saved cards of the client's mailbox and of earlier ones. Staff cannot charge them."""
    access = access_lookups.access_of(client)
    account = access.account if access is not None else None
    current = saved_cards.saved_cards_of(account) if account is not None else []
    earlier = saved_cards.cards_of_other_accounts(client, account)
    return [CardRow(card, payment_labels.card_name(card)) for card in current] + [
        CardRow(card, payment_labels.card_name(card), card.account) for card in earlier
    ]
