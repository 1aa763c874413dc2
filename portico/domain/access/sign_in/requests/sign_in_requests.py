"""Sign-in requests: creating one for every address, known or not, and finding those of a browser."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from portico.domain.access.models import SignInLink, SignInRequest
from portico.domain.access.sign_in.requests import near_misses
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded
from portico.plumbing.text.mailboxes import mailbox_key

RETENTION = timedelta(days=30)
DELETE_BATCH_SIZE = 5_000


@dataclass(frozen=True)
class RequestOrigin:
    """The origin of a request: the key in the browser's cookie, and the IP address."""

    browser_key: str
    ip: str


def create(
    practice: Practice, address: str, *, origin: RequestOrigin, is_typed: bool = True, goes_to: str = ""
) -> SignInRequest:
    """Saves a request for a sign-in mail. Does the same work for every address, known or not.

    Beyond the limit of an address (5 an hour, 10 a day) the row is marked and no mail will be sent. Raises
    RateLimitExceeded beyond the limit of a network (30 in 10 minutes), and ValueError for an invalid address.
    """
    key = mailbox_key(address)
    network = rate_limits.network_of(origin.ip)
    rate_limits.spend(
        Limit.on("asks-of-network", network, max_attempts=30, window=timedelta(minutes=10), stays_spent=True)
    )
    return SignInRequest.objects.create(
        practice=practice,
        address=address.strip()[:254],
        mailbox_key=key,
        is_typed=is_typed,
        browser_hash=tokens.digest(origin.browser_key),
        network=tokens.fingerprint(network, purpose="asks"),
        goes_to=goes_to,
        is_beyond_limit=_is_beyond_limit(practice, key),
    )


def latest(practice: Practice, browser_key: str) -> SignInRequest | None:
    """Returns the newest request of this browser at the practice; None if there is none."""
    requests = SignInRequest.objects.filter(practice=practice, browser_hash=tokens.digest(browser_key))
    return requests.order_by("-id").first()


def name_of(request: SignInRequest) -> str:
    """Returns the request's name on its own page: the address if it was typed, the ref if it is shown masked.

    A ref beside a typed address would make the pages of two addresses differ in more than the address.
    """
    return request.address if request.is_typed else request.ref


def find_by_name(practice: Practice, browser_key: str, name: str) -> SignInRequest | None:
    """Returns the newest request of this browser at the practice with that name; None if there is none."""
    requests = SignInRequest.objects.filter(practice=practice, browser_hash=tokens.digest(browser_key))
    return requests.filter(Q(is_typed=True, address=name) | Q(is_typed=False, ref=name)).order_by("-id").first()


def delete_old() -> int:
    """Deletes a batch of requests older than a month; a scheduled task. Returns their number."""
    old = (
        SignInRequest.objects.filter(written_at__lt=clock.now() - RETENTION).order_by("id").values_list("pk", flat=True)
    )
    with transaction.atomic():
        batch = list(old[:DELETE_BATCH_SIZE])
        # Links are kept as long as their mails.
        SignInLink.objects.filter(request__in=batch).update(request=None)
        near_misses.delete_of(batch)
        return SignInRequest.objects.filter(pk__in=batch).delete()[0]


def _is_beyond_limit(practice: Practice, key: str) -> bool:
    mailbox = (practice.ref, key)
    try:
        rate_limits.spend(
            Limit.on("asks-for-address", *mailbox, max_attempts=5, window=timedelta(hours=1)),
            Limit.on("asks-for-address", *mailbox, max_attempts=10, window=timedelta(days=1)),
        )
    except RateLimitExceeded:
        return True
    return False
