"""Runs that share documents and concurrent workers: each person gets one packet."""

from functools import partial
from threading import Barrier

import pytest
from django.db import transaction

from portico.domain.access.models import InvitationRun, ItemState
from portico.domain.documents.models import DocumentRequest, Packet
from portico.domain.documents.sharing import bulk_sharing
from portico.domain.practices.models import Practice
from portico.plumbing.models import OutgoingEmail
from tests import cast, shared_documents
from tests.support.at_once import at_once, errors

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

CLIENTS = 12


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def started(practice: Practice, number: int = CLIENTS) -> InvitationRun:
    people = [cast.client(practice, f"P{place}", address=f"p{place // 2}@mail.example") for place in range(number)]
    for person in people:
        cast.with_access(person)
    return shared_documents.run_for(people, shared_documents.consent(practice), requested_by=cast.fay(practice))


def test_two_workers_share_once_with_each_person(practice: Practice) -> None:
    run = started(practice)
    work = partial(shared_documents.finish_run, run)
    assert errors(at_once(work, work)) == []
    assert set(run.items.values_list("state", flat=True)) == {ItemState.SHARED}
    assert Packet.objects.count() == DocumentRequest.objects.count() == OutgoingEmail.objects.count() == CLIENTS


def test_without_the_runs_lock_both_workers_take_the_same_person(practice: Practice) -> None:
    """Shows that without the lock both workers share with the same person; only the packet's key refuses the second."""
    run = started(practice, 1)
    both_have_found = Barrier(2)
    outcomes = list[object]()

    def share_without_the_lock() -> None:
        with transaction.atomic():
            item = run.items.waiting().select_related("client", "relationship").get()
            both_have_found.wait(30)
            outcomes.append(bulk_sharing.share_item(item, run))

    assert errors(at_once(share_without_the_lock, share_without_the_lock)) == []
    # One of them would record that the person was left out, who has just got the documents.
    assert sorted(str(outcome) for outcome in outcomes) == ["None", "still_open"]
