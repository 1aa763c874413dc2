"""Help requests: closed once, deleted later, and announced by one worker when several run."""

from copy import copy
from datetime import timedelta

import pytest
from time_machine import Traveller

from portico.domain.access.help_requests import help_requests
from portico.domain.access.help_requests.help_requests import AlreadyDone, HelpRequestInput
from portico.domain.access.models import HelpRequest
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.models import AuditEntry
from tests import cast

pytestmark = pytest.mark.django_db


def asked(
    practice: Practice,
    key: str = "key",
    *,
    contact: str = "(212) 555-0134",
    address: str = "ana@mail.example",
    ip: str = "203.0.113.7",
) -> HelpRequest:
    entry = HelpRequestInput("Ana", contact, "Help", "en", address)
    help_requests.create_at_entrance(practice, entry, form_key=key, ip=ip)
    return HelpRequest.objects.latest("id")


def test_a_request_is_closed_once(practice: Practice) -> None:
    fay, elm = cast.fay(practice), cast.elm(practice)
    row = asked(practice)
    for _time in range(2):
        help_requests.close(row, note="Called, PIN given", by=fay.actor)
    with pytest.raises(AlreadyDone, match="Fay already marked"):
        help_requests.close(row, note="Mine", by=elm.actor)
    row.refresh_from_db()
    assert (row.done_by, row.note) == ("Fay", "Called, PIN given")
    assert AuditEntry.objects.get(action=AuditAction.HELP_REQUEST_DONE).about == row.ref


def test_a_second_note_under_the_same_name_is_kept_too(practice: Practice) -> None:
    row = asked(practice)
    for note in ("Called, PIN given", "", "Address corrected", "Called, PIN given"):
        help_requests.close(row, note=note, by=cast.fay(practice).actor if note == "" else Actor.system("Fay"))
    row.refresh_from_db()
    assert row.note == "Called, PIN given\nAddress corrected"
    assert AuditEntry.objects.filter(action=AuditAction.HELP_REQUEST_DONE).count() == 2


def test_another_contact_each_time_stays_within_the_limit_of_the_network(
    practice: Practice, stopped_clock: Traveller
) -> None:
    for number in range(17):
        asked(practice, str(number), contact=f"(212) 555-{number:04}", address="")
        stopped_clock.shift(timedelta(minutes=2))
    assert (
        list(HelpRequest.objects.order_by("id").values_list("is_beyond_limit", flat=True)) == [False] * 15 + [True] * 2
    )
    asked(practice, "other", contact="(212) 555-0199", address="", ip="203.0.113.8")
    assert not HelpRequest.objects.latest("id").is_beyond_limit


def test_requests_from_many_networks_stay_within_the_limit_of_the_practice(practice: Practice) -> None:
    for number in range(62):
        asked(practice, str(number), contact=f"n{number}@mail.example", address="", ip=f"203.0.113.{number}")
    assert HelpRequest.objects.filter(is_beyond_limit=True).count() == 2
    asked(cast.birch(), "other", ip="203.0.113.200")
    assert not HelpRequest.objects.latest("id").is_beyond_limit


def test_open_requests_come_newest_first_and_those_beyond_a_limit_last(practice: Practice) -> None:
    within, beyond = ([asked(practice, f"{kind}{number}") for number in range(5)] for kind in "ab")
    copies = [copied(row, number) for number, row in enumerate([*within, *beyond] * 5)]
    HelpRequest.objects.bulk_create(copies)
    expected = list(HelpRequest.objects.order_by("is_beyond_limit", "-id"))
    assert {row.is_beyond_limit for row in expected} == {False, True}
    pages, after = [], ""
    while True:
        page = help_requests.open_requests(practice, after=after)
        pages.append(page.rows)
        after = page.next_ref
        if not after:
            break
    assert [len(rows) for rows in pages] == [25, 25, 10]
    assert [row for rows in pages for row in rows] == expected


def copied(row: HelpRequest, number: int) -> HelpRequest:
    """Returns an unsaved copy of the request, as of another form."""
    other = copy(row)
    other.pk, other.ref, other.form_digest = None, tokens.new_ref(), f"{number}"
    return other


def test_an_open_request_is_deleted_like_a_done_one_if_it_was_not_touched(
    practice: Practice, stopped_clock: Traveller
) -> None:
    forgotten, announced = asked(practice), asked(practice, "other")
    stopped_clock.shift(timedelta(days=320))
    HelpRequest.objects.filter(pk=announced.pk).update(announced_at=clock.now())
    stopped_clock.shift(timedelta(days=80))
    assert help_requests.delete_old() == 0
    stopped_clock.shift(timedelta(seconds=1))
    assert help_requests.delete_old() == 1
    assert not HelpRequest.objects.filter(pk=forgotten.pk).exists()
    stopped_clock.shift(timedelta(days=10, seconds=1))
    assert help_requests.delete_old() == 1


def test_done_requests_are_deleted_after_400_days(practice: Practice, stopped_clock: Traveller) -> None:
    done = asked(practice)
    help_requests.close(done, note="", by=cast.DESK)
    stopped_clock.shift(timedelta(days=1))
    waiting = asked(practice, "other")
    stopped_clock.shift(timedelta(days=399))
    assert help_requests.delete_old() == 0
    stopped_clock.shift(timedelta(seconds=1))
    assert help_requests.delete_old() == 1
    assert HelpRequest.objects.get() == waiting


def test_requests_beyond_the_limit_are_deleted_after_30_days(practice: Practice, stopped_clock: Traveller) -> None:
    for number in range(7):
        asked(practice, str(number))
    stopped_clock.shift(timedelta(days=30, seconds=1))
    assert help_requests.delete_old() == 2
    assert HelpRequest.objects.filter(is_beyond_limit=False).count() == 5
