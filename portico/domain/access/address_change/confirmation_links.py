"""The mail to a new address, whose link confirms it: its token, and whether it still works.

The mail's content holds the epochs of the client's access: any later change of access, address or consent, and the
change itself, ends the link. It names the session that asked: if that is ended from elsewhere or by a restore, so is
the link. No table is needed: the link names its mail, and its secret is derived from the mail.
"""

import hmac

from django.conf import settings
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import (
    eligibility,
    holders,
)
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalSession, link_lifetime
from portico.domain.practices import mail_frame
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.mail.outbox import ComposedMail, MailComposer
from portico.plumbing.models import OutgoingEmail

KIND = "address_change"
PURPOSE = "address change"
# The length of a mail's ref, with which the token begins.
_REF_LENGTH = 16


class AddressChangeMail(MailComposer):
    label = gettext_lazy("Email change")

    def refuse(self, email: OutgoingEmail) -> str | None:
        """Refuses if the link would no longer work. Needs no `Email ok`: the client asked for this mail."""
        access = holders.access_of_email(email)
        if access is None or not _is_current(email, access):
            return _("Access, address or Email ok was changed after this email was requested.")
        if not _is_session_current(email):
            return _("The session in which this email was requested was ended.")
        has_waited = clock.now() >= email.written_at + link_lifetime()
        return _("It waited until its link expired.") if has_waited else None

    def link(self, email: OutgoingEmail) -> str | None:
        secret = tokens.derive(bytes(email.link_nonce or b""), purpose=PURPOSE)
        return f"{settings.PUBLIC_BASE_URL}{email.practice.portal_path}new-email/{email.ref}{secret}/"

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        with translation.override(email.content["language"]):
            context = {
                "heading": _("Confirm your new email"),
                "link": link,
                "why": _("You received this because someone entered this address in a client portal."),
            }
            return mail_frame.letter(email, KIND, context)


def mail_of(practice: Practice, token: str) -> OutgoingEmail | None:
    """Returns the mail that the token belongs to, whether or not its link still works."""
    ref, secret = token[:_REF_LENGTH], token[_REF_LENGTH:]
    email = OutgoingEmail.objects.filter(practice=practice, kind=KIND, ref=ref).first()
    if email is None or not email.link_nonce:
        return None
    derived = tokens.derive_each(bytes(email.link_nonce), purpose=PURPOSE)
    # As bytes: the token comes from a URL and may hold any character.
    given = secret.encode("utf-8", "surrogatepass")
    return email if any(hmac.compare_digest(each.encode(), given) for each in derived) else None


def is_usable(email: OutgoingEmail, access: PortalAccess) -> bool:
    sent_at = email.handing_over_at
    if sent_at is None or not clock.is_within(sent_at, link_lifetime()):
        return False
    return _is_current(email, access) and _is_session_current(email)


def _is_current(email: OutgoingEmail, access: PortalAccess) -> bool:
    """Returns True if nothing about the access has changed since the mail was queued."""
    return (
        access.account is not None
        and access.account.ref == email.content["account"]
        and epochs_of(access) == email.content["epochs"]
        and eligibility.is_eligible(access, Purpose.SIGN_IN_BY_MAIL)
    )


def _is_session_current(email: OutgoingEmail) -> bool:
    """Returns True if the session that asked has not been revoked; it may have signed out, or timed out."""
    asking = PortalSession.objects.filter(practice_id=email.practice_id, ref=email.content.get("session", ""))
    return asking.filter(revoked_at=None).exists()


def end_links(emails: QuerySet[OutgoingEmail]) -> int:
    """Ends the links in these mails, with all that the same sessions asked for; returns the number of sessions."""
    sessions = list(emails.filter(kind=KIND).values_list("content__session", flat=True))
    return PortalSession.objects.filter(ref__in=sessions, revoked_at=None).update(revoked_at=clock.now())


def epochs_of(access: PortalAccess) -> list[int]:
    return [access.changed_epoch, access.ended_epoch, access.consent_epoch]
