"""Near misses: who is found, who is not, and that the asker and the entrance learn nothing of it."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portico.domain.access import access_lookups
from portico.domain.access.models import NearMiss, PortalAccess, PortalAccount, SignInRequest
from portico.domain.access.sign_in import link_redemption
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.requests import near_misses, request_worker, sign_in_requests
from portico.domain.access.sign_in.requests.sign_in_requests import RequestOrigin
from portico.domain.clients.models import Client, Status
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def jordan(practice: Practice) -> Client:
    person = cast.client(practice, "Jordan", "Avery", address="jordan.avery@gmail.com")
    cast.invited(person)
    return person


def ask(practice: Practice, address: str, *, is_typed: bool = True) -> None:
    """Requests a link for an address, and lets the worker answer."""
    number = SignInRequest.objects.count()
    origin = RequestOrigin("a browser", f"203.0.113.{number % 200}")
    sign_in_requests.create(practice, address, origin=origin, is_typed=is_typed)
    assert request_worker.process_next()


def found() -> list[tuple[str, int]]:
    rows = NearMiss.objects.order_by("id").values_list("client__first_name", "distance")
    return [(name, distance) for name, distance in rows]


@pytest.mark.parametrize(
    ("typed", "distance"),
    [
        ("jordan.avery@gmial.com", 1),
        ("Jordan.Avery@gmail.co", 1),
        ("jordanavery@gmail.com", 1),
        ("jrodan.avery@gmail.com", 1),
        ("jordan.avry@gmail.com", 1),
        ("jordan.avrey@gmail.com", 1),
        ("jordon.averi@gmail.com", 2),
    ],
)
def test_a_slip_of_a_letter_or_two_is_found(practice: Practice, jordan: Client, typed: str, distance: int) -> None:
    ask(practice, typed)
    assert found() == [("Jordan", distance)]


@pytest.mark.parametrize("typed", ["jordan.avery@example.com", "taylor.avery@gmail.com", "jo@gmail.com"])
def test_another_address_is_not_found(practice: Practice, jordan: Client, typed: str) -> None:
    ask(practice, typed)
    assert found() == []


def test_an_error_in_the_search_leaves_every_request_answered(
    practice: Practice, jordan: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    birch = cast.birch()
    for number, each in enumerate((practice, birch)):
        origin = RequestOrigin("a browser", f"203.0.113.{number}")
        sign_in_requests.create(each, "jordan.avery@gmial.com", origin=origin, is_typed=True)

    def stumble(*_arguments: object) -> None:
        raise LookupError

    monkeypatch.setattr(near_misses, "record", stumble)
    assert request_worker.process_next()
    assert list(SignInRequest.objects.values_list("outcome", flat=True)) == ["unknown", "unknown"]
    # Where it happened, without the error's text, which may hold what was typed.
    (failed, _other) = [each for each in caplog.records if each.message == "near_miss.failed"]
    assert re.fullmatch(r"LookupError at test_near_misses.py:\d+", failed.__dict__["error"])


def test_short_names_may_differ_by_one_letter_only(practice: Practice) -> None:
    cast.invited(cast.client(practice, "Fiona", address="fiona@mail.example"))
    ask(practice, "fionnas@mail.example")
    assert found() == []
    ask(practice, "fionna@mail.example")
    assert found() == [("Fiona", 1)]


def test_two_that_are_as_near_are_not_told_apart(practice: Practice, jordan: Client) -> None:
    cast.invited(cast.client(practice, "Jordana", address="jordana.avery@gmail.com"))
    ask(practice, "jordanx.avery@gmail.com")
    assert found() == []
    ask(practice, "jordan.averyy@gmail.com")
    assert found() == [("Jordan", 1)]


def test_an_address_that_was_left_for_another_does_not_count(practice: Practice, jordan: Client) -> None:
    PortalAccount.objects.create(practice=practice, mailbox_key="jordan.avery@gmai.com")
    ask(practice, "jordan.avery@gmal.com")
    assert found() == [("Jordan", 1)]


def test_each_client_of_the_mailbox_is_found(practice: Practice) -> None:
    for person in (cast.bruno(practice), cast.bea(practice)):
        cast.with_access(person)
    ask(practice, "brunno@mail.example")
    assert found() == [("Bruno", 1), ("Bea", 1)]


@pytest.mark.parametrize(
    "change",
    [
        {"enabled_at": None},
        {"mail_stopped_at": clock.now()},
        {"last_signed_in_at": clock.now()},
        {"client__status": Status.ARCHIVED},
        {"address__email_ok_at": None},
    ],
)
def test_clients_who_need_no_help_or_get_no_mail_are_not_found(
    practice: Practice, jordan: Client, change: dict[str, object], stopped_clock: time_machine.Traveller
) -> None:
    ((field, value),) = change.items()
    model, _, name = field.rpartition("__")
    if field == "last_signed_in_at":
        value = clock.now() - timedelta(hours=23)
    access = PortalAccess.objects.get()
    row = {"client": access.client, "address": access.address}.get(model, access)
    type(row)._base_manager.filter(pk=row.pk).update(**{name: value})  # type: ignore[union-attr]  # One of three rows.
    ask(practice, "jordan.avery@gmial.com")
    assert found() == []


def test_a_client_who_signed_in_long_ago_is_found(practice: Practice, jordan: Client) -> None:
    PortalAccess.objects.update(last_signed_in_at=clock.now() - timedelta(hours=25))
    ask(practice, "jordan.avery@gmial.com")
    assert found() == [("Jordan", 1)]


def test_a_known_address_and_one_that_was_not_typed_are_not_searched(practice: Practice, jordan: Client) -> None:
    ask(practice, "jordan.avery@gmail.com")
    ask(practice, "jordan.avery@gmial.com", is_typed=False)
    assert found() == []


def test_another_practices_clients_are_not_found(practice: Practice, jordan: Client) -> None:
    ask(cast.birch(), "jordan.avery@gmial.com")
    assert found() == []


def test_nothing_is_mailed(practice: Practice, jordan: Client) -> None:
    before = OutgoingEmail.objects.count()
    ask(practice, "jordan.avery@gmial.com")
    assert OutgoingEmail.objects.count() == before


def test_it_is_gone_once_the_client_signs_in(
    practice: Practice, jordan: Client, stopped_clock: time_machine.Traveller
) -> None:
    ask(practice, "jordan.avery@gmial.com")
    assert shown(jordan) is not None
    stopped_clock.shift(timedelta(minutes=1))
    token = cast.token_of(jordan.invitations.get())
    link_redemption.redeem(practice, token, visitor=Browser("Firefox", "a browser"))
    assert shown(jordan) is None


def test_it_is_gone_once_the_address_is_the_one_that_was_typed(practice: Practice, jordan: Client) -> None:
    ask(practice, "jordan.avery@gmial.com")
    PortalAccount.objects.update(mailbox_key="jordan.avery@gmial.com")
    assert shown(jordan) is None


def shown(person: Client) -> near_misses.ShownNearMiss | None:
    row = near_misses.with_newest(Client.objects.filter(pk=person.pk)).get()
    return near_misses.newest_of(row, access_lookups.access_of(row))


def test_it_is_deleted_with_its_request(
    practice: Practice, jordan: Client, stopped_clock: time_machine.Traveller
) -> None:
    ask(practice, "jordan.avery@gmial.com")
    stopped_clock.shift(timedelta(days=31))
    assert sign_in_requests.delete_old() == 1
    assert found() == []


def test_the_search_uses_an_index_for_each_part(practice: Practice) -> None:
    accounts = near_misses.similar_accounts(practice, "jordan.avery@gmail.com")
    PortalAccount.objects.bulk_create(
        PortalAccount(practice=practice, mailbox_key=f"person{number}@mail{number % 50}.example")
        for number in range(3_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE access_portalaccount")
    plan = accounts.explain()
    for index in ("access_mailbox_name", "access_mailbox_head", "access_mailbox_tail"):
        assert index in plan, plan


def test_an_unknown_address_costs_one_query_more_in_the_worker(practice: Practice, jordan: Client) -> None:
    requests = [cast.asked(practice, "stranger@elsewhere.example")]
    with CaptureQueriesContext(connection) as queries:
        assert near_misses.record(practice, requests) == 0
    assert len(queries) == 1
