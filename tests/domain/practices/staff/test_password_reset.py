"""Password resets: the same work for every address, mail to active staff only, and an unchanged second factor."""

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
from portico.domain.practices.staff import authenticator_apps, password_reset, second_factor, set_up_links
from portico.domain.practices.staff.set_up_links import SetUpLinkUsed
from portico.plumbing import clock
from portico.plumbing.mail import outbox
from portico.plumbing.models import AuditEntry, OutgoingEmail
from portico.plumbing.security.rate_limits import RateLimitExceeded
from tests import cast
from tests.support.at_once import HANDS, WAITING, at_once, errors

IP = "203.0.113.9"
GOOD = "four green boats at dawn"
# Rate limits are counted in transactions of their own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fay() -> StaffMember:
    return cast.fay(cast.alder())


def request_and_process(email: str, *, ip: str = IP) -> None:
    password_reset.request_reset(email, ip=ip)
    while password_reset.process_next():
        pass


def tokens_in_mails() -> list[str]:
    links = SetUpLink.objects.unspent().select_related("email").order_by("id")
    return [set_up_links.url_in_mail(link).rstrip("/").rpartition("/")[2] for link in links]


def test_every_address_causes_the_same_queries(fay: StaffMember) -> None:
    password_reset.request_reset("first@elsewhere.example", ip=IP)
    with CaptureQueriesContext(connection) as known:
        password_reset.request_reset(fay.email, ip=IP)
    with CaptureQueriesContext(connection) as unknown:
        password_reset.request_reset("unknown@elsewhere.example", ip=IP)
    assert len(known) == len(unknown)
    assert PasswordResetRequest.objects.count() == 3
    assert not OutgoingEmail.objects.exists()


def test_only_an_active_staff_member_gets_a_mail(fay: StaffMember) -> None:
    cast.gus(fay.practice)
    for email in ("unknown@elsewhere.example", "gus@alder-street.example", "  FAY@alder-street.example "):
        request_and_process(email)
    mail = OutgoingEmail.objects.select_related("practice").get()
    assert (mail.kind, mail.to_address, mail.queue) == ("password_reset", fay.email, "entrance")
    letter = outbox.composer_of(mail.kind).compose(mail, outbox.composer_of(mail.kind).link(mail))
    assert tokens_in_mails()[0] in letter.text
    assert "1 hour" in letter.text
    assert not PasswordResetRequest.objects.exists()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.about, entry.actor_kind) == (AuditAction.PASSWORD_RESET_ASKED, fay.ref, "nobody")


def test_a_reset_ends_sessions_and_keeps_the_second_factor(fay: StaffMember) -> None:
    authenticator_apps.save(fay, authenticator_apps.new_secret(), first=True, by=fay.actor)
    StaffSession.objects.create(staff=fay, key_hash="a", contents=b"", created_at=clock.now(), seen_at=clock.now())
    request_and_process(fay.email)
    request_and_process(fay.email)
    one, other = tokens_in_mails()
    set_up_links.choose_password(one, GOOD)
    fay.refresh_from_db()
    assert fay.check_password(GOOD)
    assert second_factor.is_set_up(fay)
    assert not StaffSession.objects.exists()
    for spent in (one, other):
        with pytest.raises(SetUpLinkUsed):
            set_up_links.choose_password(spent, "another long password")
    assert AuditEntry.objects.filter(action=AuditAction.PASSWORD_RESET, about=fay.ref).count() == 1
    assert OutgoingEmail.objects.filter(subject="Your password was changed", to_address=fay.email).count() == 1


def test_a_fourth_link_ends_the_oldest(fay: StaffMember) -> None:
    set_up_token = set_up_links.create_link(fay, by=cast.DESK)
    for _ in range(4):
        request_and_process(fay.email)
    assert set_up_links.find(set_up_token).staff == fay
    resets = SetUpLink.objects.filter(purpose="reset").order_by("id")
    assert [link.used_at is None for link in resets] == [False, True, True, True]


def test_the_link_expires_after_an_hour(fay: StaffMember, stopped_clock: time_machine.Traveller) -> None:
    request_and_process(fay.email)
    (token,) = tokens_in_mails()
    stopped_clock.shift(timedelta(minutes=59))
    assert set_up_links.find(token).staff == fay
    stopped_clock.shift(timedelta(minutes=1))
    with pytest.raises(SetUpLinkUsed):
        set_up_links.find(token)


def test_a_request_expires_after_an_hour(fay: StaffMember, stopped_clock: time_machine.Traveller) -> None:
    password_reset.request_reset(fay.email, ip=IP)
    stopped_clock.shift(timedelta(hours=1))
    assert password_reset.process_next()
    assert not OutgoingEmail.objects.exists()
    assert not password_reset.process_next()


def test_mails_to_one_address_are_limited(fay: StaffMember, stopped_clock: time_machine.Traveller) -> None:
    """Five mails an hour, ten a day; the other requests are recorded in the audit log."""
    mailed: list[int] = []
    for number in range(21):
        request_and_process(fay.email, ip=f"203.0.113.{number}")
        if number % 7 == 6:
            mailed.append(OutgoingEmail.objects.count())
            stopped_clock.shift(timedelta(hours=1))
    assert mailed == [5, 10, 10]
    assert AuditEntry.objects.filter(action=AuditAction.PASSWORD_RESET_BEYOND_LIMIT).count() == 11


def test_requests_from_one_network_are_limited(fay: StaffMember) -> None:
    for number in range(30):
        password_reset.request_reset(f"n{number}@elsewhere.example", ip=IP)
    with pytest.raises(RateLimitExceeded):
        password_reset.request_reset(fay.email, ip=IP)
    password_reset.request_reset(fay.email, ip="203.0.113.77")


def test_a_suspended_practice_sends_no_reset_links(fay: StaffMember) -> None:
    practice: Practice = fay.practice
    request_and_process(fay.email)
    (token,) = tokens_in_mails()
    suspension.suspend(practice, by=cast.DESK)
    request_and_process(fay.email)
    assert OutgoingEmail.objects.count() == 1
    with pytest.raises(SetUpLinkUsed):
        set_up_links.find(token)
    suspension.resume(practice, by=cast.DESK)
    assert set_up_links.find(token).staff == fay


@pytest.mark.postgresql
def test_five_concurrent_uses_of_a_link_succeed_once(fay: StaffMember) -> None:
    token = set_up_links.create_link(fay, by=cast.DESK)
    row_is_locked = Event()

    def lock_until_all_wait() -> None:
        """Locks the colleague's row until all others have found the link usable."""
        with transaction.atomic(), connection.cursor() as cursor:
            StaffMember.objects.locked().get(pk=fay.pk)
            row_is_locked.set()
            for _ in range(1000):
                cursor.execute(WAITING)
                if cursor.fetchone() == (HANDS - 1,):
                    return
                time.sleep(0.02)
            raise AssertionError("The others did not all wait for the row.")

    def choose() -> None:
        row_is_locked.wait(30)
        set_up_links.choose_password(token, GOOD)

    assert errors(at_once(lock_until_all_wait, *[choose] * (HANDS - 1))) == [SetUpLinkUsed] * (HANDS - 2)
    assert AuditEntry.objects.filter(action=AuditAction.PASSWORD_CHOSEN).count() == 1


@pytest.mark.postgresql
def test_without_the_guard_all_five_uses_succeed(fay: StaffMember) -> None:
    """The twin: finds the link usable, and marks it as used afterwards."""
    token = set_up_links.create_link(fay, by=cast.DESK)
    found = Barrier(HANDS)

    def find_then_update() -> int:
        link = set_up_links.find(token)
        found.wait(30)
        return SetUpLink.objects.filter(pk=link.pk).update(used_at=clock.now())

    assert at_once(*[find_then_update] * HANDS) == [1] * HANDS
