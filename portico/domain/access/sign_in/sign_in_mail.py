"""Sign-in mail: checking whether it may still be sent, composing it, and recording delivery failures."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import eligibility_steps, portal_states
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import CODE_LIFETIME, PortalAccess, PortalAccount, SignInLink, link_lifetime
from portico.domain.access.models.accounts import PortalAccessQuerySet
from portico.domain.access.models.links import SignInLinkQuerySet
from portico.domain.access.sign_in import sign_in_links
from portico.domain.clients.models import Client
from portico.domain.practices import mail_frame
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.mail import mail_stops, rendering
from portico.plumbing.mail.outbox import ComposedMail, MailComposer
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import FAILED_STATES, TAKEN_STATES, EmailState
from portico.plumbing.text import time_formatting

# The mail server has it, or the recipient's.


def subject_for(practice: Practice, asked_at: datetime, language: str) -> str:
    """Returns the subject with the time of the request, so that the newest of several mails can be recognized."""
    with translation.override(language):
        values = {
            "name": practice.name,
            "time": time_formatting.time_with_zone(asked_at, practice.zone, language),
        }
        return _("Sign in to %(name)s (requested at %(time)s)") % values


class SignInMail(MailComposer):
    label = gettext_lazy("Sign-in email")

    def look_up(self, emails: Sequence[OutgoingEmail]) -> None:
        mails = {email.pk: email for email in emails}
        for link in _links().filter(email__in=mails):
            mails[link.email_id].sign_in_link = link

    def refuse(self, email: OutgoingEmail) -> str | None:
        """Repeats every check made when the mail was queued, because minutes or hours may have passed."""
        link = _link_of(email)
        return _reason_against_mailbox(link) or _reason_against_link(link, email)

    def link(self, email: OutgoingEmail) -> str | None:
        return sign_in_links.url_of(_link_of(email))

    def secrets(self, email: OutgoingEmail) -> tuple[str, ...]:
        return (sign_in_links.code_of(_link_of(email)),)

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        practice, language = email.practice, email.content["language"]
        asked_at = datetime.fromisoformat(email.content["asked_at"])
        with translation.override(language):
            context = {
                "heading": _("Sign in to %(name)s") % {"name": practice.name},
                "day": time_formatting.weekday_and_day(time_formatting.day_of(asked_at, practice.zone), language),
                "time": time_formatting.time_with_zone(asked_at, practice.zone, language),
                "link": link,
                "code": sign_in_links.code_of(_link_of(email)),
                "code_works_for": rendering.duration(CODE_LIFETIME),
                "why": _("Didn’t request this? You can ignore it. Without this email, no one can sign in."),
            }
            return mail_frame.letter(email, "sign_in", context)

    def state_changed(self, email: OutgoingEmail) -> None:
        link = _link_of(email)
        if email.state in TAKEN_STATES and not link.is_mail_stopped:
            return  # The usual case, which needs no further query.
        apply_outcome(email, link.account)


def _links() -> SignInLinkQuerySet:
    return SignInLink.objects.with_mailbox().select_related("account", "practice", "request")


def _link_of(email: OutgoingEmail) -> SignInLink:
    """Returns the mail's link, cached on the mail: each delivery attempt loads the mail again."""
    if not OutgoingEmail._meta.get_field("sign_in_link").is_cached(email):
        email.sign_in_link = _links().get(email=email)
    return email.sign_in_link


def _reason_against_mailbox(link: SignInLink) -> str | None:
    if link.practice.is_suspended:
        return _("The practice is suspended.")
    if link.opens_any_client:
        return None
    accesses = PortalAccess.objects.filter(account=link.account)
    if accesses.eligible(Purpose.SIGN_IN_BY_MAIL).exists():
        return _("Access or Email ok was changed after this email was requested.")
    if accesses.eligible(Purpose.SIGN_IN_BY_PIN).exists():
        return str(eligibility_steps.EMAIL_OK.dropped)
    return _("This address is no longer used to sign in.")


def _reason_against_link(link: SignInLink, email: OutgoingEmail) -> str | None:
    """Returns why the mail's link would no longer work; None if it would."""
    if link.used_at is not None:
        return _("Its link has already been used.")
    if link.voided_at is not None:
        return _("Newer links replaced it, or the client has since signed in.")
    # The lifetime starts with the hand-over, but a mail that waited longer than that is no longer expected.
    sent_at = email.handing_over_at
    has_expired = sent_at is not None and not clock.is_within(sent_at, link_lifetime())
    if has_expired or clock.now() >= email.written_at + link_lifetime():
        return _("It waited until its link expired.")
    return None


def apply_outcome(email: OutgoingEmail, account: PortalAccount) -> None:
    """Records on each client of the mailbox whether the last mail was refused. Runs in the caller's transaction.

    Ignores a dropped mail, which says nothing about the mailbox.
    """
    accesses = PortalAccess.objects.filter(account=account, enabled_at__isnull=False)
    if email.state in FAILED_STATES:
        _save_outcome(accesses, account, reason=email.reason)
    elif email.state != EmailState.DROPPED:
        _save_outcome(accesses.filter(mail_stopped_at__isnull=False), account, reason=None)


def _save_outcome(accesses: PortalAccessQuerySet, account: PortalAccount, *, reason: str | None) -> None:
    stopped_at = None if reason is None else clock.now()
    clients = list(accesses.values_list("client_id", flat=True))
    if not clients:
        return
    locked = list(Client.objects.locked().filter(pk__in=clients).order_by("pk"))
    # Under the lock: the mailbox may be stopped, by a report about an earlier mail, while this mail is sent.
    if reason is None and mail_stops.live_stop(account.practice_id, account.mailbox_key) is not None:
        return
    for client in locked:
        of_mailbox = PortalAccess.objects.filter(client=client, account=account)
        of_mailbox.update(mail_stopped_at=stopped_at, mail_stopped_reason=reason or "")
        portal_states.recompute(client)
