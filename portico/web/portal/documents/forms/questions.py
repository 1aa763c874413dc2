"""Questions of a form as fields of a page, with the saved answers or with what was posted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from portico.domain.documents.forms import record_fields
from portico.domain.documents.forms.answer_items import Answer, value_of
from portico.domain.documents.forms.questionnaire import Item, ItemType, Questionnaire
from portico.domain.documents.forms.record_fields import RecordField
from portico.plumbing.text import date_input
from portico.plumbing.text.input_validation import holds_card_number, is_unstorable

OTHER = "other"
# The posted value of the choice that takes an answer back.
NO_ANSWER = ""
YES, NO = "yes", "no"
# What a phone's keyboard shows. Dates need letters or a slash, so they have the usual keyboard.
INPUT_MODES = {ItemType.INTEGER: "numeric", ItemType.DECIMAL: "decimal"}
INPUT_MODES_OF_RECORD = {RecordField.PHONE: "tel", RecordField.EMAIL: "email"}
INPUT_TYPES = {ItemType.TIME: "time", ItemType.DATE_TIME: "datetime-local"}


@dataclass(frozen=True)
class QuestionOption:
    """An option as a radio button or checkbox."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class Question:
    """A question on a page. `typed` is the text in its field, `other` that in the field beside `Other`."""

    item: Item
    # In names and ids of fields: the linkIds of a form may have characters that these can't have.
    number: int
    country: str
    typed: str = ""
    other: str = ""
    chosen: frozenset[str] = frozenset()
    error: str = ""
    is_open: bool = True

    @property
    def name(self) -> str:
        return f"q{self.number}"

    @property
    def other_name(self) -> str:
        return f"q{self.number}o"

    @property
    def control(self) -> str:
        """Returns how the page shows it: "choices", "text" for several lines, or "line"."""
        if self.item.is_choice or self.item.type == ItemType.BOOLEAN:
            return "choices"
        return "text" if self.item.type == ItemType.TEXT else "line"

    @property
    def input_type(self) -> str:
        return INPUT_TYPES.get(self.item.type, "text")

    @property
    def input_mode(self) -> str:
        field = record_fields.field_of(self.item)
        return INPUT_MODES_OF_RECORD.get(field, "") if field is not None else INPUT_MODES.get(self.item.type, "")

    @property
    def placeholder(self) -> str:
        return date_input.pattern(self.country) if self.item.type == ItemType.DATE else ""

    @property
    def choices(self) -> list[QuestionOption]:
        if self.item.type == ItemType.BOOLEAN:
            options = [(YES, _("Yes")), (NO, _("No"))]
        else:
            options = [(str(position), option.label) for position, option in enumerate(self.item.options)]
        if self.item.may_type_other:
            options.append((OTHER, _("Other")))
        if not self.item.repeats and not self.item.required:
            options.append((NO_ANSWER, _("No answer")))
        return [QuestionOption(value, label, value in self.chosen) for value, label in options]


def numbers_of(form: Questionnaire) -> dict[str, int]:
    """Returns the number of each question of the form, from 1, by linkId; the same in every language."""
    return {item.link_id: number for number, item in enumerate(form.questions, start=1)}


def from_answers(item: Item, number: int, answers: Sequence[Answer], *, country: str, is_open: bool = True) -> Question:
    """Returns the question with its saved answers."""
    chosen, typed, other = set(), "", ""
    for answer in answers:
        (value,) = answer.values()
        if item.type == ItemType.BOOLEAN:
            chosen.add(YES if value else NO)
        elif item.is_choice:
            option = item.option_with(value_of(answer))
            if option is None:
                other = str(value)
            chosen.add(OTHER if option is None else str(item.options.index(option)))
        else:
            typed = _written(item.type, value, country)
    return Question(item, number, country, typed, other, frozenset(chosen), is_open=is_open)


def from_post(
    item: Item, number: int, posted: QueryDict, *, country: str, error: str = "", is_open: bool = True
) -> Question:
    """Returns the question as it was filled in, without a card number."""
    blank = Question(item, number, country)
    values = posted.getlist(blank.name)
    other = posted.get(blank.other_name, "")
    return Question(
        item,
        number,
        country,
        typed=_shown_again(values[-1]) if values and blank.control != "choices" else "",
        other=_shown_again(other),
        chosen=frozenset(chosen_values(blank, posted)) if blank.control == "choices" else frozenset(),
        error=error,
        is_open=is_open,
    )


def chosen_values(question: Question, posted: QueryDict) -> list[str]:
    """Returns the values that were chosen. Text in the field beside `Other` counts as choosing it."""
    chosen = [value for value in posted.getlist(question.name) if value != NO_ANSWER]
    has_text = question.item.may_type_other and posted.get(question.other_name, "").strip()
    return [*chosen, OTHER] if has_text and OTHER not in chosen else chosen


def _written(kind: ItemType, value: object, country: str) -> str:
    """Returns a saved answer as it is typed."""
    if kind == ItemType.DATE:
        return date_input.written(date.fromisoformat(str(value)), country)
    if kind == ItemType.TIME:
        return str(value).removesuffix(":00")
    if kind == ItemType.DATE_TIME:
        return timezone.make_naive(datetime.fromisoformat(str(value))).isoformat().removesuffix(":00")
    if kind == ItemType.DECIMAL and isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _shown_again(text: str) -> str:
    return "" if is_unstorable(text) or holds_card_number(text) else text.replace("\r\n", "\n")
