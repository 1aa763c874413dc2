"""A document that staff updated while it was open: the client is told, and nothing typed in the old page is lost."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client as Browser

from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client
from portico.domain.documents.models import DocumentRequest, DocumentTemplate, ResponseDraft, Submission
from portico.domain.documents.sharing import version_updates
from portico.domain.practices.models import Practice
from tests import cast, shared_documents

pytestmark = pytest.mark.django_db
LIST = "/portal/alder-street/documents/"
CHECK = "This document was updated. Check your answers."
# In the order of the form: name q1, born q2, smokes q3, daily q4; allergies q5, notes q6.
TYPED = {"q1": "Ana", "q2": "4/23/1990", "q3": "0"}
SIGNATURE = {
    "name": "Ana Abreu",
    "relationship": "Self",
    "agrees": "on",
    "page_language": "en",
    "agreement": "shown",
}


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def portal(client: Browser, ana: Client) -> Browser:
    return cast.in_the_portal(client, ana)


@pytest.fixture
def form(portal: Browser, ana: Client) -> DocumentRequest:
    return shared_documents.shared(access_of(ana), shared_documents.form(ana.practice))[0]


@pytest.fixture
def consent(portal: Browser, ana: Client) -> DocumentRequest:
    return shared_documents.shared(access_of(ana), shared_documents.consent(ana.practice))[0]


def access_of(client: Client) -> PortalAccess:
    return PortalAccess.objects.get(own_client=client)


def hidden(page: str) -> dict[str, str]:
    """Returns the hidden fields of the page's form."""
    names = "opened|version|page_language|number|agreement"
    return dict(re.findall(rf'type="hidden" name="({names})" value="([^"]*)"', page))


def update(request: DocumentRequest, content: dict[str, Any]) -> None:
    template = request.version.template
    shared_documents.new_version(template, content)
    current = DocumentTemplate.objects.select_related("current_version").get(pk=template.pk)
    assert version_updates.update(current, shown=2, with_started=True, by=cast.DESK) == 1


def renumbered() -> dict[str, Any]:  # Any: JSON.
    """Returns a form whose first question is new, so that the numbers of the others are not what they were."""
    return shared_documents.intake(
        shared_documents.item("new", "string", "A new question?"),
        shared_documents.item("born", "date", "Date of birth"),
        shared_documents.item("name", "string", "What do you like to be called?", required=True),
    )


def test_what_was_typed_in_the_old_page_is_saved_to_its_questions(portal: Browser, form: DocumentRequest) -> None:
    page = f"{LIST}{form.ref}/pages/1/"
    shown = hidden(portal.get(page).text)
    update(form, renumbered())
    answer = portal.post(page, TYPED | shown, follow=True)
    assert CHECK in answer.text
    assert "A new question?" in answer.text
    assert ResponseDraft.objects.get().answers == [
        {"linkId": "born", "answer": [{"valueDate": "1990-04-23"}]},
        {"linkId": "name", "answer": [{"valueString": "Ana"}]},
    ]


def test_an_answer_from_another_window_keeps_no_other_from_being_saved(portal: Browser, form: DocumentRequest) -> None:
    page = f"{LIST}{form.ref}/pages/1/"
    shown = hidden(portal.get(page).text)
    update(form, renumbered())
    # In the numbers of the current version: q1 is new, q2 the date of birth, q3 the name.
    portal.post(page, {"q1": "", "q2": "", "q3": "Annie"} | hidden(portal.get(page).text))
    assert CHECK in portal.post(page, TYPED | shown, follow=True).text
    assert ResponseDraft.objects.get().answers == [
        {"linkId": "born", "answer": [{"valueDate": "1990-04-23"}]},
        {"linkId": "name", "answer": [{"valueString": "Annie"}]},
    ]


def test_the_script_of_the_old_page_saves_and_says_why(portal: Browser, form: DocumentRequest) -> None:
    page = f"{LIST}{form.ref}/pages/1/"
    shown = hidden(portal.get(page).text)
    update(form, renumbered())
    answer = portal.post(page, TYPED | shown, headers={"X-Portico-Saving": "1"})
    assert (answer.status_code, "Select Continue to see it." in answer.json()["said"]) == (409, True)
    assert "Ana" in str(ResponseDraft.objects.get().answers)


def test_the_old_review_is_not_submitted(portal: Browser, form: DocumentRequest) -> None:
    portal.post(f"{LIST}{form.ref}/pages/1/", TYPED | hidden(portal.get(f"{LIST}{form.ref}/pages/1/").text))
    review = f"{LIST}{form.ref}/review/"
    shown = hidden(portal.get(review).text)
    # Its answers are complete for the new version too.
    update(form, shared_documents.intake(shared_documents.item("name", "string", "Your name?")))
    answer = portal.post(review, shown)
    assert (answer.status_code, "was updated since you opened this page" in answer.text) == (409, True)
    assert not Submission.objects.exists()
    portal.post(review, hidden(answer.text))
    assert Submission.objects.get().answers == [{"linkId": "name", "answer": [{"valueString": "Ana"}]}]


def test_ana_is_told_until_she_saves(
    portal: Browser, form: DocumentRequest, stopped_clock: time_machine.Traveller
) -> None:
    page = f"{LIST}{form.ref}/pages/1/"
    portal.post(page, TYPED | hidden(portal.get(page).text))
    stopped_clock.shift(60)
    update(form, renumbered())
    stopped_clock.shift(60)
    told = portal.get(page).text
    assert CHECK in told
    portal.post(page, {"q1": "New", "q3": "Ana"} | hidden(told))
    assert CHECK not in portal.get(page).text


def test_ana_who_never_opened_it_is_not_told(portal: Browser, form: DocumentRequest) -> None:
    update(form, renumbered())
    assert CHECK not in portal.get(f"{LIST}{form.ref}/pages/1/").text


def test_the_old_text_is_not_signed_and_her_name_is_kept(portal: Browser, consent: DocumentRequest) -> None:
    page = f"{LIST}{consent.ref}/"
    shown = hidden(portal.get(page).text)
    update(consent, {"en": {"title": "Consent", "note": "", "text": "Other words."}})
    answer = portal.post(page, SIGNATURE | shown)
    assert (answer.status_code, "Please read it again." in answer.text) == (409, True)
    assert "Other words." in answer.text
    assert 'value="Ana Abreu"' in answer.text
    assert not Submission.objects.exists()
    portal.post(page, SIGNATURE | hidden(answer.text))
    assert Submission.objects.get().document_digest == DocumentRequest.objects.get().version.digest


def test_a_page_without_its_version_is_shown_again(portal: Browser, consent: DocumentRequest) -> None:
    """A page that was opened before a new release, which does not send the field."""
    portal.get(f"{LIST}{consent.ref}/")
    update(consent, {"en": {"title": "Consent", "note": "", "text": "Other words."}})
    assert portal.post(f"{LIST}{consent.ref}/", SIGNATURE).status_code == 409


def test_typed_before_the_session_ended_it_is_shown_at_its_question(
    portal: Browser, ana: Client, form: DocumentRequest, stopped_clock: time_machine.Traveller
) -> None:
    page = f"{LIST}{form.ref}/pages/1/"
    shown = hidden(portal.get(page).text)
    stopped_clock.shift(timedelta(minutes=31))
    update(form, renumbered())
    kept = portal.post(page, TYPED | shown).headers["Location"]
    (place,) = parse_qs(urlsplit(kept).query)["next"]
    again = cast.in_the_portal(portal, ana).get(place).text
    assert re.search(r'<input[^>]*name="q3"[^>]*value="Ana"', again)
    assert CHECK in again
    assert "this page has not been saved yet" in again
