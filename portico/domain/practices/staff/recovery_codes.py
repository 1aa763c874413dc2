"""Recovery codes, which replace a lost second factor; each is accepted once."""

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
    """Creates codes if the person has none, in the caller's transaction. Returns True if it did."""
    if second_factor.authenticators_of(staff).filter(type=KIND).exists():
        return False
    _create(staff, by=by)
    return True


def replace(staff: StaffMember, *, by: Actor) -> None:
    """Creates new codes and invalidates the earlier ones. Does nothing for a person without a second factor."""
    with transaction.atomic():
        locked = second_factor.lock(staff)
        if not second_factor.is_set_up(locked):
            return
        second_factor.authenticators_of(locked).filter(type=KIND).delete()
        security_notice_mail.notify(locked, _create(locked, by=by), by=by)


def unused(staff: StaffMember) -> list[str]:
    """Returns the unused codes in readable form: 48271-93046."""
    row = second_factor.authenticators_of(staff).filter(type=KIND).first()
    codes: list[str] = row.wrap().get_unused_codes() if row is not None else []
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def use(staff: StaffMember, code: str) -> bool:
    """Returns True if the code is one of theirs and unused; it is then marked as used, and the person gets a notice."""
    typed = _NON_DIGITS.sub("", code)
    with transaction.atomic():
        row = second_factor.authenticators_of(staff).select_for_update().filter(type=KIND).first()
        # The library changes the data that it has read, so two requests must not read it at the same time.
        if row is None or not RecoveryCodes(row).validate_code(typed):
            return False
        row.record_usage()
        left = len(unused(staff))
        security_notice_mail.record_and_notify(staff, AuditAction.RECOVERY_CODE_USED, by=staff.actor, left=left)
    return True


def _create(staff: StaffMember, *, by: Actor) -> AuditEntry:
    RecoveryCodes.activate(staff)
    return audit_log.record(AuditAction.RECOVERY_CODES_MADE, practice=staff.practice, by=by, about=staff.ref)
