"""Sign-in codes: signing in with the six characters in a sign-in mail.

A code works for 15 minutes, only in the browser that requested the mail.
"""

import re
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import F

from portico.domain.access.models import ATTEMPTS_PER_CODE, PortalAccount, SignInLink, SignInMethod
from portico.domain.access.sign_in import failure_audit_entries, link_redemption
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.access.sign_in.sign_in_links import CODE_LENGTH, CODE_PURPOSE, code_digest_input
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded

# The codes of a browser that are compared; every attempt makes this many comparisons.
MAX_LIVE_CODES = 12
# No row has this id. It keeps Django from skipping a query on an empty list, which would change the response time.
_NO_ROW = 0
_IGNORED = re.compile(r"[\W_]+")


def enter(
    practice: Practice, typed: str, *, browser_key: str, mailbox_key: str, visitor: Browser
) -> StartedSession | None:
    """Signs in with a code; returns None if it is wrong, expired, void, of another browser or out of attempts.

    Compares every live code that this browser requested for the address and counts an attempt on each: 5 for a code,
    10 an hour for a browser. Does the same work for an address that is not a client's.
    """
    browser_hash = tokens.digest(browser_key)
    browser_limit = Limit.on("codes-of-browser", browser_hash, max_attempts=10, window=timedelta(hours=1))
    try:
        rate_limits.spend(browser_limit)
    except RateLimitExceeded:
        failure_audit_entries.record_code(
            practice, AuditAction.CODE_BEYOND_LIMIT, browser_hash=browser_hash, mailbox_key=mailbox_key
        )
        return None
    live, tried = _count_attempt(practice, browser_hash, mailbox_key)
    link = _find_matching(tried, typed)
    started = None if link is None else _spend(practice, link, visitor=visitor)
    if started is None:
        action = AuditAction.CODE_BEYOND_LIMIT if live and not tried else AuditAction.CODE_REFUSED
        failure_audit_entries.record_code(practice, action, browser_hash=browser_hash, mailbox_key=mailbox_key)
        return None
    # Successful sign-ins do not count, so that signing in often never exceeds the limit.
    rate_limits.give_back(browser_limit)
    return started


@retry_on_deadlock
def _count_attempt(
    practice: Practice, browser_hash: str, mailbox_key: str
) -> tuple[list[SignInLink], list[SignInLink]]:
    """Returns the browser's live codes for the address, and those with an attempt left, on which it counts one.

    Runs before any code is compared and in its own transaction, so that the attempt stays counted. Locks the rows
    first, so that of any number of simultaneous attempts only five are counted.
    """
    with transaction.atomic():
        codes = SignInLink.objects.with_usable_code().filter(
            practice=practice, request__browser_hash=browser_hash, request__mailbox_key=mailbox_key
        )
        live = list(codes.select_related("request", "address__client").order_by("-id")[:MAX_LIVE_CODES])
        accounts = [_NO_ROW, *(link.account_id for link in live)]
        list(PortalAccount.objects.locked().filter(pk__in=accounts).order_by("pk"))
        open_links = SignInLink.objects.locked().filter(pk__in=_pks(live), code_attempts__lt=ATTEMPTS_PER_CODE)
        open_pks = {link.pk for link in open_links}
        tried = [link for link in live if link.pk in open_pks]
        SignInLink.objects.filter(pk__in=_pks(tried)).update(code_attempts=F("code_attempts") + 1)
    return live, tried


def _find_matching(links: Sequence[SignInLink], typed: str) -> SignInLink | None:
    """Returns the link whose code was typed. Makes the same number of comparisons for any number of links."""
    # One character more than a code has is enough to make it wrong.
    code = _IGNORED.sub("", typed[:100]).upper()[: CODE_LENGTH + 1]
    found = None
    for index in range(MAX_LIVE_CODES):
        link = links[index] if index < len(links) else None
        request, digest = (link.request, link.code_hash) if link is not None else (None, "")
        if tokens.matches(code_digest_input(request, code), purpose=CODE_PURPOSE, digest=digest):
            found = link
    return found


@retry_on_deadlock
def _spend(practice: Practice, link: SignInLink, *, visitor: Browser) -> StartedSession | None:
    usable = SignInLink.objects.with_usable_code()
    return link_redemption.spend(practice, link, usable=usable, method=SignInMethod.CODE, visitor=visitor)


def _pks(links: Sequence[SignInLink]) -> list[int]:
    return [_NO_ROW, *(link.pk for link in links)]
