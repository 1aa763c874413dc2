"""The practice's trail for its owner: acts before views, bounded however long it is, honest about its seals."""

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log, sealing
from portico.plumbing.models import AuditEntry
from portico.web.office.settings import audit_log_page
from tests import cast

pytestmark = pytest.mark.django_db
TRAIL = "/office/settings/trail/"
# Session, colleague, practice, staff, where the stride ends, entries, the chain's head, what is unsealed, the menu,
# storms at the entrance.
QUERIES = 11


@pytest.fixture
def owner(client: Browser, practice: Practice) -> Browser:
    return cast.signed_in(client, cast.elm(practice))


def page(browser: Browser, query: str = "") -> str:
    answer = browser.get(f"{TRAIL}{query}")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def verbs(shown: str) -> list[str]:
    return re.findall(r'data-testid="trail-row" data-verb="([\w.]+)"', shown)


def test_the_owner_reads_who_did_what_for_which_client(owner: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    audit_log.record(AuditAction.CLIENT_ARCHIVED, practice=practice, client=ana, by=Actor.system("Fay"))
    shown = page(owner)
    row = shown[shown.index('data-verb="client.archived"') :].partition("</tr>")[0]
    assert "Today, 12:20 PM" in row
    assert "Client archived" in row
    assert f'href="/office/clients/{ana.ref}/">Ana Abreu</a>' in row
    assert "Fay" in row


@pytest.mark.parametrize("colleague", [cast.hal, cast.fay, cast.ines])
def test_nobody_else_may_and_the_attempt_is_in_it(client: Browser, practice: Practice, colleague: object) -> None:
    browser = cast.signed_in(client, colleague(practice))  # type: ignore[operator]  # One of the cast.
    assert browser.get(TRAIL).status_code == 403
    assert AuditEntry.objects.filter(verb=AuditAction.DENIED_ROLE).count() == 1


def test_every_verb_can_be_shown(owner: Browser, practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log_page, "PAGE_SIZE", len(AuditAction))
    for verb in AuditAction:
        audit_log.record(verb, practice=practice, by=Actor.anonymous())
    assert set(verbs(page(owner, "?what=everything"))) == set(AuditAction.values)


def test_views_are_hidden_until_asked_for(owner: Browser, practice: Practice) -> None:
    audit_log.record(AuditAction.OVERVIEW_VIEWED, practice=practice, by=Actor.system())
    audit_log.record(AuditAction.CLIENT_CREATED, practice=practice, by=Actor.system())
    assert verbs(page(owner)) == ["client.created"]
    assert verbs(page(owner, "?what=views")) == ["overview.viewed"]
    assert verbs(page(owner, "?what=everything")) == ["client.created", "overview.viewed"]


def test_one_colleagues_acts_can_be_picked_out(owner: Browser, practice: Practice) -> None:
    fay = cast.fay(practice)
    audit_log.record(AuditAction.CLIENT_EDITED, practice=practice, by=fay.actor)
    audit_log.record(AuditAction.CLIENT_CREATED, practice=practice, by=Actor.system())
    assert verbs(page(owner, f"?who={fay.ref}")) == ["client.edited"]
    assert verbs(page(owner, "?who=system")) == ["client.created"]


def test_a_colleagues_failed_sign_ins_are_among_their_acts(owner: Browser, practice: Practice) -> None:
    fay, hal = cast.fay(practice), cast.hal(practice)
    for member in (fay, hal):
        Browser().post("/office/sign-in/", {"email": member.email, "password": "wrong, and long enough"})
    assert verbs(page(owner, f"?who={fay.ref}")) == ["staff.sign_in_refused"]


def test_one_clients_entries_can_be_picked_out(owner: Browser, practice: Practice) -> None:
    ana, carol = cast.ana(practice), cast.carol(practice)
    audit_log.record(AuditAction.CLIENT_ARCHIVED, practice=practice, client=ana, by=Actor.system())
    audit_log.record(AuditAction.CLIENT_RESTORED, practice=practice, client=carol, by=Actor.system())
    shown = verbs(page(owner, "?client=abr"))
    assert "client.archived" in shown
    assert "client.restored" not in shown


def test_another_practices_trail_is_not_in_it(owner: Browser, practice: Practice) -> None:
    birch = cast.birch()
    cast.dora(birch)
    shown = page(owner, f"?before={AuditEntry.objects.filter(practice=birch).latest('id').ref}")
    assert verbs(shown) == []
    assert verbs(page(owner)) == []


def test_pages_follow_a_key(owner: Browser, practice: Practice) -> None:
    for number in range(60):
        audit_log.record(AuditAction.CLIENT_EDITED, practice=practice, by=Actor.system(f"Number {number}"))
    first = page(owner)
    assert len(verbs(first)) == 50
    older = re.search(r'href="(\?[^"]*before=[^"]*)"', first)
    assert older is not None
    second = page(owner, older[1])
    assert len(verbs(second)) == 10
    assert "Number 0" in second


def test_a_filter_that_matches_little_looks_back_by_a_stride_and_says_so(
    owner: Browser, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log_page, "MAX_SCANNED", 10)
    audit_log.record(AuditAction.CLIENT_CREATED, practice=practice, by=Actor.operator())
    for _ in range(15):
        audit_log.record(AuditAction.CLIENT_EDITED, practice=practice, by=Actor.system())
    first = page(owner, "?who=operator")
    assert verbs(first) == []
    assert "Older ones have not been looked at yet." in first
    older = re.search(r'href="(\?[^"]*before=[^"]*)"', first)
    assert older is not None
    assert verbs(page(owner, older[1])) == ["client.created"]


def test_it_says_what_is_sealed_and_what_waits(
    owner: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    audit_log.record(AuditAction.CLIENT_EDITED, practice=practice, by=Actor.system())
    shown = page(owner)
    assert "No entry is sealed yet." in shown
    assert "not sealed yet" in shown
    stopped_clock.shift(timedelta(minutes=2))
    assert "1 entry waits for its seal" in page(owner)
    sealing.seal(practice.pk)
    shown = page(owner)
    assert "1 entry is sealed." in shown
    assert "not sealed yet" not in shown
    assert "waits for its seal" not in shown


@pytest.mark.parametrize(
    "query",
    ["?client=%00", "?who=nonsense", "?what=nonsense", "?before=..", f"?client={'x' * 2000}", "?client=%ED%A0%80"],
)
def test_a_hostile_query_finds_nothing_and_breaks_nothing(owner: Browser, practice: Practice, query: str) -> None:
    audit_log.record(AuditAction.CLIENT_EDITED, practice=practice, by=Actor.system())
    answer = owner.get(f"{TRAIL}{query}")
    assert answer.status_code in {200, 400}
    assert verbs(answer.content.decode()) == []


def test_what_stands_in_an_entry_is_shown_as_text(owner: Browser, practice: Practice) -> None:
    audit_log.record(
        AuditAction.CONSENT_RECORDED, practice=practice, by=Actor.system("<b>Eve</b>"), address="<i>@x.example"
    )
    shown = owner.get(TRAIL).content.decode()
    assert "&lt;b&gt;Eve" in shown
    assert "&lt;i&gt;@x.example" in shown


def test_it_takes_the_same_queries_however_long_it_is(
    owner: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ana = cast.ana(practice)
    owner.get(TRAIL)
    for number in (1, 60):
        for _ in range(number):
            audit_log.record(AuditAction.CLIENT_EDITED, practice=practice, client=ana, by=Actor.system())
        with django_assert_num_queries(QUERIES):
            owner.get(TRAIL)
