"""The audit log page: filters, paging, scan limit and seals."""

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
AUDIT_LOG = "/office/settings/trail/"
# Session with colleague and practice, staff, the scan limit, entries, the chain's head, unsealed ones, the menu.
QUERIES = 7


@pytest.fixture
def owner(client: Browser, practice: Practice) -> Browser:
    return cast.signed_in(client, cast.elm(practice))


def page(browser: Browser, query: str = "") -> str:
    answer = browser.get(f"{AUDIT_LOG}{query}")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def actions(shown: str) -> list[str]:
    return re.findall(r'data-testid="trail-row" data-action="([\w.]+)"', shown)


def test_a_row_shows_actor_action_and_client(owner: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    audit_log.record(AuditAction.CLIENT_ARCHIVED, practice=practice, client=ana, by=Actor.system("Fay"))
    shown = page(owner)
    row = shown[shown.index('data-action="client.archived"') :].partition("</tr>")[0]
    assert "Today, 12:20 PM" in row
    assert "Client archived" in row
    assert f'href="/office/clients/{ana.ref}/">Ana Abreu</a>' in row
    assert "Fay" in row


@pytest.mark.parametrize("colleague", [cast.hal, cast.fay, cast.ines])
def test_other_roles_are_refused_and_logged(client: Browser, practice: Practice, colleague: object) -> None:
    browser = cast.signed_in(client, colleague(practice))  # type: ignore[operator]  # One of the cast.
    assert browser.get(AUDIT_LOG).status_code == 403
    assert AuditEntry.objects.filter(action=AuditAction.DENIED_ROLE).count() == 1


def test_every_action_can_be_shown(owner: Browser, practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log_page, "PAGE_SIZE", len(AuditAction))
    for action in AuditAction:
        audit_log.record(action, practice=practice, by=Actor.anonymous())
    assert set(actions(page(owner, "?what=everything"))) == set(AuditAction.values)


def test_views_are_hidden_by_default(owner: Browser, practice: Practice) -> None:
    audit_log.record(AuditAction.OVERVIEW_VIEWED, practice=practice, by=Actor.system())
    audit_log.record(AuditAction.CLIENT_CREATED, practice=practice, by=Actor.system())
    assert actions(page(owner)) == ["client.created"]
    assert actions(page(owner, "?what=views")) == ["overview.viewed"]
    assert actions(page(owner, "?what=everything")) == ["client.created", "overview.viewed"]


def test_entries_are_filtered_by_actor(owner: Browser, practice: Practice) -> None:
    fay = cast.fay(practice)
    audit_log.record(AuditAction.CLIENT_EDITED, practice=practice, by=fay.actor)
    audit_log.record(AuditAction.CLIENT_CREATED, practice=practice, by=Actor.system())
    assert actions(page(owner, f"?who={fay.ref}")) == ["client.edited"]
    assert actions(page(owner, "?who=system")) == ["client.created"]


def test_the_actor_filter_includes_failed_sign_ins(owner: Browser, practice: Practice) -> None:
    fay, hal = cast.fay(practice), cast.hal(practice)
    for member in (fay, hal):
        Browser().post("/office/sign-in/", {"email": member.email, "password": "wrong, and long enough"})
    assert actions(page(owner, f"?who={fay.ref}")) == ["staff.sign_in_refused"]


def test_entries_are_filtered_by_client(owner: Browser, practice: Practice) -> None:
    ana, carol = cast.ana(practice), cast.carol(practice)
    audit_log.record(AuditAction.CLIENT_ARCHIVED, practice=practice, client=ana, by=Actor.system())
    audit_log.record(AuditAction.CLIENT_RESTORED, practice=practice, client=carol, by=Actor.system())
    shown = actions(page(owner, "?client=abr"))
    assert "client.archived" in shown
    assert "client.restored" not in shown


def test_another_practices_entries_are_not_shown(owner: Browser, practice: Practice) -> None:
    birch = cast.birch()
    cast.dora(birch)
    shown = page(owner, f"?before={AuditEntry.objects.filter(practice=birch).latest('id').ref}")
    assert actions(shown) == []
    assert actions(page(owner)) == []


def test_the_log_uses_keyset_pagination(owner: Browser, practice: Practice) -> None:
    for number in range(60):
        audit_log.record(AuditAction.CLIENT_EDITED, practice=practice, by=Actor.system(f"Number {number}"))
    first = page(owner)
    assert len(actions(first)) == 50
    older = re.search(r'href="(\?[^"]*before=[^"]*)"', first)
    assert older is not None
    second = page(owner, older[1])
    assert len(actions(second)) == 10
    assert "Number 0" in second


def test_a_page_scans_a_limited_number_of_entries(
    owner: Browser, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log_page, "MAX_SCANNED", 10)
    audit_log.record(AuditAction.CLIENT_CREATED, practice=practice, by=Actor.operator())
    for _ in range(15):
        audit_log.record(AuditAction.CLIENT_EDITED, practice=practice, by=Actor.system())
    first = page(owner, "?who=operator")
    assert actions(first) == []
    assert "Older entries have not been searched yet." in first
    older = re.search(r'href="(\?[^"]*before=[^"]*)"', first)
    assert older is not None
    assert actions(page(owner, older[1])) == ["client.created"]


def test_it_shows_sealed_and_unsealed_counts(
    owner: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    audit_log.record(AuditAction.CLIENT_EDITED, practice=practice, by=Actor.system())
    shown = page(owner)
    assert "No entries are sealed yet." in shown
    assert "not sealed yet" in shown
    stopped_clock.shift(timedelta(minutes=2))
    assert "1 entry is not sealed yet" in page(owner)
    sealing.seal(practice.pk)
    shown = page(owner)
    assert "1 entry is sealed." in shown
    assert "not sealed yet" not in shown
    assert "is not sealed yet" not in shown


@pytest.mark.parametrize(
    "query",
    ["?client=%00", "?who=nonsense", "?what=nonsense", "?before=..", f"?client={'x' * 2000}", "?client=%ED%A0%80"],
)
def test_a_hostile_query_finds_nothing(owner: Browser, practice: Practice, query: str) -> None:
    audit_log.record(AuditAction.CLIENT_EDITED, practice=practice, by=Actor.system())
    answer = owner.get(f"{AUDIT_LOG}{query}")
    assert answer.status_code in {200, 400}
    assert actions(answer.content.decode()) == []


def test_markup_in_an_entry_is_escaped(owner: Browser, practice: Practice) -> None:
    audit_log.record(
        AuditAction.CONSENT_RECORDED, practice=practice, by=Actor.system("<b>Eve</b>"), address="<i>@x.example"
    )
    shown = owner.get(AUDIT_LOG).content.decode()
    assert "&lt;b&gt;Eve" in shown
    assert "&lt;i&gt;@x.example" in shown


def test_the_page_takes_a_fixed_number_of_queries(
    owner: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ana = cast.ana(practice)
    owner.get(AUDIT_LOG)
    for number in (1, 60):
        for _ in range(number):
            audit_log.record(AuditAction.CLIENT_EDITED, practice=practice, client=ana, by=Actor.system())
        with django_assert_num_queries(QUERIES):
            owner.get(AUDIT_LOG)
