"""Invoices: drafting, editing, issuing, voiding and reissuing them. `invoice_sharing` shares them."""

import hashlib
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import audit_entries, shown_sums
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.models import Invoice, InvoiceCounter, InvoiceKind, InvoiceLine, ReversalCause
from portico.domain.billing.refusals import (
    InvoiceEmpty,
    InvoiceIssued,
    InvoiceNotIssued,
    InvoiceVoid,
    ReasonMissing,
    TotalNotPositive,
)
from portico.domain.billing.shown_sums import ShownSums
from portico.domain.clients.client_details import ClientConflict
from portico.domain.clients.models import Client
from portico.plumbing import clock, form_keys
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.form_keys import FormSentBefore
from portico.plumbing.text import money
from portico.plumbing.text.money import MAX_MINOR


@retry_on_deadlock
def create_draft(
    client: Client,
    entry: InvoiceInput,
    *,
    by: Actor,
    form_key: str = "",
    kind: InvoiceKind = InvoiceKind.CHARGES,
) -> Invoice:
    """Creates a draft. A second call with the same `form_key` returns the first one's draft.

    Raises FormSentBefore, and TotalNotPositive if the total of the lines is negative or too large.
    """
    return _create_once(client, entry, by=by, form_key=form_key, kind=kind)


@retry_on_deadlock
def create_drafts(clients: Iterable[Client], entry: InvoiceInput, *, by: Actor, form_key: str = "") -> list[Invoice]:
    """Creates a draft with the same content for each client, or none. A second call returns the first one's drafts.

    The English name of a product or service is replaced by its name in the client's language.

    Raises what `create_draft` raises.
    """
    with transaction.atomic():
        # Clients are locked in the order of their ids, as everywhere.
        return [
            _create_once(
                client,
                entry.in_language(client.language),
                by=by,
                form_key=_key_of(form_key, client),
                kind=InvoiceKind.CHARGES,
            )
            for client in sorted(clients, key=lambda client: client.pk)
        ]


def _key_of(form_key: str, client: Client) -> str:
    """Returns the key of one client's draft: each form key is stored once."""
    return hashlib.sha256(f"{form_key}:{client.ref}".encode()).hexdigest()[:43] if form_key else ""


def _create_once(client: Client, entry: InvoiceInput, *, by: Actor, form_key: str, kind: InvoiceKind) -> Invoice:
    content = (client.pk, kind, entry)
    with locks.lock_books(client) as locked:
        rows = Invoice.objects.filter(practice=locked.practice)
        earlier = form_keys.find_result(rows, form_key, content, kind="invoice", describe=_description)
        if earlier is not None:
            if earlier.is_draft and earlier.version > 1:
                # Edited since: it no longer has the content of this form.
                raise FormSentBefore(_description(earlier))
            return earlier
        invoice = _create(locked, entry, by=by, form_key=form_key, kind=kind)
        form_keys.store(invoice, form_key, content, kind="invoice")
    return invoice


@retry_on_deadlock
def edit_draft(invoice: Invoice, entry: InvoiceInput, *, version: int, by: Actor) -> Invoice:
    """Replaces the content of a draft. Raises InvoiceIssued, ClientConflict, TotalNotPositive."""
    with locks.lock_books(invoice.client) as locked:
        invoice = locks.lock_invoice(locked, invoice.pk)
        if not invoice.is_draft:
            raise InvoiceIssued
        if invoice.version != version:
            raise ClientConflict
        _refuse_total(entry)
        invoice.dated_on, invoice.due_on, invoice.note = entry.dated_on, entry.due_on, entry.note
        invoice.total_minor = entry.total_minor
        invoice.currency = locked.practice.currency
        invoice.typed = None
        invoice.version += 1
        invoice.changed_at = clock.now()
        invoice.save()
        invoice.lines.all().delete()
        _write_lines(invoice, entry.lines)
        audit_entries.record_invoice(AuditAction.INVOICE_EDITED, invoice, by=by)
    return invoice


def save_draft_input(invoice: Invoice, typed: dict[str, Any], *, version: int) -> bool:  # Any: raw form input.
    """Stores the raw form input of a draft, valid or not, beside its saved content.

    Neither raises the version nor writes to the audit log. Returns False, and stores nothing, if the draft was saved,
    issued or discarded in the meantime.
    """
    unchanged = Invoice.objects.filter(pk=invoice.pk, issued_at=None, version=version)
    return bool(unchanged.update(typed=typed, changed_at=clock.now()))


@retry_on_deadlock
def discard_draft(invoice: Invoice, *, shown: ShownSums | None, by: Actor) -> None:
    """Deletes a draft. A repeated call changes nothing. Raises InvoiceIssued, ShownSumsChanged."""
    with locks.lock_books(invoice.client) as locked:
        found = Invoice.objects.locked().filter(pk=invoice.pk).first()
        if found is None:
            return
        if not found.is_draft:
            raise InvoiceIssued
        shown_sums.refuse_if_changed(shown, shown_sums.of_invoice(found))
        found.client = locked
        audit_entries.record_invoice(AuditAction.INVOICE_DISCARDED, found, by=by)
        found.lines.all().delete()
        found.delete()


@retry_on_deadlock
def issue(invoice: Invoice, *, shown: ShownSums | None, by: Actor) -> Invoice:
    """Issues a draft: it gets its number, and its total is owed. A repeated call changes nothing.

    Raises InvoiceEmpty, TotalNotPositive, ShownSumsChanged.
    """
    with locks.lock_books(invoice.client) as locked:
        invoice = locks.lock_invoice(locked, invoice.pk)
        if invoice.is_draft:
            shown_sums.refuse_if_changed(shown, shown_sums.of_invoice(invoice))
        return issue_locked(invoice, by=by)


def issue_locked(invoice: Invoice, *, by: Actor) -> Invoice:
    """Issues an invoice that the caller has locked. Raises InvoiceEmpty, TotalNotPositive."""
    if not invoice.is_draft:
        return invoice
    lines = list(invoice.lines.all())
    if not lines:
        raise InvoiceEmpty
    practice = invoice.client.practice
    invoice.total_minor = sum(line.quantity * line.unit_minor for line in lines)
    if invoice.total_minor <= 0:
        raise TotalNotPositive
    invoice.currency = practice.fix_currency()
    invoice.issued_at = invoice.changed_at = clock.now()
    invoice.typed = None
    invoice.version += 1
    invoice.number = InvoiceCounter.objects.take_number(practice)
    invoice.save()
    audit_entries.record_invoice(AuditAction.INVOICE_ISSUED, invoice, by=by)
    return invoice


@retry_on_deadlock
def void(invoice: Invoice, *, reason: str, shown: ShownSums | None, by: Actor) -> Invoice:
    """Voids an issued invoice: it keeps its number, and what was paid becomes credit. A repeated call changes nothing.

    Raises InvoiceNotIssued, ReasonMissing, ShownSumsChanged, Processing, BeingPaid.
    """
    with locks.lock_books(invoice.client) as locked:
        return _void(locked, invoice.pk, reason=reason, shown=shown, by=by)


@retry_on_deadlock
def void_and_reissue(invoice: Invoice, *, reason: str, shown: ShownSums | None, by: Actor) -> Invoice:
    """Voids an invoice and returns a new draft with the same lines. A repeated call returns the same draft.

    Raises what `void` raises.
    """
    with locks.lock_books(invoice.client) as locked:
        voided = _void(locked, invoice.pk, reason=reason, shown=shown, by=by)
        earlier = Invoice.objects.filter(replaces=voided).first()
        if earlier is not None:
            return earlier
        lines = tuple(
            LineInput(line.label, line.unit_minor, line.quantity, line.given_on, line.item)
            for line in voided.lines.select_related("item").order_by("position")
        )
        entry = InvoiceInput(voided.dated_on, voided.due_on, lines, voided.note)
        return _create(locked, entry, by=by, kind=InvoiceKind(voided.kind), replaces=voided)


def _description(invoice: Invoice) -> str:
    amount = money.formatted(invoice.total_minor, invoice.currency, language="en")
    if invoice.is_draft:
        return _("a draft of %(amount)s") % {"amount": amount}
    return _("invoice %(number)s of %(amount)s") % {"number": invoice.number, "amount": amount}


def _void(client: Client, pk: int, *, reason: str, shown: ShownSums | None, by: Actor) -> Invoice:
    invoice = locks.lock_invoice(client, pk)
    if invoice.is_void:
        return invoice
    if invoice.is_draft:
        raise InvoiceNotIssued
    if not reason.strip():
        raise ReasonMissing(field="reason")
    shown_sums.refuse_if_changed(shown, shown_sums.of_invoice(invoice))
    locks.refuse_while_paying(invoice)
    released = allocation.release(invoice, ReversalCause.VOID)
    invoice.refresh_from_db(fields=["paid_minor", "credited_minor"])
    invoice.voided_at, invoice.void_reason = clock.now(), reason.strip()[:300]
    invoice.version += 1
    invoice.save(update_fields=["voided_at", "void_reason", "version"])
    audit_entries.record_invoice(
        AuditAction.INVOICE_VOIDED, invoice, by=by, reason=invoice.void_reason, became_credit_minor=released
    )
    allocation.apply_credit(client, by=by)
    return invoice


def refuse_unless_issued(invoice: Invoice) -> None:
    """Raises InvoiceNotIssued for a draft and InvoiceVoid for a void invoice."""
    if invoice.is_draft:
        raise InvoiceNotIssued
    if invoice.is_void:
        raise InvoiceVoid


def _create(
    client: Client,
    entry: InvoiceInput,
    *,
    by: Actor,
    kind: InvoiceKind,
    form_key: str = "",
    replaces: Invoice | None = None,
) -> Invoice:
    _refuse_total(entry)
    invoice = Invoice.objects.create(
        practice=client.practice,
        client=client,
        kind=kind,
        dated_on=entry.dated_on,
        due_on=entry.due_on,
        currency=client.practice.fix_currency(),
        note=entry.note,
        total_minor=entry.total_minor,
        replaces=replaces,
        form_key=form_key,
        created_by=by.name[:100],
    )
    _write_lines(invoice, entry.lines)
    audit_entries.record_invoice(AuditAction.INVOICE_DRAFTED, invoice, by=by)
    return invoice


def _write_lines(invoice: Invoice, lines: tuple[LineInput, ...]) -> None:
    last = invoice.lines.aggregate(last=Max("position"))["last"] or 0
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            practice_id=invoice.practice_id,
            invoice=invoice,
            position=position,
            item=line.item,
            given_on=line.given_on,
            label=line.label,
            quantity=line.quantity,
            unit_minor=line.unit_minor,
        )
        for position, line in enumerate(lines, start=last + 1)
    )


def _refuse_total(entry: InvoiceInput) -> None:
    # The total of a draft may be zero; a constraint refuses an issued invoice whose total is not positive.
    if entry.total_minor < 0 or entry.total_minor > MAX_MINOR:
        raise TotalNotPositive
