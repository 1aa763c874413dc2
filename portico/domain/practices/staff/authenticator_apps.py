"""Authenticator apps as a second factor: codes of six digits that change every 30 seconds, each accepted once."""

import re
import secrets
from collections.abc import Iterator
from urllib.parse import quote, urlencode

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.db import transaction
from django.db.models import Q

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import StaffMember
from portico.domain.practices.staff import recovery_codes, second_factor, security_notice_mail
from portico.domain.practices.staff.second_factor import SecondFactorAlreadySetUp
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log

# The seconds for which a code is shown, and by how many of these steps a clock may differ.
STEP = 30
TOLERANCE = 1
# The latest step that a correct clock can have accepted; a later one was used while the clock was ahead.
MAX_STEPS_AHEAD = TOLERANCE + int(clock.SKEW.total_seconds()) // STEP
_GAPS = re.compile(r"[\W_]+")
_SECRET = re.compile(r"[A-Z2-7]{32,128}")


class WrongCode(Exception):
    """The code is not the one that the app shows now, or has been used."""


def new_secret() -> str:
    """Returns a new secret for an app: 160 random bits in base32."""
    secret: str = totp.generate_totp_secret()
    return secret


def provisioning_uri(staff: StaffMember, secret: str) -> str:
    """Returns the `otpauth:` address for the QR code."""
    query = urlencode({"secret": secret, "issuer": staff.practice.name}, quote_via=quote)
    return f"otpauth://totp/{quote(staff.practice.name)}:{quote(staff.email)}?{query}"


def set_up(staff: StaffMember, secret: str, *, code: str, first: bool, by: Actor) -> bool:
    """Saves the secret as the person's authenticator, replacing an earlier one, if the code proves that the app has it.

    With `first` it must be their first factor. Returns True if recovery codes were created too. Raises WrongCode,
    AlreadySetUp.
    """
    step = next(_matching_steps(secret, code), None)
    if step is None:
        raise WrongCode
    return save(staff, secret, step=step, first=first, by=by)


def is_secret(text: str) -> bool:
    """Returns True for a secret that an app accepts: base32, at least 128 bits long (RFC 4226)."""
    return _SECRET.fullmatch(text) is not None and len(text) % 8 == 0


def save(staff: StaffMember, secret: str, *, step: int = 0, first: bool, notify: bool = True, by: Actor) -> bool:
    """Saves the secret without a code, for seed files and for `set_up`. The step of the code is marked as used.

    `notify`: the person gets a notice by mail.
    """
    with transaction.atomic():
        locked = second_factor.lock(staff)
        if first and second_factor.is_set_up(locked):
            raise SecondFactorAlreadySetUp
        if second_factor.authenticators_of(locked).filter(type=Authenticator.Type.TOTP).delete()[0]:
            audit_log.record(AuditAction.AUTHENTICATOR_REMOVED, practice=locked.practice, by=by, about=locked.ref)
        totp.TOTP.activate(locked, secret)
        used = locked.authenticator_step if locked.authenticator_step <= _step_now() + MAX_STEPS_AHEAD else 0
        locked.authenticator_step = max(used, step)
        locked.save(update_fields=["authenticator_step"])
        entry = audit_log.record(AuditAction.AUTHENTICATOR_ADDED, practice=locked.practice, by=by, about=locked.ref)
        if notify:
            security_notice_mail.notify(locked, entry, by=by)
        return recovery_codes.create_first(locked, by=by)


def use(staff: StaffMember, code: str) -> bool:
    """Returns True if the code is valid now; its step and all earlier ones are then marked as used.

    A used step that lies in the future is ignored: the clock was ahead, and has been corrected.
    """
    row = second_factor.authenticators_of(staff).filter(type=Authenticator.Type.TOTP).first()
    if row is None:
        return False
    for step in _matching_steps(get_adapter().decrypt(row.data["secret"]), code):
        # One conditional update: of several requests with the same code, only one succeeds.
        is_unused = Q(authenticator_step__lt=step) | Q(authenticator_step__gt=_step_now() + MAX_STEPS_AHEAD)
        later = StaffMember.objects.filter(is_unused, pk=staff.pk)
        if later.update(authenticator_step=step):
            row.record_usage()
            return True
    return False


def remove(staff: StaffMember, *, by: Actor) -> None:
    """Removes the authenticator, if there is one. Raises LastFactor."""
    row = second_factor.authenticators_of(staff).filter(type=Authenticator.Type.TOTP).first()
    if row is not None:
        second_factor.remove(staff, row, AuditAction.AUTHENTICATOR_REMOVED, by=by)


def code_at(secret: str, step: int) -> str:
    """Returns the code that an app shows during that step."""
    return str(totp.format_hotp_value(totp.hotp_value(secret, step)))


def _step_now() -> int:
    return int(clock.now().timestamp()) // STEP


def _matching_steps(secret: str, code: str) -> Iterator[int]:
    """Yields the steps around now that have this code, the nearest first."""
    typed = _GAPS.sub("", code).encode("utf-8", "surrogatepass")
    now = _step_now()
    for offset in sorted(range(-TOLERANCE, TOLERANCE + 1), key=abs):
        if secrets.compare_digest(typed, code_at(secret, now + offset).encode()):
            yield now + offset
