"""PINs that staff read out by phone: one a press, five tries each, opening one client once."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from portico.domain.access import access_grants, eligibility, notices, portal_states
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import ATTEMPTS_PER_PIN, Pin, PortalAccess, PortalAccount, SignInMethod
from portico.domain.access.sign_in import bursts, completing_sign_in
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.refusals import Refused
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded

PIN_LENGTH = 8
ATTEMPTS_PER_ADDRESS = 10
ATTEMPTS_PER_NETWORK = 20
# More wrong PINs than this in an hour are told to staff.
WRONG_PINS_PER_HOUR = 200
# How long the press that made a PIN may ask for it: a double press, and the page that follows.
SHOWN_FOR = timedelta(minutes=1)
# No row has it: keeps a question to the database from being left out when there is nothing to ask for.
_NO_ROW = 0


class PinNotAllowed(Refused):
    """A PIN may not be made as things stand; `fix` names what would mend it."""

    def __init__(self, message: str, *, fix: str) -> None:
        super().__init__(message, field="pin")
        self.fix = fix


def refusal(client: Client, access: PortalAccess | None) -> PinNotAllowed | None:
    """Why no PIN can be made; None if one can. `Email ok` is not asked."""
    access = access or PortalAccess(client=client)
    broken = eligibility.first_broken(access, Purpose.SIGN_IN_BY_PIN)
    if broken is not None:
        return PinNotAllowed(broken.instruct(client, access), fix=broken.fix.name)
    if access.account is not None and rate_limits.is_spent(_tries_with(access.account.mailbox_key, client.practice)):
        message = _("Too many wrong PINs were typed with this address today. Make sure that it is really your client.")
        return PinNotAllowed(message, fix="tries")
    return None


@retry_on_deadlock
def generate(client: Client, *, form_key: str, by: Actor) -> Pin:
    """Makes a PIN; an earlier one of the client no longer works. `press` is the form's own random key.

    The same press again gives the first one's PIN. Raises NoPin; the refusal is in the trail.
    """
    with access_grants.lock_access(client) as (row, access):
        # Looked at under the lock: two presses at once wait here for each other.
        earlier = row.pins.filter(form_key=form_key).first()
        if earlier is not None:
            return earlier
        outcome = _make_unless_refused(row, access, form_key=form_key, by=by)
    if isinstance(outcome, PinNotAllowed):
        raise outcome
    return outcome


def _make_unless_refused(client: Client, access: PortalAccess, *, form_key: str, by: Actor) -> Pin | PinNotAllowed:
    """The refusal is returned, not raised: its entry in the trail must stay."""
    refused = refusal(client, access)
    if refused is not None:
        audit_log.record(AuditAction.PIN_NOT_MADE, practice=client.practice, client=client, by=by, why=refused.fix)
        return refused
    account = access.account
    if account is None:
        raise AssertionError("An access with an address has an account.")
    client.pins.unspent().update(voided_at=clock.now())
    ref = tokens.new_ref()
    pin = Pin.objects.create(
        practice=client.practice,
        ref=ref,
        client=client,
        account=account,
        pin_hash=tokens.keyed_digest(_bound(ref, _digits_of(client, form_key)), purpose="pin"),
        form_key=form_key,
        epoch=account.epoch,
        created_by=by.name[:100],
    )
    access.pin_given_at = clock.now()
    access.save(update_fields=["pin_given_at"])
    audit_log.record(AuditAction.PIN_MADE, practice=client.practice, client=client, by=by, about=ref)
    portal_states.store(access)
    return pin


def digits(client: Client, form_key: str, *, to: Actor) -> tuple[Pin, str] | None:
    """The PIN that this press made and its digits, for its maker, who is shown it at once; None for all else."""
    just_made = client.pins.unspent().filter(clock.within("created_at", SHOWN_FOR))
    pin = just_made.filter(form_key=form_key).first() if form_key else None
    if pin is None or pin.created_by != to.name[:100]:
        return None
    shown = _digits_of(client, form_key)
    return (pin, shown) if _is(pin, shown) else None


def live_pin(client: Client) -> Pin | None:
    """The PIN that would open the client at this moment."""
    return Pin.objects.usable().filter(client=client, tries__lt=ATTEMPTS_PER_PIN).order_by("-id").first()


def allow_more_tries(client: Client, *, by: Actor) -> None:
    """Wrong PINs of the last day no longer count for the client's address. Again: changes nothing."""
    access = access_grants.access_of(client)
    if access is None or access.account is None:
        return
    with transaction.atomic():
        if rate_limits.clear(_tries_with(access.account.mailbox_key, client.practice)):
            audit_log.record(AuditAction.PIN_TRIES_ALLOWED, practice=client.practice, client=client, by=by)


def enter(practice: Practice, mailbox_key: str, typed: str, *, visitor: Browser, ip: str) -> StartedSession | None:
    """Signs in by a PIN and the address it was made for; None when they do not belong together, whatever the reason.

    The work is the same for every address. Raises limits.TooMany when too many tries come from one network.
    """
    tries = _tries_with(mailbox_key, practice)
    network = Limit.on(
        "pin-ip", rate_limits.network_of(ip), most=ATTEMPTS_PER_NETWORK, window=timedelta(hours=1), stays_spent=True
    )
    try:
        rate_limits.spend(network, tries)
    except RateLimitExceeded as error:
        _refuse(AuditAction.PIN_BEYOND_LIMIT, practice, mailbox_key)
        if error.limit == network:
            raise
        return None
    begun = _evaluate(practice, mailbox_key, typed, visitor=visitor)
    if begun is None:
        _count_wrong(practice)
        return None
    rate_limits.give_back(tries)
    return begun


@retry_on_deadlock
def _evaluate(practice: Practice, mailbox_key: str, typed: str, *, visitor: Browser) -> StartedSession | None:
    """Each step is taken for a stranger's address too, and each outcome is one commit."""
    with transaction.atomic():
        account = PortalAccount.objects.locked().filter(practice=practice, mailbox_key=mailbox_key).first()
        live = list(
            Pin.objects.unspent()
            .filter(account_id=account.pk if account else _NO_ROW)
            .select_related("client")
            .order_by("pk")
        )
        tried = _reserve(live)
        right = [pin for pin in tried if _is(pin, typed)] if tried else _compare_with_nothing(typed)
        if account is not None and right and _spend(right[0], others=tried):
            return _arrive(practice, account, right[0], visitor)
        _refuse(AuditAction.PIN_BEYOND_LIMIT if live and not tried else AuditAction.PIN_REFUSED, practice, mailbox_key)
        return None


def _reserve(live: list[Pin]) -> list[Pin]:
    """Takes a try of each PIN that has one left, before any is compared: a wrong one counts against all of them.

    The account is locked: nobody else takes one meanwhile. One statement, also where there is no PIN at all.
    """
    tried = [pin for pin in live if pin.tries < ATTEMPTS_PER_PIN]
    mine = Pin.objects.unspent().filter(pk__in=[_NO_ROW, *(pin.pk for pin in tried)], tries__lt=ATTEMPTS_PER_PIN)
    mine.update(tries=F("tries") + 1)
    return tried


def _spend(pin: Pin, *, others: list[Pin]) -> bool:
    """The update is question and answer in one: whatever changed since the PIN was made is asked here."""
    if not Pin.objects.usable().filter(pk=pin.pk).update(used_at=clock.now()):
        return False
    given_back = [other.pk for other in others if other != pin]
    Pin.objects.filter(pk__in=given_back).update(tries=F("tries") - 1)
    return True


def _arrive(practice: Practice, account: PortalAccount, pin: Pin, visitor: Browser) -> StartedSession:
    access = PortalAccess.objects.select_related("address").get(client=pin.client)
    begun = completing_sign_in.complete(
        practice, account, way=SignInMethod.PIN, proof_epoch=pin.epoch, visitor=visitor, only_client=pin.client
    )
    if access.first_signed_in_at is not None:
        notices.pin_used(pin, access, browser=visitor.browser)
    return begun


def _refuse(verb: AuditAction, practice: Practice, mailbox_key: str) -> None:
    """For the client whose PIN it most likely was; a stranger's address is nobody's, and is not written down."""
    of_mailbox = PortalAccess.objects.filter(practice=practice, account__mailbox_key=mailbox_key)
    access = of_mailbox.select_related("client").order_by(F("pin_given_at").desc(nulls_last=True), "pk").first()
    audit_log.record(verb, practice=practice, client=access.client if access else None, by=Actor.anonymous())


def _count_wrong(practice: Practice) -> None:
    try:
        rate_limits.spend(Limit.on("wrong-pins", practice.ref, most=WRONG_PINS_PER_HOUR, window=timedelta(hours=1)))
    except RateLimitExceeded:
        bursts.record_wrong_pins(practice)


def _tries_with(mailbox_key: str, practice: Practice) -> Limit:
    """Wrong PINs a day with one address at one practice, whether or not it is anybody's."""
    return Limit.on("pin", practice.ref, mailbox_key, most=ATTEMPTS_PER_ADDRESS, window=timedelta(days=1))


def _is(pin: Pin, typed: str) -> bool:
    return tokens.matches(_bound(pin.ref, typed), purpose="pin", digest=pin.pin_hash)


def _compare_with_nothing(typed: str) -> list[Pin]:
    """What a comparison costs, where there is nothing to compare with."""
    tokens.matches(_bound(tokens.new_ref(), typed), purpose="pin", digest="0" * 64)
    return []


def _bound(ref: str, typed: str) -> str:
    # Two rows with the same digits look different.
    return f"{ref} {typed}"


def _digits_of(client: Client, form_key: str) -> str:
    """Derived with the server's key, so that a page sent twice shows one PIN although no row holds it."""
    number = int(tokens.keyed_digest(f"{client.ref} {form_key}", purpose="pin digits"), 16)
    return f"{number % 10**PIN_LENGTH:0{PIN_LENGTH}}"
