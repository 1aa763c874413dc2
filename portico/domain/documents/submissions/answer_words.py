"""Answers in words, for pages and PDFs, in the active language."""

from collections.abc import Sequence
from datetime import date, datetime, time

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portico.domain.documents.forms.answer_items import Answer, value_of
from portico.domain.documents.forms.questionnaire import Item
from portico.domain.practices.models import Practice
from portico.plumbing.text import time_formatting


def in_words(item: Item, answers: Sequence[Answer], practice: Practice) -> str:
    """Returns the answers to a question, a line each; empty without an answer. Times are in the practice's zone."""
    return "\n".join(_in_words(item, answer, practice) for answer in answers)


def _in_words(item: Item, answer: Answer, practice: Practice) -> str:
    value = value_of(answer)
    if item.is_choice:
        option = item.option_with(value)
        return option.label if option else str(value)
    match value:
        case bool():
            return _("Yes") if value else _("No")
        case datetime():
            day = time_formatting.full_day(time_formatting.day_of(value, practice.zone), get_language())
            return f"{day}, {time_formatting.time_with_zone(value, practice.zone, get_language())}"
        case date():
            return time_formatting.full_day(value, get_language())
        case time():
            return value.isoformat("minutes")
        case float():
            return f"{value:.6f}".rstrip("0").rstrip(".")
        case _:
            return str(value)
