"""Suspension of a practice by the operator: no pages and no mails from the next request on; no data is lost.

Payments that Stripe reports are settled in a suspended practice too.
"""

from django.db import transaction

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log


def suspend(practice: Practice, *, by: Actor) -> Practice:
    """Suspends the practice. Idempotent."""
    with transaction.atomic():
        practice = Practice.objects.locked().get(pk=practice.pk)
        if practice.is_suspended:
            return practice
        practice.suspended_at = clock.now()
        practice.save(update_fields=["suspended_at"])
        audit_log.record(AuditAction.PRACTICE_SUSPENDED, practice=practice, by=by)
    return practice


def resume(practice: Practice, *, by: Actor) -> Practice:
    """Ends the suspension: waiting mails are sent, unless their links have expired. Idempotent."""
    with transaction.atomic():
        practice = Practice.objects.locked().get(pk=practice.pk)
        if not practice.is_suspended:
            return practice
        practice.suspended_at = None
        practice.save(update_fields=["suspended_at"])
        audit_log.record(AuditAction.PRACTICE_RESUMED, practice=practice, by=by)
    return practice
