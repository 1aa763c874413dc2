"""Audit log entries about money: each states its amount and currency."""

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.models import Invoice
from portico.domain.clients.models import Client
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log


def record_amount(
    action: AuditAction,
    client: Client,
    about: str,
    amount_minor: int,
    *,
    by: Actor,
    **details: str | int | bool | None,
) -> None:
    """Records an amount of the client's books, in the practice's currency. `about` is the ref of what it belongs to."""
    audit_log.record(
        action,
        practice=client.practice,
        client=client,
        by=by,
        about=about,
        amount_minor=amount_minor,
        currency=client.practice.currency,
        **details,
    )


def record_invoice(action: AuditAction, invoice: Invoice, *, by: Actor, **details: str | int | bool | None) -> None:
    """Records an act on an invoice, with its number and total."""
    audit_log.record(
        action,
        practice=invoice.client.practice,
        client=invoice.client,
        by=by,
        about=invoice.ref,
        number=invoice.number,
        total_minor=invoice.total_minor,
        currency=invoice.currency,
        **details,
    )
