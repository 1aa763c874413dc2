"""A client's activity page: sentences, filters and pagination."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client as Browser

from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.actors import Actor, ActorKind
from portico.plumbing.audit import audit_log
from portico.plumbing.models import AuditEntry
from portico.web.office.audit_log import entry_sentences
from tests import cast, shared_documents
from tests.web.office.form_data import said

pytestmark = pytest.mark.django_db


def page_of(client: Client) -> str:
    return f"/office/clients/{client.ref}/activity/"


def sentences(page: str) -> list[str]:
    return re.findall(r'<p class="break">([^<]+)</p>', page)


def test_a_biller_sees_no_document_actions(client: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    access = PortalAccess.objects.get(own_client=ana)
    (request,) = shared_documents.shared(access, shared_documents.consent(practice))
    submission = shared_documents.signed(request, access)
    for kind in ("completed_document", "letter"):
        audit_log.record(AuditAction.DOCUMENT_VIEWED, practice=practice, client=ana, by=cast.DESK, kind=kind)
    audit_log.record(AuditAction.SUBMISSION_VIEWED, practice=practice, client=ana, by=cast.DESK, about=submission.ref)
    everything, seen, overview = page_of(ana), page_of(ana) + "?show=seen", f"/office/clients/{ana.ref}/"
    desk = cast.signed_in(Browser(), cast.fay(practice))
    assert "Document signed in the portal" in said(desk, everything)
    assert "Document signed in the portal" in said(desk, overview)
    assert "Completed document downloaded as PDF" in said(desk, seen)
    biller = cast.signed_in(client, cast.ines(practice))
    for address in (everything, seen, overview):
        assert not re.search("(?i)document (shared|signed|viewed|downloaded)|documents shared", said(biller, address))
    assert "Invitation letter printed" in said(biller, seen)
    assert "Portal access turned on" in said(biller, everything)


def test_entries_are_listed_newest_first(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)

    assert sentences(said(office, page_of(ana))) == [
        "Invitation to ana@mail.example sent",
        "Portal access turned on",
        "Portal email set to ana@mail.example",
        "Email ok recorded for ana@mail.example",
        "Email address ana@mail.example added",
        "Client created",
    ]


def test_days_are_in_the_practices_zone(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    # Already Tuesday in UTC, still Monday evening in New York.
    with time_machine.travel(datetime(2026, 11, 24, 3, 30, tzinfo=UTC), tick=False):
        audit_log.record(AuditAction.ACCESS_TURNED_ON, practice=practice, client=ana, by=cast.DESK)

    page = said(office, page_of(ana))
    assert re.findall(r"<h3>([^<]+)</h3>", page) == ["Today"]
    assert "10:30 PM" in page


@pytest.mark.parametrize(("days", "heading"), [(0, "Today"), (1, "Yesterday"), (3, "Nov 20"), (400, "Oct 19, 2025")])
def test_days_are_named_today_yesterday_or_by_date(
    office: Browser, practice: Practice, stopped_clock: time_machine.Traveller, days: int, heading: str
) -> None:
    stopped_clock.shift(timedelta(days=-days))
    ana = cast.client(practice, "Ana")
    stopped_clock.shift(timedelta(days=days))

    assert f"<h3>{heading}</h3>" in said(office, page_of(ana))


def test_views_are_shown_only_with_their_filter(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    office.get(f"/office/clients/{ana.ref}/")

    assert "Overview viewed" not in sentences(said(office, page_of(ana)))
    assert sentences(said(office, f"{page_of(ana)}?show=seen"))[-1] == "Overview viewed"


def test_filters_show_only_their_kind(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    person = Actor(ActorKind.CLIENT, "Ana", account_id=1)
    audit_log.record(AuditAction.CLIENT_SIGNED_IN, practice=practice, client=ana, by=person)

    signed_in = said(office, f"{page_of(ana)}?show=sign-ins")
    assert sentences(signed_in) == ["Signed in with the link from the email"]
    assert "Portal account for Ana" in signed_in
    assert sentences(said(office, f"{page_of(ana)}?show=emails")) == ["Invitation to ana@mail.example sent"]
    assert len(sentences(said(office, f"{page_of(ana)}?show=everything-else"))) == 7


@pytest.mark.parametrize(
    ("show", "actions"),
    [
        (
            "sign-ins",
            [
                *(
                    AuditAction.LINK_SENT,
                    AuditAction.LINK_REFUSED,
                    AuditAction.CODE_REFUSED,
                    AuditAction.CODE_BEYOND_LIMIT,
                    AuditAction.PIN_REFUSED,
                ),
                *(
                    AuditAction.PIN_BEYOND_LIMIT,
                    AuditAction.CLIENT_SIGNED_IN_BY_CODE,
                    AuditAction.CLIENT_SIGNED_IN_BY_PIN,
                ),
                *(AuditAction.CLIENT_SIGNED_OUT, AuditAction.SESSION_ENDED, AuditAction.EVERYTHING_ENDED),
            ],
        ),
        (
            "emails",
            [
                AuditAction.LINK_SENT,
                AuditAction.EMAIL_DROPPED,
                AuditAction.INVITATION_REFUSED,
                AuditAction.EMAIL_RESTARTED,
            ],
        ),
        (
            "billing",
            [
                *(
                    AuditAction.PAYMENT_DECLINED,
                    AuditAction.PAYMENT_CHARGED,
                    AuditAction.PAYMENT_STARTED,
                    AuditAction.PAYMENT_QUARANTINED,
                ),
                *(
                    AuditAction.REFUND_FAILED,
                    AuditAction.REFUND_SENT,
                    AuditAction.DISPUTE_OPENED,
                    AuditAction.DISPUTE_LOST,
                    AuditAction.CARD_REMOVED,
                ),
            ],
        ),
    ],
)
def test_filters_include_failures(office: Browser, practice: Practice, show: str, actions: list[AuditAction]) -> None:
    ana = cast.client(practice, "Ana")
    told = [
        entry_sentences.sentence(audit_log.record(action, practice=practice, client=ana, by=cast.DESK))
        for action in actions
    ]

    page = said(office, f"{page_of(ana)}?show={show}")

    assert sorted(map(unescape, sentences(page))) == sorted(told)


def test_next_page_continues_after_the_last_entry(office: Browser, practice: Practice) -> None:
    ana = cast.client(practice, "Ana")
    for number in range(120):
        audit_log.record(
            AuditAction.ADDRESS_ADDED, practice=practice, client=ana, by=cast.DESK, address=f"a{number}@mail.example"
        )
    seen, address, pages = list[str](), page_of(ana), 0
    while address:
        page = said(office, address)
        seen += sentences(page)
        pages += 1
        older = re.search(r'href="(\?[^"]*before=[^"]*)"', page)
        address = page_of(ana) + older[1].replace("&amp;", "&") if older else ""

    assert pages == 3
    assert len(seen) == len(set(seen)) == 121
    assert seen[0] == "Email address a119@mail.example added"


@pytest.mark.parametrize("before", ["unknown", "x" * 4000, "%F0%9F%92%A5", "1"])
def test_invalid_before_shows_the_newest(office: Browser, practice: Practice, before: str) -> None:
    assert "Client created" in said(office, f"{page_of(cast.client(practice, 'Ana'))}?before={before}")


def test_only_this_clients_entries_are_shown(office: Browser, practice: Practice) -> None:
    cast.invited(cast.carol(practice))

    assert sentences(said(office, page_of(cast.client(practice, "Ana")))) == ["Client created"]
    assert office.get(page_of(cast.dora(cast.birch()))).status_code == 404


def test_each_view_is_recorded_once(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    office.get(page_of(ana))

    assert AuditEntry.objects.filter(action=AuditAction.ACTIVITY_VIEWED, client=ana).count() == 1


def test_a_biller_may_read_it(client: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)

    assert cast.signed_in(client, cast.ines(practice)).get(page_of(ana)).status_code == 200


def test_query_count_is_constant(office: Browser, practice: Practice, django_assert_num_queries: object) -> None:
    assert callable(django_assert_num_queries)
    ana = cast.client(practice, "Ana")
    for _ in range(2):
        for number in range(70):
            audit_log.record(
                AuditAction.ADDRESS_ADDED, practice=practice, client=ana, by=cast.DESK, address=f"a{number}"
            )
        with django_assert_num_queries(5):
            office.get(page_of(ana))
