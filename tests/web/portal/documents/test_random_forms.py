"""Random forms, built or imported and filled in at random: page, draft, submission and PDF have the same answers."""

from collections.abc import Mapping
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client as Browser
from django.utils import timezone
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from portico.domain.access.models import PortalAccess
from portico.domain.documents.forms import answer_items, form_pages, questionnaire_check
from portico.domain.documents.forms.answer_items import Answer, value_of
from portico.domain.documents.forms.branching import open_items
from portico.domain.documents.forms.questionnaire import Item, Questionnaire
from portico.domain.documents.models import ResponseDraft, Submission, TemplateKind
from portico.domain.documents.submissions import submission_pdf, verification
from portico.domain.practices.models import Practice
from portico.plumbing.text import date_input
from portico.web.portal.documents.forms import posted_answers, questions
from tests import cast, shared_documents
from tests.domain.documents.forms import form_strategies
from tests.domain.documents.forms.building import built_forms

LIST = "/portal/alder-street/documents/"


def posted(form: Questionnaire, items: list[Item], answers: Mapping[str, list[Answer]]) -> QueryDict:
    """Returns what a browser posts from a page that shows these answers."""
    numbers, fields = questions.numbers_of(form), QueryDict(mutable=True)
    for item in items:
        shown = questions.from_answers(item, numbers[item.link_id], answers.get(item.link_id, []), country="US")
        fields.setlist(shown.name, sorted(shown.chosen) if shown.control == "choices" else [shown.typed])
        fields[shown.other_name] = shown.other
    return fields


def compared(answers: Mapping[str, list[Answer]]) -> dict[str, set[Any]]:  # Any: values of each type.
    return {
        link_id: {value_of(each) for each in given_answers}
        for link_id, given_answers in answers.items()
        if given_answers
    }


def typed_dates_only(answers: Mapping[str, list[Answer]]) -> None:
    """Leaves out examples with a date that a page takes for a typing error."""
    values = [value_of(each) for found in answers.values() for each in found]
    assume(all(value.year <= date_input.LAST_YEAR for value in values if isinstance(value, date)))


@given(st.data())
def test_a_page_reads_back_what_it_shows(data: st.DataObject) -> None:
    form = questionnaire_check.read(data.draw(form_strategies.resources()))
    answers = data.draw(form_strategies.values(form))
    typed_dates_only(answers)
    asked = [(item, number) for item in form.questions if (number := questions.numbers_of(form)[item.link_id])]
    with timezone.override("America/New_York"):
        read = posted_answers.read(asked, posted(form, form.questions, answers), country="US")
    assert read.errors == {}
    assert compared(read.answers) == compared(answers)


@pytest.mark.django_db
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_was_filled_in_is_submitted_and_printed(practice: Practice, data: st.DataObject) -> None:
    built = built_forms.built_forms().map(lambda form: form["en"])
    resource = data.draw(st.one_of(built, form_strategies.resources()))
    form = questionnaire_check.read(resource)
    answers = data.draw(form_strategies.values(form, all_required=True))
    typed_dates_only(answers)
    person = cast.client(practice, "Ana", address=f"ana{Submission.objects.count()}@mail.example")
    browser = cast.in_the_portal(Browser(), person)
    content = {"en": {"title": f"Form {person.ref}", "note": "", "questionnaire": resource}}
    version = shared_documents.published(practice, TemplateKind.FORM, content)
    (request,) = shared_documents.shared(PortalAccess.objects.get(own_client=person), version)
    subject = {"subject": f"{PortalAccess.objects.get(own_client=person).account.ref}.{person.ref}"}  # type: ignore[union-attr]
    for page in form_pages.pages_of(form):
        draft = ResponseDraft.objects.filter(request=request).first()
        fields = posted(form, page.questions, answers)
        fields["opened"] = f"{draft.number if draft else 0}.page.0"
        fields.update(subject)
        path = f"{LIST}{request.ref}/pages/{page.number}/"
        answer = browser.post(path, fields.urlencode(), "application/x-www-form-urlencoded")
        assert answer.status_code == 302
    number = ResponseDraft.objects.get(request=request).number
    reviewed = subject | {"number": str(number), "page_language": "en"}
    assert browser.post(f"{LIST}{request.ref}/review/", reviewed).status_code == 302
    submission = verification.find_submission(practice, Submission.objects.get(request=request).ref)
    assert submission is not None
    is_open = open_items(form, answer_items.build(form, answers))
    expected = {link_id: each for link_id, each in answers.items() if link_id in is_open}
    assert compared(answer_items.flatten(submission.answers)) == compared(expected)
    assert PdfReader(BytesIO(submission_pdf.render(submission))).pages[0].extract_text()
    assert list(verification.problems()) == []
