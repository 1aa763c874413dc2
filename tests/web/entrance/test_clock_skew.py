"""Links, codes, PINs and sessions when the clocks of two processes differ by a minute."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings

from portico.domain.access.models import PortalSession, SignInLink, SignInRequest
from portico.domain.access.models.links import CODE_LIFETIME
from portico.domain.access.sign_in import sign_in_links, sign_in_pins
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from tests import cast
from tests.support.portal_client import Browser

PORTAL = "/portal/alder-street/"
MINUTE = timedelta(minutes=1)
# The other process's clock, compared with ours.
APART = pytest.mark.parametrize("apart", [MINUTE, -MINUTE], ids=["ahead", "behind"])
# When we check, relative to the expiry set by the other process.
AROUND = pytest.mark.parametrize("seconds", [-1, 0], ids=["just before", "at the end"])


@pytest.fixture
def ana(practice: Practice) -> Client:
    ana = cast.ana(practice)
    cast.with_access(ana)
    return ana


@contextmanager
def elsewhere(clock: time_machine.Traveller, apart: timedelta) -> Iterator[None]:
    """Runs the block with the other process's clock."""
    clock.shift(apart)
    yield
    clock.shift(-apart)


@APART
@AROUND
def test_link_expires_by_the_senders_clock(
    client: Browser, ana: Client, stopped_clock: time_machine.Traveller, apart: timedelta, seconds: int
) -> None:
    with elsewhere(stopped_clock, apart):
        token = cast.token_of(cast.invited(ana))
    assert client.get(f"{PORTAL}link/{token}/", follow=True).status_code == 200
    stopped_clock.shift(timedelta(seconds=settings.SIGNIN_LINK_TTL + seconds) + apart)
    assert client.get(f"{PORTAL}link/{token}/", follow=True).status_code == (200 if seconds else 410)
    assert client.post(f"{PORTAL}link/").status_code == (302 if seconds else 410)
    assert PortalSession.objects.count() == (1 if seconds else 0)


@APART
@AROUND
def test_code_expires_by_the_senders_clock(
    client: Browser, ana: Client, stopped_clock: time_machine.Traveller, apart: timedelta, seconds: int
) -> None:
    client.post(PORTAL, {"email": "ana@mail.example"})
    with elsewhere(stopped_clock, apart):
        code = sign_in_links.code_of(mailed())
    stopped_clock.shift(CODE_LIFETIME + timedelta(seconds=seconds) + apart)
    assert client.post(f"{PORTAL}code/", {"code": code}).status_code == (302 if seconds else 422)


def mailed() -> SignInLink:
    assert request_worker.process_next()
    return cast.handed_over(SignInRequest.objects.latest("id"))


@APART
@AROUND
def test_pin_expires_by_the_creators_clock(
    client: Browser, ana: Client, stopped_clock: time_machine.Traveller, apart: timedelta, seconds: int
) -> None:
    form_key = tokens.new_token()
    with elsewhere(stopped_clock, apart):
        sign_in_pins.generate(ana, form_key=form_key, by=cast.DESK)
        shown = sign_in_pins.digits(ana, form_key, to=cast.DESK)
    assert shown is not None
    stopped_clock.shift(timedelta(seconds=settings.PIN_TTL + seconds) + apart)
    typed = {"email": "ana@mail.example", "pin": shown[1]}
    assert client.post(f"{PORTAL}pin/", typed).status_code == (302 if seconds else 422)


@APART
@AROUND
def test_session_times_out_by_the_last_users_clock(
    client: Browser, ana: Client, stopped_clock: time_machine.Traveller, apart: timedelta, seconds: int
) -> None:
    with elsewhere(stopped_clock, apart):
        cast.in_the_portal(client, ana)
    stopped_clock.shift(timedelta(seconds=settings.SESSION_IDLE_CLIENT + seconds) + apart)
    assert client.get(f"{PORTAL}home/").status_code == (200 if seconds else 302)


@APART
def test_rate_limits_count_across_skewed_clocks(
    client: Browser, ana: Client, stopped_clock: time_machine.Traveller, apart: timedelta
) -> None:
    with elsewhere(stopped_clock, apart):
        asked = [client.post(PORTAL, {"email": "ana@mail.example"}) for _ in range(15)]
    asked += [client.post(PORTAL, {"email": "ana@mail.example"}) for _ in range(16)]
    assert [answer.status_code for answer in asked] == [302] * 30 + [429]
