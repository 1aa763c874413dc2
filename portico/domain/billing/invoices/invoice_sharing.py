"""Sharing invoices with clients in the portal: one, all at once, and undoing it."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from portico.domain.access import access_lookups
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.billing import audit_entries, bill_mails, shown_sums
from portico.domain.billing.invoices import invoicing
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.models import Invoice, PaymentKind, ReversalCause, SharingRun
from portico.domain.billing.refusals import InvoiceVoid, PaidByCard, PaymentDisputed, Processing
from portico.domain.billing.reminders import remindable, reminder_mail
from portico.domain.billing.shown_sums import ShownSums
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.queue import leases
from portico.plumbing.refusals import Refused

# Invoices that a run shares in one batch: few enough to end well within its lease.
BATCH_SIZE = 20
LEASE = timedelta(minutes=2)
# Invoices that are listed before a run.
MAX_PLANNED = 200


@dataclass(frozen=True)
class SharingOutcome:
    """The invoice and the mail that notifies the client; if there is none, `access` shows why."""

    invoice: Invoice
    email: OutgoingEmail | None
    access: PortalAccess
    # The invoice had been shared before: nothing has changed.
    was_shared: bool = False


@retry_on_deadlock
def share(invoice: Invoice, *, shown: ShownSums | None, by: Actor, notify: bool = True) -> SharingOutcome:
    """Shares an invoice in the portal and notifies the client by mail if that is allowed; issues it if it is a draft.

    Applies the client's credit to it at once. A repeated call changes nothing and sends nothing.
    Raises InvoiceVoid, InvoiceEmpty, TotalNotPositive, ShownSumsChanged.
    """
    with locks.lock_books(invoice.client, with_account=True) as locked:
        return _share(locked, invoice.pk, shown=shown, by=by, notify=notify)


@retry_on_deadlock
def send_again(invoice: Invoice, *, form_key: str, shown: ShownSums | None, by: Actor) -> SharingOutcome:
    """Sends the mail about a shared bill again, once for each `form_key`; a past due bill gets a reminder.

    Raises InvoiceNotIssued, InvoiceVoid, ShownSumsChanged, Processing, PaymentDisputed.
    """
    with locks.lock_books(invoice.client, with_account=True) as locked:
        invoice = locks.lock_invoice(locked, invoice.pk)
        invoicing.refuse_unless_issued(invoice)
        shown_sums.refuse_if_changed(shown, shown_sums.of_invoice(invoice))
        access = access_lookups.access_or_default(locked)
        refusal = why_not_sent_again(invoice)
        if refusal is not None:
            raise refusal
        mail = _queue_again(invoice, access, form_key=form_key, by=by) if invoice.is_shared else None
    return SharingOutcome(invoice, mail, access)


def why_not_sent_again(invoice: Invoice) -> Refused | None:
    """Returns the refusal of `send_again` for a bill whose reminder would be dropped at hand-over; None for others."""
    if not invoice.is_shared or not _is_past_due(invoice) or remindable.owing().filter(pk=invoice.pk).exists():
        return None
    return Processing() if Invoice.objects.all().processing().filter(pk=invoice.pk).exists() else PaymentDisputed()


def _is_past_due(invoice: Invoice) -> bool:
    today = clock.today(invoice.client.practice.time_zone)
    return bool(invoice.owed_minor) and invoice.due_on is not None and invoice.due_on < today


def _queue_again(invoice: Invoice, access: PortalAccess, *, form_key: str, by: Actor) -> OutgoingEmail | None:
    if _is_past_due(invoice):
        return reminder_mail.queue_again_to_all(invoice, access, occasion=form_key, by=by)
    return bill_mails.send_new_bill_to_all(invoice, access, occasion=form_key, by=by)


@retry_on_deadlock
def unshare(invoice: Invoice, *, shown: ShownSums | None, by: Actor) -> Invoice:
    """Hides an invoice from the client and releases the credit that was applied to it.

    A repeated call changes nothing. Raises PaidByCard, ShownSumsChanged, Processing, BeingPaid.
    """
    with locks.lock_books(invoice.client) as locked:
        invoice = locks.lock_invoice(locked, invoice.pk)
        if not invoice.is_shared:
            return invoice
        shown_sums.refuse_if_changed(shown, shown_sums.of_invoice(invoice))
        locks.refuse_while_paying(invoice)
        live = invoice.allocations.live()
        if live.filter(payment__kind=PaymentKind.ONLINE, from_credit=False).exists():
            raise PaidByCard
        released = allocation.release(invoice, ReversalCause.UNSHARED, only_credit=True)
        invoice.refresh_from_db(fields=["paid_minor", "credited_minor"])
        invoice.shared_at = None
        invoice.version += 1
        invoice.save(update_fields=["shared_at", "version"])
        audit_entries.record_invoice(AuditAction.INVOICE_UNSHARED, invoice, by=by, gave_back_minor=released)
        allocation.apply_credit(locked, by=by)
    return invoice


def start_run(practice: Practice, *, shown: ShownSums | None, requested_by: StaffMember) -> SharingRun | None:
    """Queues a run that shares all issued, unshared invoices; returns None if there are none.

    Returns the current run if there is one. Raises ShownSumsChanged.
    """
    running = waiting_run(practice)
    if running is not None:
        return running
    # In one query, so that the run covers exactly the invoices that are compared.
    unshared = _unshared.rows(practice=practice.pk)
    if not unshared:
        return None
    shown_sums.refuse_if_changed(shown, shown_sums.of_rows([pk for pk, _number in unshared]))
    try:
        with transaction.atomic():
            return SharingRun.objects.create(
                practice=practice,
                requested_by=requested_by,
                last_number=max(number for _pk, number in unshared if number is not None),
                total=len(unshared),
            )
    except IntegrityError:
        return waiting_run(practice)


def waiting_run(practice: Practice) -> SharingRun | None:
    """Returns the practice's current run, if there is one."""
    return _waiting_run.first(practice=practice.pk)


@CompiledQuery
def _waiting_run(practice: Parameter) -> QuerySet[SharingRun]:
    return SharingRun.objects.waiting().filter(practice=practice)


def cancel_run(practice: Practice) -> int:
    """Deletes the practice's current run; what it has not shared stays unshared. Returns 0 if there is none, else 1."""
    return SharingRun.objects.waiting().filter(practice=practice).delete()[0]


def unshared_ids(practice: Practice) -> list[int]:
    """Returns the ids of the invoices that a run would share now, oldest first."""
    return [pk for pk, _number in _unshared.rows(practice=practice.pk)]


@CompiledQuery
def _unshared(practice: Parameter) -> QuerySet[Invoice, tuple[int, int | None]]:
    unshared = Invoice.objects.filter(practice=practice).unshared()
    return unshared.order_by("id").values_list("id", "number")


@dataclass(frozen=True)
class PlannedSharing:
    """An invoice that a run would share, and the client and contacts who are mailed; `access` is the client's own."""

    invoice: Invoice
    mailed: list[PortalAccess]
    access: PortalAccess


def plan_run(practice: Practice) -> list[PlannedSharing]:
    """Returns what a run would share now, oldest first: up to MAX_PLANNED, and one more if there are more."""
    planned, invoices = [], _next_unshared.rows(practice=practice.pk)
    contacts = access_lookups.of_contacts_by_client(invoice.client for invoice in invoices)
    for invoice in invoices:
        invoice.practice = invoice.client.practice = practice
        access = getattr(invoice.client, "portal_access", None) or PortalAccess.of(invoice.client)
        mailed = bill_mails.mailed_people(access, contacts.get(invoice.client.pk, ()))
        planned.append(PlannedSharing(invoice, mailed, access))
    return planned


@CompiledQuery
def _next_unshared(practice: Parameter) -> QuerySet[Invoice]:
    unshared = Invoice.objects.filter(practice=practice).unshared()
    return unshared.select_related("client__portal_access__address").order_by("id")[: MAX_PLANNED + 1]


def continue_next_run() -> bool:
    """Shares the next batch of a waiting run, for the worker. Returns False if no run waits.

    Cancels a run whose starter's account was deactivated; one of a paused practice waits.
    """
    run = leases.claim(SharingRun.objects.waiting().filter(practice__suspended_at=None), lease=LEASE)
    if run is None:
        return False
    if not run.requested_by.is_active:
        # Nothing is mailed in the name of someone who has left.
        cancel_run(run.practice)
        return True
    unshared = Invoice.objects.filter(practice=run.practice).unshared()
    remaining = unshared.filter(number__lte=run.last_number, id__gt=run.last_shared_id)
    batch = list(remaining.select_related("client").order_by("id")[: BATCH_SIZE + 1])
    for invoice in batch[:BATCH_SIZE]:
        shared = _share_if_unshared(invoice, by=run.requested_by.actor)
        counts = {} if shared is None else _counts_with(run, shared)
        if not leases.update_if_held(run, last_shared_id=invoice.pk, **counts):
            return True
    leases.finish(run, **({} if len(batch) > BATCH_SIZE else {"ended_at": clock.now()}))
    return True


def _share_if_unshared(invoice: Invoice, *, by: Actor) -> SharingOutcome | None:
    """Returns None for an invoice that was voided or shared in the meantime: it is not one of the run."""
    try:
        shared = share(invoice, shown=None, by=by)
    except InvoiceVoid:
        return None
    return None if shared.was_shared else shared


def _counts_with(run: SharingRun, shared: SharingOutcome) -> dict[str, int]:
    return {"shared": run.shared + 1, "not_notified": run.not_notified + (shared.email is None)}


def _share(client: Client, pk: int, *, shown: ShownSums | None, by: Actor, notify: bool) -> SharingOutcome:
    invoice = locks.lock_invoice(client, pk)
    access = access_lookups.access_or_default(client)
    if invoice.is_shared and not invoice.is_void:
        return SharingOutcome(invoice, None, access, was_shared=True)
    shown_sums.refuse_if_changed(shown, shown_sums.of_invoice(invoice))
    if invoice.is_draft:
        invoicing.issue_locked(invoice, by=by)
    invoicing.refuse_unless_issued(invoice)
    invoice.shared_at = clock.now()
    invoice.version += 1
    invoice.save(update_fields=["shared_at", "version"])
    mail = bill_mails.send_new_bill_to_all(invoice, access, occasion=invoice.version, by=by) if notify else None
    audit_entries.record_invoice(AuditAction.INVOICE_SHARED, invoice, by=by, told=mail is not None)
    allocation.apply_credit(client, by=by)
    invoice.refresh_from_db(fields=["paid_minor", "credited_minor"])
    return SharingOutcome(invoice, mail, access)
