"""Reads the answers that were posted with a page of a form."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.forms.questionnaire import Item, ItemType
from portico.plumbing import clock
from portico.plumbing.text import date_input, time_formatting
from portico.plumbing.text.date_input import NotADate
from portico.plumbing.text.input_validation import clean_line, clean_text, is_unstorable
from portico.web.portal.documents.forms.questions import NO, OTHER, YES, Question, chosen_values


@dataclass(frozen=True)
class PostedPage:
    """The answers posted on a page, by question, and an error for each that could not be read."""

    answers: Mapping[str, list[Answer]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


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
        return [_chosen(question, value, posted) for value in chosen_values(question, posted)]
    if len(values) > 1:
        raise _Unreadable(_("Enter only one answer."))
    text = values[0].strip() if values else ""
    return [_typed(question, text)] if text else []


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
