"""A forgotten password: asked alike for every address, answered only to staff, and never past the second factor."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portico.domain.practices import authenticators, resetting, second_factor, setting_up, suspending
from portico.domain.practices.models import PasswordAsk, Practice, SetUpLink, StaffMember, StaffSession
from portico.domain.practices.setting_up import SetUpLinkSpent
from portico.plumbing import clock, emails
from portico.plumbing.limits import TooMany
from portico.plumbing.models import OutgoingEmail, TrailEntry
from portico.plumbing.verbs import Verb
from tests import cast

IP = "203.0.113.9"
GOOD = "four green boats at dawn"
# Budgets are counted in transactions of their own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fay() -> StaffMember:
    return cast.fay(cast.alder())


def ask_and_answer(email: str, *, ip: str = IP) -> None:
    resetting.ask(email, ip=ip)
    while resetting.answer_next():
        pass


def tokens_in_mails() -> list[str]:
    links = SetUpLink.objects.unspent().select_related("email").order_by("id")
    return [setting_up.address_in_mail(link).rstrip("/").rpartition("/")[2] for link in links]


def test_asking_does_the_same_work_for_every_address(fay: StaffMember) -> None:
    resetting.ask("first@elsewhere.example", ip=IP)
    with CaptureQueriesContext(
        connection,
    ) as known:
        resetting.ask(fay.email, ip=IP)
    with CaptureQueriesContext(connection) as unknown:
        resetting.ask("nobody@elsewhere.example", ip=IP)
    assert len(known) == len(unknown)
    assert PasswordAsk.objects.count() == 3
    assert not OutgoingEmail.objects.exists()


def test_a_staff_member_gets_a_mail_and_nobody_else_does(fay: StaffMember) -> None:
    cast.gus(fay.practice)
    for email in ("nobody@elsewhere.example", "gus@alder-street.example", "  FAY@alder-street.example "):
        ask_and_answer(email)
    mail = OutgoingEmail.objects.select_related("practice").get()
    assert (mail.kind, mail.to_address, mail.lane) == ("password_reset", fay.email, "entrance")
    letter = emails.composer(mail.kind).compose(mail, emails.composer(mail.kind).link(mail))
    assert tokens_in_mails()[0] in letter.text
    assert "1 hour" in letter.text
    assert not PasswordAsk.objects.exists()
    entry = TrailEntry.objects.get()
    assert (entry.verb, entry.about, entry.actor_kind) == (Verb.PASSWORD_RESET_ASKED, fay.ref, "nobody")


def test_a_new_password_ends_sessions_and_links_keeps_the_second_factor_and_is_told(fay: StaffMember) -> None:
    authenticators.keep(fay, authenticators.new_secret(), first=True, by=fay.actor)
    StaffSession.objects.create(staff=fay, key_hash="a", contents=b"", created_at=clock.now(), seen_at=clock.now())
    ask_and_answer(fay.email)
    ask_and_answer(fay.email)
    one, other = tokens_in_mails()
    setting_up.choose_password(one, GOOD)
    fay.refresh_from_db()
    assert fay.check_password(GOOD)
    assert second_factor.is_set_up(fay)
    assert not StaffSession.objects.exists()
    for spent in (one, other):
        with pytest.raises(SetUpLinkSpent):
            setting_up.choose_password(spent, "another long password")
    assert TrailEntry.objects.filter(verb=Verb.PASSWORD_RESET, about=fay.ref).count() == 1
    assert OutgoingEmail.objects.filter(subject="Your password was changed", to_address=fay.email).count() == 1


def test_asking_again_kills_no_link_on_its_way_until_a_fourth(fay: StaffMember) -> None:
    begin = setting_up.make_link(fay, by=cast.DESK)
    for _ in range(4):
        ask_and_answer(fay.email)
    assert setting_up.find(begin).staff == fay
    resets = SetUpLink.objects.filter(purpose="reset").order_by("id")
    assert [link.used_at is None for link in resets] == [False, True, True, True]


def test_the_link_works_for_an_hour(fay: StaffMember, stopped_clock: time_machine.Traveller) -> None:
    ask_and_answer(fay.email)
    (token,) = tokens_in_mails()
    stopped_clock.shift(timedelta(minutes=59))
    assert setting_up.find(token).staff == fay
    stopped_clock.shift(timedelta(minutes=1))
    with pytest.raises(SetUpLinkSpent):
        setting_up.find(token)


def test_an_ask_that_waited_an_hour_is_answered_to_nobody(
    fay: StaffMember, stopped_clock: time_machine.Traveller
) -> None:
    resetting.ask(fay.email, ip=IP)
    stopped_clock.shift(timedelta(hours=1))
    assert resetting.answer_next()
    assert not OutgoingEmail.objects.exists()
    assert not resetting.answer_next()


def test_an_address_asked_for_too_often_gets_no_more_mail_and_only_the_trail_knows(fay: StaffMember) -> None:
    for number in range(7):
        ask_and_answer(fay.email, ip=f"203.0.113.{number}")
    assert OutgoingEmail.objects.count() == 5
    assert TrailEntry.objects.filter(verb=Verb.PASSWORD_RESET_BEYOND_LIMIT).count() == 2


def test_a_place_that_asks_too_often_is_told(fay: StaffMember) -> None:
    for number in range(30):
        resetting.ask(f"n{number}@elsewhere.example", ip=IP)
    with pytest.raises(TooMany):
        resetting.ask(fay.email, ip=IP)
    resetting.ask(fay.email, ip="203.0.113.77")


def test_a_paused_practices_staff_get_none_and_their_links_rest(fay: StaffMember) -> None:
    practice: Practice = fay.practice
    ask_and_answer(fay.email)
    (token,) = tokens_in_mails()
    suspending.suspend(practice, by=cast.DESK)
    ask_and_answer(fay.email)
    assert OutgoingEmail.objects.count() == 1
    with pytest.raises(SetUpLinkSpent):
        setting_up.find(token)
    suspending.resume(practice, by=cast.DESK)
    assert setting_up.find(token).staff == fay
