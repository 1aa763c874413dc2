"""PINs with a phone number or the client number: also for a client without email, and alike for unknown ones."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portico.domain.access import access_grants, access_lookups, portal_states
from portico.domain.access.models import Pin, PortalAccess
from portico.domain.access.sign_in import pin_identifiers, portal_sessions, sign_in_pins
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import client_numbers
from portico.domain.clients.models import Client, PortalState
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.models import AuditEntry
from tests import cast
from tests.domain.access.sign_in.test_sign_in_pins import given, other_than, refused
from tests.domain.access.test_revocation import consent

pytestmark = pytest.mark.both_databases

PHONE = "+12125550199"


@pytest.fixture
def nia(practice: Practice) -> Client:
    """Returns a client with a phone number and no email address, whose access is on."""
    return without_email(practice, "Nia")


def without_email(practice: Practice, name: str, phone: str = PHONE) -> Client:
    client = cast.client(practice, name, phone=phone)
    cast.with_access(client)
    return client


def typed(practice: Practice, identifier: str, pin: str, *, ip: str = "198.51.100.1") -> StartedSession | None:
    canonical = pin_identifiers.canonical(identifier, practice)
    visitor = Browser("Safari on iPhone", "a browser")
    return sign_in_pins.enter(practice, canonical, pin, visitor=visitor, ip=ip)


@pytest.mark.parametrize(
    ("as_typed", "canonical"),
    [
        ("Ana@Mail.Example ", "ana@mail.example"),
        ("(212) 555-0199", PHONE),
        ("+1 212 555 0199", PHONE),
        ("\uff12\uff11\uff12 555 0199", PHONE),
        ("482-1374", "4821374"),
        ("482 1374", "4821374"),
        ("\u0664\u0668\u0662-1374", "4821374"),
    ],
)
def test_every_way_of_writing_it_is_one_identifier(practice: Practice, as_typed: str, canonical: str) -> None:
    assert pin_identifiers.canonical(as_typed, practice) == canonical


@pytest.mark.parametrize("as_typed", ["", "ana", "12", "+12", "@", "\u212aay@x.example"])
def test_what_names_nobody_is_refused(practice: Practice, as_typed: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        pin_identifiers.canonical(as_typed, practice)


def test_client_numbers_are_unique_and_lead_back() -> None:
    clients = [Client(pk=pk) for pk in (1, 2, 3, 999, 9_999_990)]
    numbers = [client_numbers.digits_of(client) for client in clients]
    assert len(set(numbers)) == len(clients)
    assert {len(number) for number in numbers} == {client_numbers.LENGTH}
    assert [client_numbers.id_of(number) for number in numbers] == [client.pk for client in clients]


@pytest.mark.parametrize("by_number", [True, False], ids=["client number", "phone"])
def test_a_client_without_email_signs_in(practice: Practice, nia: Client, *, by_number: bool) -> None:
    started = typed(practice, client_numbers.number_of(nia) if by_number else "(212) 555-0199", given(nia))
    assert started is not None
    assert [access.client for access in portal_sessions.accesses_of(started.session)] == [nia]
    nia.refresh_from_db()
    assert nia.portal_state == PortalState.SIGNED_IN
    assert list(portal_states.mismatches()) == []


def test_a_client_with_email_may_enter_the_number_too(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    assert typed(practice, client_numbers.number_of(ana), given(ana)) is not None


def test_the_pin_decides_between_clients_with_one_phone(practice: Practice, nia: Client) -> None:
    olu = without_email(practice, "Olu")
    pin = given(nia)
    olus = given(olu)
    started = typed(practice, PHONE, olus)
    assert started is not None
    assert started.session.only_client == olu
    assert typed(practice, PHONE, other_than(pin)) is None
    assert typed(practice, PHONE, pin) is not None


def test_another_practices_client_is_not_found(practice: Practice, nia: Client) -> None:
    pin = given(nia)
    birch = cast.birch()
    for identifier in (PHONE, client_numbers.number_of(nia)):
        assert typed(birch, identifier, pin) is None


@pytest.mark.parametrize(("known", "unknown"), [(PHONE, "+12125550177"), ("number", "0000001")])
def test_unknown_identifiers_run_the_same_queries(practice: Practice, nia: Client, known: str, unknown: str) -> None:
    pin = other_than(given(nia))
    known = client_numbers.number_of(nia) if known == "number" else known
    typed(practice, "+12125550166", pin)  # Counts the practice's and the network's first attempt.
    counts = []
    for identifier in (known, unknown):
        with CaptureQueriesContext(connection) as queries:
            assert typed(practice, identifier, pin) is None
        counts.append([query["sql"].split()[0] for query in queries.captured_queries])
    assert counts[0] == counts[1]


def test_budgets_count_what_was_typed(practice: Practice, nia: Client) -> None:
    pin = given(nia)
    for _ in range(10):
        typed(practice, "(212) 555-0199", "00000000")
    Pin.objects.update(attempts=0)
    assert typed(practice, "+1 212 555 0199", pin) is None
    assert typed(practice, client_numbers.number_of(nia), pin) is not None


@pytest.mark.parametrize("has_account", [True, False], ids=["with account", "without account"])
@pytest.mark.parametrize("by_number", [True, False], ids=["client number", "phone"])
def test_staff_see_a_spent_limit_of_any_identifier(
    practice: Practice, nia: Client, *, by_number: bool, has_account: bool
) -> None:
    identifier = client_numbers.number_of(nia) if by_number else PHONE
    if has_account:
        given(nia)
    for _ in range(9):
        typed(practice, identifier, "00000000")
    assert sign_in_pins.refusal(nia, access_lookups.access_of(nia)) is None
    typed(practice, identifier, "00000000")
    assert refused(nia) == "tries"
    sign_in_pins.allow_more_attempts(nia, by=cast.DESK)
    assert typed(practice, identifier, given(nia)) is not None


def test_more_attempts_are_allowed_for_every_identifier(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    identifiers = ["ana@mail.example", "+12125550134", client_numbers.number_of(ana)]
    for number, identifier in enumerate(identifiers * 10):
        typed(practice, identifier, "00000000", ip=f"192.0.2.{number}")
    sign_in_pins.allow_more_attempts(ana, by=cast.DESK)
    for identifier in identifiers:
        assert typed(practice, identifier, given(ana)) is not None


def test_an_address_removed_ends_the_pin_and_the_number_works(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    pin, number = given(ana), client_numbers.number_of(ana)
    entry = cast.entry_for(ana)
    access_grants.save_access(ana, replace(entry, address=None), version=None, by=cast.DESK)
    assert typed(practice, number, pin) is None
    first = typed(practice, number, given(ana))
    assert first is not None
    access_grants.save_access(ana, entry, version=None, by=cast.DESK)
    assert not portal_sessions.accesses_of(first.session).exists()
    access_grants.save_access(ana, replace(entry, address=None), version=None, by=cast.DESK)
    given(ana)
    assert not portal_sessions.accesses_of(first.session).exists()


def test_a_pin_instead_of_email_needs_no_attention(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    given(ana)
    stopped_clock.shift(timedelta(minutes=1))
    consent(ana, given=False)
    assert Client.objects.get().portal_state == PortalState.NEEDS_ATTENTION
    given(ana)
    assert Client.objects.get().portal_state == PortalState.INVITED


def test_a_form_sent_twice_makes_one_account(practice: Practice, nia: Client) -> None:
    form_key = tokens.new_token()
    first = sign_in_pins.generate(nia, form_key=form_key, by=cast.DESK)
    assert sign_in_pins.generate(nia, form_key=form_key, by=cast.DESK) == first
    assert PortalAccess.objects.get().account is not None
    assert AuditEntry.objects.filter(action=AuditAction.PIN_MADE).count() == 1
