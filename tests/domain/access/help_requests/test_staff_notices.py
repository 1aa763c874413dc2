"""The email to staff about help requests: to whom, how often, and with which words."""

from datetime import timedelta

import pytest
from time_machine import Traveller

from portico.domain.access.help_requests import help_requests, staff_notices
from portico.domain.access.help_requests.help_requests import HelpRequestInput
from portico.domain.access.models import HelpRequest
from portico.domain.practices import practice_settings
from portico.domain.practices.models import HelpNotices, Practice
from portico.plumbing.mail import outbox
from portico.plumbing.models import OutgoingEmail
from tests import cast

pytestmark = pytest.mark.django_db


def ask(practice: Practice, number: int = 0, *, address: str = "") -> None:
    entry = HelpRequestInput(
        "Ana Abreu", "(212) 555-0134", "My therapy session", "en", address or f"n{number}@mail.example"
    )
    help_requests.create_at_entrance(practice, entry, form_key=str(number), ip=f"203.0.113.{number}")


def mailed() -> list[str]:
    return list(
        OutgoingEmail.objects.filter(kind=staff_notices.KIND).order_by("id").values_list("to_address", flat=True)
    )


def test_a_flood_is_one_email_in_ten_minutes(practice: Practice, stopped_clock: Traveller) -> None:
    cast.elm(practice)
    for number in range(50):
        ask(practice, number)
    assert staff_notices.announce() == 1
    ask(practice, 50)
    stopped_clock.shift(timedelta(minutes=9, seconds=59))
    assert staff_notices.announce() == 0
    stopped_clock.shift(timedelta(seconds=1))
    # The request that came in between is not forgotten.
    assert staff_notices.announce() == 1
    assert staff_notices.announce() == 0
    assert mailed() == ["elm@alder-street.example"] * 2


def test_practices_beyond_the_batch_take_their_turn(
    practice: Practice, stopped_clock: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff_notices, "MAX_PRACTICES", 1)
    birch = cast.birch()
    for each in (practice, birch):
        cast.elm(each)
    ask(practice, 1)
    assert staff_notices.announce() == 1
    # The first practice, which waits for its pause, does not hold up the second.
    ask(practice, 2)
    ask(birch, 3)
    assert staff_notices.announce() == 1
    # After the pause, the one that has waited longest comes first.
    ask(birch, 4)
    stopped_clock.shift(timedelta(minutes=10))
    ask(practice, 5)
    assert [staff_notices.announce() for _turn in range(3)] == [1, 1, 0]
    assert HelpRequest.objects.filter(announced_at=None).count() == 0


@pytest.mark.parametrize(
    ("notices", "expected"),
    [
        (HelpNotices.NOT_SENT, set()),
        (HelpNotices.OWNERS, {"elm"}),
        (HelpNotices.CLIENT_EDITORS, {"elm", "hal", "fay"}),
    ],
)
def test_the_practice_chooses_who_is_notified(practice: Practice, notices: HelpNotices, expected: set[str]) -> None:
    for member in (cast.elm, cast.hal, cast.fay, cast.ines, cast.gus):
        member(practice)
    practice_settings.save_help_notices(practice, notices, shown=None, by=cast.DESK)
    ask(practice)
    staff_notices.announce()
    assert set(mailed()) == {f"{name}@alder-street.example" for name in expected}


def test_the_email_has_no_word_of_the_request(practice: Practice) -> None:
    cast.elm(practice)
    ask(practice)
    staff_notices.announce()
    email = OutgoingEmail.objects.select_related("practice").get()
    composed = outbox.composer_of(email.kind).compose(email, None)
    assert composed.subject == "A client asked for help signing in"
    for body in (composed.text, composed.html):
        assert "/office/help-requests/" in body
        assert not any(word in body for word in ("Ana", "555-0134", "therapy", "mail.example"))


def test_requests_beyond_the_limit_are_not_announced(practice: Practice) -> None:
    cast.elm(practice)
    for number in range(6):
        ask(practice, number, address="ana@mail.example")
    HelpRequest.objects.filter(is_beyond_limit=False).delete()
    assert HelpRequest.objects.count() == 1
    assert staff_notices.announce() == 0


def test_each_practice_gets_its_own_email(practice: Practice) -> None:
    birch = cast.birch()
    cast.elm(practice)
    cast.elm(birch)
    ask(practice)
    assert staff_notices.announce() == 1
    ask(birch)
    assert staff_notices.announce() == 1
    assert mailed() == ["elm@alder-street.example", "elm@birch-lane.example"]


def test_an_owner_who_left_meanwhile_gets_no_email(practice: Practice) -> None:
    owner = cast.elm(practice)
    ask(practice)
    staff_notices.announce()
    email = OutgoingEmail.objects.select_related("practice").get()
    composer = outbox.composer_of(email.kind)
    assert composer.refuse(email) is None
    owner.role = "biller"
    owner.save()
    assert composer.refuse(email) is not None
