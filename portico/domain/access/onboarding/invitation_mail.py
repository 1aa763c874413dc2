"""The invitation as a mail: whether it may still leave, how it reads, and what its outcome means for the client."""

from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import Invitation, PortalAccess, SignInLink, link_lifetime
from portico.domain.access.onboarding import client_guide, invitations
from portico.domain.access.sign_in import sign_in_links
from portico.domain.practices import mail_frame
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.mail.outbox import Attachment, ComposedMail, MailComposer
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState


class InvitationMail(MailComposer):
    label = gettext_lazy("Invitation")

    def refuse(self, email: OutgoingEmail) -> str | None:
        """Asks everything anew that was asked at `Send Email`: minutes or hours may have passed."""
        invitation = _invitation_of(email)
        access = invitation.client.portal_access
        return eligibility.reason_to_drop(
            access, Purpose.INVITATION, written_to=invitation.address.ref
        ) or _against_link(invitation, access)

    def link(self, email: OutgoingEmail) -> str | None:
        return sign_in_links.url_of(_invitation_of(email).email.sign_in_link)

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        practice = email.practice
        with translation.override(email.content["language"]):
            words = _words(practice, email.content["blocks"], link or "")
            return mail_frame.letter(email, "invitation", words, attachments=_guide(practice, email.content))

    def state_changed(self, email: OutgoingEmail) -> None:
        invitation = _invitation_of(email)
        if email.is_waiting:
            invitations.record_retry(invitation)
        elif _has_stopped(email, invitation):
            invitations.record_failure(invitation, email.reason)


def _guide(practice: Practice, content: dict[str, Any]) -> tuple[Attachment, ...]:  # Any: JSON.
    """The getting-started guide, where staff ticked that it goes along."""
    if not content.get("attached"):
        return ()
    language = content["language"]
    made = client_guide.as_pdf(practice, language)
    return (Attachment(client_guide.file_name(language), made, "application/pdf"),)


def _invitation_of(email: OutgoingEmail) -> Invitation:
    everything = (
        "address",
        "client__portal_access__address",
        "email__sign_in_link__email",
        "email__sign_in_link__practice",
    )
    return Invitation.objects.select_related(*everything).get(email=email)


def _against_link(invitation: Invitation, access: PortalAccess) -> str | None:
    """A mail whose link no longer opens anything would only lead to a page that says so."""
    link: SignInLink = invitation.email.sign_in_link
    if not eligibility.is_current(access, Purpose.INVITATION, link.epoch):
        return _("Access or Email ok was changed after this invitation was written. Send a new one.")
    if link.used_at is not None:
        return _("Its link has been used already.")
    if link.voided_at is not None:
        if SignInLink.objects.filter(account_id=link.account_id, used_at=link.voided_at).exists():
            return _("Somebody signed in with another link meanwhile.")
        return _("Newer links to the same address took its place.")
    begun_at = invitation.email.handing_over_at
    if begun_at is not None and not clock.is_within(begun_at, link_lifetime()):
        return _("Its link has run out. Send a new invitation.")
    return None


def _has_stopped(email: OutgoingEmail, invitation: Invitation) -> bool:
    """Whether staff must do something. A mail dropped because other links took its place leaves a way in."""
    if email.state == EmailState.DROPPED:
        link = invitation.email.sign_in_link
        return link.used_at is None and link.voided_at is None
    return email.state in {EmailState.BOUNCED, EmailState.FAILED}


def _words(practice: Practice, blocks: list[str | None], link: str) -> dict[str, Any]:  # Any: what templates take.
    """None is where the button stands; what staff typed stays text."""
    button = {"kind": "button", "label": _("Sign In"), "href": link}
    return {
        "heading": _("Your client portal is ready"),
        "blocks": [button if text is None else {"kind": "text", "text": text} for text in blocks],
        "portal_address": practice.portal_address,
        "why": _(
            "You got this because you gave us this address and said email is ok. "
            "If you don’t know us, ignore this email and nothing happens."
        ),
    }
