"""The items of a form as JSON, in each language: found, walked through, and blank for a translation.

A form is a dictionary from language code to Questionnaire. The structure is that of the English one; the other has the
same items with its own texts, which may still be empty.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from django.utils.translation import gettext as _

from portico.domain.documents.forms.questionnaire import ItemType
from portico.plumbing.refusals import Refused

# Any in this module: JSON of a Questionnaire.
type JsonItem = dict[str, Any]
type Questionnaires = dict[str, dict[str, Any]]

ENGLISH = "en"


class ItemMissing(Refused):
    """The item was removed after the page was opened."""


def blank_translation(questionnaire: dict[str, Any]) -> dict[str, Any]:
    """Returns the same form with empty texts, to be translated."""
    blank = deepcopy(questionnaire)
    for item in walk(blank["item"]):
        item["text"] = ""
        for option in item.get("answerOption", []):
            if "valueCoding" in option:
                option["valueCoding"]["display"] = ""
    return blank


def walk(items: list[JsonItem]) -> Iterator[JsonItem]:
    """Yields all items in the order of the form."""
    for item in items:
        yield item
        yield from walk(item.get("item", []))


def find(form: Questionnaires, link_id: str, *, language: str = ENGLISH) -> JsonItem:
    """Returns an item. Raises ItemMissing."""
    found = next((each for each in walk(form[language]["item"]) if each["linkId"] == link_id), None)
    if found is None:
        raise ItemMissing(_("This question is no longer in the form. Open the form again."))
    return found


def group_of(form: Questionnaires, link_id: str) -> str:
    """Returns the linkId of the group that contains the item, empty at the top level."""
    groups = [each for each in walk(form[ENGLISH]["item"]) if each["type"] == ItemType.GROUP]
    return next((each["linkId"] for each in groups if any(link_id == it["linkId"] for it in each["item"])), "")


def label_of(option: JsonItem) -> str:
    """Returns the text of an option."""
    return str(
        option["valueCoding"]["display"]
        if "valueCoding" in option
        else next(value for key, value in option.items() if key.startswith("value"))
    )


def is_translated(item: JsonItem) -> bool:
    """Returns True if the item and its options have a text."""
    return bool(item["text"]) and all(label_of(option) for option in item.get("answerOption", []))
