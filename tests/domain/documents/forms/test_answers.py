"""Answers that are refused, and those that are left out."""

from typing import Any

import pytest

from portico.domain.documents.forms.answers import WHOLE_FORM, check_answers
from portico.domain.documents.forms.branching import open_items
from tests.domain.documents.forms import sample_forms

YES, NO = ({"linkId": "pills", "answer": [{"valueCoding": {"code": code}}]} for code in ("yes", "no"))


def _text(text: object) -> dict[str, Any]:  # Any: JSON.
    return {"linkId": "which", "answer": [{"valueString": text}]}


def _page(link_id: str, **answer: object) -> dict[str, Any]:  # Any: JSON.
    return {"linkId": "page-2", "item": [{"linkId": link_id, "answer": [answer]}]}


@pytest.mark.parametrize(
    ("answers", "link_id", "sentence"),
    [
        ([{"linkId": "x", "answer": []}], "x", "not part of the form"),
        ([{"linkId": "born", "answer": [{"valueDate": "1990-04-23"}]}], "born", "not part of the form"),
        ([YES, NO], "pills", "answered twice"),
        ([{"linkId": "pills", "answer": [*YES["answer"], *NO["answer"]]}], "pills", "Choose one answer"),
        ([{"linkId": "pills", "answer": [{"valueCoding": {"code": "maybe"}}]}], "pills", "answers shown"),
        ([{"linkId": "pills", "answer": [{"valueString": "yes"}]}], "pills", "answers shown"),
        ([{"linkId": "pills", "answer": [{"valueCoding": {"code": ["yes"]}}]}], "pills", "answers shown"),
        ([_text("a" * 41)], "which", "at most 40 characters. You entered 41"),
        ([_text("4111 1111 1111 1111")], "which", "looks like a card number"),
        ([_text("a\x07")], "which", "can’t be saved"),
        ([_text("a\ud800")], WHOLE_FORM, "too long"),
        ([_text("one\ntwo")], "which", "can’t be saved"),
        ([_text(3)], "which", "can’t be read"),
        ([_page("born", valueDate="1990-02-30")], "born", "Enter a real date"),
        ([_page("born", valueDate="0001-01-01")], "born", "Enter a real date"),
        ([_page("born", valueDate="9999-12-31")], "born", "Enter a real date"),
        ([_page("born", valueString="1990-04-23")], "born", "can’t be read"),
        ([_page("children", valueInteger=1.5)], "children", "whole number"),
        ([_page("children", valueInteger=True)], "children", "whole number"),
        ([_page("children", valueInteger=2**31)], "children", "too large"),
        ([_text("a" * 300_000)], WHOLE_FORM, "too long"),
        ("x", WHOLE_FORM, "can’t be read"),
        ([{"linkId": "page-2", "answer": []}], "page-2", "can’t be read"),
    ],
)
def test_a_wrong_answer_has_its_sentence(answers: object, link_id: str, sentence: str) -> None:
    checked = check_answers(sample_forms.form(), answers, complete=False)
    assert sentence in checked.errors[link_id]
    assert len(checked.errors) == 1


def test_answers_nested_without_end_are_refused() -> None:
    answers: list[Any] = []
    for _each in range(100_000):
        answers = [answers]
    assert WHOLE_FORM in check_answers(sample_forms.form(), answers, complete=False).errors


def test_a_question_is_required_only_while_it_is_open() -> None:
    form = sample_forms.form()
    assert check_answers(form, [YES], complete=True).errors.keys() == {"which"}
    assert check_answers(form, [NO], complete=True).errors == {}
    assert check_answers(form, [], complete=False).errors == {}


def test_answers_to_closed_questions_stay_in_the_draft_only() -> None:
    form, answers = sample_forms.form(), [NO, _text("Aspirin")]
    assert "Aspirin" in str(check_answers(form, answers, complete=False).items)
    complete = check_answers(form, answers, complete=True)
    assert complete.dropped == ("which",)
    assert "Aspirin" not in str(complete.items)


def test_a_wrong_answer_to_a_closed_question_blocks_nothing() -> None:
    assert check_answers(sample_forms.form(), [NO, _text("4111 1111 1111 1111")], complete=True).is_valid


def test_an_answer_has_the_label_that_the_form_shows() -> None:
    answers = [{"linkId": "pills", "answer": [{"valueCoding": {"code": "no", "display": "Never mind"}}]}]
    checked = check_answers(sample_forms.form(), answers, complete=True)
    assert checked.items[0]["answer"] == [{"valueCoding": {"code": "no", "display": "No"}}]


def test_a_branch_opens_and_closes() -> None:
    form = sample_forms.form()
    assert open_items(form, [YES]) == {"pills", "which", "page-2", "born", "children"}
    assert open_items(form, [NO]) == {"pills", "page-2", "born", "children"}
