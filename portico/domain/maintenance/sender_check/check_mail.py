"""The test email of the sender check: the receiving server says in its headers whether it trusts our mail."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.audit_actions import AuditAction
from portico.domain.maintenance.sender_check import checking, returned_test_email
from portico.domain.practices import mail_frame
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import ComposedMail, MailComposer
from portico.plumbing.mail.reports import report_tags
from portico.plumbing.mail.returned_mail import ReturnedMail
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit
from portico.plumbing.text import mailboxes

KIND = "test_email"
PER_HOUR = 10


def send(practice: Practice, address: str, *, form_key: str, by: Actor) -> OutgoingEmail:
    """Queues a test email to any address. A form that is sent twice to one address queues one.

    Raises ValueError for a malformed address, and RateLimitExceeded.
    """
    to_address = mailboxes.deliverable(address)
    mailbox = tokens.fingerprint(mailboxes.mailbox_key(to_address), purpose=KIND)
    key = f"{KIND}:{form_key}:{mailbox}"
    rate_limits.spend(Limit.on(KIND, practice.ref, max_attempts=PER_HOUR, window=timedelta(hours=1)))
    with transaction.atomic():
        sent = OutgoingEmail.objects.filter(practice=practice, key=key).first()
        if sent is not None:
            return sent
        email = outbox.queue(
            practice=practice,
            kind=KIND,
            key=key,
            to_address=to_address,
            to_name="",
            # Owners read English.
            subject="Test email",
            content={},
            by=by,
        )
        audit_log.record(AuditAction.TEST_EMAIL_SENT, practice=practice, by=by, about=email.ref, address=to_address)
    return email


class TestEmail(MailComposer):
    """Tells its reader what to look for in its own headers, and reads them if it comes back."""

    label = gettext_lazy("Test email")
    # Goes to an address that an owner types: a report about it must not stop mail to a client with that address.
    is_to_staff = True
    reads_returned_mails = True

    def recipient(self, email: OutgoingEmail) -> str:
        """Returns the address; with the email's tag if it is that of the reports, so that the email is recognized.

        A provider's API writes its own envelope sender, which has no tag.
        """
        if email.to_address.lower() != settings.EMAIL_RETURN_PATH.lower():
            return email.to_address
        return report_tags.envelope_sender(email.ref, base=settings.EMAIL_RETURN_PATH)

    def came_back(self, email: OutgoingEmail, returned: ReturnedMail) -> None:
        returned_test_email.store(email, returned)

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        # The office is in English.
        with translation.override("en"):
            context = {
                "heading": email.subject,
                "domain": checking.sender_domain(),
                "why": _("You received this because the practice tested its email with this address."),
            }
            return mail_frame.letter(email, "staff/test_email", context)
