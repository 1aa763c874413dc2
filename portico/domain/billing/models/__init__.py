"""Invoices, tries to pay them, money that came and went, and cards that may be used again."""

from portico.domain.billing.models.allocations import Allocation, CreditNote, Reversal, ReversalCause
from portico.domain.billing.models.attempt_states import HOLDING, MOVING, REFUSALS, AttemptFailure, AttemptState
from portico.domain.billing.models.attempts import AttemptInvoice, AttemptWay, PaymentAttempt
from portico.domain.billing.models.cards import SavedCard, StripeCustomer
from portico.domain.billing.models.credits import Credit
from portico.domain.billing.models.disputes import Dispute, DisputeState
from portico.domain.billing.models.invoices import Invoice, InvoiceCounter, InvoiceKind, InvoiceLine, InvoiceStatus
from portico.domain.billing.models.payments import BY_HAND, Payment, PaymentKind, ReceiptCounter
from portico.domain.billing.models.refunds import Refund, RefundState, RefundWay
from portico.domain.billing.models.service_items import ServiceItem
from portico.domain.billing.models.sharing_runs import SharingRun

__all__ = [
    "BY_HAND",
    "HOLDING",
    "MOVING",
    "REFUSALS",
    "Allocation",
    "AttemptFailure",
    "AttemptInvoice",
    "AttemptState",
    "AttemptWay",
    "Credit",
    "CreditNote",
    "Dispute",
    "DisputeState",
    "Invoice",
    "InvoiceCounter",
    "InvoiceKind",
    "InvoiceLine",
    "InvoiceStatus",
    "Payment",
    "PaymentAttempt",
    "PaymentKind",
    "ReceiptCounter",
    "Refund",
    "RefundState",
    "RefundWay",
    "Reversal",
    "ReversalCause",
    "SavedCard",
    "ServiceItem",
    "SharingRun",
    "StripeCustomer",
]
