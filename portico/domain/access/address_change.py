"""Changing the sign-in address in the portal: a mail with a link to the new address, whose button makes the change.

The mail's content holds the epochs of the client's access: any later change of access, address or consent, and the
change itself, ends the link. It names the session that asked: if that is ended from elsewhere or by a restore, so is
the link. No table is needed: the link names its mail, and its secret is derived from the mail.
"""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import (
    access_grants,
    contact_changes,
    eligibility,
    holders,
    notice_mail_queueing,
    portal_states,
)
from portico.domain.access.access_grants import MailboxTaken
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalSession, SignInMethod, link_lifetime
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import client_details, contacts
from portico.domain.clients.client_details import ClientConflict
from portico.domain.clients.models import Client, EmailAddress
from portico.domain.practices import mail_frame
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import ComposedMail, MailComposer
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.refusals import Refused
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded
from portico.plumbing.text.mailboxes import mailbox_key

KIND = "address_change"
PURPOSE = "address change"
REQUESTS_PER_DAY = 5
# The length of a mail's ref, with which the token begins.
_REF_LENGTH = 16


class NotChangeable(Refused):
    """The session was started with a PIN, or the client has no address that signs in now."""

    message = gettext_lazy("Your email can’t be changed here. Please ask us.")
    status = 403


class SameAddress(Refused):
    message = gettext_lazy("You already sign in with this email. Enter a different one.")
    status = 422


class TooManyRequests(Refused):
    message = gettext_lazy("You’ve tried to change your email several times today. Try again tomorrow, or ask us.")
    status = 429


def may_request(access: PortalAccess, method: str) -> bool:
    """Returns True if the client may change the address: not with a PIN, which proves control of no mailbox."""
    return method != SignInMethod.PIN and eligibility.is_eligible(access, Purpose.SIGN_IN_BY_MAIL)


def request(session: PortalSession, access: PortalAccess, address: str, *, form_key: str, by: Actor) -> OutgoingEmail:
    """Queues the mail with the link to the new address, and a notice to the old one; nothing else changes.

    Does the same for every address. A second call with the same `form_key` and address returns the first one's mail.
    Raises NotChangeable, SameAddress, TooManyRequests beyond five a day for each mailbox, and ValueError for a
    malformed address.
    """
    if not may_request(access, session.method) or access.account is None:
        raise NotChangeable
    if mailbox_key(address) == access.account.mailbox_key:
        raise SameAddress(field="email")
    # A corrected address is another request, though the browser may send it with the key of the first.
    mailbox = tokens.fingerprint(mailbox_key(address), purpose=PURPOSE)
    key = f"{KIND}:{access.account.ref}:{form_key or tokens.new_token()}:{mailbox}"
    earlier = _mail_with_key(access.client, key)
    if earlier is not None:
        return earlier
    limit = Limit.on(KIND, access.account.ref, max_attempts=REQUESTS_PER_DAY, window=timedelta(days=1))
    try:
        rate_limits.spend(limit)
    except RateLimitExceeded as exceeded:
        raise TooManyRequests from exceeded
    try:
        queued = _queue(session, access, address, key=key, by=by)
    except ClientConflict as changed:
        raise NotChangeable from changed
    if not queued.is_new:
        rate_limits.give_back(limit)
    return queued.email


def _mail_with_key(client: Client, key: str) -> OutgoingEmail | None:
    return OutgoingEmail.objects.filter(practice_id=client.practice_id, key=key).first()


@dataclass(frozen=True)
class _QueuedMail:
    """The mail; `is_new` is False if a simultaneous submission of the same form queued it."""

    email: OutgoingEmail
    is_new: bool


@retry_on_deadlock
def _queue(session: PortalSession, held: PortalAccess, address: str, *, key: str, by: Actor) -> _QueuedMail:
    with access_grants.lock_access(held.client, held.relationship) as (row, access):
        # Again under the lock, where two submissions at once wait for each other.
        earlier = _mail_with_key(row, key)
        if earlier is not None:
            return _QueuedMail(earlier, is_new=False)
        is_of_session = access.account is not None and access.account_id == session.account_id
        if access.account is None or not is_of_session or not may_request(access, session.method):
            raise NotChangeable
        language = access.account.language or access.holder_language
        with translation.override(language):
            subject = _("Confirm your new email for %(practice)s") % {"practice": row.practice.name}
        email = outbox.queue(
            practice=row.practice,
            kind=KIND,
            key=key,
            client=row,
            to_address=address,
            # The owner of the mailbox is not confirmed yet, so the mail names no client.
            to_name="",
            subject=subject,
            content={
                "account": access.account.ref,
                "epochs": _epochs_of(access),
                "session": session.ref,
                "language": language,
                **holders.content_of(access),
            },
            by=by,
            link_nonce=tokens.new_nonce(),
        )
        audit_log.record(
            AuditAction.ADDRESS_CHANGE_REQUESTED,
            practice=row.practice,
            client=row,
            by=by,
            about=email.ref,
            **holders.details_of(access),
        )
        notice_mail_queueing.notify_address_change_requested(access, email)
    return _QueuedMail(email, is_new=True)


def find(practice: Practice, token: str) -> OutgoingEmail | None:
    """Returns the mail whose link has this token, if the link works now."""
    email = _mail_of(practice, token)
    access = holders.access_of_email(email) if email is not None else None
    return email if email is not None and access is not None and _is_usable(email, access) else None


def confirm(practice: Practice, token: str) -> OutgoingEmail | None:
    """Makes the address of the link's mail the one that signs in, with `Email ok`; returns None for a dead link.

    Only the person who asked gets it: a client for themselves, a contact for each of their clients. The old mailbox
    loses them at once, and is notified, as when staff change the address. Of simultaneous calls, one makes the change.
    """
    email = _mail_of(practice, token)
    access = holders.access_of_email(email) if email is not None else None
    if email is None or access is None:
        return None
    try:
        return email if _change(email, access) else None
    except ClientConflict:
        # The access got another account just now, which ends the link.
        return None
    except MailboxTaken:
        # The mailbox opens this client's portal for another person, whom the page must not name.
        return None


def is_made(practice: Practice, token: str) -> bool:
    """Returns True if the client of the link's mail signs in with its address now, whether or not the link works."""
    email = _mail_of(practice, token)
    access = holders.access_of_email(email) if email is not None else None
    if email is None or access is None or access.account is None:
        return False
    is_chosen = access.account.mailbox_key == mailbox_key(email.to_address)
    return is_chosen and eligibility.is_eligible(access, Purpose.SIGN_IN_BY_MAIL)


@retry_on_deadlock
def _change(email: OutgoingEmail, held: PortalAccess) -> bool:
    with _lock_accesses(held) as (access, accesses):
        if access.account is None or access.address is None or not _is_usable(email, access):
            return False
        old = access.address
        address = _replaced(access.client, access, old, email.to_address, by=holders.actor_for(access))
        # A contact signs in for each of their clients with the address: all of them go with it.
        moved = [each for each in accesses if each.address_id == old.pk]
        for each in moved:
            _move(each, address)
        portal_states.store_all(moved)
    return True


@contextmanager
def _lock_accesses(held: PortalAccess) -> Iterator[tuple[PortalAccess, list[PortalAccess]]]:
    """Locks the access, and if it is that of a contact, all of the contact's; yields it and all of them.

    Raises ClientConflict.
    """
    if held.relationship is None:
        with access_grants.lock_access(held.client) as (_row, own):
            yield own, [own]
        return
    with contact_changes.lock_contact(held.relationship) as (_relationship, accesses):
        yield next(each for each in accesses if each.pk == held.pk), accesses


def _move(access: PortalAccess, address: EmailAddress) -> None:
    """Lets the confirmed address sign in for the client of a locked access."""
    by, client = holders.actor_for(access), access.client
    access_grants.choose_address(access, address, by=by)
    if access.is_on:
        # The new address has been mailed, and its owner has answered: an invitation would tell them nothing.
        access.invited_at = clock.now()
        access.save(update_fields=["invited_at"])
    audit_log.record(
        AuditAction.ADDRESS_CHANGED_BY_CLIENT,
        practice=client.practice,
        client=client,
        by=by,
        about=address.ref,
        address=address.address,
        **holders.details_of(access),
    )


def _replaced(client: Client, access: PortalAccess, old: EmailAddress, address: str, *, by: Actor) -> EmailAddress:
    recorded_by = f"{access.holder.name} (portal)"
    if access.relationship is None:
        return client_details.replace_address(client, old, address, recorded_by=recorded_by, by=by)
    return contacts.replace_address(access.relationship, old, address, recorded_by=recorded_by, by=by)


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


def _mail_of(practice: Practice, token: str) -> OutgoingEmail | None:
    """Returns the mail that the token belongs to, whether or not its link still works."""
    ref, secret = token[:_REF_LENGTH], token[_REF_LENGTH:]
    email = OutgoingEmail.objects.filter(practice=practice, kind=KIND, ref=ref).first()
    if email is None or not email.link_nonce:
        return None
    derived = tokens.derive_each(bytes(email.link_nonce), purpose=PURPOSE)
    # As bytes: the token comes from a URL and may hold any character.
    given = secret.encode("utf-8", "surrogatepass")
    return email if any(hmac.compare_digest(each.encode(), given) for each in derived) else None


def _is_usable(email: OutgoingEmail, access: PortalAccess) -> bool:
    sent_at = email.handing_over_at
    if sent_at is None or not clock.is_within(sent_at, link_lifetime()):
        return False
    return _is_current(email, access) and _is_session_current(email)


def _is_current(email: OutgoingEmail, access: PortalAccess) -> bool:
    """Returns True if nothing about the access has changed since the mail was queued."""
    return (
        access.account is not None
        and access.account.ref == email.content["account"]
        and _epochs_of(access) == email.content["epochs"]
        and eligibility.is_eligible(access, Purpose.SIGN_IN_BY_MAIL)
    )


def _is_session_current(email: OutgoingEmail) -> bool:
    """Returns True if the session that asked has not been revoked; it may have signed out, or timed out."""
    asking = PortalSession.objects.filter(practice_id=email.practice_id, ref=email.content.get("session", ""))
    return asking.filter(revoked_at=None).exists()


def _epochs_of(access: PortalAccess) -> list[int]:
    return [access.changed_epoch, access.ended_epoch, access.consent_epoch]
