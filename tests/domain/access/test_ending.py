"""One press ends everything of one client, and nothing of anybody else."""

import pytest

from portico.domain.access import ending, granting, sessions, signing_in
from portico.domain.access.arriving import Visitor
from portico.domain.access.models import PortalSession
from portico.domain.access.sessions import Begun
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.models import TrailEntry
from portico.plumbing.verbs import Verb
from tests import cast

VISITOR = Visitor("Firefox on Windows", "a browser")
pytestmark = pytest.mark.django_db


def signed_in(person: Client) -> PortalSession:
    begun = signing_in.press(person.practice, cast.token_of(cast.invited(person)), visitor=VISITOR)
    assert isinstance(begun, Begun)
    return begun.session


def seen(person: Client) -> list[PortalSession]:
    return ending.sessions_of(person, granting.of(person))


def test_everything_of_a_client_ends_and_the_mailboxs_others_go_on(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bea)
    session = signed_in(bruno)
    ending.end_everything(bea, by=cast.DESK)
    assert [access.client for access in sessions.opened(session)] == [bruno]


def test_a_session_that_shows_nobody_any_more_is_over(practice: Practice) -> None:
    ana = cast.ana(practice)
    session = signed_in(ana)
    ending.end_everything(ana, by=cast.DESK)
    session.refresh_from_db()
    assert (session.ended_at is not None, session.ended_by) == (True, cast.DESK.name)


def test_a_client_without_an_address_has_nothing_to_end(practice: Practice) -> None:
    casey = cast.client(practice, "Casey")
    ending.end_everything(casey, by=cast.DESK)
    assert not TrailEntry.objects.filter(verb=Verb.EVERYTHING_ENDED).exists()


def test_sessions_told_of_a_client_are_those_that_show_them(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    before = signed_in(bruno)
    cast.with_access(bea)
    assert (seen(bruno), seen(bea)) == ([before], [])
    after = signed_in(bruno)
    assert (seen(bruno), seen(bea)) == ([after, before], [after])
    for person in (bruno, bea):
        assert {each.pk for each in seen(person)} == {
            each.pk for each in PortalSession.objects.all() if sessions.opened(each).filter(client=person).exists()
        }
