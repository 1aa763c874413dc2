"""Many links, many browsers, at the same moment: each link one session, each browser its ten codes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import OperationalError, connection
from psycopg_pool import PoolTimeout

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

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

LINKS = PRESSES = 50
TRIES, CODES_AN_HOUR = 30, 10
VISITOR = Browser("Firefox on Windows", "a browser")


def token_of(practice: Practice, number: int) -> str:
    person = cast.client(practice, f"Ana {number}", address=f"ana{number}@mail.example")
    return cast.token_of(cast.invited(person))


def patiently(work: Callable[[], bool]) -> bool:
    """As who is told that the database is busy: once more, when no connection came free in time."""
    while True:
        try:
            return work()
        except OperationalError as error:
            if not isinstance(error.__cause__, PoolTimeout):
                raise
        finally:
            connection.close()


def at_once(hands: int, *works: Callable[[], bool]) -> list[int]:
    """Each work by so many hands together, one work after the other; how often each said yes."""
    gate = Barrier(hands)

    def one(_hand: int) -> list[bool]:
        said = []
        for work in works:
            gate.wait(120)
            said.append(patiently(work))
        return said

    with ThreadPoolExecutor(hands) as pool:
        return [sum(said) for said in zip(*pool.map(one, range(hands)), strict=True)]


@pytest.mark.slow
def test_of_fifty_links_pressed_fifty_times_at_once_each_begins_one_session() -> None:
    practice = cast.alder()
    tokens = [token_of(practice, number) for number in range(LINKS)]

    def press(token: str) -> bool:
        return isinstance(link_redemption.redeem(practice, token, visitor=VISITOR), StartedSession)

    assert at_once(PRESSES, *[lambda token=token: press(token) for token in tokens]) == [1] * LINKS
    assert PortalSession.objects.count() == LINKS
    assert PortalSession.objects.values("account").distinct().count() == LINKS


def test_found_first_and_marked_afterwards_the_same_links_begin_more() -> None:
    """The twin: shows that the race above really happens without the one conditional update."""
    practice = cast.alder()
    found = Barrier(PRESSES)

    def find_then_mark(token: str) -> bool:
        link = link_redemption.find(practice, token).link
        connection.close()  # The pool has fewer connections than there are threads; nobody waits holding one.
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
    spent = at_once(PRESSES, *[lambda token=token: find_then_mark(token) for token in tokens])
    assert min(spent) > 1
    assert all(link_redemption.find(practice, token).state is LinkState.USED for token in tokens)


def test_of_thirty_codes_typed_at_once_in_one_browser_just_ten_are_looked_at() -> None:
    practice = cast.alder()
    # Nobody's address: no code runs out of tries before the browser does.
    cast.asked(practice, "nobody@mail.example")

    def try_code() -> bool:
        address = "nobody@mail.example"
        begun = sign_in_codes.enter(practice, "222 222", browser_key="a browser", mailbox_key=address, visitor=VISITOR)
        return begun is not None

    assert at_once(TRIES, try_code) == [0]
    said = [
        AuditEntry.objects.filter(verb=verb).count()
        for verb in (AuditAction.CODE_REFUSED, AuditAction.CODE_BEYOND_LIMIT)
    ]
    assert said == [CODES_AN_HOUR, TRIES - CODES_AN_HOUR]


def test_counted_by_reading_first_more_than_ten_pass() -> None:
    """The twin: a budget that is read, compared and saved lets all of them through."""
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
