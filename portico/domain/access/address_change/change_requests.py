"""Requests of clients to change the address with which they sign in: a mail to the new address, and a notice."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import access_locks, eligibility, holders
from portico.domain.access.address_change import confirmation_links
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalSession, SignInMethod
from portico.domain.access.notices import notices
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_details import ClientConflict
from portico.domain.clients.models import Client
from portico.plumbing import tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.mail import outbox
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.refusals import Refused
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded
from portico.plumbing.text.mailboxes import mailbox_key

REQUESTS_PER_DAY = 5


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
    mailbox = tokens.fingerprint(mailbox_key(address), purpose=confirmation_links.PURPOSE)
    key = f"{confirmation_links.KIND}:{access.account.ref}:{form_key or tokens.new_token()}:{mailbox}"
    earlier = _mail_with_key(access.client, key)
    if earlier is not None:
        return earlier
    limit = Limit.on(
        confirmation_links.KIND, access.account.ref, max_attempts=REQUESTS_PER_DAY, window=timedelta(days=1)
    )
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
    with access_locks.lock_access(held.client, held.relationship) as (row, access):
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
            kind=confirmation_links.KIND,
            key=key,
            client=row,
            to_address=address,
            # The owner of the mailbox is not confirmed yet, so the mail names no client.
            to_name="",
            subject=subject,
            content={
                "account": access.account.ref,
                "epochs": confirmation_links.epochs_of(access),
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
        notices.notify_address_change_requested(access, email)
    return _QueuedMail(email, is_new=True)
