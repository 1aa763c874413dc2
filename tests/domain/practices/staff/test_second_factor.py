"""Second factors: stored encrypted, each code accepted once, also for concurrent attempts."""

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
from portico.domain.practices.staff import authenticator_apps, passkeys, recovery_codes, second_factor
from portico.domain.practices.staff.second_factor import LastFactor, SecondFactorMethod
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, OutgoingEmail
from portico.plumbing.security.rate_limits import RateLimitExceeded
from tests import cast

pytestmark = pytest.mark.django_db

CONCURRENT_ATTEMPTS = 20


@pytest.fixture
def fay(practice: Practice) -> StaffMember:
    return cast.fay(practice)


def raw_table() -> str:
    """Returns the stored data of all factors, as in a stolen database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        return json.dumps([str(row[0]) for row in cursor.fetchall()])


def test_secrets_are_encrypted_in_the_database(fay: StaffMember) -> None:
    secret = cast.with_authenticator(fay)
    stored = raw_table()
    assert secret not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in recovery_codes.unused(fay))
    seeds = [row.data.get("secret") or row.data.get("seed") for row in second_factor.authenticators_of(fay)]
    assert len(seeds) == 2
    # The same secret has another ciphertext each time, so that equal secrets cannot be recognized.
    second_factor.authenticators_of(fay).delete()
    authenticator_apps.save(fay, secret, first=True, by=fay.actor)
    assert not set(seeds) & {
        row.data.get("secret") or row.data.get("seed") for row in second_factor.authenticators_of(fay)
    }


def test_the_app_shows_practice_and_email_address(fay: StaffMember) -> None:
    address = authenticator_apps.provisioning_uri(fay, "ABC")
    assert address == (
        "otpauth://totp/Alder%20Street%20Therapy:fay%40alder-street.example?secret=ABC&issuer=Alder%20Street%20Therapy"
    )


def test_codes_match_the_vectors_of_the_rfc() -> None:
    """RFC 4226, appendix D, with its own secret."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert [authenticator_apps.code_at(secret, count) for count in range(4)] == ["755224", "287082", "359152", "969429"]


@pytest.mark.parametrize(("later", "works"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_may_be_one_step_early_or_late(fay: StaffMember, later: int, works: bool) -> None:  # noqa: FBT001
    secret = cast.with_authenticator(fay)
    assert authenticator_apps.use(fay, cast.code_now(secret, later=later)) is works


def test_a_used_step_invalidates_earlier_ones(fay: StaffMember) -> None:
    secret = cast.with_authenticator(fay)
    assert authenticator_apps.use(fay, cast.code_now(secret))
    assert not authenticator_apps.use(fay, cast.code_now(secret))
    assert not authenticator_apps.use(fay, cast.code_now(secret, later=-1))
    assert authenticator_apps.use(fay, cast.code_now(secret, later=1))


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(days=3), timedelta(days=730)])
def test_a_step_used_in_the_future_is_ignored(
    fay: StaffMember, stopped_clock: time_machine.Traveller, ahead: timedelta
) -> None:
    secret = cast.with_authenticator(fay)
    stopped_clock.shift(ahead)
    assert authenticator_apps.use(fay, cast.code_now(secret))
    stopped_clock.shift(-ahead)
    assert authenticator_apps.use(fay, cast.code_now(secret))
    assert not authenticator_apps.use(fay, cast.code_now(secret))
    assert not authenticator_apps.use(fay, cast.code_now(secret, later=-1))
    assert authenticator_apps.use(fay, cast.code_now(secret, later=1))


def test_an_app_set_up_in_the_future_accepts_codes_once(
    fay: StaffMember, stopped_clock: time_machine.Traveller
) -> None:
    stopped_clock.shift(timedelta(days=730))
    secret = cast.with_authenticator(fay)
    assert authenticator_apps.use(fay, cast.code_now(secret))
    stopped_clock.shift(timedelta(days=-730))
    fay.refresh_from_db()
    secret = authenticator_apps.new_secret()
    authenticator_apps.set_up(fay, secret, code=cast.code_now(secret), first=False, by=fay.actor)
    assert not authenticator_apps.use(fay, cast.code_now(secret))
    assert authenticator_apps.use(fay, cast.code_now(secret, later=1))


def test_a_step_used_by_a_server_a_minute_ahead_stays_used(
    fay: StaffMember, stopped_clock: time_machine.Traveller
) -> None:
    secret = cast.with_authenticator(fay)
    stopped_clock.shift(timedelta(minutes=1))
    assert authenticator_apps.use(fay, cast.code_now(secret, later=1))
    stopped_clock.shift(timedelta(minutes=-1))
    assert not authenticator_apps.use(fay, cast.code_now(secret, later=1))
    stopped_clock.shift(timedelta(minutes=1))
    assert not authenticator_apps.use(fay, cast.code_now(secret, later=1))


def test_the_code_of_the_set_up_cannot_be_used_again(fay: StaffMember) -> None:
    secret = authenticator_apps.new_secret()
    authenticator_apps.set_up(fay, secret, code=cast.code_now(secret), first=True, by=fay.actor)
    assert not authenticator_apps.use(fay, cast.code_now(secret))


def test_only_failed_attempts_count_against_the_limit(fay: StaffMember, stopped_clock: time_machine.Traveller) -> None:
    for _ in range(30):
        assert second_factor.attempt(fay, SecondFactorMethod.AUTHENTICATOR, lambda: True, by=fay.actor)
    for _ in range(5):
        assert not second_factor.attempt(fay, SecondFactorMethod.AUTHENTICATOR, lambda: False, by=fay.actor)
    with pytest.raises(RateLimitExceeded):
        second_factor.attempt(fay, SecondFactorMethod.AUTHENTICATOR, lambda: True, by=fay.actor)
    # Other methods and colleagues have their own limits.
    assert second_factor.attempt(fay, SecondFactorMethod.PASSKEY, lambda: True, by=fay.actor)
    assert second_factor.attempt(cast.hal(fay.practice), SecondFactorMethod.AUTHENTICATOR, lambda: True, by=fay.actor)
    stopped_clock.shift(timedelta(minutes=5, seconds=1))
    assert second_factor.attempt(fay, SecondFactorMethod.AUTHENTICATOR, lambda: True, by=fay.actor)


def test_recovery_codes_need_a_second_factor(fay: StaffMember) -> None:
    cast.with_authenticator(fay)
    second_factor.factors_of(fay).delete()
    assert second_factor.methods_of(fay) == set()


def test_removing_the_last_factor_deletes_recovery_codes(fay: StaffMember) -> None:
    cast.with_authenticator(fay)
    authenticator_apps.remove(fay, by=fay.actor)
    assert not second_factor.authenticators_of(fay).exists()
    entries = AuditEntry.objects.filter(action=AuditAction.AUTHENTICATOR_REMOVED)
    authenticator_apps.remove(fay, by=fay.actor)
    assert entries.count() == 1


def test_a_required_last_factor_cannot_be_removed(fay: StaffMember, settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    cast.with_authenticator(fay)
    with pytest.raises(LastFactor):
        authenticator_apps.remove(fay, by=fay.actor)
    assert second_factor.is_set_up(fay)


def test_removing_all_factors_sends_a_notice(fay: StaffMember) -> None:
    cast.with_authenticator(fay)
    second_factor.remove_all(fay, by=cast.DESK)
    assert second_factor.methods_of(fay) == set()
    assert OutgoingEmail.objects.latest("id").subject == "Your two-step verification was reset"


def test_a_response_to_another_challenge_is_rejected(fay: StaffMember) -> None:
    assert not passkeys.use(fay, None, "{}")
    challenge = (
        passkeys.authentication_challenge(fay) if passkeys.passkeys_of(fay) else passkeys.registration_challenge(fay)
    )
    assert not passkeys.use(fay, challenge.state, '{"id": "a", "rawId": "a", "response": {}}')


def at_once(work: Callable[[], bool]) -> int:
    """Runs the work in parallel, and returns how many times it succeeded."""
    start = Barrier(CONCURRENT_ATTEMPTS)

    def one(_number: int) -> bool:
        try:
            start.wait(30)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(CONCURRENT_ATTEMPTS) as pool:
        return sum(pool.map(one, range(CONCURRENT_ATTEMPTS)))


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_twenty_concurrent_uses_of_a_code_succeed_once() -> None:
    fay = cast.fay(cast.alder())
    code = cast.code_now(cast.with_authenticator(fay))
    assert at_once(lambda: authenticator_apps.use(fay, code)) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_guard_a_code_succeeds_repeatedly() -> None:
    """The twin: checks that the step is unused, and marks it as used afterwards."""
    fay = cast.fay(cast.alder())
    secret = cast.with_authenticator(fay)
    code, step = cast.code_now(secret), int(clock.now().timestamp()) // authenticator_apps.STEP
    found = Barrier(CONCURRENT_ATTEMPTS)

    def find_then_update() -> bool:
        row = StaffMember.objects.get(pk=fay.pk)
        connection.close()  # The pool has fewer connections than there are threads.
        found.wait(30)
        if row.authenticator_step >= step or code != authenticator_apps.code_at(secret, step):
            return False
        row.authenticator_step = step
        row.save(update_fields=["authenticator_step"])
        return True

    assert at_once(find_then_update) > 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_twenty_uses_of_a_recovery_code_succeed_once() -> None:
    fay = cast.fay(cast.alder())
    cast.with_authenticator(fay)
    code = recovery_codes.unused(fay)[0]
    assert at_once(lambda: recovery_codes.use(fay, code)) == 1
    assert len(recovery_codes.unused(fay)) == 7
    assert AuditEntry.objects.filter(action=AuditAction.RECOVERY_CODE_USED).count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_guard_a_recovery_code_is_reused() -> None:
    """The twin: reads the unused codes, and marks the code as used afterwards."""
    fay = cast.fay(cast.alder())
    cast.with_authenticator(fay)
    code = recovery_codes.unused(fay)[0]
    found = Barrier(CONCURRENT_ATTEMPTS)

    def find_then_update() -> bool:
        row = second_factor.authenticators_of(fay).get(type=recovery_codes.KIND)
        is_unused = code in recovery_codes.unused(fay)
        connection.close()
        found.wait(30)
        if is_unused:
            row.data["used_mask"] |= 1
            row.save(update_fields=["data"])
        return is_unused

    assert at_once(find_then_update) > 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_five_of_twenty_concurrent_attempts_are_verified() -> None:
    fay = cast.fay(cast.alder())
    verified: list[int] = []

    def verify() -> bool:
        verified.append(1)
        return False

    def attempt_once() -> bool:
        try:
            second_factor.attempt(fay, SecondFactorMethod.AUTHENTICATOR, verify, by=fay.actor)
        except RateLimitExceeded:
            return False
        return True

    assert at_once(attempt_once) == len(verified) == 5
