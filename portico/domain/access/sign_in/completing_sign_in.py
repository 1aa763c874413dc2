"""Completing a sign-in once a link, code or PIN was accepted: starting the session and updating its clients."""

from dataclasses import dataclass

from portico.domain.access import holders, mail_stops, portal_states
from portico.domain.access.models import PortalAccess, PortalAccount, SignInMethod
from portico.domain.access.notices import known_browsers, notices
from portico.domain.access.sign_in import portal_sessions
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.audit import audit_log


@dataclass(frozen=True)
class Browser:
    """The browser used to sign in: its name for the list of sessions, and the key in its cookie."""

    browser: str
    key: str


def complete(
    practice: Practice,
    account: PortalAccount,
    *,
    method: SignInMethod,
    proof_epoch: int,
    visitor: Browser,
    only_client: Client | None = None,
) -> StartedSession:
    """Starts the session and records the sign-in on each client that it opens.

    Runs in the caller's transaction, with the account locked. `proof_epoch` is the epoch of the link, code or PIN
    that was used; `only_client` is the client of a PIN.
    """
    started = portal_sessions.start(
        account, method=method, proof_epoch=proof_epoch, browser=visitor.browser, only_client=only_client
    )
    has_signed_in_before = account.known_browsers.exists()
    is_known = known_browsers.record_browser(account, visitor.key)
    # A sign-in by PIN has its own notice.
    if not is_known and has_signed_in_before and method is not SignInMethod.PIN:
        notices.notify_new_browser(started.session, account)
    opened = dict(portal_sessions.accesses_of(started.session).values_list("client_id", "pk"))
    for client in Client.objects.locked().filter(pk__in=opened).order_by("pk"):
        _record_sign_in(practice, client, opened[client.pk], account, method)
    return started


def _record_sign_in(
    practice: Practice, client: Client, access_pk: int, account: PortalAccount, method: SignInMethod
) -> None:
    now = clock.now()
    access = PortalAccess.objects.locked().select_related("address", "relationship__contact").get(pk=access_pk)
    access.client, access.account = client, account
    access.first_signed_in_at = access.first_signed_in_at or now
    access.last_signed_in_at = now
    # A PIN says nothing about whether mail arrives.
    if method is not SignInMethod.PIN and access.mail_stopped_at is not None:
        mail_stops.lift_after_sign_in(access)
    access.save(update_fields=["first_signed_in_at", "last_signed_in_at", "mail_stopped_at", "mail_stopped_reason"])
    Client.objects.filter(pk=client.pk).update(last_signed_in_at=now)
    portal_states.store(access)
    by, named = holders.actor_for(access), holders.details_of(access)
    audit_log.record(_ACTIONS[method], practice=practice, client=client, by=by, **named)


_ACTIONS = {
    SignInMethod.LINK: AuditAction.CLIENT_SIGNED_IN,
    SignInMethod.CODE: AuditAction.CLIENT_SIGNED_IN_BY_CODE,
    SignInMethod.PIN: AuditAction.CLIENT_SIGNED_IN_BY_PIN,
}
