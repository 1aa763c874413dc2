"""Card numbers are refused everywhere, and appear neither in the database, the log nor on the page."""

import logging
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django import forms
from time_machine import Traveller

from portico.domain.billing.models import Invoice
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, StaffSavedForm
from portico.plumbing import form_recovery
from portico.plumbing.logs import JsonFormatter
from portico.plumbing.text.input_validation import NoCardNumberField
from portico.web.route_list import all_routes
from tests import cast
from tests.support.portal_client import Browser
from tests.web.office import form_data

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

CARD = "4242 4242 4242 4242"
SENTENCE = "This looks like a card number. Remove it. Nothing was saved."


def holds(text: str) -> bool:
    return CARD.replace(" ", "") in re.sub(r"[\s+.-]|%20", "", text)


def test_field_is_emptied_and_other_input_stays(office: Browser) -> None:
    answer = office.post("/office/clients/new/", form_data.new_client(last_name=f"Abreu {CARD}"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert SENTENCE in page
    assert 'value="Ana"' in page
    assert not holds(page)
    assert not Client.objects.exists()


@pytest.mark.parametrize("place", ["/office/clients/", "/office/invoices/", "/office/emails/"])
def test_searches_refuse_card_numbers(office: Browser, place: str, practice: Practice) -> None:
    cast.bill(cast.ana(practice), shared=False)
    page = office.get(place, {"q": CARD}).content.decode()
    assert SENTENCE in page
    assert not holds(page)


def test_drafts_are_saved_without_card_numbers(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    form = {"dated_on": "11/23/2026", "due": "14", "note": "Thank you", "lines-TOTAL_FORMS": "1"}
    form |= {"lines-INITIAL_FORMS": "0", "lines-0-label": "Session", "lines-0-quantity": "1", "lines-0-price": "140"}
    office.post(f"/office/clients/{ana.ref}/invoices/new/", form)
    draft = Invoice.objects.get()
    typed = form | {"version": "1", "note": CARD, "lines-0-quantity": CARD, "lines-0-label": "Session, longer"}
    assert office.post(f"/office/invoices/{draft.ref}/draft/typed/", typed).status_code == 204
    draft.refresh_from_db()
    assert draft.typed is not None
    assert (draft.typed["draft"]["note"], draft.typed["lines"][0]["quantity"]) == ("", "")
    assert draft.typed["lines"][0]["label"] == "Session, longer"


def test_saved_forms_contain_no_card_numbers(office: Browser, stopped_clock: Traveller) -> None:
    stopped_clock.shift(timedelta(minutes=20))
    office.post("/office/clients/new/?q=4242+4242+4242+4242", {"first_name": "Ana", "last_name": CARD})
    kept = StaffSavedForm.objects.get()
    assert [(field.name, field.value) for field in form_recovery.fields_of(kept)] == [("first_name", "Ana")]
    assert kept.path == "/office/clients/new/"


def test_card_numbers_in_urls_are_not_logged(office: Browser, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert office.get("/office/clients/4242424242424242/").status_code == 404
    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert any("/office/clients/[card]/" in line for line in lines)
    assert not any(holds(line) for line in lines)


@pytest.mark.parametrize("typed", ["(212) 555-0142", "+49 1512 3456789", "+1 212 555 0134"])
def test_phone_numbers_are_accepted(office: Browser, typed: str) -> None:
    form = form_data.new_client(phones=(form_data.phone(typed),))
    assert office.post("/office/clients/new/", form).status_code == 302
    assert Client.objects.get().phone_numbers.count() == 1


def test_entrance_treats_it_as_a_malformed_address(client: Browser, practice: Practice) -> None:
    answers = [
        client.post("/portal/alder-street/", {"email": typed})
        for typed in ("nonsense", "4242424242424242@mail.example")
    ]
    assert [answer.status_code for answer in answers] == [422, 422]
    complaints = [re.findall(r'class="complaint".*?</p>', answer.content.decode(), re.S) for answer in answers]
    assert complaints[0] == complaints[1] != []
    assert not holds(answers[1].content.decode())


# These are parsed as one of a few words, or as a ref; any other input is ignored.
WORDS = {
    *(("ListForm", name) for name in ("state", "sort", "after", "clinician")),
    ("PayForm", "pay"),
    ("ContactDetailsForm", "same_person"),
}


def every_form(above: type[forms.BaseForm] = forms.BaseForm) -> Iterator[type[forms.BaseForm]]:
    for form in above.__subclasses__():
        yield form
        yield from every_form(form)


def test_every_text_field_refuses_card_numbers() -> None:
    all_routes()
    open_to_text = {
        (form.__name__, name)
        for form in every_form()
        if form.__module__.startswith("portico.")
        for name, field in vars(form).get("base_fields", {}).items()
        if isinstance(field, forms.CharField)
        and not isinstance(field, NoCardNumberField | forms.SlugField)
        and not isinstance(field.widget, forms.PasswordInput | forms.HiddenInput)
    }
    assert open_to_text == WORDS
