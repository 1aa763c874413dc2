"""First saves of an access at the same time: one row each, and without the lock or the retry it fails."""

from collections.abc import Callable
from threading import Event

import pytest
from django.db import IntegrityError

from portico.domain.access import access_grants, access_locks
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.access.onboarding import invitations
from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.at_once import HANDS, at_once, errors, wait_until_another_waits

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

TEXT = InvitationText("Welcome", "Hello [first name]")


@pytest.fixture
def ana() -> Client:
    return cast.ana(cast.alder())


def save(person: Client) -> None:
    access_grants.save_access(person, cast.entry_for(person), version=None, by=cast.DESK)


def test_a_draft_saved_during_the_first_save_is_kept(ana: Client) -> None:
    entry = cast.entry_for(ana)
    is_held = Event()

    def save_slowly() -> None:
        with access_locks.lock_access(ana) as (_row, access):
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
        with access_locks.lock_access(ana) as (_row, access):
            is_held.set()
            assert is_kept.wait(30)
            access_grants.apply(access, entry, by=cast.DESK)

    def keep_without_the_lock() -> None:
        assert is_held.wait(30)
        PortalAccess.objects.create(client=ana, own_client=ana, practice_id=ana.practice_id, draft_subject="Welcome")
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


def save_during_another_first_save(ana: Client, save: Callable[[Client], object]) -> list[type[BaseException]]:
    """Calls `save` for a client whose mailbox gets its account in another transaction; returns the errors."""
    other = cast.client(ana.practice, "Bea", address="ana@mail.example")
    entry = cast.entry_for(other)
    is_written = Event()

    def save_slowly() -> None:
        with access_locks.lock_access(other) as (_row, access):
            access_grants.apply(access, entry, by=cast.DESK)
            is_written.set()
            wait_until_another_waits()

    def save_meanwhile() -> None:
        assert is_written.wait(30)
        save(ana)

    return errors(at_once(save_slowly, save_meanwhile))


def test_an_account_created_during_a_save_is_used(ana: Client) -> None:
    assert save_during_another_first_save(ana, save) == []
    assert PortalAccount.objects.get().accesses.count() == 2


def test_without_the_retry_the_save_fails(ana: Client) -> None:
    """Shows that the database refuses the second account of the mailbox."""
    entry = cast.entry_for(ana)

    def save_once(person: Client) -> None:
        with access_locks.lock_access(person) as (_row, access):
            access_grants.apply(access, entry, by=cast.DESK)

    assert save_during_another_first_save(ana, save_once) == [IntegrityError]


def test_a_first_save_submitted_twice_makes_one_access(ana: Client) -> None:
    entry = cast.entry_for(ana)

    def save_first() -> None:
        access_grants.save_access(ana, entry, version=1, by=cast.DESK, is_first=True)

    assert errors(at_once(save_first, save_first)) == []
    assert PortalAccess.objects.get(client=ana).is_on
