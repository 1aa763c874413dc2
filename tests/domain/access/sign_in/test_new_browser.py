"""A sign-in with a new browser sends a notice, given consent; the first sign-in sends none."""

from dataclasses import replace

import pytest
from django.utils import translation

from portico.domain.access import access_grants
from portico.domain.access.models import KnownBrowser
from portico.domain.access.notices import known_browsers
from portico.domain.access.sign_in import link_redemption, sign_in_links
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing.mail import delivery
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.support.servers.smtp import SmtpServer

KIND = "new_browser"


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


def sign_in(practice: Practice, key: str, *, address: str = "ana@mail.example") -> None:
    link = cast.mailed(practice, address)
    token = sign_in_links.url_of(link).split("/")[-2]
    assert isinstance(
        link_redemption.redeem(practice, token, visitor=Browser("Firefox on Windows", key)), StartedSession
    )


def notices() -> list[OutgoingEmail]:
    return list(OutgoingEmail.objects.filter(kind=KIND))


def test_first_and_repeated_sign_ins_send_no_notice(practice: Practice, ana: Client) -> None:
    sign_in(practice, "one")
    sign_in(practice, "one")
    assert notices() == []


def test_another_browser_sends_one_notice(practice: Practice, ana: Client, smtp: SmtpServer) -> None:
    sign_in(practice, "one")
    sign_in(practice, "two")
    sign_in(practice, "two")
    (notice,) = notices()
    assert (notice.to_address, notice.client, notice.queue) == ("ana@mail.example", ana, "rest")
    assert delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))
    (mail,) = smtp.mails
    assert mail.message["Subject"] == "Sign-in from a new browser"
    for words in ("Nov 23", "12:20 PM EST", "Firefox on Windows", "Alder Street Therapy", "(212) 555-0177"):
        assert words in mail.text().replace("\N{NO-BREAK SPACE}", " ")
    assert "Ana" not in mail.text()


def test_one_browser_looks_different_to_each_mailbox(practice: Practice, ana: Client) -> None:
    cast.with_access(cast.bruno(practice))
    for address in ("ana@mail.example", "bruno@mail.example"):
        sign_in(practice, "one", address=address)
    first, second = KnownBrowser.objects.values_list("browser_hash", flat=True)
    assert first != second
    assert notices() == []


def test_the_notice_is_about_a_client_who_may_be_mailed(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    for person in (bruno, bea):
        cast.with_access(person)
    bruno.email_addresses.update(email_ok_at=None)
    for key in ("one", "two"):
        sign_in(practice, key, address="bruno@mail.example")
    assert [notice.client for notice in notices()] == [bea]


@pytest.mark.parametrize("why", ["access", "email_ok"])
def test_the_notice_is_dropped_once_mail_is_not_allowed(
    practice: Practice, ana: Client, smtp: SmtpServer, why: str
) -> None:
    sign_in(practice, "one")
    sign_in(practice, "two")
    if why == "access":
        access_grants.save_access(ana, replace(cast.entry_for(ana), enabled=False), version=None, by=cast.DESK)
    else:
        ana.email_addresses.update(email_ok_at=None)
    assert delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))
    assert smtp.mails == []
    assert OutgoingEmail.objects.get(kind=KIND).state == "dropped"


@pytest.mark.parametrize(
    ("kept", "said"),
    [("Safari on iPhone", "Safari en iPhone"), ("Firefox", "Firefox"), ("", "")],
)
def test_a_browser_is_named_in_the_readers_language(kept: str, said: str) -> None:
    with translation.override("es"):
        assert known_browsers.describe(kept) == said
    with translation.override("en"):
        assert known_browsers.describe(kept) == kept
