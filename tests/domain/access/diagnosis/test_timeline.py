"""The timeline of a client: banner, link state and events of the current address."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import access_grants, access_lookups, client_changes
from portico.domain.access.diagnosis import portal_history, timeline
from portico.domain.access.diagnosis.timeline import Banner, LinkFact, Timeline, TimelineKind
from portico.domain.access.models import SignInLink
from portico.domain.access.sign_in import link_redemption, sign_in_codes, sign_in_links, sign_in_pins
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.mail import outbox
from portico.plumbing.models import EmailEventKind, OutgoingEmail
from tests import cast


def read_timeline(person: Client) -> Timeline:
    person.refresh_from_db()
    access = access_lookups.access_of(person)
    return timeline.timeline_of(person, access, portal_history.load(person, access), at=clock.now())


def kinds(shown: Timeline) -> list[TimelineKind]:
    return [event.kind for event in shown.events]


def test_a_new_client_has_an_empty_timeline(practice: Practice) -> None:
    shown = read_timeline(cast.ana(practice))
    assert (shown.banner, shown.link, shown.mail, shown.was_invited) == (Banner.OFF, LinkFact.NONE, None, False)
    assert shown.events == ()


def test_access_on_and_never_invited(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    shown = read_timeline(ana)
    assert (shown.banner, shown.was_invited, shown.mail) == (Banner.NOT_YET, False, None)
    assert set(kinds(shown)) == {TimelineKind.ACCESS_ON, TimelineKind.EMAIL_OK}


def test_the_timeline_shows_the_links_progress(practice: Practice) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    assert read_timeline(ana).link == LinkFact.NONE
    token = cast.token_of(invitation)
    assert read_timeline(ana).link == LinkFact.NOT_FETCHED
    link_redemption.record_fetch(SignInLink.objects.get())
    assert read_timeline(ana).link == LinkFact.FETCHED
    link_redemption.redeem(practice, token, visitor=Browser("Firefox", "a browser"))
    shown = read_timeline(ana)
    assert (shown.link, shown.banner) == (LinkFact.PRESSED, Banner.NONE)
    assert shown.last_signed_in_at == clock.now()
    assert kinds(shown)[:2] == [TimelineKind.PRESSED, TimelineKind.FETCHED]


def test_an_expired_link_is_shown_as_dead(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    ana = cast.ana(practice)
    cast.token_of(cast.invited(ana))
    assert not read_timeline(ana).link_is_dead
    stopped_clock.shift(timedelta(seconds=settings.SIGNIN_LINK_TTL))
    assert read_timeline(ana).link_is_dead


def test_a_link_that_opens_nothing_is_shown_as_dead(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.token_of(cast.invited(ana))
    ana.email_addresses.update(email_ok_at=None)
    assert read_timeline(ana).link_is_dead


def test_the_links_state_agrees_with_what_it_opens(practice: Practice) -> None:
    ana = cast.ana(practice)
    for token in (cast.token_of(cast.invited(ana)) for _ in range(4)):
        is_live = link_redemption.find(practice, token).state == link_redemption.LinkState.LIVE
        assert read_timeline(ana).link_is_dead is not is_live


def test_after_an_address_change_the_banner_names_the_new_one(practice: Practice) -> None:
    ana = cast.ana(practice)
    link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=Browser("Firefox", "a browser"))
    access_grants.save_access(ana, replace(cast.entry_for(ana), address=None), version=None, by=cast.DESK)
    access_grants.save_access(ana, cast.entry_for(ana), version=None, by=cast.DESK)
    shown = read_timeline(ana)
    assert shown.banner == Banner.NOT_WITH_NEW_ADDRESS
    # The invitation before was to an address that was left; back again, it has not been invited yet.
    assert (shown.was_invited, shown.mail, shown.link) == (False, None, LinkFact.NONE)


def test_an_archived_client_has_the_archived_banner(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    client_changes.archive(ana, by=cast.DESK)
    assert read_timeline(ana).banner == Banner.ARCHIVED


@pytest.mark.parametrize(
    "kind", [EmailEventKind.DELAYED, EmailEventKind.REFUSED, EmailEventKind.DROPPED, EmailEventKind.PARKED]
)
def test_a_failure_is_shown_with_its_reason(practice: Practice, kind: EmailEventKind) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    outbox.add_event(OutgoingEmail.objects.get(), kind, words="The mailbox doesn’t exist.")
    shown = {event.kind: event.words for event in read_timeline(ana).events}
    assert shown[TimelineKind(kind.value)] == "The mailbox doesn’t exist."


def test_every_kind_of_event_can_be_shown(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    for kind in EmailEventKind:
        outbox.add_event(OutgoingEmail.objects.get(), kind)
    assert len(read_timeline(ana).events) == timeline.MAX_EVENTS


def test_a_pin_is_shown_when_made_and_when_used(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    for form_key in ("k" * 43, "l" * 43):
        stopped_clock.shift(timedelta(minutes=1))
        sign_in_pins.generate(ana, form_key=form_key, by=cast.DESK)
    shown = sign_in_pins.digits(ana, "l" * 43, to=cast.DESK)
    assert shown is not None
    stopped_clock.shift(timedelta(minutes=1))
    sign_in_pins.enter(practice, "ana@mail.example", shown[1], visitor=Browser("Firefox", "a browser"), ip="192.0.2.1")
    result = read_timeline(ana)
    assert kinds(result)[:3] == [TimelineKind.PIN_USED, TimelineKind.PIN_MADE, TimelineKind.PIN_MADE]
    assert (result.events[0].at, result.events[1].by) == (clock.now(), cast.DESK.name)


def test_a_failure_after_the_last_success_is_shown(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    visitor = Browser("Firefox", "a browser")
    link_redemption.redeem(practice, token, visitor=visitor)
    assert read_timeline(ana).failed_at is None

    stopped_clock.shift(timedelta(hours=1))
    link_redemption.redeem(practice, token, visitor=visitor)
    assert (read_timeline(ana).failed_at, kinds(read_timeline(ana))[0]) == (clock.now(), TimelineKind.LINK_REFUSED)

    stopped_clock.shift(timedelta(hours=1))
    link = cast.mailed(practice, "ana@mail.example")
    sign_in_codes.enter(practice, "222222", browser_key="a browser", mailbox_key="ana@mail.example", visitor=visitor)
    shown = read_timeline(ana)
    assert shown.failed_at == clock.now()
    assert kinds(shown)[:3] == [
        TimelineKind.CODE_REFUSED,
        TimelineKind.SIGN_IN_MAILED,
        TimelineKind.LINK_REFUSED,
    ]

    stopped_clock.shift(timedelta(minutes=1))
    sign_in_codes.enter(
        practice, sign_in_links.code_of(link), browser_key="a browser", mailbox_key="ana@mail.example", visitor=visitor
    )
    shown = read_timeline(ana)
    assert (shown.failed_at, kinds(shown)[0]) == (None, TimelineKind.CODE_TYPED)


def test_pin_success_and_wrong_pin_are_both_shown(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    sign_in_pins.generate(ana, form_key="k" * 43, by=cast.DESK)
    for minute in range(11):
        stopped_clock.shift(timedelta(minutes=minute))
        sign_in_pins.enter(
            practice, "ana@mail.example", "00000000", visitor=Browser("Firefox", "a browser"), ip="192.0.2.1"
        )

    shown = read_timeline(ana)

    assert shown.failed_at == clock.now()
    assert kinds(shown)[0] == TimelineKind.TOO_MANY_TRIES
    assert TimelineKind.PIN_REFUSED in kinds(shown)


def test_the_history_takes_two_queries(practice: Practice, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    ana = cast.ana(practice)
    for _ in range(8):
        cast.invited(ana)
    access = access_lookups.access_of(ana)
    with django_assert_num_queries(2):
        portal_history.load(ana, access)
