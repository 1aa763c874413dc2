"""The second factors of a staff member: which are set up, rate limits of attempts, and removal."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import StaffMember, StaffSession
from portico.domain.practices.staff import security_notice_mail
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded


class SecondFactorMethod(TextChoices):
    """A method with which staff authenticate."""

    PASSWORD = "password", _("password")
    AUTHENTICATOR = "authenticator", _("authenticator code")
    PASSKEY = "passkey", _("passkey")
    RECOVERY_CODE = "recovery_code", _("recovery code")


# The types that count as a second factor; recovery codes only replace one that is lost.
FACTORS = {
    Authenticator.Type.TOTP: SecondFactorMethod.AUTHENTICATOR,
    Authenticator.Type.WEBAUTHN: SecondFactorMethod.PASSKEY,
}


class LastFactor(Refused):
    message = _("This is your only sign-in method for two-step verification. Add another one before you remove it.")


class SecondFactorAlreadySetUp(Refused):
    message = _("Two-step verification is already set up. Sign in with it.")


def authenticators_of(staff: StaffMember) -> "QuerySet[Authenticator]":
    """Returns all of the person's rows in the library's table, recovery codes included."""
    found: QuerySet[Authenticator] = Authenticator.objects.filter(user_id=staff.pk)
    return found


def factors_of(staff: StaffMember) -> "QuerySet[Authenticator]":
    return authenticators_of(staff).filter(type__in=FACTORS)


def is_set_up(staff: StaffMember) -> bool:
    return factors_of(staff).exists()


def methods_of(staff: StaffMember) -> set[SecondFactorMethod]:
    """Returns the methods that this person can use at the second step; empty if no factor is set up."""
    types = set(authenticators_of(staff).values_list("type", flat=True))
    found = {method for kind, method in FACTORS.items() if kind in types}
    if found and Authenticator.Type.RECOVERY_CODES in types:
        found.add(SecondFactorMethod.RECOVERY_CODE)
    return found


def attempt(staff: StaffMember, method: SecondFactorMethod, verify: Callable[[], bool], *, by: Actor) -> bool:
    """Counts an attempt against the limits of person and method, then calls `verify` and returns its result.

    Limits: 5 in 5 min, 20 an hour, 50 a day. A successful attempt is uncounted. Called outside any transaction, so
    that the attempt counts even if the request fails. Raises RateLimitExceeded.
    """
    limits = _limits(staff, method)
    try:
        rate_limits.spend(*limits)
    except RateLimitExceeded:
        _record(AuditAction.SECOND_FACTOR_BEYOND_LIMIT, staff, method, by=by)
        raise
    if not verify():
        _record(AuditAction.SECOND_FACTOR_REFUSED, staff, method, by=by)
        return False
    rate_limits.give_back(*limits)
    return True


def remove(
    staff: StaffMember,
    factor: Authenticator,
    action: AuditAction,
    *,
    by: Actor,
    **details: Any,  # Any: with `str`, mypy would check it against the other keywords of `record` too.
) -> None:
    """Removes one factor. Idempotent. Raises LastFactor where a second factor is required."""
    with transaction.atomic():
        lock(staff)
        if not factors_of(staff).filter(pk=factor.pk).exists():
            return
        is_last = factors_of(staff).count() == 1
        if is_last and settings.SECOND_FACTOR_REQUIRED:
            raise LastFactor
        # Recovery codes replace a factor; without one they are useless.
        (authenticators_of(staff) if is_last else authenticators_of(staff).filter(pk=factor.pk)).delete()
        security_notice_mail.record_and_notify(staff, action, by=by, **details)


def remove_all(staff: StaffMember, *, by: Actor) -> None:
    """Removes all factors and ends all sessions; the person sets up a new factor at the next sign-in."""
    with transaction.atomic():
        lock(staff)
        authenticators_of(staff).delete()
        StaffSession.objects.filter(staff=staff).delete()
        security_notice_mail.record_and_notify(staff, AuditAction.SECOND_FACTOR_RESET, by=by)


def lock(staff: StaffMember) -> StaffMember:
    """Locks the staff member's row, under which factors are changed."""
    return StaffMember.objects.locked().get(pk=staff.pk)


def _limits(staff: StaffMember, method: SecondFactorMethod) -> tuple[Limit, ...]:
    # Each method has its own limits, so that the others remain usable when one is exceeded.
    windows = ((5, timedelta(minutes=5)), (20, timedelta(hours=1)), (50, timedelta(days=1)))
    return tuple(
        Limit.on(f"second-factor-{method}", staff.ref, max_attempts=max_attempts, window=window)
        for max_attempts, window in windows
    )


def _record(action: AuditAction, staff: StaffMember, method: SecondFactorMethod, *, by: Actor) -> None:
    audit_log.record(action, practice=staff.practice, by=by, about=staff.ref, way=method.value)
