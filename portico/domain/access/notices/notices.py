"""Notices to clients about events in their portal, queued in the transaction of the event."""

from collections.abc import Mapping

from django.utils import translation
from django.utils.translation import gettext as _

from portico.domain.access import eligibility, holders
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import Pin, PortalAccess, PortalAccount, PortalSession, SignInLink
from portico.domain.clients.models import EmailAddress
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import REJECTED_STATES, TAKEN_STATES

PIN_USED = "pin_used"
ADDRESS_REMOVED = "address_removed"
NEW_BROWSER = "new_browser"
ADDRESS_CHANGE_REQUESTED = "address_change_requested"


def notify_pin_used(pin: Pin, access: PortalAccess, *, browser: str) -> None:
    """Queues the notice of a sign-in by PIN. Requires `Email ok`, which is checked again before sending."""
    address = eligibility.mail_address(access, Purpose.NOTICE)
    if address is None:
        return
    language = pin.account.language or access.holder_language
    with translation.override(language):
        subject = _("A PIN was used to sign in")
    name = access.greeted_as(clock.today(pin.client.practice.time_zone))
    content = {"browser": browser, "language": language, "name": name, "address": address.ref}
    _queue(PIN_USED, pin.ref, address, access, subject=subject, content=content, to_name=access.holder.name)


def notify_new_browser(session: PortalSession, account: PortalAccount) -> None:
    """Queues the notice of a sign-in with a browser that is new to the mailbox. The mail names no client."""
    eligible = account.accesses.eligible(Purpose.SIGN_IN_BY_MAIL)
    accesses = eligible.select_related("client__practice", "address", "relationship__contact")
    access = accesses.order_by("client_id").first()
    if access is None or access.address is None:
        return
    language = account.language or access.holder_language
    with translation.override(language):
        subject = _("Sign-in from a new browser")
    content = {"browser": session.browser, "language": language, "account": account.ref}
    content["at"] = session.created_at.isoformat()
    _queue(NEW_BROWSER, session.ref, access.address, access, subject=subject, content=content)


def notify_address_change_requested(access: PortalAccess, requested: OutgoingEmail) -> None:
    """Queues the notice to the present address that a session asked for another one, once for each request.

    `requested` is the mail to the other address. The notice names neither the client nor that address.
    """
    address = eligibility.mail_address(access, Purpose.NOTICE)
    if address is None:
        return
    language = requested.content["language"]
    with translation.override(language):
        subject = _("Someone asked to change your email")
    content = {"language": language, "address": address.ref}
    _queue(ADDRESS_CHANGE_REQUESTED, requested.ref, address, access, subject=subject, content=content)


def notify_address_removed(
    access: PortalAccess, address: EmailAddress, account: PortalAccount, *, is_by_client: bool = False
) -> None:
    """Queues the notice that the address no longer signs in for this client.

    `is_by_client`: it was changed in the portal, by a person who may not be the client. The only mail that does not
    require `Email ok`; it names no client. Sent only if a mailed link or code of the mailbox was ever used and its
    last mail did not bounce.
    """
    if not _has_used_link(account) or _has_bounced(address):
        return
    practice, language = access.client.practice, account.language or access.holder_language
    with translation.override(language):
        subject = _("%(practice)s removed your address") % {"practice": practice.name}
        if is_by_client:
            subject = _("Your email was changed")
    # A mailbox that also serves another client still signs in.
    still_opens = account.accesses.exclude(pk=access.pk).eligible(Purpose.SIGN_IN_BY_PIN).exists()
    content = {"language": language, "address": address.ref, "still_opens": still_opens, "by_client": is_by_client}
    _queue(ADDRESS_REMOVED, tokens.new_ref(), address, access, subject=subject, content=content)


def _queue(
    kind: str,
    ref: str,
    address: EmailAddress,
    access: PortalAccess,
    *,
    subject: str,
    content: Mapping[str, object],
    to_name: str = "",
) -> None:
    """Queues the notice about an event of now, unless the content has another time."""
    client = access.client
    outbox.queue(
        practice=client.practice,
        kind=kind,
        key=f"{kind}:{ref}",
        to_address=address.address,
        to_name=to_name,
        subject=subject,
        content={"at": clock.now().isoformat(), **holders.content_of(access), **content},
        by=Actor.system(),
        client=client,
    )


def _has_used_link(account: PortalAccount) -> bool:
    # A PIN does not prove control of a mailbox, and the address on record may be mistyped and belong to a stranger.
    return SignInLink.objects.filter(account=account, used_at__isnull=False).exists()


def _has_bounced(address: EmailAddress) -> bool:
    answered = OutgoingEmail.objects.filter(
        practice_id=address.practice_id, to_address=address.address, state__in=(*TAKEN_STATES, *REJECTED_STATES)
    )
    return answered.order_by("-id").values_list("state", flat=True).first() in REJECTED_STATES
