"""The operator pauses a practice: its pages and mails stand still from the next request on; nothing is lost.

Money that is on its way goes on: what a payment provider reports is settled in a paused practice too.
"""

from django.db import transaction

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log


def suspend(practice: Practice, *, by: Actor) -> Practice:
    """Pauses the practice. Again: changes nothing."""
    with transaction.atomic():
        practice = Practice.objects.locked().get(pk=practice.pk)
        if practice.is_suspended:
            return practice
        practice.suspended_at = clock.now()
        practice.save(update_fields=["suspended_at"])
        audit_log.record(AuditAction.PRACTICE_SUSPENDED, practice=practice, by=by)
    return practice


def resume(practice: Practice, *, by: Actor) -> Practice:
    """Ends the pause: mails that waited leave, unless their links have run out. Again: changes nothing."""
    with transaction.atomic():
        practice = Practice.objects.locked().get(pk=practice.pk)
        if not practice.is_suspended:
            return practice
        practice.suspended_at = None
        practice.save(update_fields=["suspended_at"])
        audit_log.record(AuditAction.PRACTICE_RESUMED, practice=practice, by=by)
    return practice
