"""A draft saved during the first save of a client's access: one row keeps both, and without the lock it fails."""

import time
from threading import Event

import pytest
from django.db import IntegrityError, connection

from portico.domain.access import access_grants
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.access.onboarding import invitations
from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.at_once import HANDS, at_once, errors

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

TEXT = InvitationText("Welcome", "Hello [first name]")


@pytest.fixture
def ana() -> Client:
    return cast.ana(cast.alder())


def save(person: Client) -> None:
    access_grants.save_access(person, cast.entry_for(person), version=None, by=cast.DESK)


def wait_until_another_waits() -> None:
    """Waits until another transaction waits for a lock."""
    until = time.monotonic() + 30
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    pytest.fail("Nothing waited.")


def test_a_draft_saved_during_the_first_save_is_kept(ana: Client) -> None:
    entry = cast.entry_for(ana)
    is_held = Event()

    def save_slowly() -> None:
        with access_grants.lock_access(ana) as (_row, access):
            is_held.set()
            wait_until_another_waits()
            access_grants.apply(access, entry, by=cast.DESK)

    def keep() -> None:
        assert is_held.wait(30)
        invitations.save_draft(ana, TEXT)

    assert errors(at_once(save_slowly, keep)) == []
    access = PortalAccess.objects.get(client=ana)
    assert (access.is_on, access.draft_subject) == (True, "Welcome")


def test_without_the_lock_the_first_save_fails(ana: Client) -> None:
    """Shows that without the lock the database refuses the save, because the draft created the row."""
    entry = cast.entry_for(ana)
    is_held, is_kept = Event(), Event()

    def save_slowly() -> None:
        with access_grants.lock_access(ana) as (_row, access):
            is_held.set()
            assert is_kept.wait(30)
            access_grants.apply(access, entry, by=cast.DESK)

    def keep_without_the_lock() -> None:
        assert is_held.wait(30)
        PortalAccess.objects.create(client=ana, practice_id=ana.practice_id, draft_subject="Welcome")
        is_kept.set()

    assert errors(at_once(save_slowly, keep_without_the_lock)) == [IntegrityError]


def test_clients_of_a_new_mailbox_saved_at_once_share_one_account() -> None:
    practice: Practice = cast.alder()
    family = [cast.client(practice, f"Bea {number}", address="bruno@mail.example") for number in range(HANDS)]
    assert errors(at_once(*[lambda person=person: save(person) for person in family])) == []
    account = PortalAccount.objects.get()
    numbers = PortalAccess.objects.order_by("changed_epoch").values_list("changed_epoch", flat=True)
    # Each took a number of its own.
    assert list(numbers) == list(range(2, HANDS + 2))
    assert account.epoch == HANDS + 1
