"""Help requests: closed once, deleted later, and announced by one worker when several run."""

from datetime import timedelta

import pytest
from time_machine import Traveller

from portico.domain.access.help_requests import help_requests
from portico.domain.access.help_requests.help_requests import AlreadyDone, HelpRequestInput
from portico.domain.access.models import HelpRequest
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast

pytestmark = pytest.mark.django_db


def asked(practice: Practice, key: str = "key") -> HelpRequest:
    entry = HelpRequestInput("Ana", "(212) 555-0134", "Help", "en", "ana@mail.example")
    help_requests.create_at_entrance(practice, entry, form_key=key, ip="203.0.113.7")
    return HelpRequest.objects.latest("id")


def test_a_request_is_closed_once(practice: Practice) -> None:
    fay, elm = cast.fay(practice), cast.elm(practice)
    row = asked(practice)
    for note in ("Called, PIN given", "Again"):
        help_requests.close(row, note=note, by=fay.actor)
    with pytest.raises(AlreadyDone, match="Fay already marked"):
        help_requests.close(row, note="Mine", by=elm.actor)
    row.refresh_from_db()
    assert (row.done_by, row.note) == ("Fay", "Called, PIN given")
    assert AuditEntry.objects.get(action=AuditAction.HELP_REQUEST_DONE).about == row.ref


def test_done_requests_are_deleted_after_400_days(practice: Practice, stopped_clock: Traveller) -> None:
    done = asked(practice)
    help_requests.close(done, note="", by=cast.DESK)
    waiting = asked(practice, "other")
    stopped_clock.shift(timedelta(days=400))
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
