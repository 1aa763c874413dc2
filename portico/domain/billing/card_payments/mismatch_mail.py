"""Email to the practice's owners about a card payment that does not match its attempt."""

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.billing.models import PaymentAttempt
from portico.domain.practices import mail_frame
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import ComposedMail, MailComposer
from portico.plumbing.models import OutgoingEmail

KIND = "payment_mismatch"


def notify_owners(practice: Practice, attempt: PaymentAttempt, *, by: Actor) -> None:
    """Queues a notice to each active owner, in the caller's transaction. Mail to staff needs no email consent."""
    for owner in StaffMember.objects.active().filter(practice=practice, role=Role.OWNER).order_by("id"):
        outbox.queue(
            practice=practice,
            kind=KIND,
            key=f"{KIND}:{attempt.ref}:{owner.ref}",
            to_address=owner.email,
            to_name=owner.name,
            # Staff read English.
            subject="A card payment needs a look",
            content={"staff": owner.ref},
            by=by,
        )


class MismatchMail(MailComposer):
    label = gettext_lazy("Notice about a payment")
    is_to_staff = True

    def refuse(self, email: OutgoingEmail) -> str | None:
        owner = StaffMember.objects.filter(practice=email.practice_id, ref=email.content["staff"]).first()
        if owner is None or not owner.is_active or owner.role != Role.OWNER:
            return _("The staff member was deactivated or is no longer an owner.")
        return None

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        # The office is in English.
        with translation.override("en"):
            context = {
                "heading": _("A card payment needs review"),
                "name": email.to_name,
                "href": f"{settings.PUBLIC_BASE_URL}/office/payments/",
                "why": _("You received this because you are an owner of this practice."),
            }
            return mail_frame.letter(email, "staff/payment_mismatch", context)
