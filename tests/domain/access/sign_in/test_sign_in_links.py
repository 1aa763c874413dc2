"""Sign-in links: derived and never stored, three live for a mailbox, valid by the account's epochs."""

from dataclasses import replace
from datetime import timedelta

import time_machine
from django.conf import settings

from portico.domain.access import access_grants
from portico.domain.access.models import SignInLink
from portico.domain.access.sign_in import link_redemption, sign_in_links
from portico.domain.access.sign_in.link_redemption import LinkState
from portico.domain.clients import registration
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from tests import cast


def two_addresses(practice: Practice) -> Client:
    """Returns Ana with addresses A and B, both with consent."""
    entry = ClientInput(
        ClientDetails("Ana"),
        addresses=(AddressInput("a@mail.example", "home", True), AddressInput("b@mail.example", "work", True)),  # noqa: FBT003
    )
    return registration.create(practice, entry, by=cast.DESK)


def choose(person: Client, address: str) -> None:
    ref = person.email_addresses.open().get(address=address).ref
    access_grants.save_access(person, replace(cast.entry_for(person), address=ref), version=None, by=cast.DESK)


def state(practice: Practice, token: str) -> LinkState:
    return link_redemption.find(practice, token).state


def test_a_links_url_is_derived_repeatably(practice: Practice) -> None:
    link = SignInLink.objects.select_related("email", "practice").get(email=cast.invited(cast.ana(practice)).email)
    assert sign_in_links.url_of(link) == sign_in_links.url_of(link)
    assert sign_in_links.url_of(link).startswith(f"{settings.PUBLIC_BASE_URL}/portal/alder-street/link/")


def test_a_link_works_only_after_the_hand_over(practice: Practice) -> None:
    invitation = cast.invited(cast.ana(practice))
    link = SignInLink.objects.select_related("email", "practice").get(email=invitation.email)
    token = sign_in_links.url_of(link).rstrip("/").rpartition("/")[2]
    assert state(practice, token) == LinkState.EXPIRED
    cast.token_of(invitation)
    assert state(practice, token) == LinkState.LIVE


def test_a_links_lifetime_starts_with_the_first_hand_over(
    practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    invitation = cast.invited(cast.ana(practice))
    stopped_clock.shift(timedelta(hours=30))  # The mail server was away; the link's time has not begun.
    token = cast.token_of(invitation)
    stopped_clock.shift(timedelta(seconds=settings.SIGNIN_LINK_TTL - 1))
    assert state(practice, token) == LinkState.LIVE
    stopped_clock.shift(timedelta(seconds=1))
    assert state(practice, token) == LinkState.EXPIRED


def test_the_fourth_live_link_voids_the_oldest(practice: Practice) -> None:
    ana = cast.ana(practice)
    tokens = [cast.token_of(cast.invited(ana)) for _ in range(4)]
    assert [state(practice, token) for token in tokens] == [LinkState.EXPIRED, *[LinkState.LIVE] * 3]


def test_live_links_are_counted_for_each_mailbox(practice: Practice) -> None:
    bruno, bea, carol = cast.bruno(practice), cast.bea(practice), cast.carol(practice)
    first = cast.token_of(cast.invited(bruno))
    others = cast.token_of(cast.invited(carol))
    for _ in range(3):
        cast.invited(bea)
    assert state(practice, first) == LinkState.EXPIRED
    assert state(practice, others) == LinkState.LIVE


def test_from_a_to_b_and_back_to_a_revives_no_old_link(practice: Practice) -> None:
    ana = two_addresses(practice)
    token = cast.token_of(cast.invited(ana))
    choose(ana, "b@mail.example")
    assert state(practice, token) == LinkState.EXPIRED
    choose(ana, "a@mail.example")
    assert state(practice, token) == LinkState.EXPIRED


def test_access_off_and_on_again_revives_no_old_link(practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    access_grants.save_access(ana, replace(cast.entry_for(ana), enabled=False), version=None, by=cast.DESK)
    assert state(practice, token) == LinkState.EXPIRED
    access_grants.save_access(ana, cast.entry_for(ana), version=None, by=cast.DESK)
    assert state(practice, token) == LinkState.EXPIRED


def test_a_change_of_one_client_leaves_the_mailboxs_other_links_alone(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bea)
    token = cast.token_of(cast.invited(bruno))
    access_grants.save_access(bea, replace(cast.entry_for(bea), enabled=False), version=None, by=cast.DESK)
    assert state(practice, token) == LinkState.LIVE
