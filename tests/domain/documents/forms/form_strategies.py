"""Random forms that the checker accepts, and random answers to them."""

import datetime
from typing import Any

from hypothesis import strategies as st

from portico.domain.documents.forms.questionnaire import (
    CHOICES,
    ORDINAL_VALUE,
    VALUE_TYPES,
    Item,
    ItemType,
    Questionnaire,
)

# Any in this module: JSON.
TEXTS = (
    st.text("aeñó漢🙂 ?-’", max_size=20).map(lambda text: f"T{text}".strip()).map(lambda text: " ".join(text.split()))
)
QUESTION_TYPES = [each for each in ItemType if each not in {ItemType.GROUP, ItemType.DISPLAY}]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Boolean": st.booleans(),
    "Decimal": st.integers(-1_000_000, 1_000_000).map(lambda number: number / 100),
    "Integer": st.integers(-(2**31) + 1, 2**31 - 1),
    "Date": st.dates(datetime.date(1900, 1, 1), datetime.date(9998, 12, 31)).map(str),
    "Time": st.times().map(lambda time: time.replace(microsecond=0).isoformat()),
    "DateTime": st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(9998, 12, 31)).map(  # noqa: DTZ001 - the zone is added below
        lambda at: f"{at.replace(microsecond=0).isoformat()}-08:00"
    ),
    "String": TEXTS,
}


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Any]:
    """Returns a Questionnaire with groups, choices and conditions about earlier questions."""
    earlier: list[dict[str, Any]] = []
    items = [draw(_items(earlier, f"q{number}", depth=1)) for number in range(draw(st.integers(1, 6)))]
    if not earlier:
        items.append(draw(_questions(earlier, "last")))
    return {"resourceType": "Questionnaire", "status": "active", "item": items}


@st.composite
def _items(draw: st.DrawFn, earlier: list[dict[str, Any]], link_id: str, *, depth: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(["question", "question", "question", "group", "display"]))
    if kind == "question" or (kind == "group" and depth == 5):
        return draw(_questions(earlier, link_id))
    item = {"linkId": link_id, "type": kind, "text": draw(TEXTS), **draw(_conditions(list(earlier)))}
    if kind == "group":
        item["item"] = [
            draw(_items(earlier, f"{link_id}.{number}", depth=depth + 1)) for number in range(draw(st.integers(1, 3)))
        ]
    return item


@st.composite
def _questions(draw: st.DrawFn, earlier: list[dict[str, Any]], link_id: str) -> dict[str, Any]:
    item_type = draw(st.sampled_from(QUESTION_TYPES))
    item = {"linkId": link_id, "type": item_type.value, "text": draw(TEXTS), **draw(_conditions(list(earlier)))}
    item["required"] = draw(st.booleans())
    if item_type in CHOICES:
        labels = draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True))
        item["repeats"] = draw(st.booleans())
        item["answerOption"] = [
            {
                "valueCoding": {"code": f"o{number}", "display": label},
                "extension": [{"url": ORDINAL_VALUE, "valueDecimal": number}],
            }
            for number, label in enumerate(labels)
        ]
    earlier.append(item)
    return item


@st.composite
def _conditions(draw: st.DrawFn, earlier: list[dict[str, Any]]) -> dict[str, Any]:
    if not earlier or draw(st.booleans()):
        return {}
    conditions = []
    for question in draw(st.lists(st.sampled_from(earlier), min_size=1, max_size=2)):
        item_type = ItemType(question["type"])
        condition: dict[str, Any] = {"question": question["linkId"], "operator": "exists"}
        if draw(st.booleans()):
            condition["answerBoolean"] = draw(st.booleans())
        elif item_type in CHOICES:
            option = draw(st.sampled_from(question["answerOption"]))
            condition |= {"operator": draw(st.sampled_from(["=", "!="])), "answerCoding": option["valueCoding"]}
        else:
            value_type = VALUE_TYPES[item_type]
            condition |= {
                "operator": draw(st.sampled_from(["=", "!="])),
                f"answer{value_type}": draw(VALUES[value_type]),
            }
        conditions.append(condition)
    return {"enableWhen": conditions, "enableBehavior": draw(st.sampled_from(["all", "any"]))}


@st.composite
def values(
    draw: st.DrawFn, questionnaire: Questionnaire, *, all_required: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """Returns answers by linkId to some of the questions; with `all_required`, to every required one at least."""
    return {
        item.link_id: draw(_given(item))
        for item in questionnaire.questions
        if (all_required and item.required) or draw(st.booleans())
    }


@st.composite
def _given(draw: st.DrawFn, item: Item) -> list[dict[str, Any]]:
    if not item.is_choice:
        value_type = VALUE_TYPES[item.type]
        return [{f"value{value_type}": draw(VALUES[value_type])}]
    most = len(item.options) if item.repeats else 1
    chosen = draw(st.lists(st.sampled_from(item.options), min_size=1, max_size=most, unique_by=lambda each: each.label))
    return [option.answer for option in chosen]
