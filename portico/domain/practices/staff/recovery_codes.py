"""Recovery codes: for who has lost the authenticator; each signs in once."""

import re

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import transaction

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import StaffMember
from portico.domain.practices.staff import second_factor, security_notice_mail
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.models import AuditEntry

KIND = Authenticator.Type.RECOVERY_CODES
_NON_DIGITS = re.compile(r"\D+", re.ASCII)


def create_first(staff: StaffMember, *, by: Actor) -> bool:
    """Makes codes for who has none yet, in the caller's transaction. Whether it did."""
    if second_factor.rows(staff).filter(type=KIND).exists():
        return False
    _create(staff, by=by)
    return True


def replace(staff: StaffMember, *, by: Actor) -> None:
    """New codes; the earlier ones stop working. Without a factor they would open nothing: then none are made."""
    with transaction.atomic():
        locked = second_factor.lock(staff)
        if not second_factor.is_set_up(locked):
            return
        second_factor.rows(locked).filter(type=KIND).delete()
        security_notice_mail.notify(locked, _create(locked, by=by), by=by)


def unused(staff: StaffMember) -> list[str]:
    """The codes that still work, as people read them: 48271-93046."""
    row = second_factor.rows(staff).filter(type=KIND).first()
    codes: list[str] = row.wrap().get_unused_codes() if row is not None else []
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def use(staff: StaffMember, code: str) -> bool:
    """Whether the code is one of theirs and unused; then it is used up, and the person is told by mail."""
    typed = _NON_DIGITS.sub("", code)
    with transaction.atomic():
        row = second_factor.rows(staff).select_for_update().filter(type=KIND).first()
        # The library marks a code in what it has read: under the lock nobody else has read the same.
        if row is None or not RecoveryCodes(row).validate_code(typed):
            return False
        row.record_usage()
        left = len(unused(staff))
        entry = audit_log.record(
            AuditAction.RECOVERY_CODE_USED, practice=staff.practice, by=staff.actor, about=staff.ref, left=left
        )
        security_notice_mail.notify(staff, entry, by=staff.actor)
    return True


def _create(staff: StaffMember, *, by: Actor) -> AuditEntry:
    RecoveryCodes.activate(staff)
    return audit_log.record(AuditAction.RECOVERY_CODES_MADE, practice=staff.practice, by=by, about=staff.ref)
