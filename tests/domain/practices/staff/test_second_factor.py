"""Second factors: readable by nobody, each step and each code good once, also when many try at the same moment."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.db import connection
from pytest_django import Settings

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice, StaffMember
from portico.domain.practices.staff import authenticators, passkeys, recovery_codes, second_factor
from portico.domain.practices.staff.second_factor import LastFactor, SecondFactorMethod
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, OutgoingEmail
from portico.plumbing.security.rate_limits import RateLimitExceeded
from tests import cast

pytestmark = pytest.mark.django_db

AT_ONCE = 20


@pytest.fixture
def fay(practice: Practice) -> StaffMember:
    return cast.fay(practice)


def raw_table() -> str:
    """What somebody reads who gets hold of the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        return json.dumps([str(row[0]) for row in cursor.fetchall()])


def test_no_secret_stands_readable_in_the_table(fay: StaffMember) -> None:
    secret = cast.with_authenticator(fay)
    kept = raw_table()
    assert secret not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in recovery_codes.unused(fay))
    seeds = [row.data.get("secret") or row.data.get("seed") for row in second_factor.rows(fay)]
    assert len(seeds) == 2
    # The same secret twice is not the same in the table: whoever reads it cannot compare.
    second_factor.rows(fay).delete()
    authenticators.save(fay, secret, first=True, by=fay.actor)
    assert not set(seeds) & {row.data.get("secret") or row.data.get("seed") for row in second_factor.rows(fay)}


def test_the_app_shows_the_practice_and_the_person(fay: StaffMember) -> None:
    address = authenticators.provisioning_uri(fay, "ABC")
    assert address == (
        "otpauth://totp/Alder%20Street%20Therapy:fay%40alder-street.example?secret=ABC&issuer=Alder%20Street%20Therapy"
    )


def test_a_code_is_what_the_standard_says() -> None:
    """RFC 4226, appendix D, with its own secret."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert [authenticators.code_at(secret, count) for count in range(4)] == ["755224", "287082", "359152", "969429"]


@pytest.mark.parametrize(("later", "works"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_off_by_one_step(fay: StaffMember, later: int, works: bool) -> None:  # noqa: FBT001
    secret = cast.with_authenticator(fay)
    assert authenticators.use(fay, cast.code_now(secret, later=later)) is works


def test_a_step_works_once_and_so_does_every_earlier_one(fay: StaffMember) -> None:
    secret = cast.with_authenticator(fay)
    assert authenticators.use(fay, cast.code_now(secret))
    assert not authenticators.use(fay, cast.code_now(secret))
    assert not authenticators.use(fay, cast.code_now(secret, later=-1))
    assert authenticators.use(fay, cast.code_now(secret, later=1))


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(days=3), timedelta(days=730)])
def test_a_step_used_in_the_future_shuts_nobody_out(
    fay: StaffMember, stopped_clock: time_machine.Traveller, ahead: timedelta
) -> None:
    secret = cast.with_authenticator(fay)
    stopped_clock.shift(ahead)
    assert authenticators.use(fay, cast.code_now(secret))
    stopped_clock.shift(-ahead)
    assert authenticators.use(fay, cast.code_now(secret))
    assert not authenticators.use(fay, cast.code_now(secret))
    assert not authenticators.use(fay, cast.code_now(secret, later=-1))
    assert authenticators.use(fay, cast.code_now(secret, later=1))


def test_an_app_set_up_in_the_future_works_and_each_code_once(
    fay: StaffMember, stopped_clock: time_machine.Traveller
) -> None:
    stopped_clock.shift(timedelta(days=730))
    secret = cast.with_authenticator(fay)
    assert authenticators.use(fay, cast.code_now(secret))
    stopped_clock.shift(timedelta(days=-730))
    fay.refresh_from_db()
    secret = authenticators.new_secret()
    authenticators.set_up(fay, secret, code=cast.code_now(secret), first=False, by=fay.actor)
    assert not authenticators.use(fay, cast.code_now(secret))
    assert authenticators.use(fay, cast.code_now(secret, later=1))


def test_a_step_used_on_a_machine_a_minute_ahead_stays_used(
    fay: StaffMember, stopped_clock: time_machine.Traveller
) -> None:
    secret = cast.with_authenticator(fay)
    stopped_clock.shift(timedelta(minutes=1))
    assert authenticators.use(fay, cast.code_now(secret, later=1))
    stopped_clock.shift(timedelta(minutes=-1))
    assert not authenticators.use(fay, cast.code_now(secret, later=1))
    stopped_clock.shift(timedelta(minutes=1))
    assert not authenticators.use(fay, cast.code_now(secret, later=1))


def test_the_code_that_set_the_app_up_is_used_up(fay: StaffMember) -> None:
    secret = authenticators.new_secret()
    authenticators.set_up(fay, secret, code=cast.code_now(secret), first=True, by=fay.actor)
    assert not authenticators.use(fay, cast.code_now(secret))


def test_a_right_try_is_given_back_and_a_wrong_one_counts(
    fay: StaffMember, stopped_clock: time_machine.Traveller
) -> None:
    for _ in range(30):
        assert second_factor.attempt(fay, SecondFactorMethod.AUTHENTICATOR, lambda: True, by=fay.actor)
    for _ in range(5):
        assert not second_factor.attempt(fay, SecondFactorMethod.AUTHENTICATOR, lambda: False, by=fay.actor)
    with pytest.raises(RateLimitExceeded):
        second_factor.attempt(fay, SecondFactorMethod.AUTHENTICATOR, lambda: True, by=fay.actor)
    # A colleague is not shut out, nor is another way.
    assert second_factor.attempt(fay, SecondFactorMethod.PASSKEY, lambda: True, by=fay.actor)
    assert second_factor.attempt(cast.hal(fay.practice), SecondFactorMethod.AUTHENTICATOR, lambda: True, by=fay.actor)
    stopped_clock.shift(timedelta(minutes=5, seconds=1))
    assert second_factor.attempt(fay, SecondFactorMethod.AUTHENTICATOR, lambda: True, by=fay.actor)


def test_recovery_codes_without_a_factor_open_nothing(fay: StaffMember) -> None:
    cast.with_authenticator(fay)
    second_factor.factors(fay).delete()
    assert second_factor.methods(fay) == set()


def test_removing_the_last_factor_takes_the_codes_along(fay: StaffMember) -> None:
    cast.with_authenticator(fay)
    authenticators.remove(fay, by=fay.actor)
    assert not second_factor.rows(fay).exists()
    entries = AuditEntry.objects.filter(verb=AuditAction.AUTHENTICATOR_REMOVED)
    authenticators.remove(fay, by=fay.actor)
    assert entries.count() == 1


def test_the_last_factor_is_not_removed_where_one_is_required(fay: StaffMember, settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    cast.with_authenticator(fay)
    with pytest.raises(LastFactor):
        authenticators.remove(fay, by=fay.actor)
    assert second_factor.is_set_up(fay)


def test_taking_everything_away_ends_sessions_and_is_told(fay: StaffMember) -> None:
    cast.with_authenticator(fay)
    second_factor.remove_all(fay, by=cast.DESK)
    assert second_factor.methods(fay) == set()
    assert OutgoingEmail.objects.latest("id").subject == "Your second factor was taken away"


def test_a_passkey_answers_only_the_question_that_was_asked(fay: StaffMember) -> None:
    assert not passkeys.use(fay, None, "{}")
    question = (
        passkeys.authentication_challenge(fay) if passkeys.passkeys_of(fay) else passkeys.registration_challenge(fay)
    )
    assert not passkeys.use(fay, question.state, '{"id": "a", "rawId": "a", "response": {}}')


def at_once(work: Callable[[], bool]) -> int:
    """How many of many who try at the same moment get through."""
    start = Barrier(AT_ONCE)

    def one(_number: int) -> bool:
        try:
            start.wait(30)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(one, range(AT_ONCE)))


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_twenty_with_the_same_code_one_gets_in() -> None:
    fay = cast.fay(cast.alder())
    code = cast.code_now(cast.with_authenticator(fay))
    assert at_once(lambda: authenticators.use(fay, code)) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_guard_the_same_code_lets_in_several() -> None:
    """The twin: finds first whether the step is unused, and marks it afterwards."""
    fay = cast.fay(cast.alder())
    secret = cast.with_authenticator(fay)
    code, step = cast.code_now(secret), int(clock.now().timestamp()) // authenticators.STEP
    found = Barrier(AT_ONCE)

    def find_then_mark() -> bool:
        held = StaffMember.objects.get(pk=fay.pk)
        connection.close()  # The pool has fewer connections than there are threads; nobody waits holding one.
        found.wait(30)
        if held.authenticator_step >= step or code != authenticators.code_at(secret, step):
            return False
        held.authenticator_step = step
        held.save(update_fields=["authenticator_step"])
        return True

    assert at_once(find_then_mark) > 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_twenty_with_the_same_recovery_code_one_gets_in() -> None:
    fay = cast.fay(cast.alder())
    cast.with_authenticator(fay)
    code = recovery_codes.unused(fay)[0]
    assert at_once(lambda: recovery_codes.use(fay, code)) == 1
    assert len(recovery_codes.unused(fay)) == 7
    assert AuditEntry.objects.filter(verb=AuditAction.RECOVERY_CODE_USED).count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_guard_the_same_recovery_code_lets_in_several() -> None:
    """The twin: reads what is unused, and marks the code in what was read."""
    fay = cast.fay(cast.alder())
    cast.with_authenticator(fay)
    code = recovery_codes.unused(fay)[0]
    found = Barrier(AT_ONCE)

    def find_then_mark() -> bool:
        row = second_factor.rows(fay).get(type=recovery_codes.KIND)
        is_unused = code in recovery_codes.unused(fay)
        connection.close()
        found.wait(30)
        if is_unused:
            row.data["used_mask"] |= 1
            row.save(update_fields=["data"])
        return is_unused

    assert at_once(find_then_mark) > 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_twenty_wrong_tries_at_once_five_are_looked_at() -> None:
    fay = cast.fay(cast.alder())
    looked_at: list[int] = []

    def look() -> bool:
        looked_at.append(1)
        return False

    def try_once() -> bool:
        try:
            second_factor.attempt(fay, SecondFactorMethod.AUTHENTICATOR, look, by=fay.actor)
        except RateLimitExceeded:
            return False
        return True

    assert at_once(try_once) == len(looked_at) == 5
