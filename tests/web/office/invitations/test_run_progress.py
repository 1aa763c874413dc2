"""The progress of a run of invitations: numbers by state, clients with a problem, and the buttons."""

import re
from datetime import timedelta

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings
from time_machine import Traveller

from portico.domain.access.models import InvitationRun, PortalAccess, RunKind
from portico.domain.access.onboarding import bulk_selection, invitation_run_worker, invitation_runs
from portico.domain.access.onboarding.bulk_selection import Selection
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing import clock, tokens
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import DelayCause, EmailState
from tests import cast

pytestmark = pytest.mark.django_db
RUNS = "/office/invitations/"
# Session with staff and practice, counts of the menu, the run, its numbers, its problems, an outage of the mail server.
QUERIES = 6
# The first two, the runs, their numbers.
LIST_QUERIES = 4


def started(*people: Client) -> InvitationRun:
    practice = people[0].practice
    selection = Selection(RunKind.INVITE, refs=tuple(person.ref for person in people))
    return invitation_runs.start(
        practice,
        selection,
        shown=bulk_selection.preview(practice, selection).digest,
        form_key=tokens.new_token(),
        requested_by=StaffMember.objects.get(practice=practice),
    )


def numbers(page: str) -> dict[str, int]:
    found = re.findall(r'data-testid="run-number" data-state="(\w+)"[^>]*>(\d+)', page)
    return {state: int(number) for state, number in found if int(number)}


def test_it_counts_from_waiting_to_signed_in(office: Browser, practice: Practice) -> None:
    ana, bruno = cast.ana(practice), cast.bruno(practice)
    run = started(ana, bruno, cast.client(practice, "Nia"))
    address = f"{RUNS}{run.ref}/"
    assert numbers(office.get(address).text) == {"waiting": 2, "left_out": 1}
    while invitation_run_worker.settle_next(run):
        pass
    OutgoingEmail.objects.update(state=EmailState.HANDED_OVER, settled_at=clock.now())
    PortalAccess.objects.filter(client=ana).update(first_signed_in_at=clock.now())
    page = office.get(address).text
    assert numbers(page) == {"handed_over": 1, "signed_in": 1, "left_out": 1}
    assert "1 of 2 signed in" in page
    assert f"{RUNS}new/?run={run.ref}" in page


def test_it_reloads_itself_while_the_worker_is_busy(office: Browser, practice: Practice) -> None:
    run = started(cast.ana(practice))
    address = f"{RUNS}{run.ref}/"
    for javascript in ('hx-trigger="load delay:2s"', 'http-equiv="refresh"'):
        assert javascript in office.get(address).text
    while invitation_run_worker.settle_next(run):
        pass
    assert "load delay" in office.get(address).text
    OutgoingEmail.objects.update(state=EmailState.HANDED_OVER, settled_at=clock.now())
    assert "load delay" not in office.get(address).text


def test_the_page_of_a_large_run_reloads_less_often(office: Browser, practice: Practice) -> None:
    run = started(cast.ana(practice))
    InvitationRun.objects.update(total=501)
    assert 'hx-trigger="load delay:10s"' in office.get(f"{RUNS}{run.ref}/").text


def test_it_lists_who_did_not_get_it(office: Browser, practice: Practice) -> None:
    ana, without = cast.ana(practice), cast.client(practice, "Nia")
    run = started(ana, without)
    while invitation_run_worker.settle_next(run):
        pass
    OutgoingEmail.objects.update(state=EmailState.BOUNCED, reason="The mailbox doesn’t exist.", settled_at=clock.now())
    page = office.get(f"{RUNS}{run.ref}/").text
    assert re.findall(r'data-testid="run-problem" data-ref="(\w+)"', page) == [ana.ref, without.ref]
    assert "The mailbox doesn’t exist." in page
    assert f"/office/emails/{OutgoingEmail.objects.get().ref}/" in page
    assert "No email address is chosen" in page


def test_pause_resume_and_stop(office: Browser, practice: Practice) -> None:
    run = started(cast.ana(practice), cast.bruno(practice))
    address = f"{RUNS}{run.ref}/"
    assert "Paused. No more are queued." in office.post(f"{address}pause/", follow=True).text
    assert not invitation_run_worker.settle_next(run)
    assert "load delay" not in office.get(address).text
    assert "Pause" in office.post(f"{address}resume/", follow=True).text
    assert invitation_run_worker.settle_next(run)
    assert numbers(office.post(f"{address}stop/", follow=True).text) == {"waiting": 1, "stopped": 1}
    assert not invitation_run_worker.settle_next(run)


def test_an_outage_of_the_mail_server_is_shown(office: Browser, practice: Practice) -> None:
    run = started(cast.ana(practice), cast.bruno(practice))
    invitation_run_worker.settle_next(run)
    assert "Sending continues in the background" in office.get(f"{RUNS}{run.ref}/").text
    OutgoingEmail.objects.update(state=EmailState.DELAYED, delayed_at=clock.now(), delayed_by=DelayCause.OURS)
    page = office.get(f"{RUNS}{run.ref}/").text
    assert 'data-testid="run-outage"' in page
    assert "Sending continues in the background" not in page


def test_a_complaint_is_not_counted_as_not_delivered(office: Browser, practice: Practice) -> None:
    run = started(cast.ana(practice))
    while invitation_run_worker.settle_next(run):
        pass
    OutgoingEmail.objects.update(state=EmailState.COMPLAINED, settled_at=clock.now())
    assert numbers(office.get(f"{RUNS}{run.ref}/").text) == {"complained": 1}


def test_it_says_that_the_starter_has_left(office: Browser, practice: Practice) -> None:
    run = started(cast.ana(practice))
    InvitationRun.objects.update(requested_by=cast.gus(practice))
    assert not invitation_run_worker.settle_next(run)
    page = office.get(f"{RUNS}{run.ref}/").text
    assert "Paused because the account of Gus was deactivated." in page
    # As a word: the random values in the page may contain the letters.
    assert not re.search(r"\bGus\b", office.post(f"{RUNS}{run.ref}/resume/", follow=True).text)
    assert invitation_run_worker.settle_next(run)


def test_reloading_without_script_keeps_no_session_alive(
    office: Browser, practice: Practice, stopped_clock: Traveller, settings: Settings
) -> None:
    run = started(cast.ana(practice))
    (query,) = re.findall(r'http-equiv="refresh" content="3; url=([^"]+)"', office.get(f"{RUNS}{run.ref}/").text)
    for _ in range(4):
        stopped_clock.shift(timedelta(seconds=settings.SESSION_IDLE_STAFF / 3))
        status = office.get(f"{RUNS}{run.ref}/{query}").status_code
    assert status == 302


def test_runs_are_listed_newest_first(office: Browser, practice: Practice) -> None:
    first, second = started(cast.ana(practice)), started(cast.bruno(practice))
    page = office.get(RUNS).text
    assert re.findall(r'data-testid="run-row" data-ref="(\w+)"', page) == [second.ref, first.ref]
    assert RUNS in office.get("/office/clients/").text


def test_another_practice_sees_and_changes_nothing(office: Browser, practice: Practice) -> None:
    run = started(cast.ana(practice))
    elsewhere = cast.signed_in(Browser(), cast.fay(cast.birch()))
    assert run.ref not in elsewhere.get(RUNS).text
    assert elsewhere.get(f"{RUNS}{run.ref}/").status_code == 404
    for button in ("pause", "resume", "stop"):
        assert elsewhere.post(f"{RUNS}{run.ref}/{button}/").status_code == 404
    run.refresh_from_db()
    assert (run.paused_at, run.ended_at) == (None, None)


@pytest.mark.parametrize("number", [1, 30])
def test_the_number_of_queries_is_fixed(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    people = [cast.client(practice, f"P{place}", address=f"p{place}@mail.example") for place in range(number)]
    run = started(*people, cast.client(practice, "Nia"))
    for _ in range(number // 2):
        invitation_run_worker.settle_next(run)
    with django_assert_num_queries(QUERIES):
        office.get(f"{RUNS}{run.ref}/")
    with django_assert_num_queries(LIST_QUERIES):
        office.get(RUNS)
