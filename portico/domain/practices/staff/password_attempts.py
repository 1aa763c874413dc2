"""Rate limits of staff passwords, and the audit entries of staff sign-in."""

from datetime import timedelta

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import StaffMember
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded


def reserve_attempt(email: str, *, ip: str) -> None:
    """Counts an attempt for the entered address, known or not (5 in 5 min), and for its network (50 in 10 min).

    Called before the password is checked and outside any transaction, so that the attempt counts even if the request
    fails. Raises RateLimitExceeded.
    """
    rate_limits.spend(*_budgets(email, ip))


def refund_attempt(email: str, *, ip: str) -> None:
    """Uncounts an attempt whose password was correct, so that frequent sign-ins do not exceed the limit."""
    rate_limits.give_back(*_budgets(email, ip))


def check_again(staff: StaffMember, password: str, *, ip: str) -> bool:
    """Checks the password of a signed-in staff member, under the same limits. Raises RateLimitExceeded."""
    try:
        reserve_attempt(staff.email, ip=ip)
    except RateLimitExceeded:
        record_refused(staff.email, beyond_limit=True)
        raise
    if not staff.check_password(password):
        record_refused(staff.email, beyond_limit=False)
        return False
    refund_attempt(staff.email, ip=ip)
    return True


def _budgets(email: str, ip: str) -> tuple[Limit, Limit]:
    return (
        Limit.on("staff-password", email.strip().lower(), max_attempts=5, window=timedelta(minutes=5)),
        Limit.on(
            "staff-password-ip",
            rate_limits.network_of(ip),
            max_attempts=50,
            window=timedelta(minutes=10),
            stays_spent=True,
        ),
    )


def record_refused(email: str, *, beyond_limit: bool) -> None:
    """Records a rejected attempt in the audit log of the staff member's practice; ignores unknown addresses."""
    member = StaffMember.objects.select_related("practice").filter(email=email.strip().lower()).first()
    if member is None:
        return
    action = AuditAction.STAFF_SIGN_IN_BEYOND_LIMIT if beyond_limit else AuditAction.STAFF_SIGN_IN_REFUSED
    audit_log.record(action, practice=member.practice, by=Actor.anonymous(), about=member.ref)


def record_accepted(member: StaffMember) -> None:
    """Records that the password was correct and a second factor is required."""
    audit_log.record(AuditAction.STAFF_PASSWORD_ACCEPTED, practice=member.practice, by=member.actor)


def record_sign_in(member: StaffMember, method: str) -> None:
    """Records the sign-in and its time; `method` is the last method used."""
    StaffMember.objects.filter(pk=member.pk).update(last_signed_in_at=clock.now())
    audit_log.record(AuditAction.STAFF_SIGNED_IN, practice=member.practice, by=member.actor, way=method)


def record_sign_out(member: StaffMember) -> None:
    audit_log.record(AuditAction.STAFF_SIGNED_OUT, practice=member.practice, by=member.actor)
