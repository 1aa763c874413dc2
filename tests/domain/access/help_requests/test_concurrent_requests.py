"""One form sent several times at once, several workers that announce; and what happens without the guards."""

from functools import partial
from threading import Barrier

import pytest
from django.db import IntegrityError, transaction

from portico.domain.access.help_requests import help_requests, staff_notices
from portico.domain.access.help_requests.help_requests import HelpRequestInput
from portico.domain.access.models import HelpRequest
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast
from tests.support.at_once import HANDS, at_once, errors

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def ask(practice: Practice, key: str = "one key") -> None:
    entry = HelpRequestInput("Ana", "(212) 555-0134", "Help", "en", "ana@mail.example")
    help_requests.create_at_entrance(practice, entry, form_key=key, ip="203.0.113.7")


def test_a_form_sent_at_once_makes_one_request(practice: Practice) -> None:
    assert errors(at_once(*[partial(ask, practice)] * HANDS)) == []
    assert HelpRequest.objects.count() == 1
    assert AuditEntry.objects.filter(action="help.requested").count() == 1


def test_without_the_retry_a_constraint_refuses_the_second(practice: Practice) -> None:
    both_have_read = Barrier(2)

    def ask_without_retry() -> None:
        with transaction.atomic():
            assert not HelpRequest.objects.exists()
            both_have_read.wait(30)
            HelpRequest.objects.create(practice=practice, form_digest="one", language="en")

    assert errors(at_once(*[ask_without_retry] * 2)) == [IntegrityError]


def test_several_workers_announce_once(practice: Practice) -> None:
    cast.elm(practice)
    ask(practice)
    assert sorted(at_once(*[staff_notices.announce] * HANDS)) == [0] * (HANDS - 1) + [1]  # type: ignore[type-var]
    assert OutgoingEmail.objects.count() == 1


def test_without_the_lock_two_workers_would_announce(practice: Practice) -> None:
    ask(practice)
    both_have_read = Barrier(2)

    def announce_without_lock() -> bool:
        with transaction.atomic():
            waiting = list(staff_notices._unannounced())
            both_have_read.wait(30)
            return bool(HelpRequest.objects.filter(pk__in=[row.pk for row in waiting]).update(note="announced"))

    assert at_once(*[announce_without_lock] * 2) == [True, True]
