"""Asking for a link at the entrance: one row for every address, known or not. The worker looks the address up."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from portico.domain.access.models import SignInLink, SignInRequest
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded
from portico.plumbing.text.mailboxes import mailbox_key

RETENTION = timedelta(days=30)
DELETE_BATCH_SIZE = 5_000


@dataclass(frozen=True)
class RequestOrigin:
    """Where somebody asks: the key in the cookie of their browser, and the network address they come from."""

    browser_key: str
    ip: str


def create(
    practice: Practice, address: str, *, place: RequestOrigin, is_typed: bool = True, goes_to: str = ""
) -> SignInRequest:
    """Writes down what was asked for: the same work for every address, whatever is known of it.

    Beyond the budget of an address (5 in an hour, 10 in a day) the row says so, and nothing will be sent. Beyond
    that of a network (30 in 10 minutes) raises TooMany. Raises ValueError for an address that is none.
    """
    key = mailbox_key(address)
    network = rate_limits.network_of(place.ip)
    rate_limits.spend(Limit.on("asks-of-network", network, most=30, window=timedelta(minutes=10), stays_spent=True))
    return SignInRequest.objects.create(
        practice=practice,
        address=address.strip()[:254],
        mailbox_key=key,
        is_typed=is_typed,
        browser_hash=tokens.digest(place.browser_key),
        network=tokens.fingerprint(network, purpose="asks"),
        goes_to=goes_to,
        is_beyond_limit=_is_beyond_limit(practice, key),
    )


def latest(practice: Practice, browser_key: str) -> SignInRequest | None:
    """What this browser asked for last at the practice."""
    asked = SignInRequest.objects.filter(practice=practice, browser_hash=tokens.digest(browser_key))
    return asked.order_by("-id").first()


def name_of(ask: SignInRequest) -> str:
    """Returns the name of the ask on its own page: the address that the page shows, or the ref if it shows it masked.

    A ref beside a typed address would make the answers of two addresses differ by more than the address.
    """
    return ask.address if ask.is_typed else ask.ref


def named(practice: Practice, browser_key: str, name: str) -> SignInRequest | None:
    """Returns the last ask of this browser at the practice that has the name; None if it has none."""
    asked = SignInRequest.objects.filter(practice=practice, browser_hash=tokens.digest(browser_key))
    return asked.filter(Q(is_typed=True, address=name) | Q(is_typed=False, ref=name)).order_by("-id").first()


def delete_old() -> int:
    """Deletes what was asked more than a month ago; upkeep calls it. Returns how many."""
    old = (
        SignInRequest.objects.filter(written_at__lt=clock.now() - RETENTION).order_by("id").values_list("pk", flat=True)
    )
    with transaction.atomic():
        some = list(old[:DELETE_BATCH_SIZE])
        # Their links stay, as long as the mails they stand in.
        SignInLink.objects.filter(ask__in=some).update(ask=None)
        return SignInRequest.objects.filter(pk__in=some).delete()[0]


def _is_beyond_limit(practice: Practice, key: str) -> bool:
    whose = (practice.ref, key)
    try:
        rate_limits.spend(
            Limit.on("asks-for-address", *whose, most=5, window=timedelta(hours=1)),
            Limit.on("asks-for-address", *whose, most=10, window=timedelta(days=1)),
        )
    except RateLimitExceeded:
        return True
    return False
