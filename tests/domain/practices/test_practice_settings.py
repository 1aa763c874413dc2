"""Two owners at the settings: who saves second is told, and nothing is overwritten unseen."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from threading import Barrier

import pytest
from django.db import connection

from portico.domain.audit_actions import AuditAction
from portico.domain.practices import practice_settings
from portico.domain.practices.models import Practice
from portico.domain.practices.practice_settings import PracticeDetails, SettingsConflict
from portico.plumbing.models import AuditEntry
from tests import cast

HANDS = 8


def said(practice: Practice) -> PracticeDetails:
    """The page as it opens, with another accent."""
    as_it_is = PracticeDetails(**{each.name: getattr(practice, each.name) for each in fields(PracticeDetails)})
    return replace(as_it_is, hue=140)


def hours(number: int) -> str:
    return f"From {number} o’clock"


def save(practice: Practice, number: int) -> bool:
    description = replace(said(practice), support_hours=hours(number))
    try:
        practice_settings.save_details(practice, description, version=practice.version, by=cast.DESK)
    except SettingsConflict:
        return False
    return True


def at_once(work: Callable[[int], bool]) -> list[bool]:
    gate = Barrier(HANDS)

    def one(number: int) -> bool:
        try:
            gate.wait(30)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(HANDS) as pool:
        return list(pool.map(one, range(HANDS)))


@pytest.mark.django_db
def test_the_same_description_again_changes_nothing_and_is_no_entry() -> None:
    practice = cast.alder()
    first = practice_settings.save_details(practice, said(practice), version=1, by=cast.DESK)
    again = practice_settings.save_details(practice, said(practice), version=first.version, by=cast.DESK)
    assert (first.version, again.version) == (2, 2)
    assert AuditEntry.objects.filter(verb=AuditAction.PRACTICE_EDITED).count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_owners_who_save_at_once_one_is_kept_and_the_others_are_told() -> None:
    practice = cast.alder()
    kept = at_once(lambda number: save(practice, number))
    assert sum(kept) == 1
    saved = Practice.objects.get()
    assert (saved.support_hours, saved.version) == (hours(kept.index(True)), practice.version + 1)
    assert AuditEntry.objects.filter(verb=AuditAction.PRACTICE_EDITED).count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_compared_before_anybody_holds_the_row_all_of_them_overwrite() -> None:
    """The twin: shows that the race above really happens when the version is read without the lock."""
    practice = cast.alder()
    read = Barrier(HANDS)

    def read_then_save(number: int) -> bool:
        row = Practice.objects.get(pk=practice.pk)
        connection.close()  # Nobody waits holding one of the pool's connections.
        read.wait(30)
        if row.version != practice.version:
            return False
        practice_settings.set_fields(row, {"support_hours": hours(number)})
        return True

    assert sum(at_once(read_then_save)) > 1
    # Seven owners believe that theirs is saved.
    assert Practice.objects.get().version == practice.version + 1
