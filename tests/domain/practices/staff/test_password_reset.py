"""A forgotten password: asked alike for every address, answered only to staff, and never past the second factor."""

import time
from datetime import timedelta
from threading import Barrier, Event

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from portico.domain.audit_actions import AuditAction
from portico.domain.practices import suspension
from portico.domain.practices.models import PasswordResetRequest, Practice, SetUpLink, StaffMember, StaffSession
from portico.domain.practices.staff import authenticators, password_reset, second_factor, set_up_links
from portico.domain.practices.staff.set_up_links import SetUpLinkUsed
from portico.plumbing import clock
from portico.plumbing.mail import outbox
from portico.plumbing.models import AuditEntry, OutgoingEmail
from portico.plumbing.security.rate_limits import RateLimitExceeded
from tests import cast
from tests.support.at_once import HANDS, at_once, errors

IP = "203.0.113.9"
GOOD = "four green boats at dawn"
# Budgets are counted in transactions of their own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fay() -> StaffMember:
    return cast.fay(cast.alder())


def ask_and_answer(email: str, *, ip: str = IP) -> None:
    password_reset.request_reset(email, ip=ip)
    while password_reset.process_next():
        pass


def tokens_in_mails() -> list[str]:
    links = SetUpLink.objects.unspent().select_related("email").order_by("id")
    return [set_up_links.url_in_mail(link).rstrip("/").rpartition("/")[2] for link in links]


def test_asking_does_the_same_work_for_every_address(fay: StaffMember) -> None:
    password_reset.request_reset("first@elsewhere.example", ip=IP)
    with CaptureQueriesContext(
        connection,
    ) as known:
        password_reset.request_reset(fay.email, ip=IP)
    with CaptureQueriesContext(connection) as unknown:
        password_reset.request_reset("nobody@elsewhere.example", ip=IP)
    assert len(known) == len(unknown)
    assert PasswordResetRequest.objects.count() == 3
    assert not OutgoingEmail.objects.exists()


def test_a_staff_member_gets_a_mail_and_nobody_else_does(fay: StaffMember) -> None:
    cast.gus(fay.practice)
    for email in ("nobody@elsewhere.example", "gus@alder-street.example", "  FAY@alder-street.example "):
        ask_and_answer(email)
    mail = OutgoingEmail.objects.select_related("practice").get()
    assert (mail.kind, mail.to_address, mail.lane) == ("password_reset", fay.email, "entrance")
    letter = outbox.composer(mail.kind).compose(mail, outbox.composer(mail.kind).link(mail))
    assert tokens_in_mails()[0] in letter.text
    assert "1 hour" in letter.text
    assert not PasswordResetRequest.objects.exists()
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.about, entry.actor_kind) == (AuditAction.PASSWORD_RESET_ASKED, fay.ref, "nobody")


def test_a_new_password_ends_sessions_and_links_keeps_the_second_factor_and_is_told(fay: StaffMember) -> None:
    authenticators.save(fay, authenticators.new_secret(), first=True, by=fay.actor)
    StaffSession.objects.create(staff=fay, key_hash="a", contents=b"", created_at=clock.now(), seen_at=clock.now())
    ask_and_answer(fay.email)
    ask_and_answer(fay.email)
    one, other = tokens_in_mails()
    set_up_links.choose_password(one, GOOD)
    fay.refresh_from_db()
    assert fay.check_password(GOOD)
    assert second_factor.is_set_up(fay)
    assert not StaffSession.objects.exists()
    for spent in (one, other):
        with pytest.raises(SetUpLinkUsed):
            set_up_links.choose_password(spent, "another long password")
    assert AuditEntry.objects.filter(verb=AuditAction.PASSWORD_RESET, about=fay.ref).count() == 1
    assert OutgoingEmail.objects.filter(subject="Your password was changed", to_address=fay.email).count() == 1


def test_asking_again_kills_no_link_on_its_way_until_a_fourth(fay: StaffMember) -> None:
    begin = set_up_links.create_link(fay, by=cast.DESK)
    for _ in range(4):
        ask_and_answer(fay.email)
    assert set_up_links.find(begin).staff == fay
    resets = SetUpLink.objects.filter(purpose="reset").order_by("id")
    assert [link.used_at is None for link in resets] == [False, True, True, True]


def test_the_link_works_for_an_hour(fay: StaffMember, stopped_clock: time_machine.Traveller) -> None:
    ask_and_answer(fay.email)
    (token,) = tokens_in_mails()
    stopped_clock.shift(timedelta(minutes=59))
    assert set_up_links.find(token).staff == fay
    stopped_clock.shift(timedelta(minutes=1))
    with pytest.raises(SetUpLinkUsed):
        set_up_links.find(token)


def test_an_ask_that_waited_an_hour_is_answered_to_nobody(
    fay: StaffMember, stopped_clock: time_machine.Traveller
) -> None:
    password_reset.request_reset(fay.email, ip=IP)
    stopped_clock.shift(timedelta(hours=1))
    assert password_reset.process_next()
    assert not OutgoingEmail.objects.exists()
    assert not password_reset.process_next()


def test_an_address_asked_for_too_often_gets_no_more_mail_and_only_the_trail_knows(
    fay: StaffMember, stopped_clock: time_machine.Traveller
) -> None:
    """Five mails an hour, ten a day."""
    mailed: list[int] = []
    for number in range(21):
        ask_and_answer(fay.email, ip=f"203.0.113.{number}")
        if number % 7 == 6:
            mailed.append(OutgoingEmail.objects.count())
            stopped_clock.shift(timedelta(hours=1))
    assert mailed == [5, 10, 10]
    assert AuditEntry.objects.filter(verb=AuditAction.PASSWORD_RESET_BEYOND_LIMIT).count() == 11


def test_a_place_that_asks_too_often_is_told(fay: StaffMember) -> None:
    for number in range(30):
        password_reset.request_reset(f"n{number}@elsewhere.example", ip=IP)
    with pytest.raises(RateLimitExceeded):
        password_reset.request_reset(fay.email, ip=IP)
    password_reset.request_reset(fay.email, ip="203.0.113.77")


def test_a_paused_practices_staff_get_none_and_their_links_rest(fay: StaffMember) -> None:
    practice: Practice = fay.practice
    ask_and_answer(fay.email)
    (token,) = tokens_in_mails()
    suspension.suspend(practice, by=cast.DESK)
    ask_and_answer(fay.email)
    assert OutgoingEmail.objects.count() == 1
    with pytest.raises(SetUpLinkUsed):
        set_up_links.find(token)
    suspension.resume(practice, by=cast.DESK)
    assert set_up_links.find(token).staff == fay


@pytest.mark.postgresql
def test_of_five_who_choose_a_password_by_one_link_at_once_one_does(fay: StaffMember) -> None:
    token = set_up_links.create_link(fay, by=cast.DESK)
    is_held = Event()

    def keep_them_waiting() -> None:
        """Holds the row of the colleague until everybody has found the link alive."""
        with transaction.atomic(), connection.cursor() as cursor:
            StaffMember.objects.locked().get(pk=fay.pk)
            is_held.set()
            for _ in range(1000):
                cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone() == (HANDS - 1,):
                    return
                time.sleep(0.02)
            raise AssertionError("They did not all come to the row.")

    def choose() -> None:
        is_held.wait(30)
        set_up_links.choose_password(token, GOOD)

    assert errors(at_once(keep_them_waiting, *[choose] * (HANDS - 1))) == [SetUpLinkUsed] * (HANDS - 2)
    assert AuditEntry.objects.filter(verb=AuditAction.PASSWORD_CHOSEN).count() == 1


@pytest.mark.postgresql
def test_without_the_guard_the_same_link_is_spent_by_all_of_them(fay: StaffMember) -> None:
    """The twin: finds the link alive, and marks it used afterwards."""
    token = set_up_links.create_link(fay, by=cast.DESK)
    found = Barrier(HANDS)

    def find_then_mark() -> int:
        link = set_up_links.find(token)
        found.wait(30)
        return SetUpLink.objects.filter(pk=link.pk).update(used_at=clock.now())

    assert at_once(*[find_then_mark] * HANDS) == [1] * HANDS
