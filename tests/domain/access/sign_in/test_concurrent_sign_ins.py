"""Concurrent sign-ins: each link starts one session, and each browser has its ten codes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from portico.domain.access.models import PortalAccount, PortalSession, SignInMethod
from portico.domain.access.sign_in import link_redemption, portal_sessions, sign_in_codes
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.link_redemption import LinkState
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, RateLimitCount
from tests import cast
from tests.support.database import databases

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

LINKS = 50 if databases.is_whole() else 2
ATTEMPTS = 50
TRIES, CODES_AN_HOUR = 30, 10
VISITOR = Browser("Firefox on Windows", "a browser")


def token_of(practice: Practice, number: int) -> str:
    person = cast.client(practice, f"Ana {number}", address=f"ana{number}@mail.example")
    return cast.token_of(cast.invited(person))


def at_once(threads: int, *works: Callable[[], bool]) -> list[int]:
    """Runs each work in that many threads at once, one after the other; returns how often each returned True."""
    gate = Barrier(threads)

    def one(_thread: int) -> list[bool]:
        results = []
        try:
            for work in works:
                gate.wait(120)
                results.append(work())
        finally:
            connection.close()
        return results

    with ThreadPoolExecutor(threads) as pool:
        return [sum(results) for results in zip(*pool.map(one, range(threads)), strict=True)]


@pytest.mark.slow
def test_links_used_fifty_times_start_one_session_each() -> None:
    practice = cast.alder()
    tokens = [token_of(practice, number) for number in range(LINKS)]

    def redeem(token: str) -> bool:
        return isinstance(link_redemption.redeem(practice, token, visitor=VISITOR), StartedSession)

    assert at_once(ATTEMPTS, *[lambda token=token: redeem(token) for token in tokens]) == [1] * LINKS
    assert PortalSession.objects.count() == LINKS
    assert PortalSession.objects.values("account").distinct().count() == LINKS


def test_without_the_guard_links_start_more_sessions() -> None:
    """Shows that the race really happens without the conditional update."""
    practice = cast.alder()
    found = Barrier(ATTEMPTS)

    def find_then_mark(token: str) -> bool:
        link = link_redemption.find(practice, token).link
        connection.close()  # The pool is smaller than the number of threads: none may wait while holding one.
        found.wait(60)
        if link is None or link.used_at is not None:
            return False
        link.used_at = clock.now()
        link.save(update_fields=["used_at"])
        portal_sessions.start(
            PortalAccount.objects.get(pk=link.account_id), method=SignInMethod.LINK, proof_epoch=1, browser="Firefox"
        )
        return True

    tokens = [token_of(practice, number) for number in range(2)]
    spent = at_once(ATTEMPTS, *[lambda token=token: find_then_mark(token) for token in tokens])
    assert min(spent) > 1
    assert all(link_redemption.find(practice, token).state is LinkState.USED for token in tokens)


def test_of_thirty_codes_in_a_browser_ten_are_compared() -> None:
    practice = cast.alder()
    # An unknown address, so that no code runs out of attempts before the browser does.
    cast.asked(practice, "unknown@mail.example")

    def try_code() -> bool:
        address = "unknown@mail.example"
        begun = sign_in_codes.enter(practice, "222 222", browser_key="a browser", mailbox_key=address, visitor=VISITOR)
        return begun is not None

    assert at_once(TRIES, try_code) == [0]
    results = [
        AuditEntry.objects.filter(action=action).count()
        for action in (AuditAction.CODE_REFUSED, AuditAction.CODE_BEYOND_LIMIT)
    ]
    assert results == [CODES_AN_HOUR, TRIES - CODES_AN_HOUR]


def test_without_the_guard_more_than_ten_pass() -> None:
    """Shows that a limit which is read, compared and saved lets all attempts pass."""
    RateLimitCount.objects.create(key="codes", started_at=clock.now(), n=0)
    read = Barrier(TRIES)

    def read_then_count() -> bool:
        spent = RateLimitCount.objects.get(key="codes")
        connection.close()  # As above.
        read.wait(60)
        if spent.n >= CODES_AN_HOUR:
            return False
        RateLimitCount.objects.filter(key="codes").update(n=spent.n + 1)
        return True

    assert at_once(TRIES, read_then_count)[0] > CODES_AN_HOUR
