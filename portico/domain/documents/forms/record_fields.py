"""Questions of a form that are linked to a field of the client's record, by a code of our own."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from portico.domain.documents.forms.questionnaire import Code, Item, ItemType

SYSTEM = "urn:portico:client-record"


class RecordField(StrEnum):
    """A field of the client's record. The values are codes in published forms: they never change."""

    FIRST_NAME = "first-name"
    LAST_NAME = "last-name"
    PREFERRED_NAME = "preferred-name"
    DATE_OF_BIRTH = "birth-date"
    PHONE = "phone"
    EMAIL = "email"


# The type of the questions that may be linked.
ITEM_TYPES: Mapping[RecordField, ItemType] = {
    each: ItemType.DATE if each == RecordField.DATE_OF_BIRTH else ItemType.STRING for each in RecordField
}


def set_field(target: dict[str, Any], field: RecordField | None) -> None:  # Any: JSON of an item.
    """Links the item to the field, or to none; its codes of other systems stay."""
    codes = [each for each in target.pop("code", []) if each.get("system") != SYSTEM]
    if field is not None:
        codes.append({"system": SYSTEM, "code": field.value})
    if codes:
        target["code"] = codes


def linked_field(item: Mapping[str, Any]) -> str | None:  # Any: JSON of an item.
    """Returns the code of the field that an item of a form in building is linked to; None without one."""
    codes = [each["code"] for each in item.get("code", []) if each.get("system") == SYSTEM]
    return next((each for each in codes if each in list(RecordField)), None)


def field_of(item: Item) -> RecordField | None:
    """Returns the field that the question is linked to; None without one, or for a question of another type."""
    fields = (RecordField(each.code) for each in item.codes if each in _CODES)
    return next((each for each in fields if ITEM_TYPES[each] == item.type), None)


_CODES = frozenset(Code(SYSTEM, each.value) for each in RecordField)
