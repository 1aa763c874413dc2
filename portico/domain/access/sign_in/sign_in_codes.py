"""The six signs in a sign-in mail: derived like its link, good for 15 minutes and only in the browser that asked."""

import re
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import F

from portico.domain.access.models import ATTEMPTS_PER_CODE, PortalAccount, SignInLink, SignInMethod
from portico.domain.access.sign_in import failed_attempts, link_redemption
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.access.sign_in.sign_in_links import CODE_LENGTH, CODE_PURPOSE, code_text
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded

# As many codes as a browser may have alive; each try does the work of so many.
MAX_LIVE_CODES = 12
# No row has it: keeps a question to the database from being left out when there is nothing to ask for.
_NO_ROW = 0
_IGNORED = re.compile(r"[\W_]+")


def enter(
    practice: Practice, typed: str, *, browser_key: str, mailbox_key: str, visitor: Browser
) -> StartedSession | None:
    """Signs in by a code; None when it opens nothing: wrong, expired, void, of another browser, or one try too many.

    Every live code that this browser asked for at the address is tried, and each of them loses a try (5 a code, 10 an
    hour a browser).
    The work is the same for a browser that asked for an address which is nobody's.
    """
    browser_hash = tokens.digest(browser_key)
    budget = Limit.on("codes-of-browser", browser_hash, most=10, window=timedelta(hours=1))
    try:
        rate_limits.spend(budget)
    except RateLimitExceeded:
        failed_attempts.record_code(
            practice, AuditAction.CODE_BEYOND_LIMIT, browser_hash=browser_hash, mailbox_key=mailbox_key
        )
        return None
    alive, tried = _reserve(practice, browser_hash, mailbox_key)
    link = _matching(tried, typed)
    begun = None if link is None else _spend(practice, link, visitor=visitor)
    if begun is None:
        verb = AuditAction.CODE_BEYOND_LIMIT if alive and not tried else AuditAction.CODE_REFUSED
        failed_attempts.record_code(practice, verb, browser_hash=browser_hash, mailbox_key=mailbox_key)
        return None
    # Who signs in often is not shut out.
    rate_limits.give_back(budget)
    return begun


@retry_on_deadlock
def _reserve(practice: Practice, browser_hash: str, mailbox_key: str) -> tuple[list[SignInLink], list[SignInLink]]:
    """The browser's live codes for the address, and those that had a try left and lose it now, before any is compared.

    In its own transaction, so that the try stays counted whatever becomes of it. The rows are locked before they are
    counted: of however many tries at once, five get them.
    """
    with transaction.atomic():
        codes = SignInLink.objects.with_usable_code().filter(
            practice=practice, ask__browser_hash=browser_hash, ask__mailbox_key=mailbox_key
        )
        alive = list(codes.select_related("ask", "address__client").order_by("-id")[:MAX_LIVE_CODES])
        accounts = [_NO_ROW, *(link.account_id for link in alive)]
        list(PortalAccount.objects.locked().filter(pk__in=accounts).order_by("pk"))
        with_a_try = SignInLink.objects.locked().filter(pk__in=_pks(alive), code_tries__lt=ATTEMPTS_PER_CODE)
        reserved = {link.pk for link in with_a_try}
        tried = [link for link in alive if link.pk in reserved]
        SignInLink.objects.filter(pk__in=_pks(tried)).update(code_tries=F("code_tries") + 1)
    return alive, tried


def _matching(links: Sequence[SignInLink], typed: str) -> SignInLink | None:
    """The link whose code was typed. Compares as often whether there are many or none."""
    # More signs than a code has are wrong however many they are.
    code = _IGNORED.sub("", typed[:100]).upper()[: CODE_LENGTH + 1]
    found = None
    for number in range(MAX_LIVE_CODES):
        link = links[number] if number < len(links) else None
        ask, digest = (link.ask, link.code_hash) if link is not None else (None, "")
        if tokens.matches(code_text(ask, code), purpose=CODE_PURPOSE, digest=digest):
            found = link
    return found


@retry_on_deadlock
def _spend(practice: Practice, link: SignInLink, *, visitor: Browser) -> StartedSession | None:
    usable = SignInLink.objects.with_usable_code()
    return link_redemption.spend(practice, link, usable=usable, way=SignInMethod.CODE, visitor=visitor)


def _pks(links: Sequence[SignInLink]) -> list[int]:
    return [_NO_ROW, *(link.pk for link in links)]
