"""A button acts on the client that its page shows, even if another tab has chosen another client."""

import io
import re
from datetime import timedelta

import pytest
import time_machine
from django.apps import apps
from django.conf import settings
from django.test import Client as Browser

from portico.domain.access.models import PortalAccess, PortalSession, SignInRequest
from portico.domain.access.sign_in import sign_in_links
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.billing.models import AttemptState, Invoice, PaymentAttempt, SavedCard
from portico.domain.clients.models import Client
from portico.domain.documents.completion import uploads
from portico.domain.documents.models import DocumentRequest, Upload
from portico.domain.practices.models import Practice
from portico.web.route_list import all_routes
from tests import cast, shared_documents
from tests.support import files, payment_outcomes
from tests.support.card_payments import let_pay
from tests.web.tabs import Tab

pytestmark = pytest.mark.django_db

PORTAL = "/portal/alder-street/"
BILLING, BALANCE, PROFILE = f"{PORTAL}billing/", f"{PORTAL}billing/payment/", f"{PORTAL}profile/"
OUT_OF_DATE = "<h1>This page is out of date</h1>"
NOW_BRUNO = "You’re now viewing Bruno Berg, and this page was for Bea Berg. Nothing was changed or charged."
# Forms about the mailbox, independent of the chosen client.
OF_THE_MAILBOX = ("who/", "sign-out/", "sessions/ending/", "end/")


@pytest.fixture
def bea(practice: Practice) -> Client:
    return cast.bea(practice)


@pytest.fixture
def bruno(practice: Practice) -> Client:
    return cast.bruno(practice)


@pytest.fixture
def family(bea: Client, bruno: Client) -> Browser:
    """Bruno's browser: access to Bea and himself, 150.00 due for each, one saved card. Bea is chosen."""
    browser = Browser()
    cast.with_access(bea)
    cast.in_the_portal(Browser(), bruno)
    cast.in_the_portal(browser, bruno)
    for person in (bea, bruno):
        cast.bill(person, 15_000)
    payment_outcomes.ready_to_pay(bea)
    let_pay(bruno)
    choose(browser, bea)
    return browser


def choose(browser: Browser, person: Client) -> None:
    """Chooses a client in another tab."""
    Tab(browser, f"{PORTAL}who/").press(client=person.ref)


def rows() -> dict[str, list[object]]:
    """Returns all rows except the last use of sessions."""
    ours = {model for model in apps.get_models() if model.__module__.startswith("portico.")}
    return {model.__name__: list(model._base_manager.order_by("pk").values()) for model in ours}


def bill_of(person: Client) -> Invoice:
    return person.invoices.get()


def test_the_balance_page_of_one_child_does_not_pay_for_another(family: Browser, bruno: Client) -> None:
    page = Tab(family, BALANCE)
    choose(family, bruno)
    answer = page.press(pay="new")
    assert answer.status == 409
    assert OUT_OF_DATE in answer.text
    assert NOW_BRUNO in answer.text
    assert not PaymentAttempt.objects.exists()


def test_refusal_offers_to_switch_back(family: Browser, bea: Client, bruno: Client) -> None:
    page = Tab(family, BALANCE)
    choose(family, bruno)
    page.page = page.press(pay="new")
    assert "Switch to Bea Berg</button>" in page.page.text
    shown = page.press("who/", to=f"{PORTAL}who/?next={BALANCE}", client=bea.ref)
    assert shown.path == BALANCE
    assert f"Invoice {bill_of(bea).number}" in shown.text


@pytest.mark.parametrize("what", ["balance", "invoice", "card", "language", "payment"])
def test_form_of_one_child_does_not_act_for_another(family: Browser, bea: Client, bruno: Client, what: str) -> None:
    if what == "payment":
        begun = cast.attempt(cast.bill(bea, 1_000))
        PaymentAttempt.objects.update(lease_until=begun.written_at + timedelta(days=1))
    places = {
        "balance": (BALANCE, ""),
        "invoice": (f"{BILLING}{Invoice.objects.get(client=bea, total_minor=15_000).ref}/payment/", ""),
        "card": (BILLING, "removing/"),
        "language": (PROFILE, ""),
        "payment": (f"{PORTAL}payments/{PaymentAttempt.objects.get().ref}/" if what == "payment" else "", "again/"),
    }
    page, button = places[what]
    tab = Tab(family, page)
    assert tab.page.status == 200
    choose(family, bruno)
    before = rows()
    answer = tab.press(button)
    assert (answer.status, NOW_BRUNO in answer.text) == (409, True)
    assert rows() == before


def test_form_does_not_act_for_another_mailbox(family: Browser, practice: Practice) -> None:
    pages = [Tab(family, address) for address in (f"{PORTAL}home/", BILLING, BALANCE, PROFILE, f"{PORTAL}who/")]
    forms = [(tab, form.action) for tab in pages for form in tab.forms]
    assert len({action for _, action in forms}) == 7
    cast.in_the_portal(family, cast.carol(practice))
    before = rows()
    for tab, action in forms:
        answer = tab.press(action)
        assert (answer.status, OUT_OF_DATE in answer.text) == (409, True), action
        assert 'You’re now signed in as <span class="whole">c…l@mail.example</span>' in answer.text
        assert "Sign out" in answer.text
    assert rows() == before


def test_chooser_chooses_the_client_in_its_form(family: Browser, bea: Client, bruno: Client) -> None:
    chooser = Tab(family, f"{PORTAL}home/")
    choose(family, bruno)
    assert "portal for Bea Berg" in chooser.press("who/", client=bea.ref).text


@pytest.mark.parametrize("button", ["sign-out/", "sessions/ending/", "end/"])
def test_mailbox_forms_ignore_the_chosen_client(family: Browser, bruno: Client, button: str) -> None:
    tab = Tab(family, PROFILE)
    choose(family, bruno)
    assert tab.press(button).status == 200
    assert PortalSession.objects.filter(ended_at=None).count() == 1


POSTED = [route for route in all_routes() if route.audience == "portal" and "POST" in route.methods]


@pytest.mark.parametrize("route", POSTED, ids=lambda route: route.name)
@pytest.mark.parametrize("subject", ["", "a.b"])
def test_form_without_subject_does_nothing(
    family: Browser, bea: Client, bruno: Client, route: object, subject: str
) -> None:
    sent = file_sent_by(bea)
    refs = {
        "pay_invoice": bill_of(bea).ref,
        "card_removing": SavedCard.objects.get().ref,
        "session_end": PortalSession.objects.earliest("id").ref,
        **dict.fromkeys(("document", "document_page", "document_review", "document_declining"), form_of(bea).ref),
        **dict.fromkeys(("upload", "upload_removing"), sent.request.ref),
        "payment_again": cast.attempt(cast.bill(bea, 1_000), state=AttemptState.OPEN).ref,
    }
    name = route.name.partition(":")[2]  # type: ignore[attr-defined]  # A Route.
    path = route.path.replace("<slug:slug>", "alder-street").replace("<str:ref>", refs.get(name, ""))  # type: ignore[attr-defined]
    path = path.replace("<int:page>", "1").replace("<str:upload>", sent.ref)
    before = rows()
    fields = {"client": bruno.ref, "language": "es", "with": "new", "amount": "15000", "subject": subject}
    answer = family.post(
        path, fields if subject else {name: value for name, value in fields.items() if name != "subject"}
    )
    assert (answer.status_code, OUT_OF_DATE in answer.content.decode()) == (409, True)
    assert rows() == before


def form_of(person: Client) -> DocumentRequest:
    version = shared_documents.form(person.practice, may_be_declined=True)
    return shared_documents.shared(PortalAccess.objects.get(own_client=person), version)[0]


def file_sent_by(person: Client) -> Upload:
    version = shared_documents.request_for_file(person.practice)
    (request,) = shared_documents.shared(PortalAccess.objects.get(own_client=person), version)
    return uploads.add(request, io.BytesIO(files.pdf()), name="card.pdf", by=cast.DESK)


# Forms posted after the session had ended.


def by_link(browser: Browser, place: str) -> str:
    """Signs in again after the redirect to the entrance, and returns the next redirect."""
    door = Tab(browser, f"{PORTAL}?next={place}")
    door.press("again/")
    assert request_worker.process_next()
    link = sign_in_links.url_of(cast.handed_over(SignInRequest.objects.latest("id")))
    return Tab(browser, link.removeprefix(settings.PUBLIC_BASE_URL)).press().path


def test_saved_form_belongs_to_its_child(
    family: Browser, bea: Client, bruno: Client, stopped_clock: time_machine.Traveller
) -> None:
    page = Tab(family, BALANCE)
    choose(family, bruno)
    stopped_clock.shift(timedelta(minutes=31))
    door = page.press(pay="new", **{"with": "new"})
    place = re.search(r'name="next" value="([^"]*)"', door.text)
    assert place is not None
    assert "We’ve kept what you chose." in door.text
    by_link(family, place[1])
    for person, is_kept in ((bruno, False), (bea, True)):
        choose(family, person)
        assert ("nothing has been paid yet" in Tab(family, place[1]).page.text) == is_kept


def test_form_of_another_mailbox_is_not_saved(
    family: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    page = Tab(family, PROFILE)
    cast.in_the_portal(family, cast.carol(practice))
    stopped_clock.shift(timedelta(minutes=31))
    assert "We’ve kept what you chose." not in page.press(language="es").text


# Pages and links.


@pytest.mark.parametrize("page", ["invoice", "pay page", "PDF", "receipt"])
def test_page_of_the_other_child_offers_to_switch(family: Browser, bea: Client, bruno: Client, page: str) -> None:
    bill, paid = bill_of(bea), cast.cash(bea, 1_000, invoice=bill_of(bea))
    addresses = {
        "invoice": f"{BILLING}{bill.ref}/",
        "pay page": f"{BILLING}{bill.ref}/payment/",
        "PDF": f"{BILLING}{bill.ref}/pdf/",
        "receipt": f"{PORTAL}receipts/{paid.ref}/",
    }
    choose(family, bruno)
    tab = Tab(family, addresses[page])
    assert tab.page.status == 404
    assert "You’re now viewing Bruno Berg. The page you opened is for Bea Berg." in tab.page.text
    assert tab.press("who/", to=f"{PORTAL}who/?next={addresses[page]}", client=bea.ref).status == 200


def test_objects_of_strangers_are_404(family: Browser, bruno: Client, practice: Practice) -> None:
    carols = cast.bill(cast.carol(practice))
    hidden = cast.bill(bruno, shared=False)
    for ref in (carols.ref, hidden.ref, "nonsense"):
        answer = family.get(f"{BILLING}{ref}/")
        assert (answer.status_code, "Switch to" in answer.content.decode()) == (404, False)


def test_links_name_their_child(family: Browser, bea: Client, bruno: Client) -> None:
    shown = [Tab(family, address).page.text for address in (f"{PORTAL}home/", BILLING, f"{BILLING}statement/")]
    found = {href for page in shown for href in re.findall(rf'href="({BILLING}(?:payment|statement/pdf)/[^"]*)"', page)}
    assert len(found) == 2
    for href in found:
        assert Tab(family, href.replace("&amp;", "&")).page.status == 200
    choose(family, bruno)
    for href in found:
        page = Tab(family, href.replace("&amp;", "&")).page
        assert "The page you opened is for Bea Berg." in page.text


def test_payment_page_names_its_client(family: Browser, bea: Client, bruno: Client) -> None:
    attempts = payment_outcomes.attempts_of_each_state(SavedCard.objects.get(), bea)
    pages = [f"{PORTAL}payments/{attempt.ref}/" for attempt in attempts]
    for page in pages:
        assert "This payment is for" not in Tab(family, page).page.text
    choose(family, bruno)
    for page in pages:
        tab = Tab(family, page)
        assert "This payment is for Bea Berg. You’re now viewing Bruno Berg." in tab.page.text
        assert [href for href in re.findall(r'href="([^"]*)"', tab.page.text) if "billing" in href] == []
        assert [form.action for form in tab.forms] == [f"{PORTAL}who/"]
