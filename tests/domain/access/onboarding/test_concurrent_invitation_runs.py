"""Runs of invitations and concurrent workers, forms and buttons: each client is invited once."""

from functools import partial
from threading import Barrier

import pytest
from django.db import transaction

from portico.domain.access.models import Invitation, InvitationRun, InvitationRunItem, ItemState, PortalAccess, RunKind
from portico.domain.access.onboarding import bulk_selection, invitation_run_worker, invitation_runs, invitations
from portico.domain.access.onboarding.bulk_selection import Selection
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.support.at_once import HANDS, at_once, errors, second_waits

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

CLIENTS = 12


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def start(practice: Practice, fay: StaffMember, *, form_key: str = "k") -> InvitationRun:
    refs = tuple(person.ref for person in Client.objects.filter(practice=practice).order_by("id"))
    selection = Selection(RunKind.INVITE, refs=refs)
    shown = bulk_selection.preview(practice, selection).digest
    return invitation_runs.start(practice, selection, shown=shown, form_key=form_key, requested_by=fay)


def started(practice: Practice, number: int = CLIENTS) -> InvitationRun:
    for place in range(number):
        # Two clients for each mailbox, whose account both workers may have to create.
        cast.client(practice, f"Person {place}", address=f"person{place // 2}@mail.example")
    return start(practice, cast.fay(practice))


def work(run: InvitationRun) -> None:
    while invitation_run_worker.settle_next(run):
        pass


def test_two_workers_invite_each_client_once(practice: Practice) -> None:
    run = started(practice)
    assert errors(at_once(partial(work, run), partial(work, run))) == []
    assert set(InvitationRunItem.objects.values_list("state", flat=True)) == {ItemState.INVITED}
    assert Invitation.objects.count() == OutgoingEmail.objects.count() == CLIENTS


def test_without_the_runs_lock_both_workers_take_the_same_client(practice: Practice) -> None:
    """Shows that without the lock both workers find the same item waiting, and one must fail."""
    run = started(practice, 1)
    both_have_found = Barrier(2)

    def invite_without_the_lock() -> None:
        with transaction.atomic():
            item = run.items.waiting().select_related("client").get()
            both_have_found.wait(30)
            locked = InvitationRun.objects.select_related("requested_by").get()
            invitation_run_worker._invite(item, locked, invitations.write)
            # What tells the other worker that the client was invited.
            PortalAccess.objects.filter(client=item.client).update(invited_at=None)

    assert len(errors(at_once(invite_without_the_lock, invite_without_the_lock))) == 1


def test_a_run_resumed_by_two_colleagues_goes_on_in_the_name_of_the_first(practice: Practice) -> None:
    run, hal = started(practice, 1), cast.hal(practice)
    StaffMember.objects.filter(pk=run.requested_by_id).update(deactivated_at=clock.now())
    invitation_runs.pause(run, by=cast.DESK)
    resume = partial(invitation_runs.resume, run, by=hal.actor)
    assert errors(second_waits(resume, resume)) == []
    run.refresh_from_db()
    assert (run.is_paused, run.requested_by) == (False, hal)


def test_a_worker_that_waits_for_a_run_to_be_resumed_goes_on(practice: Practice) -> None:
    run, hal = started(practice, 1), cast.hal(practice)
    StaffMember.objects.filter(pk=run.requested_by_id).update(deactivated_at=clock.now())
    invitation_runs.pause(run, by=cast.DESK)
    found = second_waits(partial(invitation_runs.resume, run, by=hal.actor), partial(work, run))
    assert errors(found) == []
    assert Invitation.objects.get().sent_by == hal.name


def test_a_form_submitted_many_times_at_once_starts_one_run(practice: Practice) -> None:
    cast.ana(practice)
    fay = cast.fay(practice)
    results = at_once(*[partial(start, practice, fay)] * HANDS)
    assert errors(results) == []
    assert len({run.pk for run in results if isinstance(run, InvitationRun)}) == 1
    assert InvitationRun.objects.count() == 1


@pytest.mark.parametrize("button", [invitation_runs.pause, invitation_runs.stop])
def test_nothing_is_written_after_pause_or_stop_has_returned(practice: Practice, button: object) -> None:
    run = started(practice)
    written = list[int]()

    def press() -> None:
        assert callable(button)
        button(run, by=cast.DESK)
        written.append(Invitation.objects.count())

    assert errors(at_once(partial(work, run), press)) == []
    assert Invitation.objects.count() == written[0]
