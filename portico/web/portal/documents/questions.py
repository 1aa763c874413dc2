"""Questions of a form as fields of a page: what is shown, and the answers that were posted."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from portico.domain.documents.forms.answer_items import Answer, value_of
from portico.domain.documents.forms.questionnaire import Item, ItemType, Questionnaire
from portico.plumbing import clock
from portico.plumbing.text import date_input, time_formatting
from portico.plumbing.text.date_input import NotADate
from portico.plumbing.text.input_validation import clean_line, clean_text, holds_card_number, is_unstorable

OTHER = "other"
# The posted value of the choice that takes an answer back.
NO_ANSWER = ""
YES, NO = "yes", "no"
# What a phone's keyboard shows. Dates need letters or a slash, so they have the usual keyboard.
INPUT_MODES = {ItemType.INTEGER: "numeric", ItemType.DECIMAL: "decimal"}
INPUT_TYPES = {ItemType.TIME: "time", ItemType.DATE_TIME: "datetime-local"}


@dataclass(frozen=True)
class Choice:
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
        return INPUT_MODES.get(self.item.type, "")

    @property
    def placeholder(self) -> str:
        return date_input.pattern(self.country) if self.item.type == ItemType.DATE else ""

    @property
    def choices(self) -> list[Choice]:
        if self.item.type == ItemType.BOOLEAN:
            options = [(YES, _("Yes")), (NO, _("No"))]
        else:
            options = [(str(position), option.label) for position, option in enumerate(self.item.options)]
        if self.item.may_type_other:
            options.append((OTHER, _("Other")))
        if not self.item.repeats and not self.item.required:
            options.append((NO_ANSWER, _("No answer")))
        return [Choice(value, label, value in self.chosen) for value, label in options]


@dataclass(frozen=True)
class PostedPage:
    """The answers posted on a page, by question, and an error for each that could not be read."""

    answers: Mapping[str, list[Answer]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def numbers_of(form: Questionnaire) -> dict[str, int]:
    """Returns the number of each question of the form, from 1, by linkId; the same in every language."""
    return {item.link_id: number for number, item in enumerate(form.questions, start=1)}


def from_answers(item: Item, number: int, answers: Sequence[Answer], *, country: str, is_open: bool = True) -> Question:
    """Returns the question with its saved answers."""
    chosen, typed, other = set(), "", ""
    for answer in answers:
        ((key, value),) = answer.items()
        if item.type == ItemType.BOOLEAN:
            chosen.add(YES if value else NO)
        elif item.is_choice:
            option = item.option_with(value_of(answer))
            if option is None:
                other = str(value)
            chosen.add(OTHER if option is None else str(item.options.index(option)))
        else:
            typed = _written(item.type, key, value, country)
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
        chosen=frozenset(_with_other(blank, posted)) if blank.control == "choices" else frozenset(),
        error=error,
        is_open=is_open,
    )


def read(questions: Sequence[tuple[Item, int]], posted: QueryDict, *, country: str) -> PostedPage:
    """Reads the answers to the questions, given with their numbers."""
    answers: dict[str, list[Answer]] = {}
    errors: dict[str, str] = {}
    for item, number in questions:
        try:
            answers[item.link_id] = _read(Question(item, number, country), posted)
        except _Unreadable as error:
            answers[item.link_id] = []
            errors[item.link_id] = str(error)
    return PostedPage(answers, errors)


class _Unreadable(Exception):
    """The text is not an answer of the question's type; the message is for the client."""


def _read(question: Question, posted: QueryDict) -> list[Answer]:
    values = posted.getlist(question.name)
    if any(is_unstorable(value) for value in (*values, posted.get(question.other_name, ""))):
        raise _Unreadable(_("This text contains a character that can’t be saved. Please enter it again."))
    if question.control == "choices":
        return [_chosen(question, value, posted) for value in _with_other(question, posted)]
    if len(values) > 1:
        raise _Unreadable(_("Enter only one answer."))
    text = values[0].strip() if values else ""
    return [_typed(question, text)] if text else []


def _with_other(question: Question, posted: QueryDict) -> list[str]:
    """Returns the chosen values. Text in the field beside `Other` counts as choosing it."""
    chosen = [value for value in posted.getlist(question.name) if value != NO_ANSWER]
    has_text = question.item.may_type_other and posted.get(question.other_name, "").strip()
    return [*chosen, OTHER] if has_text and OTHER not in chosen else chosen


def _chosen(question: Question, value: str, posted: QueryDict) -> Answer:
    item = question.item
    if item.type == ItemType.BOOLEAN and value in {YES, NO}:
        return {"valueBoolean": value == YES}
    if item.may_type_other and value == OTHER:
        text = clean_line(posted.get(question.other_name, ""))
        if not text:
            raise _Unreadable(_("Enter your answer beside “Other”."))
        return {"valueString": text}
    if value.isascii() and value.isdigit() and len(value) < 5 and int(value) < len(item.options):
        return item.options[int(value)].answer
    raise _Unreadable(_("Choose one of the answers shown."))


def _typed(question: Question, text: str) -> Answer:
    match question.item.type:
        case ItemType.INTEGER:
            return {"valueInteger": _integer(text)}
        case ItemType.DECIMAL:
            return {"valueDecimal": _decimal(text)}
        case ItemType.DATE:
            return {"valueDate": _date(text, question.country).isoformat()}
        case ItemType.TIME:
            return {"valueTime": _time(text).isoformat("seconds")}
        case ItemType.DATE_TIME:
            return {"valueDateTime": _date_time(text).isoformat(timespec="seconds")}
        case ItemType.TEXT:
            cleaned = clean_text(text)
        case _:
            cleaned = clean_line(text)
    if not cleaned:
        raise _Unreadable(_("Enter letters or digits."))
    return {"valueString": cleaned}


def _integer(text: str) -> int:
    digits = text.replace(",", "").replace("\u2212", "-")
    if not digits.removeprefix("-").isdecimal() or len(digits) > 12:
        raise _Unreadable(_("Enter a whole number, like 3."))
    return int(digits)


def _decimal(text: str) -> float:
    # A comma is the decimal sign where it is followed by other than three digits, as in 2,5.
    plain = text.replace("\u2212", "-").replace(" ", "")
    whole, comma, part = plain.partition(",")
    if comma and "." not in plain and "," not in part and len(part) != 3:
        plain = f"{whole}.{part}"
    try:
        number = float(plain.replace(",", ""))
    except ValueError:
        raise _Unreadable(_("Enter a number, like 2.5.")) from None
    if "e" in plain.lower() or not math.isfinite(number):
        raise _Unreadable(_("Enter a number, like 2.5."))
    return number


def _date(text: str, country: str) -> date:
    today = time_formatting.day_of(clock.now(), timezone.get_current_timezone())
    try:
        return date_input.parsed(text, country=country, today=today)
    except NotADate as error:
        raise _Unreadable(str(error)) from error


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text).replace(microsecond=0, tzinfo=None)
    except ValueError:
        raise _Unreadable(_("Enter a time, like 14:30.")) from None


def _date_time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text).replace(microsecond=0)
        return at if at.tzinfo else timezone.make_aware(at)
    except (ValueError, OverflowError):
        raise _Unreadable(_("Enter a real date and time.")) from None


def _written(kind: ItemType, key: str, value: object, country: str) -> str:
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
