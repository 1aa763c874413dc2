"""PINs that staff read out by phone: generating them, and signing in with them. Each has five attempts.

An `identifier` is what a client enters with the PIN, in the canonical form of `pin_identifiers`.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from portico.domain.access import (
    access_locks,
    access_lookups,
    eligibility,
    eligibility_steps,
    guardians,
    holders,
    portal_accounts,
    portal_states,
)
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import ATTEMPTS_PER_PIN, Pin, PortalAccess, PortalAccount, SignInMethod, pin_lifetime
from portico.domain.access.notices import notices
from portico.domain.access.sign_in import completing_sign_in, pin_identifiers
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.failure_audit_entries import PinLimit
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.access.sign_in.requests import bursts
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_details import ClientConflict
from portico.domain.clients.models import Client, Relationship
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.refusals import Refused
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded

PIN_LENGTH = 8
ATTEMPTS_PER_IDENTIFIER = 10
ATTEMPTS_PER_NETWORK = 20
IDENTIFIER_WINDOW = timedelta(days=1)
NETWORK_WINDOW = timedelta(hours=1)
# More wrong PINs than this within an hour are a burst.
WRONG_PINS_PER_HOUR = 200
# The digits can be shown this long after the PIN was made: for a double submission, and the page after the redirect.
SHOWN_FOR = timedelta(minutes=1)
# No row has this id. It keeps Django from skipping a query on an empty list, which would change the response time.
_NO_ROW = 0


class PinNotAllowed(Refused):
    """A PIN may not be made in the current state; `fix` is the name of the fix that would allow it."""

    def __init__(self, message: str, *, fix: str) -> None:
        super().__init__(message, field="pin")
        self.fix = fix


def refusal(client: Client, access: PortalAccess | None, phones: Iterable[str] | None = None) -> PinNotAllowed | None:
    """Returns the refusal to make a PIN; None if one can be made. Requires neither an address nor `Email ok`.

    Refuses the first PIN of a minor without a guardian, as an invitation is refused; an access in use keeps working.
    Refuses while the limit of any identifier is spent: the client may enter that one, and the PIN would fail.
    `phones` are the client's numbers, if they are loaded.
    """
    access = access or PortalAccess.of(client)
    broken = eligibility.first_broken(access, Purpose.SIGN_IN_BY_PIN)
    if broken is not None:
        return PinNotAllowed(broken.instruct(client, access), fix=broken.fix.name)
    if not access.was_used and guardians.is_needed(access):
        return PinNotAllowed(guardians.instruction(client), fix=eligibility_steps.ADD_GUARDIAN.name)
    if rate_limits.is_any_spent(*_limits_of(client, access, phones)):
        message = _(
            "Too many wrong PINs were entered for this client today. Make sure that you are speaking with your client."
        )
        return PinNotAllowed(message, fix="tries")
    return None


def generate(client: Client, relationship: Relationship | None = None, *, form_key: str, by: Actor) -> Pin:
    """Makes a PIN for the client, or for the contact, and voids the earlier ones of the same person.

    `form_key` is the form's random key: submitting the same form again returns the first PIN.
    Raises PinNotAllowed, after recording the refusal in the audit log.
    """
    try:
        return _generate(client, relationship, form_key=form_key, by=by)
    except ClientConflict:
        # The first PIN of a client without an address creates the account: another request has just done so.
        return _generate(client, relationship, form_key=form_key, by=by)


@retry_on_deadlock
def _generate(client: Client, relationship: Relationship | None, *, form_key: str, by: Actor) -> Pin:
    with access_locks.lock_access(client, relationship) as (row, access):
        # Checked under the lock, where two submissions at once wait for each other.
        earlier = row.pins.filter(form_key=form_key).first()
        if earlier is not None:
            return earlier
        outcome = _make_unless_refused(row, access, form_key=form_key, by=by)
    if isinstance(outcome, PinNotAllowed):
        raise outcome
    return outcome


def _make_unless_refused(client: Client, access: PortalAccess, *, form_key: str, by: Actor) -> Pin | PinNotAllowed:
    """Returns a refusal instead of raising it: its audit entry must be committed."""
    refused, named = refusal(client, access), holders.details_of(access)
    if refused is not None:
        audit_log.record(
            AuditAction.PIN_NOT_MADE, practice=client.practice, client=client, by=by, why=refused.fix, **named
        )
        return refused
    account = access.account or _create_account(access)
    client.pins.unspent().filter(account=account).update(voided_at=clock.now())
    ref = tokens.new_ref()
    pin = Pin.objects.create(
        practice=client.practice,
        ref=ref,
        client=client,
        account=account,
        pin_hash=tokens.keyed_digest(_salted(ref, _derive_digits(client, form_key)), purpose="pin"),
        form_key=form_key,
        epoch=account.epoch,
        created_by=by.name[:100],
    )
    access.pin_given_at = clock.now()
    access.save(update_fields=["pin_given_at", "account", "changed_epoch", "ended_epoch", "consent_epoch"])
    audit_log.record(AuditAction.PIN_MADE, practice=client.practice, client=client, by=by, about=ref, **named)
    portal_states.store(access)
    return pin


def _create_account(access: PortalAccess) -> PortalAccount:
    """Gives the locked access of a client without an address an account of its own; the caller saves the access."""
    account = portal_accounts.account_without_address(access.client, access.relationship)
    # A new epoch: earlier sessions of this account stay closed, and the epochs of a mailbox mean nothing here.
    access.changed_epoch, access.ended_epoch, access.consent_epoch = portal_accounts.save_next_epoch(account), 0, 0
    access.account = account
    return account


def digits(client: Client, form_key: str, *, to: Actor) -> tuple[Pin, str] | None:
    """Returns the PIN made with this form key and its digits, for its maker within `SHOWN_FOR`; otherwise None."""
    recent = client.pins.unspent().filter(clock.within("created_at", SHOWN_FOR))
    pin = recent.filter(form_key=form_key).first() if form_key else None
    if pin is None or pin.created_by != to.name[:100]:
        return None
    derived = _derive_digits(client, form_key)
    return (pin, derived) if _matches(pin, derived) else None


def live_pin(access: PortalAccess) -> Pin | None:
    """Returns the PIN that opens the access now; None if there is none."""
    pins = Pin.objects.usable().filter(client=access.client, account=access.account)
    return pins.filter(attempts__lt=ATTEMPTS_PER_PIN).order_by("-id").first()


def live_pin_of(access: PortalAccess | None) -> Pin | None:
    """Returns the same for a loaded access, without a query if no PIN was made within its lifetime."""
    given_at = access.pin_given_at if access is not None else None
    if access is None or given_at is None or not clock.is_within(given_at, pin_lifetime()):
        return None
    return live_pin(access)


def allow_more_attempts(client: Client, relationship: Relationship | None = None, *, by: Actor) -> None:
    """Resets the count of wrong PINs with the person's identifiers in the last day. Idempotent."""
    access = access_lookups.access_or_default(client, relationship)
    limits, named = _limits_of(client, access), holders.details_of(access)
    with transaction.atomic():
        if rate_limits.clear(*limits):
            audit_log.record(AuditAction.PIN_TRIES_ALLOWED, practice=client.practice, client=client, by=by, **named)


def enter(practice: Practice, identifier: str, typed: str, *, visitor: Browser, ip: str) -> StartedSession | None:
    """Signs in with a PIN and an identifier of its client; returns None if that fails for any reason.

    Does the same work for every identifier of a kind. Raises rate_limits.RateLimitExceeded if too many attempts come
    from one network.
    """
    identifier_limit = _limit_of(identifier, practice)
    network_limit = Limit.on(
        "pin-ip",
        rate_limits.network_of(ip),
        max_attempts=ATTEMPTS_PER_NETWORK,
        window=NETWORK_WINDOW,
        stays_spent=True,
    )
    try:
        rate_limits.spend(network_limit, identifier_limit)
    except RateLimitExceeded as error:
        is_of_network = error.limit == network_limit
        _record_refusal(practice, identifier, PinLimit.NETWORK if is_of_network else PinLimit.IDENTIFIER)
        if is_of_network:
            raise
        return None
    started = _evaluate(practice, identifier, typed, visitor=visitor)
    if started is None:
        _count_wrong_pin(practice)
        return None
    rate_limits.give_back(identifier_limit)
    return started


@retry_on_deadlock
def _evaluate(practice: Practice, identifier: str, typed: str, *, visitor: Browser) -> StartedSession | None:
    """Compares the PIN and signs in. Takes the same steps for an unknown identifier; each outcome is one commit."""
    with transaction.atomic():
        accesses = pin_identifiers.accesses_of(practice, identifier)
        locked = PortalAccount.objects.locked().filter(pk__in=accesses.values("account")).order_by("pk")
        accounts = {account.pk: account for account in locked}
        pins = Pin.objects.unspent().filter(account__in=[_NO_ROW, *accounts], client__in=accesses.values("client"))
        live = list(pins.select_related("client").order_by("pk"))
        tried = _count_attempt(live)
        matching = [pin for pin in tried if _matches(pin, typed)] if tried else _compare_with_dummy(typed)
        # Clients with the same phone number have a PIN each. If two match, neither client is opened.
        if len(matching) == 1 and _spend(matching[0], others=tried):
            return _complete(practice, accounts[matching[0].account_id], matching[0], visitor)
        _record_refusal(practice, identifier, PinLimit.PIN if live and not tried else None)
        return None


def _count_attempt(live: list[Pin]) -> list[Pin]:
    """Counts an attempt on each PIN that has one left, and returns those PINs.

    Counts before any PIN is compared: a wrong one counts against all of them. Their accounts are locked, so no other
    transaction counts at the same time. Runs one update statement even if there is no PIN.
    """
    tried = [pin for pin in live if pin.attempts < ATTEMPTS_PER_PIN]
    rows = Pin.objects.unspent().filter(pk__in=[_NO_ROW, *(pin.pk for pin in tried)], attempts__lt=ATTEMPTS_PER_PIN)
    rows.update(attempts=F("attempts") + 1)
    return tried


def _spend(pin: Pin, *, others: list[Pin]) -> bool:
    """Spends the PIN and uncounts the attempt on the others; returns False if it is no longer usable.

    One update statement both checks and spends the PIN, so a change made since the PIN was issued is respected.
    """
    if not Pin.objects.usable().filter(pk=pin.pk).update(used_at=clock.now()):
        return False
    uncounted = [other.pk for other in others if other != pin]
    Pin.objects.filter(pk__in=uncounted).update(attempts=F("attempts") - 1)
    return True


def _complete(practice: Practice, account: PortalAccount, pin: Pin, visitor: Browser) -> StartedSession:
    related = PortalAccess.objects.select_related("client", "address", "relationship__contact")
    access = related.get(client=pin.client, account=account, enabled_at__isnull=False)
    started = completing_sign_in.complete(
        practice, account, method=SignInMethod.PIN, proof_epoch=pin.epoch, visitor=visitor, only_client=pin.client
    )
    if access.first_signed_in_at is not None:
        notices.notify_pin_used(pin, access, browser=visitor.browser)
    return started


def _record_refusal(practice: Practice, identifier: str, spent: PinLimit | None) -> None:
    """Records the refusal for the identified client that was given a PIN last; for no client if there is none.

    `spent` is the limit because of which the PIN was not compared; None if it was wrong.
    """
    accesses = pin_identifiers.accesses_of(practice, identifier)
    related = accesses.select_related("client", "relationship__contact")
    access = related.order_by(F("pin_given_at").desc(nulls_last=True), "pk").first()
    action = AuditAction.PIN_BEYOND_LIMIT if spent is not None else AuditAction.PIN_REFUSED
    named = holders.details_of(access) if access is not None else {}
    details = {**named, "limit": spent.value} if spent is not None else named
    client = access.client if access else None
    audit_log.record(action, practice=practice, client=client, by=Actor.anonymous(), **details)


def _count_wrong_pin(practice: Practice) -> None:
    try:
        rate_limits.spend(
            Limit.on("wrong-pins", practice.ref, max_attempts=WRONG_PINS_PER_HOUR, window=timedelta(hours=1))
        )
    except RateLimitExceeded:
        bursts.record_wrong_pins(practice)


def _limit_of(identifier: str, practice: Practice) -> Limit:
    """Returns the daily limit of wrong PINs with one identifier at one practice; unknown ones have one too."""
    return Limit.on("pin", practice.ref, identifier, max_attempts=ATTEMPTS_PER_IDENTIFIER, window=IDENTIFIER_WINDOW)


def _limits_of(client: Client, access: PortalAccess | None, phones: Iterable[str] | None = None) -> list[Limit]:
    """Returns the limits of every identifier that the client may enter."""
    return [_limit_of(each, client.practice) for each in pin_identifiers.identifiers_of(client, access, phones)]


def _matches(pin: Pin, typed: str) -> bool:
    return tokens.matches(_salted(pin.ref, typed), purpose="pin", digest=pin.pin_hash)


def _compare_with_dummy(typed: str) -> list[Pin]:
    """Makes one comparison where there is no PIN, so that it takes as long; returns an empty list."""
    tokens.matches(_salted(tokens.new_ref(), typed), purpose="pin", digest="0" * 64)
    return []


def _salted(ref: str, typed: str) -> str:
    # Rows with the same digits get different digests.
    return f"{ref} {typed}"


def _derive_digits(client: Client, form_key: str) -> str:
    """Derives the digits with the server's key: a form submitted twice shows one PIN, although no row stores it."""
    number = int(tokens.keyed_digest(f"{client.ref} {form_key}", purpose="pin digits"), 16)
    return f"{number % 10**PIN_LENGTH:0{PIN_LENGTH}}"
