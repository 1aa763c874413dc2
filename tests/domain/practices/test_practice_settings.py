"""Concurrent changes of the settings: the second owner is refused, and nothing is overwritten."""

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

OWNERS = 8


def changed_details(practice: Practice) -> PracticeDetails:
    """Returns the saved details with another hue."""
    details = PracticeDetails(**{each.name: getattr(practice, each.name) for each in fields(PracticeDetails)})
    return replace(details, hue=140)


def hours(number: int) -> str:
    return f"From {number} o’clock"


def save(practice: Practice, number: int) -> bool:
    details = replace(changed_details(practice), support_hours=hours(number))
    try:
        practice_settings.save_details(practice, details, version=practice.version, by=cast.DESK)
    except SettingsConflict:
        return False
    return True


def at_once(work: Callable[[int], bool]) -> list[bool]:
    gate = Barrier(OWNERS)

    def one(number: int) -> bool:
        try:
            gate.wait(30)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(OWNERS) as pool:
        return list(pool.map(one, range(OWNERS)))


@pytest.mark.django_db
def test_saving_the_same_details_again_is_not_recorded() -> None:
    practice = cast.alder()
    first = practice_settings.save_details(practice, changed_details(practice), version=1, by=cast.DESK)
    again = practice_settings.save_details(practice, changed_details(practice), version=first.version, by=cast.DESK)
    assert (first.version, again.version) == (2, 2)
    assert AuditEntry.objects.filter(action=AuditAction.PRACTICE_EDITED).count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_eight_concurrent_saves_one_succeeds() -> None:
    practice = cast.alder()
    outcomes = at_once(lambda number: save(practice, number))
    assert sum(outcomes) == 1
    saved = Practice.objects.get()
    assert (saved.support_hours, saved.version) == (hours(outcomes.index(True)), practice.version + 1)
    assert AuditEntry.objects.filter(action=AuditAction.PRACTICE_EDITED).count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_several_saves_succeed() -> None:
    """The twin: the version is compared without the lock."""
    practice = cast.alder()
    read = Barrier(OWNERS)

    def read_then_save(number: int) -> bool:
        row = Practice.objects.get(pk=practice.pk)
        connection.close()  # The pool has fewer connections than there are threads.
        read.wait(30)
        if row.version != practice.version:
            return False
        practice_settings.set_fields(row, {"support_hours": hours(number)})
        return True

    assert sum(at_once(read_then_save)) > 1
    # The changes of the others are lost.
    assert Practice.objects.get().version == practice.version + 1
