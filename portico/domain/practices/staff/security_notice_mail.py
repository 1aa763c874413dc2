"""The notice to a staff member that their second factor or password was changed, or a recovery code used."""

from datetime import datetime
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.audit_actions import AuditAction
from portico.domain.practices import mail_frame
from portico.domain.practices.models import StaffMember
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import ComposedMail, MailComposer
from portico.plumbing.models import AuditEntry, OutgoingEmail
from portico.plumbing.text import time_formatting

KIND = "second_factor_changed"

_HEADINGS = {
    AuditAction.AUTHENTICATOR_ADDED: gettext_lazy("An authenticator app was set up"),
    AuditAction.AUTHENTICATOR_REMOVED: gettext_lazy("An authenticator app was removed"),
    AuditAction.PASSKEY_ADDED: gettext_lazy("A passkey was added"),
    AuditAction.PASSKEY_REMOVED: gettext_lazy("A passkey was removed"),
    AuditAction.RECOVERY_CODES_MADE: gettext_lazy("New recovery codes were created"),
    AuditAction.RECOVERY_CODE_USED: gettext_lazy("A recovery code was used"),
    AuditAction.PASSWORD_CHANGED: gettext_lazy("Your password was changed"),
    AuditAction.STAFF_EMAIL_CHANGED: gettext_lazy("Your sign-in address was changed"),
    AuditAction.PASSWORD_RESET: gettext_lazy("Your password was changed"),
    AuditAction.SECOND_FACTOR_RESET: gettext_lazy("Your two-step verification was reset"),
}


def notify(staff: StaffMember, entry: AuditEntry, *, to: str = "", by: Actor) -> None:
    """Queues the notice in the transaction of its cause; `to` is for an earlier address of theirs.

    Mail to staff does not need the consent `Email ok`.
    """
    outbox.queue(
        practice=staff.practice,
        kind=KIND,
        key=f"{KIND}:{entry.ref}",
        to_address=to or staff.email,
        to_name=staff.name,
        subject=str(_HEADINGS[AuditAction(entry.action)]),
        content={"staff": staff.ref, "verb": str(entry.action), "at": entry.at.isoformat()},
        by=by,
    )


def record_and_notify(
    staff: StaffMember,
    action: AuditAction,
    *,
    by: Actor,
    to: str = "",
    **details: Any,  # Any: with `str`, mypy would check it against the other keywords of `record` too.
) -> None:
    """Records the action about the staff member in the audit log, and queues the notice of it."""
    entry = audit_log.record(action, practice=staff.practice, by=by, about=staff.ref, **details)
    notify(staff, entry, to=to, by=by)


class SecondFactorMail(MailComposer):
    label = gettext_lazy("Sign-in notice")
    is_to_staff = True

    def refuse(self, email: OutgoingEmail) -> str | None:
        staff = StaffMember.objects.filter(practice=email.practice_id, ref=email.content["staff"]).first()
        if staff is None or not staff.is_active:
            return _("The staff member was deactivated.")
        return None

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        practice = email.practice
        at = datetime.fromisoformat(email.content["at"])
        # The office is in English.
        with translation.override("en"):
            context = {
                "heading": str(_HEADINGS[AuditAction(email.content["verb"])]),
                "name": email.to_name,
                "at": f"{time_formatting.short_day(time_formatting.day_of(at, practice.zone), 'en')}, "
                f"{time_formatting.time_with_zone(at, practice.zone, 'en')}",
                "was_reset": email.content["verb"] == AuditAction.SECOND_FACTOR_RESET,
                "why": _("You received this because you sign in to this practice’s office with this address."),
            }
            return mail_frame.letter(email, "staff/second_factor_changed", context)
