"""Forms in the portal: filled in page by page, saved as typed, reviewed and submitted."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client
from portico.domain.documents.completion import request_states
from portico.domain.documents.forms import record_fields
from portico.domain.documents.forms.record_fields import RecordField
from portico.domain.documents.models import DocumentRequest, RequestState, ResponseDraft, Submission
from portico.domain.practices.models import Practice
from tests import cast, shared_documents
from tests.web.safety.test_no_card_number import CARD

pytestmark = pytest.mark.django_db
PORTAL = "/portal/alder-street/"
LIST = f"{PORTAL}documents/"
# In the order of the form: name q1, born q2, smokes q3 (0 is no, 1 is yes), daily q4; allergies q5, notes q6.
ABOUT = {"q1": "Ana", "q2": "4/23/1990", "q3": "0"}
HEALTH = {"q5": ["0", "1"], "q6": "No."}
# The session with its accesses, and the document.
PAGE_QUERIES = 2
SAVE_QUERIES = 10


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def portal(client: Browser, ana: Client) -> Browser:
    return cast.in_the_portal(client, ana)


@pytest.fixture
def form(portal: Browser, ana: Client) -> DocumentRequest:
    access = PortalAccess.objects.get(own_client=ana)
    return shared_documents.shared(access, shared_documents.form(ana.practice))[0]


class Filling:
    """A client in one browser window at a form: posts a page with what is hidden in it."""

    def __init__(self, browser: Browser, request: DocumentRequest) -> None:
        self.browser, self.ref = browser, request.ref
        self.page = ""

    def open(self, number: int) -> str:
        self.page = self.browser.get(self.address(number)).text
        return self.page

    def address(self, number: int) -> str:
        return f"{LIST}{self.ref}/pages/{number}/"

    def post(self, number: int, fields: dict[str, Any], **headers: str) -> Any:  # Any: the test client's response.
        found = re.search(r'name="opened" value="([^"]+)"', self.page)
        assert found
        return self.browser.post(self.address(number), {"opened": found[1]} | fields, headers=headers)

    def fill(self, number: int, fields: dict[str, Any]) -> Any:  # Any: as above.
        self.open(number)
        return self.post(number, fields)


@pytest.fixture
def filling(portal: Browser, form: DocumentRequest) -> Filling:
    return Filling(portal, form)


def answers_of(request: DocumentRequest) -> str:
    return str(ResponseDraft.objects.get(request=request).answers)


def test_ana_fills_in_and_submits_a_form(portal: Browser, form: DocumentRequest, filling: Filling) -> None:
    assert portal.get(f"{LIST}{form.ref}/").headers["Location"] == f"{LIST}{form.ref}/pages/1/"
    assert "Page 1 of 2" in filling.open(1)
    assert filling.post(1, ABOUT).headers["Location"] == f"{LIST}{form.ref}/pages/2/"
    review = filling.fill(2, HEALTH).headers["Location"]
    page = portal.get(review).text
    assert all(words in page for words in ("Apr 23, 1990", "Nuts\nPollen", "Review your answers"))
    done = portal.post(review, {"number": "2"}, follow=True).text
    assert "You can close this. We have it." in done
    submission = Submission.objects.get()
    assert submission.answers[0]["item"][0] == {"linkId": "name", "answer": [{"valueString": "Ana"}]}
    assert submission.signer_name == ""
    assert not ResponseDraft.objects.exists()


def test_a_branch_opens_and_is_asked(form: DocumentRequest, filling: Filling) -> None:
    answer = filling.fill(1, ABOUT | {"q3": "1"})
    assert answer.headers["Location"] == f"{LIST}{form.ref}/pages/1/?said=question-added#q4"
    assert not re.search(r'data-question="q4" hidden', filling.open(1))
    answer = filling.post(1, ABOUT | {"q3": "1"})
    assert answer.status_code == 422
    assert 'href="#q4"' in answer.text
    assert filling.fill(1, ABOUT | {"q3": "1", "q4": "7"}).headers["Location"].endswith("/pages/2/")


def test_a_closed_branch_is_kept_and_left_out(portal: Browser, form: DocumentRequest, filling: Filling) -> None:
    filling.fill(1, ABOUT | {"q3": "1"})
    filling.fill(1, ABOUT | {"q3": "1", "q4": "7"})
    filling.fill(1, ABOUT | {"q4": "7"})
    assert "'daily'" in answers_of(form)
    review = portal.get(f"{LIST}{form.ref}/review/").text
    assert "What you entered there will be left out." in review
    assert re.search(r"How many a day\?</span>: 7", review)
    number = ResponseDraft.objects.get().number
    portal.post(f"{LIST}{form.ref}/review/", {"number": str(number)})
    assert "daily" not in str(Submission.objects.get().answers)


def test_a_missing_answer_is_named_and_the_rest_saved(form: DocumentRequest, filling: Filling) -> None:
    answer = filling.fill(1, {"q1": "Ana"})
    assert answer.status_code == 422
    assert "Answer this question." in answer.text
    assert 'value="Ana"' in answer.text
    assert "'Ana'" in answers_of(form)


def test_the_server_refuses_to_submit_what_is_missing(portal: Browser, form: DocumentRequest, filling: Filling) -> None:
    filling.fill(2, HEALTH)
    answer = portal.post(f"{LIST}{form.ref}/review/", {"number": "1"})
    assert answer.status_code == 422
    assert "2 questions still need an answer" in answer.text
    assert not Submission.objects.exists()


def test_a_phone_shows_the_keyboard_of_the_answer(portal: Browser, ana: Client) -> None:
    linked = {
        field: [{"system": record_fields.SYSTEM, "code": field}] for field in (RecordField.PHONE, RecordField.EMAIL)
    }
    asked = [shared_documents.item(field, "string", f"{field}?", code=code) for field, code in linked.items()]
    asked += [shared_documents.item("age", "integer", "Age?"), shared_documents.item("name", "string", "Name?")]
    access = PortalAccess.objects.get(own_client=ana)
    (request,) = shared_documents.shared(access, shared_documents.form(ana.practice, *asked))
    page = portal.get(f"{LIST}{request.ref}/pages/1/").text
    assert re.findall(r'name="q\d" id="q\d" value="" autocomplete="off"(?: inputmode="(\w+)")?', page) == [
        *("tel", "email", "numeric", "")
    ]


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("q2", "soon", "date"),
        ("q3", "7", "Choose one of the answers shown."),
        ("q4", "many", "Enter a whole number, like 3."),
        ("q1", "a\x00b", "contains a character"),
        ("q1", "x" * 1001, "Enter at most 1000 characters."),
    ],
)
def test_bad_input_is_refused_beside_the_field(
    form: DocumentRequest, filling: Filling, field: str, typed: str, sentence: str
) -> None:
    answer = filling.fill(1, ABOUT | {"q3": "1", "q4": "2"} | {field: typed})
    assert answer.status_code == 422
    found = re.search(rf'id="{field}-error">.*?<span>([^<]*)</span>', answer.text, re.DOTALL)
    assert found
    assert sentence in found[1]
    if "\x00" not in typed and field != "q3":
        assert f'value="{typed}"' in answer.text


@pytest.mark.parametrize("typed", ["9999-12-31T23:59", "0001-01-01T00:00+14:00"])
def test_a_time_that_has_no_date_in_another_zone_is_refused(portal: Browser, ana: Client, typed: str) -> None:
    version = shared_documents.form(ana.practice, shared_documents.item("at", "dateTime", "When?"))
    filling = Filling(portal, shared_documents.shared(PortalAccess.objects.get(own_client=ana), version)[0])
    answer = filling.fill(1, {"q1": typed})
    assert answer.status_code == 422
    assert "Enter a real date and time." in answer.text
    assert portal.get(filling.address(1)).status_code == 200


@pytest.mark.parametrize("chosen", [[], [""], ["other"]])
def test_text_beside_other_is_an_answer(portal: Browser, ana: Client, chosen: list[str]) -> None:
    filling = Filling(portal, form_with_other(ana))
    assert '<label for="q1o">Other</label>' in filling.open(1)
    assert filling.post(1, {"q1": chosen, "q1o": "Latex"}).status_code == 302
    assert ResponseDraft.objects.get().answers[0]["answer"] == [{"valueString": "Latex"}]


def test_text_beside_other_is_never_dropped_for_another_choice(portal: Browser, ana: Client) -> None:
    filling = Filling(portal, form_with_other(ana))
    answer = filling.fill(1, {"q1": "0", "q1o": "Latex"})
    assert answer.status_code == 422
    assert "Choose one answer." in answer.text
    assert 'value="Latex"' in answer.text


def form_with_other(ana: Client) -> DocumentRequest:
    question = {**shared_documents.choice("what", "Allergic to what?", "Nuts", "Pollen"), "type": "open-choice"}
    access = PortalAccess.objects.get(own_client=ana)
    return shared_documents.shared(access, shared_documents.form(ana.practice, question))[0]


def test_a_card_number_is_neither_stored_nor_shown(form: DocumentRequest, filling: Filling) -> None:
    answer = filling.fill(1, ABOUT | {"q1": CARD})
    assert answer.status_code == 422
    assert "This looks like a card number. Remove it.<" in answer.text
    assert "Nothing was saved" not in answer.text
    assert CARD not in answer.text
    assert CARD not in answers_of(form)


def test_back_saves_what_was_typed(form: DocumentRequest, filling: Filling) -> None:
    filling.fill(1, ABOUT)
    answer = filling.fill(2, {"q6": "Half a sentence", "back": "1"})
    assert answer.headers["Location"].endswith("/pages/1/")
    assert "Half a sentence" in filling.open(2)


def test_script_saves_as_typed(form: DocumentRequest, filling: Filling) -> None:
    filling.open(1)
    answer = filling.post(1, {"q1": "An", "q3": "1", "place": "q1"}, **{"X-Portico-Saving": "1"})
    said = answer.json()
    assert said["number"] == 1
    assert said["said"].startswith("Saved ")
    assert "daily" in said["open"]
    draft = ResponseDraft.objects.get()
    assert (draft.request.state, draft.place) == (RequestState.STARTED, "name")


def test_ana_goes_on_at_the_question_where_she_stopped(
    portal: Browser, form: DocumentRequest, filling: Filling
) -> None:
    filling.fill(1, ABOUT)
    filling.open(2)
    filling.post(2, {"q5": "0", "place": "q5"}, **{"X-Portico-Saving": "1"})
    assert portal.get(f"{LIST}{form.ref}/").headers["Location"] == f"{LIST}{form.ref}/pages/2/#q5"


def test_a_second_window_is_shown_both(form: DocumentRequest, filling: Filling, portal: Browser) -> None:
    other = Filling(portal, form)
    filling.open(1)
    other.open(1)
    filling.post(1, ABOUT)
    answer = other.post(1, ABOUT | {"q1": "Anita"})
    assert answer.status_code == 409
    assert "Saved in the other window" in answer.text
    assert re.search(r"<dd[^>]*>Ana</dd>", answer.text)
    assert 'value="Anita"' in answer.text
    other.page = answer.text
    assert other.post(1, ABOUT | {"q1": "Anita"}).status_code == 302
    assert "'Anita'" in answers_of(form)


def test_two_windows_on_two_pages_are_no_conflict(form: DocumentRequest, filling: Filling, portal: Browser) -> None:
    filling.fill(1, ABOUT)
    filling.fill(2, HEALTH)
    other = Filling(portal, form)
    filling.open(1)
    other.open(2)
    assert filling.post(1, ABOUT | {"q1": "Anita"}).status_code == 302
    assert other.post(2, HEALTH | {"q6": "Only peanuts."}).status_code == 302
    assert "'Anita'" in answers_of(form)
    assert "'Only peanuts.'" in answers_of(form)


def test_only_what_another_window_changed_is_in_conflict(
    form: DocumentRequest, filling: Filling, portal: Browser
) -> None:
    filling.fill(1, ABOUT)
    other = Filling(portal, form)
    filling.open(1)
    other.open(1)
    filling.post(1, ABOUT | {"q1": "Anita"})
    answer = other.post(1, ABOUT | {"q2": "4/24/1990"})
    assert answer.status_code == 409
    assert re.findall(r"<dd[^>]*>(.*)</dd>", answer.text) == ["Anita"]


def test_a_save_whose_answer_was_lost_is_no_conflict(form: DocumentRequest, filling: Filling) -> None:
    filling.open(1)
    found = re.search(r'name="opened" value="(\d+\.\w+)\.\d+"', filling.page)
    assert found
    first = {"q1": "An", "opened": f"{found[1]}.1"}
    assert filling.post(1, first, **{"X-Portico-Saving": "1"}).status_code == 200
    assert filling.post(1, ABOUT | {"opened": f"{found[1]}.2"}).status_code == 302
    # The first one again, late: it must not bring back the older text.
    assert filling.post(1, first, **{"X-Portico-Saving": "1"}).status_code == 409
    assert "'Ana'" in answers_of(form)


def test_answers_changed_since_the_review_are_reviewed_again(
    portal: Browser, form: DocumentRequest, filling: Filling
) -> None:
    filling.fill(1, ABOUT)
    filling.fill(2, HEALTH)
    filling.fill(2, HEALTH | {"q6": "Yes."})
    answer = portal.post(f"{LIST}{form.ref}/review/", {"number": "2"})
    assert answer.status_code == 409
    assert "Yes." in answer.text
    assert not Submission.objects.exists()


def test_a_session_that_ended_keeps_the_page(
    portal: Browser, filling: Filling, ana: Client, stopped_clock: time_machine.Traveller
) -> None:
    filling.open(1)
    stopped_clock.shift(timedelta(minutes=31))
    kept = filling.post(1, ABOUT | {"q1": "Ana, as typed"}).headers["Location"]
    (place,) = parse_qs(urlsplit(kept).query)["next"]
    cast.in_the_portal(portal, ana)
    page = portal.get(place).text
    assert 'value="Ana, as typed"' in page
    assert "this page has not been saved yet" in page
    filling.page = page
    assert filling.post(1, ABOUT | {"q1": "Ana, as typed"}).headers["Location"].endswith("/pages/2/")


def test_withdrawn_while_open_it_says_so(form: DocumentRequest, filling: Filling) -> None:
    filling.open(1)
    request_states.withdraw(form, by=cast.DESK)
    answer = filling.post(1, ABOUT)
    assert answer.status_code == 302
    assert not ResponseDraft.objects.exists()


def test_a_new_version_leaves_an_open_form_alone(portal: Browser, form: DocumentRequest, filling: Filling) -> None:
    filling.fill(1, ABOUT)
    changed = shared_documents.intake(shared_documents.item("only", "string", "Another question"))
    shared_documents.new_version(form.version.template, changed)
    assert "Allergies" in filling.open(2)
    filling.post(2, HEALTH)
    portal.post(f"{LIST}{form.ref}/review/", {"number": "2"})
    assert Submission.objects.get().document_digest == form.version.digest


def test_in_spanish_the_same_answers_are_shown(portal: Browser, form: DocumentRequest, filling: Filling) -> None:
    filling.fill(1, ABOUT)
    portal.post(f"{PORTAL}profile/", {"language": "es"})
    page = filling.open(1)
    assert "¿Fuma?" in page
    assert 'value="Ana"' in page
    assert re.search(r'value="0" checked>', page)


@pytest.mark.parametrize("number", [2, 40])
def test_the_number_of_queries_is_fixed(
    portal: Browser, ana: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    asked = [shared_documents.item(f"q-{n}", "string", f"Question {n}") for n in range(number)]
    access = PortalAccess.objects.get(own_client=ana)
    (request,) = shared_documents.shared(access, shared_documents.form(ana.practice, *asked))
    filling = Filling(portal, request)
    filling.fill(1, {"q1": "a"})
    with django_assert_num_queries(PAGE_QUERIES):
        filling.open(1)
    with django_assert_num_queries(SAVE_QUERIES):
        filling.post(1, {"q1": "b"})
    with django_assert_num_queries(PAGE_QUERIES):
        portal.get(f"{LIST}{request.ref}/review/")
