"""PINs: one for each form, five attempts, one client, single use; unknown addresses behave alike."""

import hmac
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import Traveller

from portico.domain.access import access_grants, client_changes, portal_states, revocation
from portico.domain.access.models import BurstKind, Pin, PortalAccess, PortalSession, SignInMethod
from portico.domain.access.sign_in import link_redemption, portal_sessions, sign_in_pins
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.link_redemption import LinkState
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.access.sign_in.requests import bursts
from portico.domain.access.sign_in.sign_in_pins import PinNotAllowed
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.models import Client, PortalState
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.mail import outbox
from portico.plumbing.models import AuditEntry, OutgoingEmail
from portico.plumbing.security.rate_limits import RateLimitExceeded
from tests import cast

pytestmark = pytest.mark.both_databases

ANAS = "ana@mail.example"
BRUNOS = "bruno@mail.example"
VISITOR = Browser("Safari on iPhone", "a browser")


def given(person: Client, *, form_key: str = "") -> str:
    """Generates a PIN and returns its digits, as shown to its maker."""
    form_key = form_key or tokens.new_token()
    sign_in_pins.generate(person, form_key=form_key, by=cast.DESK)
    shown = sign_in_pins.digits(person, form_key, to=cast.DESK)
    assert shown is not None
    return shown[1]


def typed(practice: Practice, pin: str, *, address: str = ANAS, ip: str = "192.0.2.1") -> StartedSession | None:
    return sign_in_pins.enter(practice, address, pin, visitor=VISITOR, ip=ip)


def other_than(pin: str) -> str:
    return f"{(int(pin) + 1) % 10**8:08}"


def entries(action: AuditAction) -> int:
    return AuditEntry.objects.filter(action=action).count()


def refused(person: Client) -> str:
    with pytest.raises(PinNotAllowed) as refusal:
        sign_in_pins.generate(person, form_key=tokens.new_token(), by=cast.DESK)
    return refusal.value.fix


@pytest.fixture
def ana(practice: Practice) -> Client:
    ana = cast.ana(practice)
    cast.with_access(ana)
    return ana


def test_a_pin_has_eight_digits_and_is_not_stored(ana: Client) -> None:
    pin = given(ana)
    row = Pin.objects.get()
    assert (len(pin), pin.isdecimal()) == (8, True)
    assert pin not in str(row.__dict__)
    assert pin not in str(list(AuditEntry.objects.values()))
    assert entries(AuditAction.PIN_MADE) == 1


def test_equal_pins_have_different_digests(ana: Client, practice: Practice) -> None:
    given(ana)
    given(ana)
    first, second = Pin.objects.order_by("id")
    assert first.pin_hash != second.pin_hash


def test_a_pin_signs_in_once_and_shows_its_own_client_alone(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bruno)
    cast.with_access(bea)
    pin = given(bea)
    begun = typed(practice, pin, address=BRUNOS)
    assert begun is not None
    assert [access.client for access in portal_sessions.accesses_of(begun.session)] == [bea]
    assert (begun.session.method, begun.session.only_client) == (SignInMethod.PIN, bea)
    assert typed(practice, pin, address=BRUNOS) is None
    assert entries(AuditAction.CLIENT_SIGNED_IN_BY_PIN) == 1


def test_a_pin_needs_no_email_ok(practice: Practice) -> None:
    nia = cast.client(practice, "Nia", address="nia@mail.example", email_ok=False)
    cast.with_access(nia)
    begun = typed(practice, given(nia), address="nia@mail.example")
    assert begun is not None
    assert portal_sessions.accesses_of(begun.session).exists()


def test_a_pin_works_until_its_time_is_up(ana: Client, practice: Practice, stopped_clock: Traveller) -> None:
    pin = given(ana)
    stopped_clock.shift(timedelta(seconds=settings.PIN_TTL - 1))
    assert sign_in_pins.live_pin(PortalAccess.objects.get(own_client=ana)) is not None
    stopped_clock.shift(timedelta(seconds=1))
    assert sign_in_pins.live_pin(PortalAccess.objects.get(own_client=ana)) is None
    assert typed(practice, pin) is None


def test_a_new_pin_voids_the_old_one(ana: Client, practice: Practice) -> None:
    old, new = given(ana), given(ana)
    assert typed(practice, old) is None
    assert typed(practice, new) is not None


def test_the_fifth_attempt_works_and_the_sixth_does_not(ana: Client, practice: Practice) -> None:
    pin = given(ana)
    for _ in range(4):
        assert typed(practice, other_than(pin)) is None
    assert typed(practice, pin) is not None
    pin = given(ana)
    for _ in range(5):
        assert typed(practice, other_than(pin)) is None
    assert typed(practice, pin) is None
    assert (entries(AuditAction.PIN_REFUSED), entries(AuditAction.PIN_BEYOND_LIMIT)) == (9, 1)


def test_a_new_pin_keeps_the_days_wrong_attempts(ana: Client, practice: Practice) -> None:
    for _ in range(2):
        pin = given(ana)
        for _ in range(5):
            typed(practice, other_than(pin))
    assert refused(ana) == "tries"
    assert entries(AuditAction.PIN_NOT_MADE) == 1


def test_staff_allow_more_attempts_and_make_a_pin_again(ana: Client, practice: Practice) -> None:
    for _ in range(10):
        typed(practice, "00000000", ip="198.51.100.7")
    assert refused(ana) == "tries"
    for _ in range(2):
        sign_in_pins.allow_more_attempts(ana, by=cast.DESK)
    assert entries(AuditAction.PIN_TRIES_ALLOWED) == 1
    assert typed(practice, given(ana)) is not None


def test_wrong_attempts_expire_after_a_day(ana: Client, practice: Practice, stopped_clock: Traveller) -> None:
    for _ in range(10):
        typed(practice, "00000000")
    stopped_clock.shift(timedelta(days=1, seconds=-1))
    assert refused(ana) == "tries"
    stopped_clock.shift(timedelta(seconds=1))
    assert given(ana)


def test_a_right_pin_does_not_count_as_an_attempt(ana: Client, practice: Practice) -> None:
    for number in range(11):
        assert typed(practice, given(ana), ip=f"192.0.2.{number}") is not None


def test_beyond_ten_attempts_a_right_pin_is_not_compared(ana: Client, practice: Practice) -> None:
    for _ in range(10):
        typed(practice, "00000000")
    sign_in_pins.allow_more_attempts(ana, by=cast.DESK)
    pin = given(ana)
    for number in range(10):
        typed(practice, other_than(pin), ip=f"192.0.2.{number}")
    Pin.objects.update(attempts=0)
    assert typed(practice, pin, ip="198.51.100.1") is None
    assert Pin.objects.get().attempts == 0
    assert entries(AuditAction.PIN_BEYOND_LIMIT) == 5 + 1
    limits = AuditEntry.objects.filter(action=AuditAction.PIN_BEYOND_LIMIT).order_by("id").values_list("details__limit")
    assert [each for (each,) in limits] == ["pin"] * 5 + ["identifier"]


def test_a_network_has_twenty_attempts_an_hour(practice: Practice) -> None:
    for number in range(20):
        assert typed(practice, "00000000", address=f"unknown{number}@mail.example") is None
    with pytest.raises(RateLimitExceeded):
        typed(practice, "00000000", address="another@mail.example")
    assert typed(practice, "00000000", address="another@mail.example", ip="198.51.100.1") is None
    assert entries(AuditAction.PIN_BEYOND_LIMIT) == 1


def test_a_wrong_pin_counts_against_each_live_pin_of_the_mailbox(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bruno)
    cast.with_access(bea)
    pin = given(bruno)
    given(bea)
    typed(practice, other_than(pin), address=BRUNOS)
    assert list(Pin.objects.order_by("id").values_list("attempts", flat=True)) == [1, 1]
    # The right one of the one is no wrong one of the other.
    assert typed(practice, pin, address=BRUNOS) is not None
    assert list(Pin.objects.order_by("id").values_list("attempts", flat=True)) == [2, 1]


def test_a_pin_works_only_with_its_address_and_practice(ana: Client, practice: Practice) -> None:
    birch = cast.birch()
    twin = cast.client(birch, "Ana", "Abreu", address=ANAS)
    cast.with_access(twin)
    cast.with_access(cast.carol(practice))
    pin = given(ana)
    assert typed(practice, pin, address="carol@mail.example") is None
    assert typed(birch, pin) is None
    assert typed(practice, pin) is not None


@pytest.mark.parametrize(
    ("why", "break_it"),
    [
        (
            "access",
            lambda ana: access_grants.save_access(
                ana, replace(cast.entry_for(ana), enabled=False), version=None, by=cast.DESK
            ),
        ),
        ("restore", lambda ana: client_changes.archive(ana, by=cast.DESK)),
    ],
)
def test_no_pin_is_made_or_works_while_a_step_is_broken(
    ana: Client, practice: Practice, why: str, break_it: Callable[[Client], object]
) -> None:
    pin = given(ana)
    break_it(ana)
    assert refused(ana) == why
    assert sign_in_pins.live_pin(PortalAccess.objects.get(own_client=ana)) is None
    assert typed(practice, pin) is None
    assert AuditEntry.objects.get(action=AuditAction.PIN_NOT_MADE).details == {"why": why}


def test_access_off_and_on_again_revives_no_pin(ana: Client, practice: Practice) -> None:
    pin = given(ana)
    access_grants.save_access(ana, replace(cast.entry_for(ana), enabled=False), version=None, by=cast.DESK)
    access_grants.save_access(ana, cast.entry_for(ana), version=None, by=cast.DESK)
    assert typed(practice, pin) is None


def consent(person: Client, *, given: bool) -> None:
    person.refresh_from_db()
    row = person.email_addresses.open().get()
    entry = ClientInput(
        ClientDetails(person.first_name, person.last_name),
        addresses=(AddressInput(row.address, row.kind, given, ref=row.ref),),
    )
    client_changes.save_client_info(person, entry, version=person.version, by=cast.DESK)


def test_revoking_everything_ends_pin_and_pin_session(ana: Client, practice: Practice) -> None:
    begun = typed(practice, given(ana))
    assert begun is not None
    pin = given(ana)
    revocation.revoke_all(ana, by=cast.DESK)
    assert not portal_sessions.accesses_of(begun.session).exists()
    assert typed(practice, pin) is None


def test_withdrawn_consent_ends_mail_sessions_but_no_pin(ana: Client, practice: Practice) -> None:
    by_mail = link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=VISITOR)
    link = cast.token_of(cast.invited(ana))
    by_pin = typed(practice, given(ana))
    unused = given(ana)
    consent(ana, given=False)
    assert isinstance(by_mail, StartedSession)
    assert by_pin is not None
    assert not portal_sessions.accesses_of(by_mail.session).exists()
    assert link_redemption.find(practice, link).state == LinkState.EXPIRED
    assert portal_sessions.accesses_of(by_pin.session).exists()
    assert typed(practice, unused) is not None


def test_consent_given_again_revives_neither_link_nor_session(ana: Client, practice: Practice) -> None:
    by_mail = link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=VISITOR)
    link = cast.token_of(cast.invited(ana))
    consent(ana, given=False)
    consent(ana, given=True)
    assert isinstance(by_mail, StartedSession)
    assert not portal_sessions.accesses_of(by_mail.session).exists()
    assert link_redemption.find(practice, link).state == LinkState.EXPIRED


def test_another_address_ends_pin_and_pin_session(ana: Client, practice: Practice) -> None:
    begun, unused = typed(practice, given(ana)), given(ana)
    ana.refresh_from_db()
    entry = ClientInput(
        ClientDetails(ana.first_name, ana.last_name),
        addresses=(AddressInput("ana@new.example", "home", email_ok=True, ref=ana.email_addresses.open().get().ref),),
    )
    client_changes.save_client_info(ana, entry, version=ana.version, by=cast.DESK)
    assert begun is not None
    assert not portal_sessions.accesses_of(begun.session).exists()
    assert typed(practice, unused) is None
    assert typed(practice, unused, address="ana@new.example") is None


def test_a_client_who_was_given_a_pin_needs_no_attention_until_the_address_changes(ana: Client) -> None:
    ana.refresh_from_db()
    assert ana.portal_reason == portal_states.Reason.NOT_INVITED
    given(ana)
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.INVITED
    assert list(portal_states.mismatches()) == []
    access_grants.save_access(ana, replace(cast.entry_for(ana), address=None), version=None, by=cast.DESK)
    access_grants.save_access(ana, cast.entry_for(ana), version=None, by=cast.DESK)
    ana.refresh_from_db()
    assert ana.portal_reason == portal_states.Reason.NOT_INVITED


def test_a_client_who_used_a_pin_is_signed_in(ana: Client, practice: Practice) -> None:
    typed(practice, given(ana))
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.SIGNED_IN
    assert list(portal_states.mismatches()) == []


def test_a_pin_says_nothing_about_whether_mail_arrives(ana: Client, practice: Practice) -> None:
    PortalAccess.objects.filter(client=ana).update(mail_stopped_at=clock.now(), mail_stopped_reason="Closed.")
    typed(practice, given(ana))
    ana.refresh_from_db()
    assert (ana.portal_state, ana.portal_reason) == (PortalState.NEEDS_ATTENTION, "mail_stopped")


def test_submitting_the_form_twice_makes_one_pin(ana: Client) -> None:
    assert given(ana, form_key="k" * 43) == given(ana, form_key="k" * 43)
    assert (Pin.objects.count(), entries(AuditAction.PIN_MADE)) == (1, 1)


def test_a_pin_is_shown_to_its_maker_alone_and_for_a_moment(ana: Client, stopped_clock: Traveller) -> None:
    given(ana, form_key="k" * 43)
    elm = cast.elm(ana.practice)
    assert sign_in_pins.digits(ana, "k" * 43, to=elm.actor) is None
    assert sign_in_pins.digits(cast.carol(ana.practice), "k" * 43, to=cast.DESK) is None
    stopped_clock.shift(sign_in_pins.SHOWN_FOR)
    assert sign_in_pins.digits(ana, "k" * 43, to=cast.DESK) is None


def test_no_unknown_address_is_in_the_audit_log(practice: Practice) -> None:
    typed(practice, "12345678", address="stranger@mail.example")
    entry = AuditEntry.objects.get(action=AuditAction.PIN_REFUSED)
    assert (entry.client, entry.about, entry.details, entry.actor_name) == (None, "", {}, "")


def test_a_wrong_pin_is_recorded_for_its_client(ana: Client, practice: Practice) -> None:
    typed(practice, other_than(given(ana)))
    assert AuditEntry.objects.get(action=AuditAction.PIN_REFUSED).client == ana


@pytest.mark.parametrize("pins_given", [0, 1, 2])
def test_an_unknown_address_costs_the_same_work(practice: Practice, pins_given: int) -> None:
    typed(practice, "00000000", address="stranger@mail.example")
    for person in (cast.bruno(practice), cast.bea(practice))[:pins_given]:
        cast.with_access(person)
        given(person)
    with CaptureQueriesContext(connection) as known:
        typed(practice, "00000000", address=BRUNOS)
    with CaptureQueriesContext(connection) as unknown:
        typed(practice, "00000000", address="stranger@mail.example")
    assert shapes(known) == shapes(unknown)


def test_an_unknown_address_makes_as_many_comparisons(
    ana: Client, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(ana)
    compare, compared = hmac.compare_digest, Counter[str]()
    for address in (ANAS, "stranger@mail.example"):

        def counted(one: str, other: str, address: str = address) -> bool:
            compared[address] += 1
            return compare(one, other)

        monkeypatch.setattr(hmac, "compare_digest", counted)
        typed(practice, "00000000", address=address)
    assert compared == {ANAS: 1, "stranger@mail.example": 1}


def shapes(queries: CaptureQueriesContext) -> list[str]:
    """Returns the statement and table of each query; savepoints without their names, which differ."""
    words = [query["sql"].split() for query in queries.captured_queries]
    return [" ".join(each[: 1 if each[0] in {"SAVEPOINT", "RELEASE"} else 3]) for each in words]


def test_over_two_hundred_wrong_pins_an_hour_are_a_burst(practice: Practice) -> None:
    for number in range(200):
        typed(practice, "00000000", address=f"unknown{number}@mail.example", ip=f"10.0.{number}.1")
    assert bursts.ongoing(practice) == []
    typed(practice, "00000000", address="one.more@mail.example")
    (burst,) = bursts.ongoing(practice)
    assert (burst.kind, burst.number) == (BurstKind.PINS, 1)


def test_a_pin_notice_is_not_sent_for_the_first_sign_in(ana: Client, practice: Practice) -> None:
    typed(practice, given(ana))
    assert not OutgoingEmail.objects.exists()
    another = Browser("Firefox on Windows", "another browser")
    assert sign_in_pins.enter(practice, ANAS, given(ana), visitor=another, ip="192.0.2.1")
    mail = OutgoingEmail.objects.get()  # Just one, although the browser is new.
    assert (mail.kind, mail.to_address, mail.client) == ("pin_used", ANAS, ana)
    # Her age is not known: a parent may read it.
    assert "Hello,\n" in outbox.composer_of(mail.kind).compose(mail, None).text


def test_nothing_is_mailed_about_a_pin_without_email_ok(ana: Client, practice: Practice) -> None:
    typed(practice, given(ana))
    consent(ana, given=False)
    typed(practice, given(ana))
    assert not OutgoingEmail.objects.exists()


def together(*works: Callable[[], object]) -> list[object]:
    start = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        start.wait(30)
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


GUESSES = 60


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_sixty_parallel_guesses_five_are_compared() -> None:
    ana = cast.ana(cast.alder())
    cast.with_access(ana)
    wrong = other_than(given(ana))
    together(*[lambda n=n: typed(ana.practice, wrong, ip=f"10.0.{n}.1") for n in range(GUESSES)])
    assert Pin.objects.get().attempts == 5
    assert (entries(AuditAction.PIN_REFUSED), entries(AuditAction.PIN_BEYOND_LIMIT)) == (5, GUESSES - 5)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_guard_more_than_five_are_compared() -> None:
    ana = cast.ana(cast.alder())
    cast.with_access(ana)
    given(ana)
    read = Barrier(GUESSES)

    def guess() -> bool:
        """Reads, compares and saves the count, in place of the conditional increment."""
        pin = Pin.objects.get()
        connection.close()  # Fewer connections than guesses: each lets go of its own before it waits.
        read.wait(30)
        if pin.attempts >= 5:
            return False
        pin.attempts += 1
        pin.save(update_fields=["attempts"])
        return True

    assert sum(bool(done) for done in together(*[guess] * GUESSES)) > 5


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_twenty_simultaneous_right_pins_start_one_session() -> None:
    ana = cast.ana(cast.alder())
    cast.with_access(ana)
    pin = given(ana)
    begun = together(*[lambda n=n: typed(ana.practice, pin, ip=f"10.0.{n}.1") for n in range(10)])
    assert sum(each is not None for each in begun) == 1
    assert PortalSession.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_ten_simultaneous_submissions_make_one_pin() -> None:
    ana = cast.ana(cast.alder())
    cast.with_access(ana)
    shown = together(*[lambda: given(ana, form_key="k" * 43)] * 10)
    assert len(set(shown)) == 1
    assert (Pin.objects.count(), entries(AuditAction.PIN_MADE)) == (1, 1)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_colleagues_pins_at_once_leave_one_that_works() -> None:
    ana = cast.ana(cast.alder())
    cast.with_access(ana)
    together(*[lambda: given(ana)] * 6)
    assert Pin.objects.unspent().count() == 1
    assert PortalAccess.objects.get().pin_given_at is not None
