"""`View as client`: staff see the portal as a client does, and nothing changes."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from http.cookies import Morsel
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.conf import settings
from django.db import models
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import access_grants, client_changes, client_views, contact_changes
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import ClientView, PortalAccess, PortalSession, ViewEnd
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.models import Invoice
from portico.domain.clients.models import Client, Relationship, RelationshipKind
from portico.domain.practices import suspension
from portico.domain.practices.models import Practice, Role, StaffMember, StaffSession
from portico.plumbing import clock
from portico.plumbing.models import AuditChainHead, AuditEntry, AuditSeal
from portico.web.route_list import Audience, Route, all_routes
from tests import cast, shared_documents
from tests.support import payment_outcomes
from tests.support.card_payments import let_pay
from tests.support.portal_client import Browser
from tests.web.page_forms import forms_on

pytestmark = pytest.mark.django_db

PORTAL = "/portal/alder-street/"
HOME, BILLING, PROFILE = f"{PORTAL}home/", f"{PORTAL}billing/", f"{PORTAL}profile/"
END = f"{PORTAL}view/ending/"
BANNER = "You are viewing the portal as Ana Abreu. Nothing can be changed."
READ_ONLY = "You are viewing as Ana. Nothing can be changed here."
CHANGED_BY_A_VIEW = {AuditEntry, AuditSeal, AuditChainHead, ClientView}
# The view, and the entry in the audit log.
QUERIES_OF_A_VIEW = 2


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def desk(client: Browser, practice: Practice) -> Browser:
    return cast.signed_in(client, cast.fay(practice))


def start(desk: Browser, person: Client, reason: str = "") -> Browser:
    """Presses `View as client`; returns the same browser."""
    answer = desk.post(f"/office/clients/{person.ref}/view/", {"reason": reason})
    assert answer["Location"] == f"/portal/{person.practice.slug}/home/"
    return desk


def view_cookie(browser: Browser) -> "Morsel[str]":
    return browser.cookies[settings.VIEW_COOKIE_NAME]


def all_rows() -> dict[str, list[tuple[Any, ...]]]:  # Any: column values.
    """Returns every row of every table, by table, but for those that a view may write."""
    tables: list[type[models.Model]] = [each for each in apps.get_models() if each not in CHANGED_BY_A_VIEW]
    return {table._meta.db_table: list(table._base_manager.order_by("pk").values_list()) for table in tables}


def portal_paths(route: Route, refs: dict[str, list[str]]) -> list[str]:
    path = route.path.replace("<slug:slug>", "alder-street").replace("<int:page>", "1")
    before, _, after = path.partition("<str:ref>")
    return [f"{before}{ref}{after}" for ref in refs[before.split("/")[-2]]] if before != path else [path]


def portal_requests(refs: dict[str, list[str]]) -> Iterator[tuple[Route, str, str]]:
    """Yields each route of the portal with each method and address."""
    for route in all_routes():
        if route.audience == Audience.PORTAL.value:
            for method in route.methods:
                for path in portal_paths(route, refs):
                    yield route, method, path


def payable_bill(person: Client) -> Invoice:
    let_pay(person)
    return cast.bill(person)


def full_account(person: Client) -> dict[str, list[str]]:
    """Gives the client bills and payments of every kind; returns their refs by the part of the address before them."""
    card = payment_outcomes.ready_to_pay(person)
    attempts = payment_outcomes.attempts_of_each_state(card, person)
    refund = payment_outcomes.refunded_in_part(person)
    session = PortalSession.objects.filter(account=card.account).latest("id")
    open_bill = cast.bill(person)
    return {
        "billing": [open_bill.ref, refund.payment.allocations.get().invoice.ref],
        "receipts": [refund.payment.ref],
        "refunds": [refund.ref],
        "payments": [each.ref for each in attempts],
        "cards": [card.ref],
        "sessions": [session.ref],
        "documents": documents_of(person),
    }


def documents_of(person: Client) -> list[str]:
    """Shares a document of each kind, and a consent that is then signed; returns the refs of the requests."""
    practice, access = person.practice, PortalAccess.objects.get(own_client=person)
    form, consent = shared_documents.form(practice, may_be_declined=True), shared_documents.consent(practice)
    file, card = shared_documents.file_to_read(practice), shared_documents.request_for_file(practice)
    shared = shared_documents.shared(access, form, consent, file, card, shared_documents.consent(practice))
    shared_documents.signed(shared[-1], access)
    return [each.ref for each in shared]


def test_a_walk_of_every_portal_page_changes_no_row(desk: Browser, ana: Client, practice: Practice) -> None:
    carol = cast.carol(practice)
    cast.in_the_portal(Browser(), ana)
    # Carol has started no payment, which `Pay Now` would show instead of the page that pays the balance.
    refs = {ana: full_account(ana), carol: defaultdict(list, billing=[payable_bill(carol).ref])}
    before, statuses = all_rows(), defaultdict[str, set[int]](set)
    for person in (ana, carol):
        start(desk, person)
        for route, method, path in portal_requests(refs[person]):
            answer = getattr(desk, method.lower())(path)
            statuses[f"{method} {route.name}"].add(answer.status_code)
            if method == "GET" and "html" in answer.headers["Content-Type"] and answer.status_code != 302:
                assert f"You are viewing the portal as {person.name}. Nothing can be changed." in answer.text, path
    assert all_rows() == before
    assert {name for name, found in statuses.items() if name.startswith("POST") and found != {403}} == set()
    # A view has one client, so the chooser leads on; files are added on the page of their document.
    assert {name for name, found in statuses.items() if name.startswith("GET") and 200 not in found} == {
        *("GET portal:who", "GET portal:upload")
    }
    assert not AuditEntry.objects.filter(action=AuditAction.INVOICE_SEEN).exists()


def test_every_form_and_pay_now_is_inert(desk: Browser, ana: Client) -> None:
    cast.in_the_portal(Browser(), ana)
    refs = full_account(ana)
    start(desk, ana)
    pay_now = 0
    for _route, method, path in portal_requests(refs):
        answer = desk.get(path) if method == "GET" else None
        if answer is None or answer.status_code != 200 or "html" not in answer.headers["Content-Type"]:
            continue
        page = answer.text
        for form in re.findall(r'<form\b[^>]*method="post".*?</form>', page, re.DOTALL):
            is_ending = f'action="{END}"' in form
            buttons = re.findall(r"<button\b[^>]*>", form)
            assert [each for each in buttons if (" disabled" in each) == is_ending] == [], path
        for link in re.findall(r'<a\b[^>]*data-testid="pay-now"[^>]*>', page):
            pay_now += 1
            assert "href" not in link
            assert f'aria-disabled="true" title="{READ_ONLY}"' in link
        # Of Stripe and the bank, where an earlier payment would go on.
        assert "//localhost/" not in page
        assert [form.action for form in forms_on(page, at=path) if form.fields.get("subject")] == []
    assert pay_now > 3


def test_each_page_is_recorded_before_it_is_rendered(
    desk: Browser, ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.with_access(ana)
    bill = cast.bill(ana)
    start(desk, ana, reason="She can’t find the invoice")
    desk.get(HOME)
    desk.get(f"{BILLING}{bill.ref}/pdf/")
    desk.get(f"{BILLING}no-such-invoice/")
    desk.post(END)
    entries = AuditEntry.objects.filter(action__startswith="client_view.").order_by("id")
    assert [(each.action.removeprefix("client_view."), each.details, each.actor_name) for each in entries] == [
        ("started", {"reason": "She can’t find the invoice"}, "Fay"),
        ("page", {"page": "home"}, "Fay"),
        ("page", {"page": "invoice_pdf"}, "Fay"),
        ("page", {"page": "invoice"}, "Fay"),
        ("ended", {"because": "by_staff"}, "Fay"),
    ]
    assert {each.client for each in entries} == {ana}

    def fail(*_arguments: object, **_details: object) -> None:
        raise RuntimeError("The audit log cannot be written.")

    start(desk, ana)
    monkeypatch.setattr(client_views, "record_page", fail)
    with pytest.raises(RuntimeError, match="audit log"):
        desk.get(HOME)


def test_it_shows_what_a_client_without_access_would_see(desk: Browser, ana: Client) -> None:
    cast.bill(ana, 14_000)
    start(desk, ana)
    assert not hasattr(Client.objects.get(pk=ana.pk), "portal_access")
    for address in (HOME, BILLING):
        page = desk.get(address).text
        assert BANNER in page
        assert "$140.00" in page
    assert "Where you are signed in" in desk.get(PROFILE).text
    cast.with_access(ana)
    off = AccessInput(enabled=False, address=None, access_billing_documents=False, pay_by_card=False)
    access_grants.save_access(ana, off, version=None, by=cast.DESK)
    assert "$140.00" not in desk.get(HOME).text
    assert desk.get(BILLING).status_code == 404


@pytest.mark.parametrize("page", ["", "pages/1/", "review/"])
def test_it_shows_no_answers_that_were_not_submitted(desk: Browser, ana: Client, page: str) -> None:
    portal = cast.in_the_portal(Browser(), ana)
    access = PortalAccess.objects.get(own_client=ana)
    (form,) = shared_documents.shared(access, shared_documents.form(ana.practice))
    answers = {"name": [{"valueString": "Anabel"}], "notes": [{"valueString": "Afraid of dogs"}]}
    shared_documents.saved(form, answers)
    address = f"{PORTAL}documents/{form.ref}/{page}"
    assert "Anabel" in portal.get(address, follow=True).text
    seen = start(desk, ana).get(address, follow=True).text
    assert "2 answers are saved and not submitted yet." in seen
    assert "Anabel" not in seen
    assert "Afraid of dogs" not in seen
    assert "question still needs" not in seen


def test_a_client_in_the_same_browser_is_not_disturbed(desk: Browser, ana: Client, practice: Practice) -> None:
    cast.in_the_portal(desk, cast.carol(practice))
    session = PortalSession.objects.get()
    start(desk, ana)
    assert "Ana Abreu" in desk.get(PROFILE).text
    assert "Carol Cole" not in desk.get(PROFILE).text
    assert desk.post(PROFILE, {"language": "es"}).status_code == 403
    assert desk.post(END)["Location"] == f"/office/clients/{ana.ref}/edit/portal/"
    assert BANNER not in desk.get(PROFILE).text
    assert "Carol Cole" in desk.get(PROFILE).text
    session.refresh_from_db()
    assert session.ended_at is None
    assert [each.pk for each in PortalSession.objects.all()] == [session.pk]


def test_a_clients_form_is_taken_once_the_view_is_over(desk: Browser, ana: Client, practice: Practice) -> None:
    carol = cast.carol(practice)
    cast.in_the_portal(desk, carol)
    subject = f"{carol.portal_access.account.ref}.{carol.ref}" if carol.portal_access.account else ""
    start(desk, ana)
    with time_machine.travel(clock.now() + timedelta(minutes=15)):
        answer = desk.post(PROFILE, {"language": "es", "subject": subject})
    assert answer["Location"] == f"{PROFILE}#language"


def test_a_form_is_refused_with_a_sentence(desk: Browser, ana: Client) -> None:
    cast.with_access(ana)
    answer = start(desk, ana).post(f"{PORTAL}sign-out/")
    assert answer.status_code == 403
    assert READ_ONLY in answer.text
    assert BANNER in answer.text
    assert BANNER in desk.get(HOME).text


def test_after_fifteen_minutes_it_lands_in_the_office(desk: Browser, ana: Client) -> None:
    start(desk, ana)
    with time_machine.travel(clock.now() + timedelta(minutes=14, seconds=59)):
        assert BANNER in desk.get(HOME).text
    with time_machine.travel(clock.now() + timedelta(minutes=15)):
        # The office session is kept by what staff do meanwhile in another tab.
        StaffSession.objects.update(seen_at=clock.now())
        answer = desk.get(BILLING)
        assert answer["Location"] == f"/office/clients/{ana.ref}/view/?ended=expired"
        assert view_cookie(desk).value == ""
        page = desk.get(answer["Location"]).text
        assert "The view of Ana’s portal ended after 15 minutes." in page
        assert desk.get(HOME)["Location"].startswith(f"{PORTAL}?next=")
    assert ClientView.objects.get().ended_because == ViewEnd.EXPIRED


@pytest.mark.parametrize("change", ["signed out", "session timed out", "left", "biller", "archived"])
def test_it_ends_at_the_next_request(desk: Browser, ana: Client, change: str) -> None:
    start(desk, ana)
    match change:
        case "signed out":
            desk.post("/office/sign-out/")
        case "session timed out":
            StaffSession.objects.update(seen_at=clock.now() - timedelta(seconds=settings.SESSION_IDLE_STAFF))
        case "left":
            StaffMember.objects.update(deactivated_at=clock.now())
        case "biller":
            StaffMember.objects.update(role=Role.BILLER)
        case _:
            client_changes.archive(ana, by=cast.DESK)
    answer = desk.get(HOME)
    assert answer["Location"] == f"/office/clients/{ana.ref}/view/?ended=not_allowed"
    assert ClientView.objects.get().ended_because == ViewEnd.NOT_ALLOWED


def test_it_ends_for_good_when_the_practice_is_paused(desk: Browser, ana: Client, practice: Practice) -> None:
    start(desk, ana)
    suspension.suspend(practice, by=cast.DESK)
    assert desk.get(HOME).status_code == 503
    suspension.resume(practice, by=cast.DESK)
    assert desk.get(HOME)["Location"].startswith(f"{PORTAL}?next=")


def test_another_practices_staff_get_404(client: Browser, ana: Client) -> None:
    desk = cast.signed_in(client, cast.staff_member(cast.birch(), "Jo", Role.OWNER))
    for answer in (
        desk.get(f"/office/clients/{ana.ref}/view/"),
        desk.post(f"/office/clients/{ana.ref}/view/"),
    ):
        assert answer.status_code == 404
    assert not ClientView.objects.exists()


def test_a_view_opens_one_practices_portal_only(desk: Browser, ana: Client) -> None:
    cast.birch()
    start(desk, ana)
    assert view_cookie(desk)["path"] == PORTAL
    # This browser ignores paths.
    assert desk.get("/portal/birch-lane/home/")["Location"].startswith("/portal/birch-lane/?next=")


def test_an_archived_client_is_not_shown(desk: Browser, ana: Client) -> None:
    client_changes.archive(ana, by=cast.DESK)
    answer = desk.post(f"/office/clients/{ana.ref}/view/")
    assert (answer.status_code, ClientView.objects.count()) == (409, 0)
    assert "This client is archived. Restore the client first." in answer.text


def test_a_second_view_replaces_the_first(desk: Browser, ana: Client, practice: Practice) -> None:
    start(desk, ana)
    start(desk, cast.carol(practice))
    assert "You are viewing the portal as Carol Cole." in desk.get(HOME).text
    first, second = ClientView.objects.order_by("id")
    assert (first.ended_because, second.ended_at) == (ViewEnd.REPLACED, None)


def test_it_is_shown_in_the_clients_language(desk: Browser, practice: Practice) -> None:
    luz = cast.client(practice, "Luz", "Lara", address="luz@mail.example", language="es")
    desk.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    page = start(desk, luz).get(PROFILE).text
    assert '<html lang="es">' in page
    assert "You are viewing the portal as Luz Lara. Nothing can be changed." in page
    answer = desk.get(f"{PROFILE}?language=en")
    assert '<html lang="en">' in answer.text
    assert settings.LANGUAGE_COOKIE_NAME not in answer.cookies


def test_the_client_does_not_see_views_among_their_sessions(desk: Browser, ana: Client) -> None:
    anas = cast.in_the_portal(Browser(), ana)
    start(desk, ana).get(HOME)
    page = anas.get(PROFILE).text
    assert page.count("This device") == 1
    assert "Sign out everywhere else" not in page


@pytest.mark.parametrize("address", [HOME, PROFILE])
def test_a_view_costs_two_queries_more(
    desk: Browser, ana: Client, django_assert_num_queries: DjangoAssertNumQueries, address: str
) -> None:
    cast.with_access(ana)
    start(desk, ana)
    own = {HOME: 3, PROFILE: 1}[address]
    with django_assert_num_queries(own + QUERIES_OF_A_VIEW):
        assert desk.get(address).status_code == 200


@pytest.mark.parametrize("page", ["", "edit/portal/"])
def test_the_button_is_shown_to_those_who_may_use_it(client: Browser, ana: Client, page: str) -> None:
    address, link = f"/office/clients/{ana.ref}/{page}", f'href="/office/clients/{ana.ref}/view/"'
    assert link in cast.signed_in(client, cast.fay(ana.practice)).get(address).text
    assert link not in cast.signed_in(Browser(), cast.ines(ana.practice)).get(address).text
    client_changes.archive(ana, by=cast.DESK)
    assert link not in client.get(address).text


def test_old_views_are_deleted(desk: Browser, ana: Client) -> None:
    start(desk, ana)
    assert client_views.delete_old() == 0
    with time_machine.travel(clock.now() + timedelta(days=1, seconds=1)):
        assert client_views.delete_old() == 1


def start_as(desk: Browser, contact: Relationship) -> Browser:
    """Presses `View as client` for a contact; returns the same browser."""
    answer = desk.post(f"/office/clients/{contact.client.ref}/view/?access={contact.ref}", {"reason": ""})
    assert answer["Location"] == HOME
    return desk


def test_it_offers_to_view_as_each_contact(desk: Browser, ana: Client) -> None:
    bruno, payer = cast.guardian(ana), cast.guardian(ana, "Pia", kind=RelationshipKind.PAYER, address=None)
    address = f"/office/clients/{ana.ref}/view/"
    page = desk.get(address).text
    for contact, name in ((bruno, "Bruno Berg"), (payer, "Pia Berg")):
        assert f'<a href="{address}?access={contact.ref}">View as {name}</a>' in page
    of_bruno = desk.get(f"{address}?access={bruno.ref}").text
    assert "Bruno Berg, guardian of Ana Abreu" in of_bruno
    assert f'<a href="{address}">View as Ana Abreu</a>' in of_bruno
    assert "View as Bruno Berg" not in of_bruno


def test_a_contact_sees_what_their_own_access_allows(desk: Browser, ana: Client) -> None:
    cast.with_access(ana)
    cast.bill(ana, 14_000)
    (own,) = shared_documents.shared(PortalAccess.objects.get(own_client=ana), shared_documents.consent(ana.practice))
    payer = cast.guardian(ana, "Pia", kind=RelationshipKind.PAYER, address=None)
    guardian = cast.guardian(ana)
    (shared,) = shared_documents.shared(cast.with_contact_access(guardian), shared_documents.form(ana.practice))

    page = start_as(desk, payer).get(BILLING).text
    assert "You are viewing the portal as Pia Berg (payer). Nothing can be changed." in page
    assert "$140.00" in page
    assert desk.get(f"{PORTAL}documents/").status_code == 404

    assert shared.ref in start_as(desk, guardian).get(f"{PORTAL}documents/").text
    assert own.ref not in desk.get(f"{PORTAL}documents/").text
    assert desk.get(f"{PORTAL}documents/{own.ref}/").status_code == 404
    shared.refresh_from_db()
    assert shared.opened_at is None


def test_a_view_as_a_contact_is_recorded_with_their_name(desk: Browser, ana: Client) -> None:
    bruno = cast.guardian(ana)
    start_as(desk, bruno).get(HOME)
    assert desk.post(END)["Location"] == f"/office/clients/{ana.ref}/edit/portal/?access={bruno.ref}"
    entries = AuditEntry.objects.filter(action__startswith="client_view.").order_by("id")
    assert [(each.client, each.details["access"], each.details["holder"]) for each in entries] == [
        (ana, bruno.ref, "Bruno Berg (guardian)")
    ] * 3


def test_a_form_sent_in_a_view_as_a_contact_is_refused(desk: Browser, ana: Client) -> None:
    answer = start_as(desk, cast.guardian(ana)).post(f"{PORTAL}sign-out/")
    assert answer.status_code == 403
    assert "You are viewing as Bruno. Nothing can be changed here." in answer.text


def test_a_view_as_a_contact_ends_with_the_relationship(desk: Browser, ana: Client) -> None:
    bruno = cast.guardian(ana)
    start_as(desk, bruno)
    contact_changes.end(bruno, by=cast.DESK)
    expected = f"/office/clients/{ana.ref}/view/?ended=not_allowed&access={bruno.ref}"
    assert desk.get(HOME)["Location"] == expected
    assert "The view of Bruno’s portal ended" in desk.get(expected).text
    again = desk.post(f"/office/clients/{ana.ref}/view/?access={bruno.ref}")
    assert (again.status_code, ClientView.objects.count()) == (409, 1)


def test_a_contact_of_another_client_is_404(desk: Browser, ana: Client, practice: Practice) -> None:
    stranger = cast.guardian(cast.carol(practice))
    for answer in (
        desk.get(f"/office/clients/{ana.ref}/view/?access={stranger.ref}"),
        desk.post(f"/office/clients/{ana.ref}/view/?access={stranger.ref}"),
    ):
        assert answer.status_code == 404
