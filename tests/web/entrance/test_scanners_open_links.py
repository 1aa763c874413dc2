"""Opening links a thousand times redeems none of them."""

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from portico.domain.access.models import PortalAccess, PortalAccount, PortalSession, SignInLink
from portico.domain.access.sign_in import sign_in_links
from portico.domain.clients.models import Client, EmailAddress
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.models import AuditEntry, EmailEvent, OutgoingEmail, RateLimitCount
from portico.web.entrance import link
from tests import cast
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db
LINK = "/portal/alder-street/link/"
MANY = 1_000


def looked(token: str, method: str = "GET") -> None:
    """Calls the view without middleware, for speed."""
    answer = link.open_link(RequestFactory().generic(method, f"{LINK}{token}/"), slug="alder-street", token=token)
    assert (answer.status_code, answer.headers["Location"]) == (302, LINK)


def test_link_opened_1000_times_still_signs_in(client: Browser, practice: Practice) -> None:
    token = cast.token_of(cast.invited(cast.ana(practice)))
    before = state_of_everything()
    for _ in range(MANY * 9 // 10):
        looked(token, "HEAD")
    client.head(f"{LINK}{token}/")
    for _ in range(10):
        assert client.head(LINK).status_code == client.get(LINK).status_code == 200
    assert state_of_everything() == before
    for _ in range(MANY // 10):
        looked(token)
    assert SignInLink.objects.unspent().count() == 1
    assert EmailEvent.objects.filter(kind="fetched").count() == 1
    assert state_of_everything() == before | {EmailEvent: before[EmailEvent] + 1}
    assert client.post(LINK)["Location"] == "/portal/alder-street/home/"


def test_redeeming_one_of_1000_open_links_spends_only_it(client: Browser, practice: Practice) -> None:
    tokens_of_all = a_thousand_links(practice)
    before = state_of_everything()
    costs = []
    for token in tokens_of_all[::10]:
        with CaptureQueriesContext(connection) as queries:
            looked(token)
        costs.append(len(queries))
    assert set(costs) == {costs[0]}
    assert SignInLink.objects.unspent().count() == MANY
    assert state_of_everything() == before | {EmailEvent: before[EmailEvent] + MANY // 10}
    client.get(f"{LINK}{tokens_of_all[500]}/")
    assert client.post(LINK)["Location"] == "/portal/alder-street/home/"
    pressed = SignInLink.objects.exclude(used_at=None).get()
    assert pressed.token_hash == tokens.digest(tokens_of_all[500])
    assert SignInLink.objects.unspent().count() == MANY - 1
    assert PortalSession.objects.count() == 1


def state_of_everything() -> dict[type, int]:
    """Counts the rows that a sign-in would add."""
    written = (EmailEvent, RateLimitCount, OutgoingEmail, PortalAccount, PortalSession, SignInLink, AuditEntry)
    return {rows: rows.objects.count() for rows in written}


def a_thousand_links(practice: Practice) -> list[str]:
    """Creates a live link for each of a thousand mailboxes; returns their tokens."""
    now = clock.now()
    people = Client.objects.bulk_create(Client(practice=practice, first_name=f"N{n}") for n in range(MANY))
    addresses = EmailAddress.objects.bulk_create(
        EmailAddress(practice=practice, client=person, address=key, mailbox_key=key, email_ok_at=now)
        for person, key in ((person, f"{person.first_name.lower()}@mail.example") for person in people)
    )
    accounts = PortalAccount.objects.bulk_create(
        PortalAccount(practice=practice, mailbox_key=address.mailbox_key) for address in addresses
    )
    PortalAccess.objects.bulk_create(
        PortalAccess.of(person, practice=practice, account=account, address=address, enabled_at=now)
        for person, account, address in zip(people, accounts, addresses, strict=True)
    )
    mails = OutgoingEmail.objects.bulk_create(
        OutgoingEmail(
            practice=practice,
            kind="invitation",
            key=f"invitation:{address.ref}",
            to_address=address.address,
            message_id=f"<{address.ref}@portico.example>",
            link_nonce=tokens.new_nonce(),
            handing_over_at=now,
        )
        for address in addresses
    )
    drawn = SignInLink.objects.bulk_create(
        sign_in_links.build(account, address, mail)
        for account, address, mail in zip(accounts, addresses, mails, strict=True)
    )
    return [sign_in_links.url_of(each).rstrip("/").rpartition("/")[2] for each in drawn]
