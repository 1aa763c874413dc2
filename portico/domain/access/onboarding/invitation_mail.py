"""Invitation mail: checking whether it may still be sent, composing it, and applying its outcome to the client."""

from collections.abc import Sequence
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import Invitation, PortalAccess, SignInLink, link_lifetime
from portico.domain.access.onboarding import invitations
from portico.domain.access.onboarding.guides import client_guide
from portico.domain.access.sign_in import sign_in_links
from portico.domain.practices import mail_frame
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.mail.outbox import Attachment, ComposedMail, MailComposer
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import FAILED_STATES, TAKEN_STATES, EmailState


class InvitationMail(MailComposer):
    label = gettext_lazy("Invitation")

    def look_up(self, emails: Sequence[OutgoingEmail]) -> None:
        mails = {email.pk: email for email in emails}
        related = ("address", "access__address", "access__client", "access__relationship")
        invitations = Invitation.objects.select_related(*related)
        for invitation in invitations.filter(email__in=mails):
            mails[invitation.email_id].invitation = invitation
        for link in SignInLink.objects.filter(email__in=mails):
            email = mails[link.email_id]
            link.practice, email.sign_in_link = email.practice, link

    def refuse(self, email: OutgoingEmail) -> str | None:
        """Repeats every check made at `Send Email`, because minutes or hours may have passed."""
        invitation = _invitation_of(email)
        access = invitation.access
        return eligibility.reason_to_drop(
            access, Purpose.INVITATION, written_to=invitation.address.ref
        ) or _reason_against_link(invitation, access)

    def link(self, email: OutgoingEmail) -> str | None:
        return sign_in_links.url_of(_invitation_of(email).email.sign_in_link)

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        practice = email.practice
        with translation.override(email.content["language"]):
            context = _template_context(practice, email.content["blocks"], link or "")
            if email.content.get("is_new_address"):
                context["heading"] = _("You now sign in with this address")
            return mail_frame.letter(email, "invitation", context, attachments=_guide(practice, email.content))

    def state_changed(self, email: OutgoingEmail) -> None:
        if email.state in TAKEN_STATES:
            return  # The usual case, which needs no query.
        self.look_up([email])
        invitation = email.invitation
        if email.is_waiting:
            invitations.record_retry(invitation)
        elif _needs_attention(email, invitation):
            invitations.record_failure(invitation, email.reason)


def _guide(practice: Practice, content: dict[str, Any]) -> tuple[Attachment, ...]:  # Any: JSON.
    """Returns the getting-started guide if staff chose to attach it."""
    if not content.get("attached"):
        return ()
    language = content["language"]
    guide_pdf = client_guide.guide_as_pdf(practice, language)
    return (Attachment(client_guide.file_name(language), guide_pdf, "application/pdf"),)


def _invitation_of(email: OutgoingEmail) -> Invitation:
    """Returns the mail's invitation, cached on the mail: each delivery attempt loads the mail again."""
    if not OutgoingEmail._meta.get_field("invitation").is_cached(email):
        InvitationMail().look_up([email])
    return email.invitation


def _reason_against_link(invitation: Invitation, access: PortalAccess) -> str | None:
    """Returns why the mail's link would no longer work; None if it would."""
    link: SignInLink = invitation.email.sign_in_link
    if not eligibility.is_current(access, Purpose.INVITATION, link.epoch):
        return _("Access or Email ok was changed after this invitation was created. Send a new one.")
    if link.used_at is not None:
        return _("Its link has already been used.")
    if link.voided_at is not None:
        if SignInLink.objects.filter(account_id=link.account_id, used_at=link.voided_at).exists():
            return _("The client has since signed in with another link.")
        return _("Newer links to the same address replaced it.")
    sent_at = invitation.email.handing_over_at
    if sent_at is not None and not clock.is_within(sent_at, link_lifetime()):
        return _("Its link has expired. Send a new invitation.")
    return None


def _needs_attention(email: OutgoingEmail, invitation: Invitation) -> bool:
    """Returns True if staff must act. A mail dropped because of other links needs no action: those still sign in."""
    if email.state == EmailState.DROPPED:
        link = invitation.email.sign_in_link
        return link.used_at is None and link.voided_at is None
    return email.state in FAILED_STATES


def _template_context(
    practice: Practice, blocks: list[str | None], link: str
) -> dict[str, Any]:  # Any: what templates take.
    """Returns the template context. A block of None becomes the button; text typed by staff is never markup."""
    button = {"kind": "button", "label": _("Sign In"), "href": link}
    return {
        "heading": _("Your client portal is ready"),
        "blocks": [button if text is None else {"kind": "text", "text": text} for text in blocks],
        "portal_address": practice.portal_address,
        "why": _(
            "You received this because you gave us this address and agreed to emails from us. If you don’t know "
            "us, you can ignore this email."
        ),
    }
