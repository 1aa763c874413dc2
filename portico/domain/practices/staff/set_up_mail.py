"""The mails with a set-up link: the invitation of a colleague, and the password reset."""

from abc import abstractmethod
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.practices import mail_frame
from portico.domain.practices.models import SetUpLink
from portico.domain.practices.staff import set_up_links
from portico.plumbing import clock
from portico.plumbing.mail import rendering
from portico.plumbing.mail.outbox import ComposedMail, MailComposer
from portico.plumbing.models import OutgoingEmail


class _SetUpMail(MailComposer):
    template = ""
    is_to_staff = True

    def refuse(self, email: OutgoingEmail) -> str | None:
        link = _link_of(email)
        if not link.staff.is_active:
            return _("The staff member was deactivated.")
        if link.used_at is not None:
            return _("Its link has already been used, or a newer one replaced it.")
        if link.has_expired(clock.now()):
            return _("Its link has expired. Send a new one.")
        return None

    def link(self, email: OutgoingEmail) -> str | None:
        return set_up_links.url_in_mail(_link_of(email))

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        set_up = _link_of(email)
        # The office is in English.
        with translation.override("en"):
            context = {
                "name": email.to_name,
                "role": set_up.staff.get_role_display().lower(),
                "invited_by": email.written_by,
                "href": link or "",
                "link_works_for": rendering.duration(set_up.lifetime),
                **self.context(),
            }
            return mail_frame.letter(email, self.template, context)

    @abstractmethod
    def context(self) -> dict[str, Any]:  # Any: what templates take.
        """Returns the variables of the template that this kind of mail adds."""


class InviteMail(_SetUpMail):
    label = gettext_lazy("Team invitation")
    template = "staff/invite"

    def context(self) -> dict[str, Any]:  # Any: as above.
        return {
            "heading": _("Set up your account"),
            "why": _(
                "You received this because an owner of the practice created an account for you with this address."
            ),
        }


class ResetMail(_SetUpMail):
    label = gettext_lazy("Password reset")
    template = "staff/password_reset"

    def context(self) -> dict[str, Any]:  # Any: as above.
        return {
            "heading": _("Choose a new password"),
            "why": _("You received this because this address was entered under “Forgot your password?” in the office."),
        }


def _link_of(email: OutgoingEmail) -> SetUpLink:
    return SetUpLink.objects.select_related("staff", "email").get(email=email)
