"""A staff member's own account: changing name, email and password, and ending sessions."""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import SetUpLink, StaffMember, StaffSession
from portico.domain.practices.staff import second_factor, security_notice_mail
from portico.domain.practices.staff.staff_creation import EmailTaken, refuse_unreachable
from portico.domain.practices.staff.staff_sessions import unexpired
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.base_models import RowQuerySet


def change_details(staff: StaffMember, *, name: str, email: str, by: Actor) -> StaffMember:
    """Changes name and email address; unchanged values are allowed.

    A notice about a new address goes to the old one, and links mailed there end. Raises EmailTaken and ValidationError.
    """
    email = email.strip().lower()
    if email != staff.email:
        refuse_unreachable(email)
    with transaction.atomic():
        locked = second_factor.lock(staff)
        if name != locked.name:
            locked.name = name
            audit_log.record(AuditAction.STAFF_RENAMED, practice=locked.practice, by=by, about=locked.ref)
        if email != locked.email:
            _change_email(locked, email, by=by)
        locked.version += 1
        try:
            # A savepoint, because another request may take the same address at this moment.
            with transaction.atomic():
                locked.save(update_fields=["name", "email", "version"])
        except IntegrityError as taken:
            raise _email_taken(email) from taken
    return locked


def change_password(staff: StaffMember, password: str, *, session: StaffSession | None, by: Actor) -> StaffMember:
    """Sets the password and ends all other sessions. Raises ValidationError for a weak password."""
    validate_password(password, staff)
    # Hashing is slow by design, so it is done before anything is locked.
    encoded = make_password(password)
    with transaction.atomic():
        locked = second_factor.lock(staff)
        locked.password = encoded
        locked.save(update_fields=["password"])
        _other_sessions(locked, session).delete()
        security_notice_mail.record_and_notify(locked, AuditAction.PASSWORD_CHANGED, by=by)
    return locked


def sessions(staff: StaffMember) -> RowQuerySet[StaffSession]:
    """Returns the person's current sessions, the most recently used first."""
    return unexpired().filter(staff=staff).order_by("-seen_at", "-id")


def end_session(staff: StaffMember, session: StaffSession, *, by: Actor) -> None:
    """Ends one of the person's sessions. Idempotent."""
    with transaction.atomic():
        if StaffSession.objects.filter(pk=session.pk, staff=staff).delete()[0]:
            audit_log.record(AuditAction.STAFF_SESSION_ENDED, practice=staff.practice, by=by, about=staff.ref, number=1)


def end_other_sessions(staff: StaffMember, own: StaffSession | None, *, by: Actor) -> None:
    """Ends all sessions except the person's own one. Idempotent."""
    with transaction.atomic():
        ended = _other_sessions(staff, own).delete()[0]
        if ended:
            audit_log.record(
                AuditAction.STAFF_SESSION_ENDED, practice=staff.practice, by=by, about=staff.ref, number=ended
            )


def _change_email(locked: StaffMember, email: str, *, by: Actor) -> None:
    if StaffMember.objects.filter(email=email).exclude(pk=locked.pk).exists():
        raise _email_taken(email)
    old, locked.email = locked.email, email
    SetUpLink.objects.filter(staff=locked, used_at=None).update(used_at=clock.now())
    security_notice_mail.record_and_notify(locked, AuditAction.STAFF_EMAIL_CHANGED, to=old, by=by)


def _email_taken(email: str) -> EmailTaken:
    return EmailTaken(
        _("%(email)s is already used by a staff member. Enter another address.") % {"email": email}, field="email"
    )


def _other_sessions(staff: StaffMember, own: StaffSession | None) -> RowQuerySet[StaffSession]:
    rows = StaffSession.objects.filter(staff=staff)
    return rows.exclude(pk=own.pk) if own else rows
