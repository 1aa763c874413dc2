"""Sign-in codes: valid once, for fifteen minutes and five attempts, only in the browser that requested them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portico.domain.access import access_grants, client_changes, revocation
from portico.domain.access.models import ATTEMPTS_PER_CODE, PortalSession, SignInLink, SignInMethod
from portico.domain.access.sign_in import link_redemption, portal_sessions, sign_in_codes, sign_in_links
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry, EmailEvent, EmailEventKind
from tests import cast

pytestmark = pytest.mark.both_databases

ANA = "ana@mail.example"
TRIES = 20


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


def enter(practice: Practice, typed: str, *, browser: str = "a browser", address: str = ANA) -> StartedSession | None:
    visitor = Browser("Firefox on Windows", "a key")
    return sign_in_codes.enter(practice, typed, browser_key=browser, mailbox_key=address, visitor=visitor)


def wrong(link: SignInLink) -> str:
    """Returns six characters that are not the link's code."""
    return "222222" if sign_in_links.code_of(link) != "222 222" else "333333"


def refused() -> list[str]:
    return list(AuditEntry.objects.filter(action__startswith="code.").order_by("id").values_list("action", flat=True))


def test_a_code_has_six_unambiguous_characters(practice: Practice, ana: Client) -> None:
    shown = sign_in_links.code_of(cast.mailed(practice, ANA))
    assert len(shown.replace(" ", "")) == 6
    assert set(shown) <= set("23456789ABCDEFGHJKMNPQRSTUVWXYZ ")
    assert len(sign_in_links.CODE_CHARACTERS) == 31


@pytest.mark.parametrize(
    "change",
    [
        str,
        str.lower,
        lambda code: code.replace(" ", "-"),
        lambda code: f" {' '.join(code)}",
        ".".join,
    ],
)
def test_a_code_signs_in_whatever_its_case_spaces_and_dashes(practice: Practice, ana: Client, change: object) -> None:
    assert callable(change)
    begun = enter(practice, change(sign_in_links.code_of(cast.mailed(practice, ANA))))
    assert begun
    assert [access.client for access in portal_sessions.accesses_of(begun.session)] == [ana]
    assert begun.session.method == SignInMethod.CODE
    assert AuditEntry.objects.get(action=AuditAction.CLIENT_SIGNED_IN_BY_CODE).client == ana
    assert EmailEvent.objects.filter(kind=EmailEventKind.CODE_TYPED).count() == 1


def test_a_code_in_another_browser_opens_nothing(practice: Practice, ana: Client) -> None:
    code = sign_in_links.code_of(cast.mailed(practice, ANA))
    assert enter(practice, code, browser="another browser") is None
    assert enter(practice, code)


def test_a_code_opens_once_and_its_link_with_it(practice: Practice, ana: Client) -> None:
    link = cast.mailed(practice, ANA)
    assert enter(practice, sign_in_links.code_of(link))
    assert enter(practice, sign_in_links.code_of(link)) is None
    assert link_redemption.find(practice, sign_in_links.url_of(link).split("/")[-2]).state == "used"


def test_a_code_works_for_fifteen_minutes(
    practice: Practice, ana: Client, stopped_clock: time_machine.Traveller
) -> None:
    code = sign_in_links.code_of(cast.mailed(practice, ANA))
    stopped_clock.shift(timedelta(minutes=15))
    assert enter(practice, code) is None
    stopped_clock.shift(timedelta(seconds=-1))
    assert enter(practice, code)


def test_every_live_code_of_the_browser_works_and_spending_one_voids_all(practice: Practice, ana: Client) -> None:
    first, second = cast.mailed(practice, ANA), cast.mailed(practice, ANA)
    assert enter(practice, sign_in_links.code_of(first))
    assert enter(practice, sign_in_links.code_of(second)) is None


def access_off(person: Client) -> None:
    access_grants.save_access(person, replace(cast.entry_for(person), enabled=False), version=None, by=cast.DESK)


def another_address(person: Client) -> None:
    access_grants.save_access(person, replace(cast.entry_for(person), address=None), version=None, by=cast.DESK)
    access_grants.save_access(person, cast.entry_for(person), version=None, by=cast.DESK)


def consent_withdrawn_and_given_again(person: Client) -> None:
    row = person.email_addresses.open().get()
    for email_ok in (False, True):
        person.refresh_from_db()
        entry = ClientInput(
            ClientDetails(person.first_name, person.last_name),
            addresses=(AddressInput(row.address, row.kind, email_ok, ref=row.ref),),
        )
        client_changes.save_client_info(person, entry, version=person.version, by=cast.DESK)


def archived(person: Client) -> None:
    client_changes.archive(person, by=cast.DESK)


def everything_ended(person: Client) -> None:
    revocation.revoke_all(person, by=cast.DESK)


@pytest.mark.parametrize(
    "change", [access_off, another_address, consent_withdrawn_and_given_again, archived, everything_ended]
)
def test_a_code_is_dead_after_a_change(practice: Practice, ana: Client, change: Callable[[Client], None]) -> None:
    code = sign_in_links.code_of(cast.mailed(practice, ANA))
    change(ana)
    assert enter(practice, code) is None


def test_a_code_of_another_practice_does_not_work(practice: Practice, ana: Client) -> None:
    code = sign_in_links.code_of(cast.mailed(practice, ANA))
    assert enter(cast.birch(), code) is None
    assert enter(practice, code)


def test_after_five_wrong_attempts_the_right_code_fails(practice: Practice, ana: Client) -> None:
    link = cast.mailed(practice, ANA)
    for _ in range(ATTEMPTS_PER_CODE):
        assert enter(practice, wrong(link)) is None
    assert enter(practice, sign_in_links.code_of(link)) is None
    assert refused() == ["code.refused"] * 5 + ["code.beyond_limit"]
    assert {entry.client for entry in AuditEntry.objects.filter(action=AuditAction.CODE_REFUSED)} == {ana}


def test_a_browser_has_ten_attempts_an_hour(
    practice: Practice, ana: Client, stopped_clock: time_machine.Traveller
) -> None:
    for _ in range(10):
        enter(practice, "222222")
    assert enter(practice, sign_in_links.code_of(cast.mailed(practice, ANA))) is None
    assert refused() == ["code.refused"] * 10 + ["code.beyond_limit"]
    stopped_clock.shift(timedelta(hours=1))
    for _ in range(2):
        assert enter(practice, sign_in_links.code_of(cast.mailed(practice, ANA)))


def test_a_right_code_does_not_count_as_an_attempt(practice: Practice, ana: Client) -> None:
    for _ in range(9):
        enter(practice, "222222")
    assert enter(practice, sign_in_links.code_of(cast.mailed(practice, ANA)))
    enter(practice, "222222")
    assert refused() == ["code.refused"] * 10


def test_an_attempt_costs_the_same_without_a_live_code(practice: Practice, ana: Client) -> None:
    counts = []
    for address in (ANA, "unknown@mail.example"):
        if address == ANA:
            cast.mailed(practice, ANA, browser=address)
        else:
            cast.asked(practice, address, browser=address)
        with CaptureQueriesContext(connection) as queries:
            enter(practice, "222222", browser=address, address=address)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("typed", ["", "2", "2" * 5000, "\u212a" * 6, "{{7*7}}", "2222222"])
def test_malformed_codes_open_nothing(practice: Practice, ana: Client, typed: str) -> None:
    cast.mailed(practice, ANA)
    assert enter(practice, typed) is None


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_twenty_simultaneous_attempts_five_are_compared() -> None:
    practice = cast.alder()
    cast.with_access(cast.ana(practice))
    link = cast.mailed(practice, ANA)
    assert not any(_at_once(lambda: enter(practice, wrong(link))))
    assert refused().count("code.refused") == ATTEMPTS_PER_CODE
    assert refused().count("code.beyond_limit") == TRIES - ATTEMPTS_PER_CODE
    link.refresh_from_db()
    assert link.code_attempts == ATTEMPTS_PER_CODE


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_guard_more_than_five_are_compared() -> None:
    """Shows that the race really happens if the count is read first."""
    practice = cast.alder()
    cast.with_access(cast.ana(practice))
    link = cast.mailed(practice, ANA)
    read = Barrier(TRIES)

    def read_then_count() -> bool:
        has_a_try = SignInLink.objects.get(pk=link.pk).code_attempts < ATTEMPTS_PER_CODE
        connection.close()  # The pool is smaller than the number of threads: none may wait while holding one.
        read.wait(30)
        return has_a_try

    assert sum(_at_once(read_then_count)) > ATTEMPTS_PER_CODE


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_twenty_simultaneous_right_codes_sign_in_once() -> None:
    practice = cast.alder()
    cast.with_access(cast.ana(practice))
    code = sign_in_links.code_of(cast.mailed(practice, ANA))
    assert sum(_at_once(lambda: enter(practice, code) is not None)) == 1
    assert PortalSession.objects.count() == 1


def _at_once(work: Callable[[], object]) -> list[bool]:
    gate = Barrier(TRIES)

    def one(_number: int) -> bool:
        try:
            gate.wait(30)
            return bool(work())
        finally:
            connection.close()

    with ThreadPoolExecutor(TRIES) as pool:
        return list(pool.map(one, range(TRIES)))
