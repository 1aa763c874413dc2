"""Drafts of answers: saved while the client types, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from portico.domain.audit_actions import AuditAction
from portico.domain.documents.completion import request_states
from portico.domain.documents.forms import answer_items, questionnaire
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.forms.answer_values import AnswerValue
from portico.domain.documents.forms.answers import WHOLE_FORM, check_answers
from portico.domain.documents.forms.questionnaire import Questionnaire
from portico.domain.documents.models import DocumentRequest, RequestState, ResponseDraft, TemplateVersion
from portico.domain.documents.refusals import DraftChanged, DraftTooLarge
from portico.domain.documents.templates.version_content import content_in
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.database.compiled import CompiledQuery, Parameter


@dataclass(frozen=True)
class OpenedPage:
    """A page of a form in a browser: the draft's number when it was shown or last saved, 0 without a draft.

    `key` is random for each time that the page is opened; `turn` rises with each save from it. With these, a
    lost response and a late save are told apart from changes made in another window.
    """

    number: int
    key: str
    turn: int


@dataclass(frozen=True)
class SavedDraft:
    """The draft, and a sentence for each question whose answer was not accepted, which has none in the draft."""

    draft: ResponseDraft
    errors: Mapping[str, str]


def of(request: DocumentRequest) -> ResponseDraft | None:
    """Returns the request's draft, if there is one."""
    return _of_request.first(request=request.pk)


@CompiledQuery
def _of_request(request: Parameter) -> QuerySet[ResponseDraft]:
    return ResponseDraft.objects.filter(request=request)


def questionnaire_of(version: TemplateVersion, language: str) -> Questionnaire:
    """Returns the form of a version in the language; in English if it has no other."""
    return questionnaire.parse(content_in(version, language)["questionnaire"])


def save(
    request: DocumentRequest,
    answers: Mapping[str, Sequence[Answer]],
    *,
    page: OpenedPage,
    place: str,
    language: str,
    by: Actor,
) -> SavedDraft:
    """Saves the answers to the questions of a page; those to other questions stay as they are.

    `answers` has every question of the page, with an empty list for one without an answer. `place` is the linkId that
    the client is at. Raises DraftChanged if another window has given other answers to these questions since the page
    was shown, DocumentUpdated if `request` has an earlier version, DraftTooLarge, DocumentCompleted, DocumentDeclined,
    DocumentWithdrawn.
    """
    form = questionnaire_of(request.version, language)
    with transaction.atomic():
        row = request_states.lock(request)
        request_states.refuse_unless_open(row)
        request_states.refuse_if_updated(row, request)
        draft = of(row) or ResponseDraft(practice_id=row.practice_id, request=row, number=0)
        stored = answer_items.flatten(draft.answers)
        _refuse_if_changed(draft, stored, answers, page)
        checked = check_answers(form, answer_items.build(form, stored | dict(answers)), complete=False)
        if WHOLE_FORM in checked.errors:
            raise DraftTooLarge
        _write(draft, checked.items, page=page, place=place)
        _mark_started(row, language=language, by=by)
    return SavedDraft(draft, checked.errors)


def carry_over(draft: ResponseDraft, version: TemplateVersion, language: str) -> None:
    """Moves a draft to another version of its form, under the request's lock: it keeps the answers that fit.

    A page that was shown before is refused, or its answers are read with its own version; see `DocumentUpdated`.
    """
    form = questionnaire_of(version, language)
    draft.answers = answers_that_fit(form, draft.answers)
    draft.number += 1
    draft.place = draft.place if draft.place in form.by_link_id else ""
    draft.changes = {link_id: change for link_id, change in draft.changes.items() if link_id in form.by_link_id}
    draft.save(update_fields=["answers", "number", "place", "changes"])


def answers_that_fit(form: Questionnaire, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:  # Any: JSON.
    """Returns the answers to questions that the form has too, with answers of the same kind."""
    return check_answers(form, answer_items.build(form, answer_items.flatten(answers)), complete=False).items


def _refuse_if_changed(
    draft: ResponseDraft, stored: Mapping[str, list[Answer]], answers: Mapping[str, Sequence[Answer]], page: OpenedPage
) -> None:
    if draft.number == page.number:
        return
    is_late = _is_from_same_page(draft.saved_from, page) and not _is_earlier_turn(draft.saved_from, page)
    changed = [
        link_id
        for link_id, given in answers.items()
        if _values(stored.get(link_id, [])) != _values(given) and (is_late or _has_changed_since(draft, link_id, page))
    ]
    if changed:
        raise DraftChanged(changed)


def _values(answers: Sequence[Answer]) -> list[AnswerValue]:
    return [answer_items.value_of(answer) for answer in answers]


def _has_changed_since(draft: ResponseDraft, link_id: str, page: OpenedPage) -> bool:
    """Returns True if a save changed the answer after the page was shown, other than an earlier one from this page."""
    number, saved_from = draft.changes.get(link_id, (0, ""))
    return number > page.number and not _is_earlier_turn(saved_from, page)


def _is_from_same_page(saved_from: str, page: OpenedPage) -> bool:
    key = saved_from.rpartition(".")[0]
    return bool(key) and key == page.key


def _is_earlier_turn(saved_from: str, page: OpenedPage) -> bool:
    """Returns True if the save came from the same opened page, before this one."""
    return _is_from_same_page(saved_from, page) and int(saved_from.rpartition(".")[2]) < page.turn


def _write(draft: ResponseDraft, items: list[dict[str, Any]], *, page: OpenedPage, place: str) -> None:  # Any: JSON.
    before, after = answer_items.flatten(draft.answers), answer_items.flatten(items)
    draft.answers, draft.place, draft.saved_at = items, place, clock.now()
    draft.number += 1
    draft.saved_from = f"{page.key}.{page.turn}"
    for link_id in before.keys() | after.keys():
        if _values(before.get(link_id, [])) != _values(after.get(link_id, [])):
            draft.changes[link_id] = [draft.number, draft.saved_from]
    draft.save()


def _mark_started(row: DocumentRequest, *, language: str, by: Actor) -> None:
    if row.state == RequestState.STARTED:
        return
    now = clock.now()
    row.state, row.started_at, row.opened_at, row.language = RequestState.STARTED, now, row.opened_at or now, language
    row.save(update_fields=["state", "started_at", "opened_at", "language"])
    request_states.record(AuditAction.DOCUMENT_STARTED, row, by=by)
