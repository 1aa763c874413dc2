"""Models of billing: invoices, payment attempts, payments, credits, refunds, disputes and saved cards."""

from portico.domain.billing.models.allocations import Allocation, CreditNote, Reversal, ReversalCause
from portico.domain.billing.models.attempt_states import (
    REFUSALS,
    STATES_HOLDING_INVOICES,
    STATES_IN_PROGRESS,
    AttemptFailure,
    AttemptState,
)
from portico.domain.billing.models.attempts import AttemptInvoice, AttemptMethod, PaymentAttempt
from portico.domain.billing.models.cards import SavedCard, StripeCustomer
from portico.domain.billing.models.credits import Credit
from portico.domain.billing.models.disputes import Dispute, DisputeState
from portico.domain.billing.models.invoices import Invoice, InvoiceKind, InvoiceLine, InvoiceStatus
from portico.domain.billing.models.number_counters import InvoiceCounter, ReceiptCounter
from portico.domain.billing.models.payments import MANUAL_KINDS, Payment, PaymentKind
from portico.domain.billing.models.practice_owed_totals import OwedTotal
from portico.domain.billing.models.refunds import Refund, RefundMethod, RefundState
from portico.domain.billing.models.reminders import Reminder
from portico.domain.billing.models.service_items import ServiceItem
from portico.domain.billing.models.sharing_runs import SharingRun

__all__ = [
    "MANUAL_KINDS",
    "REFUSALS",
    "STATES_HOLDING_INVOICES",
    "STATES_IN_PROGRESS",
    "Allocation",
    "AttemptFailure",
    "AttemptInvoice",
    "AttemptMethod",
    "AttemptState",
    "Credit",
    "CreditNote",
    "Dispute",
    "DisputeState",
    "Invoice",
    "InvoiceCounter",
    "InvoiceKind",
    "InvoiceLine",
    "InvoiceStatus",
    "OwedTotal",
    "Payment",
    "PaymentAttempt",
    "PaymentKind",
    "ReceiptCounter",
    "Refund",
    "RefundMethod",
    "RefundState",
    "Reminder",
    "Reversal",
    "ReversalCause",
    "SavedCard",
    "ServiceItem",
    "SharingRun",
    "StripeCustomer",
]
