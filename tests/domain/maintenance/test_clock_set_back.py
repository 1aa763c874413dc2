"""A corrected clock: nothing stays blocked, and nothing is valid for longer than its lifetime.

Rows from the future are ignored. Rows of a slow clock may end early.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from time_machine import Traveller

from portico.domain.access import client_views
from portico.domain.access.address_change import change_requests, confirmation, confirmation_links
from portico.domain.access.models import (
    Burst,
    BurstKind,
    KnownBrowser,
    PortalAccess,
    PortalSavedForm,
    PortalSession,
    SignInLink,
    SignInMethod,
    SignInRequest,
)
from portico.domain.access.models.links import CODE_LIFETIME
from portico.domain.access.sign_in import link_redemption, portal_sessions, sign_in_links, sign_in_pins
from portico.domain.access.sign_in.completing_sign_in import Browser as Visitor
from portico.domain.access.sign_in.link_redemption import LinkState
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.billing.models import AttemptState, PaymentAttempt
from portico.domain.maintenance import clock_set_back, schedule
from portico.domain.maintenance.models import ScheduledTask
from portico.domain.maintenance.tasks import TASKS
from portico.domain.practices.models import SET_UP_LINK_TTL, Practice, StaffSession
from portico.domain.practices.staff import set_up_links
from portico.domain.practices.staff.second_factor import SecondFactorMethod
from portico.domain.practices.staff.set_up_links import SetUpLinkUsed
from portico.domain.practices.staff.staff_sessions import SessionStore
from portico.domain.practices.stripe_setup import payment_readiness
from portico.plumbing import clock, form_recovery, tokens
from portico.plumbing.form_recovery import PostedField
from portico.plumbing.models import OutgoingEmail, RateLimitCount
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit
from portico.web import staff_verification
from tests import cast
from tests.support.clock_offsets import A_FEW, EACH_SCALE, one_example

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

VISITOR = Visitor("Firefox on Windows", "a browser")
MINUTE = timedelta(minutes=1)

type IsGood = Callable[[], bool]
type Offsets = st.SearchStrategy[timedelta]


@dataclass(frozen=True)
class Lasting:
    """A credential with a lifetime: `make` creates one and returns a function that checks if it is valid."""

    lasts: timedelta
    make: Callable[[Practice], IsGood]


def client_session(practice: Practice) -> IsGood:
    begun = link_redemption.redeem(practice, cast.token_of(cast.invited(cast.ana(practice))), visitor=VISITOR)
    assert isinstance(begun, StartedSession)
    return lambda: portal_sessions.find(practice, begun.key) is not None


def link(practice: Practice) -> IsGood:
    token = cast.token_of(cast.invited(cast.ana(practice)))
    return lambda: link_redemption.find(practice, token).state is LinkState.LIVE


def code(practice: Practice) -> IsGood:
    cast.with_access(cast.ana(practice))
    mailed = cast.mailed(practice, "ana@mail.example")
    return lambda: SignInLink.objects.with_usable_code().filter(pk=mailed.pk).exists()


def pin(practice: Practice) -> IsGood:
    ana = cast.ana(practice)
    cast.with_access(ana)
    sign_in_pins.generate(ana, form_key=tokens.new_token(), by=cast.DESK)
    return lambda: sign_in_pins.live_pin(PortalAccess.objects.get(own_client=ana)) is not None


def staff_session(practice: Practice) -> IsGood:
    store = SessionStore()
    store[SESSION_KEY] = str(cast.fay(practice).pk)
    store.save()
    key = store.session_key
    return lambda: SESSION_KEY in SessionStore(key)


def proof(practice: Practice) -> IsGood:
    store = SessionStore()
    staff_verification.record(store, SecondFactorMethod.PASSWORD)
    return lambda: staff_verification.is_recent(store)


def set_up_link(practice: Practice) -> IsGood:
    token = set_up_links.create_link(cast.fay(practice), by=cast.DESK)

    def is_good() -> bool:
        try:
            set_up_links.find(token)
        except SetUpLinkUsed:
            return False
        return True

    return is_good


def saved_form(practice: Practice) -> IsGood:
    ana = cast.ana(practice)
    account = cast.with_access(ana).account
    assert account is not None
    row = PortalSavedForm(practice=practice, account=account, client=ana, path="/portal/")
    among = PortalSavedForm.objects.filter(account=account)
    assert form_recovery.save(row, [PostedField("name", "Ana")], among=among)
    return lambda: form_recovery.unexpired(among).exists()


def view_as_client(practice: Practice) -> IsGood:
    fay, session = cast.fay(practice), SessionStore()
    session[SESSION_KEY] = str(fay.pk)
    session.save()
    ref = StaffSession.objects.get(staff=fay).ref
    started = client_views.start(cast.ana(practice), staff=fay, session_ref=ref, reason="")

    def is_good() -> bool:
        StaffSession.objects.filter(ref=ref).update(seen_at=clock.now(), created_at=clock.now())
        view = client_views.find(practice.slug, started.key)
        return view is not None and client_views.reason_to_end(view) is None

    return is_good


def new_email_link(practice: Practice) -> IsGood:
    access = cast.with_access(cast.ana(practice))
    assert access.account is not None
    session = portal_sessions.start(access.account, method=SignInMethod.LINK, proof_epoch=1, browser="").session
    mail = change_requests.request(session, access, "ana@new.example", form_key="", by=cast.DESK)
    OutgoingEmail.objects.filter(pk=mail.pk).update(handing_over_at=clock.now())
    mail.refresh_from_db()
    token = (confirmation_links.AddressChangeMail().link(mail) or "").rstrip("/").rpartition("/")[2]
    return lambda: confirmation.find(practice, token) is not None


CLIENT_IDLE = timedelta(seconds=settings.SESSION_IDLE_CLIENT)
LASTING = {
    "a client's session": Lasting(CLIENT_IDLE, client_session),
    "a link": Lasting(timedelta(seconds=settings.SIGNIN_LINK_TTL), link),
    "a code": Lasting(CODE_LIFETIME, code),
    "a PIN": Lasting(timedelta(seconds=settings.PIN_TTL), pin),
    "a staff session": Lasting(timedelta(seconds=settings.SESSION_IDLE_STAFF), staff_session),
    "a proof": Lasting(staff_verification.FRESH, proof),
    "a set-up link": Lasting(SET_UP_LINK_TTL, set_up_link),
    "a kept form": Lasting(form_recovery.RECOVERABLE_FOR, saved_form),
    "a view as the client": Lasting(client_views.LIFETIME, view_as_client),
    "a link to a new email": Lasting(timedelta(seconds=settings.SIGNIN_LINK_TTL), new_email_link),
}
EACH = pytest.mark.parametrize("thing", LASTING.values(), ids=LASTING)
# One that is known to the session: the session itself has ended.
HELD_BY_A_SESSION = "a proof"


def run_due_tasks() -> None:
    """Runs every task that is due."""
    schedule.create_missing(TASKS)
    while schedule.run_next(TASKS):
        pass


@EACH
def test_lifetimes_with_a_correct_clock(thing: Lasting, practice: Practice, stopped_clock: Traveller) -> None:
    is_good = thing.make(practice)
    stopped_clock.shift(thing.lasts - timedelta(seconds=1))
    assert is_good()
    stopped_clock.shift(timedelta(seconds=2))
    assert not is_good()


@EACH_SCALE
@EACH
@A_FEW
@given(data=st.data())
def test_rows_from_the_future_never_become_valid(
    thing: Lasting, offsets: Offsets, practice: Practice, stopped_clock: Traveller, data: st.DataObject
) -> None:
    ahead = data.draw(offsets)
    with one_example(stopped_clock):
        stopped_clock.shift(ahead)
        is_good = thing.make(practice)
        assert is_good()
        stopped_clock.shift(-ahead)
        assert not is_good()
        run_due_tasks()
        # The first and the last time at which it would be valid by its own timestamps.
        for at in (ahead - timedelta(seconds=59), ahead + timedelta(seconds=1), ahead + thing.lasts - MINUTE):
            stopped_clock.shift(at)
            assert not is_good() or thing is LASTING[HELD_BY_A_SESSION]
            stopped_clock.shift(-at)


@EACH_SCALE
@EACH
@A_FEW
@given(data=st.data())
def test_new_rows_are_valid_at_once(
    thing: Lasting, offsets: Offsets, practice: Practice, stopped_clock: Traveller, data: st.DataObject
) -> None:
    ahead = data.draw(offsets)
    with one_example(stopped_clock):
        stopped_clock.shift(ahead)
        run_due_tasks()
        stopped_clock.shift(-ahead)
        is_good = thing.make(practice)
        run_due_tasks()
        assert is_good()


@EACH_SCALE
@EACH
@A_FEW
@given(data=st.data())
def test_rows_of_a_slow_clock_last_no_longer(
    thing: Lasting, offsets: Offsets, practice: Practice, stopped_clock: Traveller, data: st.DataObject
) -> None:
    slow = data.draw(offsets)
    with one_example(stopped_clock):
        stopped_clock.shift(-slow)
        is_good = thing.make(practice)
        stopped_clock.shift(slow)
        assert is_good() is (slow < thing.lasts)
        stopped_clock.shift(thing.lasts)
        assert not is_good()


@pytest.mark.parametrize("apart", [MINUTE, -MINUTE], ids=["ahead", "slow"])
@EACH
def test_a_difference_of_a_minute_is_tolerated(
    thing: Lasting, apart: timedelta, practice: Practice, stopped_clock: Traveller
) -> None:
    stopped_clock.shift(apart)
    is_good = thing.make(practice)
    stopped_clock.shift(-apart)
    run_due_tasks()
    assert is_good()


# Rows that would stay blocked.

FIVE = Limit.on("asks", "ana@mail.example", max_attempts=5, window=timedelta(hours=1))


@EACH_SCALE
@A_FEW
@given(data=st.data())
def test_tasks_run_once_the_clock_is_right(
    offsets: Offsets, practice: Practice, stopped_clock: Traveller, data: st.DataObject
) -> None:
    ahead = data.draw(offsets)
    with one_example(stopped_clock):
        stopped_clock.shift(ahead)
        run_due_tasks()
        stopped_clock.shift(-ahead)
        run_due_tasks()
        late = {turn.name: turn.due_at - clock.now() for turn in ScheduledTask.objects.all()}
        allowed = {chore.name: chore.every + min(ahead, clock.SKEW + chore.every) for chore in TASKS}
        assert {name for name, wait in late.items() if wait > allowed[name]} == set()


@EACH_SCALE
@A_FEW
@given(data=st.data())
def test_overdue_tasks_of_a_slow_clock_run_once_it_is_right(
    offsets: Offsets, practice: Practice, stopped_clock: Traveller, data: st.DataObject
) -> None:
    slow = data.draw(offsets)
    with one_example(stopped_clock):
        stopped_clock.shift(-slow)
        run_due_tasks()
        stopped_clock.shift(slow)
        due = {chore.name for chore in TASKS if chore.every <= slow}
        run_due_tasks()
        assert set(ScheduledTask.objects.filter(done_at=clock.now()).values_list("name", flat=True)) == due


def test_a_due_time_a_minute_ahead_is_kept(practice: Practice, stopped_clock: Traveller) -> None:
    stopped_clock.shift(MINUTE)
    run_due_tasks()
    stopped_clock.shift(-MINUTE)
    assert not schedule.run_next(TASKS)


@EACH_SCALE
@A_FEW
@given(data=st.data())
def test_rate_limits_from_the_future_are_deleted(
    offsets: Offsets, practice: Practice, stopped_clock: Traveller, data: st.DataObject
) -> None:
    ahead = data.draw(offsets)
    with one_example(stopped_clock):
        stopped_clock.shift(ahead)
        for _ in range(5):
            rate_limits.spend(FIVE)
        stopped_clock.shift(-ahead)
        run_due_tasks()
        assert not RateLimitCount.objects.exists()


def test_a_burst_from_the_future_ends_within_the_hour(practice: Practice, stopped_clock: Traveller) -> None:
    stopped_clock.shift(timedelta(days=3))
    for number in range(45):
        SignInRequest.objects.create(practice=practice, mailbox_key=str(number), browser_hash="", network="")
    Burst.objects.create(practice=practice, kind=BurstKind.PINS, number=1)
    run_due_tasks()
    assert Burst.objects.ongoing().count() == 2
    stopped_clock.shift(timedelta(days=-3))
    run_due_tasks()
    stopped_clock.shift(timedelta(hours=1))
    run_due_tasks()
    assert not Burst.objects.ongoing().exists()


def test_a_browser_from_the_future_is_deleted_in_time(practice: Practice, stopped_clock: Traveller) -> None:
    stopped_clock.shift(timedelta(days=730))
    client_session(practice)
    stopped_clock.shift(timedelta(days=-730))
    run_due_tasks()
    assert KnownBrowser.objects.get().seen_at == clock.now()
    stopped_clock.shift(timedelta(days=401))
    run_due_tasks()
    assert not KnownBrowser.objects.exists()


def test_an_attempt_from_the_future_can_be_released(practice: Practice, stopped_clock: Traveller) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    attempt = cast.attempt(cast.bill(ana), state=AttemptState.QUARANTINED)
    PaymentAttempt.objects.filter(pk=attempt.pk).update(unknown_since=clock.now() + timedelta(days=730))
    run_due_tasks()
    attempt.refresh_from_db()
    assert attempt.unknown_since == clock.now()


def test_a_known_slow_clock_ends_nothing(practice: Practice, stopped_clock: Traveller) -> None:
    is_good = client_session(practice)
    stopped_clock.shift(timedelta(days=-3))
    payment_readiness.STRIPE_CLOCK.record(clock.now() + timedelta(days=3))
    run_due_tasks()
    assert not is_good()
    stopped_clock.shift(timedelta(days=3))
    assert is_good()


def test_a_client_who_is_signed_out_reads_why(practice: Practice, stopped_clock: Traveller) -> None:
    stopped_clock.shift(timedelta(days=3))
    client_session(practice)
    StaffSession.objects.create(
        key_hash="hash", staff=cast.fay(practice), contents=b"", created_at=clock.now(), seen_at=clock.now()
    )
    stopped_clock.shift(timedelta(days=-3))
    run_due_tasks()
    assert PortalSession.objects.get().ended_by == "a clock that was ahead"
    assert not StaffSession.objects.exists()


def test_the_client_can_sign_in_again(client: Browser, practice: Practice, stopped_clock: Traveller) -> None:
    cast.with_access(cast.ana(practice))
    stopped_clock.shift(timedelta(days=3))
    for _ in range(6):
        client.post("/portal/alder-street/", {"email": "ana@mail.example"})
    stopped_clock.shift(timedelta(days=-3))
    client.post("/portal/alder-street/", {"email": "ana@mail.example"})
    ask = SignInRequest.objects.latest("id")
    assert not ask.is_beyond_limit
    mailed = cast.mailed(practice, "ana@mail.example", browser=client.cookies[settings.ASKING_COOKIE_NAME].value)
    assert client.post("/portal/alder-street/code/", {"code": sign_in_links.code_of(mailed)}).status_code == 302


# Those that grow with the practice's years and visitors.
LARGE_TABLES = (
    "access_signinlink",
    SignInRequest._meta.db_table,
    "access_pin",
    "access_portalsession",
    "access_knownbrowser",
)


def test_repairing_scans_no_large_table(practice: Practice) -> None:
    """It runs every minute, mostly without finding anything."""
    with CaptureQueriesContext(connection) as queries:
        clock_set_back.repair()
    plans = []
    for query in queries.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            plans += [row[-1] for row in cursor.fetchall()]
    tables = (*LARGE_TABLES, OutgoingEmail._meta.db_table, RateLimitCount._meta.db_table)
    assert [plan for plan in plans if plan.startswith(tuple(f"SCAN {table}" for table in tables))] == []
    assert any("outgoing_by_hand_over" in plan for plan in plans)
