"""Scores of questionnaires whose answers are numbers: PHQ-9 and GAD-7.

A form is recognized by its LOINC code, wherever it was made. The score is the sum of the ordinal values of its answers.
Bands: Kroenke, Spitzer and Williams 2001 (PHQ-9, https://doi.org/10.1046/j.1525-1497.2001.016009606.x);
Spitzer and others 2006 (GAD-7, https://doi.org/10.1001/archinte.166.10.1092).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from portico.domain.documents.forms.answer_items import read_values
from portico.domain.documents.forms.answer_values import AnswerValue
from portico.domain.documents.forms.questionnaire import Code, Item, ItemType, Questionnaire

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

LOINC = "http://loinc.org"


@dataclass(frozen=True)
class Scale:
    """The scoring of a questionnaire. `questions` and `total_item`, under which other tools calculate the score, are
    LOINC codes; `bands` are pairs of the lowest score and its label.

    `urgent_question`: any answer to it above zero needs attention, whatever the score.
    """

    name: str
    total_item: str
    questions: tuple[str, ...]
    bands: "tuple[tuple[int, _StrPromise], ...]"
    urgent_question: str | None = None
    highest_answer: int = 3

    @property
    def maximum(self) -> int:
        return self.highest_answer * len(self.questions)


@dataclass(frozen=True)
class Score:
    """The score of one set of answers. `total` and `band` are None until every scored question is answered."""

    scale: Scale
    total: int | None
    band: "_StrPromise | None"
    answered: int
    is_urgent: bool


SCALES: Mapping[Code, Scale] = {
    Code(LOINC, "44249-1"): Scale(
        name="PHQ-9",
        total_item="44261-6",
        questions=(
            "44250-9",
            "44255-8",
            "44259-0",
            "44254-1",
            "44251-7",
            "44258-2",
            "44252-5",
            "44253-3",
            "44260-8",
        ),
        bands=(
            (0, _("None to minimal depression")),
            (5, _("Mild depression")),
            (10, _("Moderate depression")),
            (15, _("Moderately severe depression")),
            (20, _("Severe depression")),
        ),
        urgent_question="44260-8",
    ),
    Code(LOINC, "69737-5"): Scale(
        name="GAD-7",
        total_item="70274-6",
        questions=("69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"),
        bands=(
            (0, _("Minimal anxiety")),
            (5, _("Mild anxiety")),
            (10, _("Moderate anxiety")),
            (15, _("Severe anxiety")),
        ),
    ),
}


def find_scale(questionnaire: Questionnaire) -> Scale | None:
    """Returns the scale of a form, or None if it has no score: unknown, or changed so that it can't be scored."""
    scale = next((SCALES[code] for code in questionnaire.codes if code in SCALES), None)
    return scale if scale and _scored_items(questionnaire, scale) else None


def score(questionnaire: Questionnaire, answers: list[dict[str, Any]]) -> Score | None:  # Any: JSON.
    """Returns the score of checked answers, or None if the form has none."""
    scale = find_scale(questionnaire)
    if scale is None:
        return None
    values = read_values(questionnaire, answers)
    points: dict[str, float] = {}
    for code, item in _scored_items(questionnaire, scale).items():
        for value in values.get(item.link_id, []):
            points[code] = _ordinals(item)[value]
    is_urgent = points.get(scale.urgent_question or "", 0) > 0
    if len(points) < len(scale.questions):
        return Score(scale, total=None, band=None, answered=len(points), is_urgent=is_urgent)
    total = round(sum(points.values()))
    band = next(label for lowest, label in reversed(scale.bands) if total >= lowest)
    return Score(scale, total=total, band=band, answered=len(points), is_urgent=is_urgent)


def _scored_items(questionnaire: Questionnaire, scale: Scale) -> dict[str, Item]:
    """Returns the question with each of the scale's codes; empty unless each is there once, with its answers."""
    found: dict[str, Item] = {}
    expected = [float(each) for each in range(scale.highest_answer + 1)]
    for item in questionnaire.questions:
        for code in item.codes:
            if code.system != LOINC or code.code not in scale.questions:
                continue
            is_scored = item.type == ItemType.CHOICE and not item.repeats
            if code.code in found or not is_scored or sorted(_ordinals(item).values()) != expected:
                return {}
            found[code.code] = item
    return found if len(found) == len(scale.questions) else {}


def _ordinals(item: Item) -> dict[AnswerValue, float]:
    return {option.comparable: option.ordinal for option in item.options if option.ordinal is not None}
