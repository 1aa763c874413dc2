"""The form for one item of an intake form: kind, text, options and when it is shown."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.documents.forms import answer_values, option_check, questionnaire_check, record_fields
from portico.domain.documents.forms.building import form_items, item_conditions
from portico.domain.documents.forms.building.form_items import JsonItem, Questionnaires
from portico.domain.documents.forms.building.item_changes import ItemInput
from portico.domain.documents.forms.building.item_conditions import ConditionInput
from portico.domain.documents.forms.questionnaire import CHOICES, NOT_QUESTIONS, ItemType
from portico.domain.documents.forms.record_fields import RecordField
from portico.domain.documents.submissions.record_proposals import LABELS
from portico.plumbing.text.input_validation import clean_line
from portico.web.office.base_form import OfficeForm, text_field
from portico.web.office.shareable_documents.template_forms import revision_field
from portico.web.office.shareable_documents.template_labels import ITEM_TYPES

ENGLISH, SPANISH = "en", "es"
# The value of "only if" that leaves the conditions of an imported item as they are.
KEEP = "keep"
# The value of the choice that links a question to no field of the client's record.
NOT_LINKED = "none"


class ItemForm(OfficeForm):
    """An item in both languages. `condition` has the linkId of an earlier question and a place of its options."""

    type = forms.ChoiceField(
        label=gettext_lazy("Answer type"), choices=[(each.value, label) for each, label in ITEM_TYPES.items()]
    )
    text_en = text_field(gettext_lazy("Text"), longest=questionnaire_check.MAX_ITEM_TEXT, rows=2, lang=ENGLISH)
    text_es = text_field(
        gettext_lazy("Text in Spanish"), longest=questionnaire_check.MAX_ITEM_TEXT, rows=2, lang=SPANISH
    )
    options_en = text_field(gettext_lazy("Options (one per line)"), longest=30_000, rows=5, lang=ENGLISH)
    options_es = text_field(gettext_lazy("Options in Spanish, in the same order"), longest=30_000, rows=5, lang=SPANISH)
    required = forms.BooleanField(label=gettext_lazy("Required"), required=False)
    repeats = forms.BooleanField(label=gettext_lazy("Several options may be chosen"), required=False)
    group = forms.ChoiceField(label=gettext_lazy("On page"), required=False)
    condition = forms.ChoiceField(label=gettext_lazy("Only if"), required=False)
    record_field = forms.ChoiceField(
        label=gettext_lazy("Client record"),
        choices=[(NOT_LINKED, gettext_lazy("Not linked")), *((each.value, label) for each, label in LABELS.items())],
        initial=NOT_LINKED,
        required=False,
    )
    revision = revision_field()

    def __init__(self, form: Questionnaires, item: JsonItem | None, *, data: Any = None, **initial: Any) -> None:
        # Any: posted data, and initial values of fields.
        super().__init__(data, initial=initial | (_initial(form, item) if item else {}))
        self.form, self.item = form, item
        conditions = [("", _("Always shown")), *_conditions(form, item)]
        if item and item.get("enableWhen") and item_conditions.condition_of(item, form) is None:
            conditions.append((KEEP, _("As imported, with conditions that can’t be edited here")))
        self.fields["condition"].choices = conditions  # type: ignore[attr-defined]  # It is a ChoiceField.
        self.fields["group"].choices = [("", _("A page without a title")), *_groups(form, item)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:  # Any: Django's own.
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("text_en"):
            self.add_error("text_en", _("Enter a text."))
        if cleaned.get("type") in CHOICES:
            self._check_options(_lines(cleaned.get("options_en", "")), _lines(cleaned.get("options_es", "")))
        field = cleaned.get("record_field")
        if field and "type" in cleaned and (fits := record_fields.ITEM_TYPES[field]) != cleaned["type"]:
            text = _("Only a question of the answer type “%(type)s” can be linked to this field.")
            self.add_error("record_field", text % {"type": ITEM_TYPES[fits]})
        return cleaned

    def clean_record_field(self) -> RecordField | None:
        name = self.cleaned_data["record_field"]
        return RecordField(name) if name and name != NOT_LINKED else None

    def _check_options(self, english: tuple[str, ...], spanish: tuple[str, ...]) -> None:
        if not english:
            self.add_error("options_en", _("Enter one option per line."))
        if len(english) > option_check.MAX_OPTIONS:
            self.add_error("options_en", _("Enter at most %(number)d options.") % {"number": option_check.MAX_OPTIONS})
        for name, lines in (("options_en", english), ("options_es", spanish)):
            if len(set(lines)) < len(lines):
                self.add_error(name, _("Two options are the same."))
            if any(len(line) > answer_values.MAX_OPTION_TEXT for line in lines):
                self.add_error(
                    name,
                    _("An option has more than %(number)d characters.") % {"number": answer_values.MAX_OPTION_TEXT},
                )
        if spanish and len(spanish) != len(english):
            text = _("There are %(english)d options in English and %(spanish)d in Spanish. Enter one line for each.")
            self.add_error("options_es", text % {"english": len(english), "spanish": len(spanish)})

    def entered(self) -> ItemInput:
        cleaned = self.cleaned_data
        condition: str = cleaned["condition"]
        question, _colon, answer = condition.partition(":")
        return ItemInput(
            type=ItemType(cleaned["type"]),
            texts={ENGLISH: cleaned["text_en"], SPANISH: cleaned["text_es"]},
            options={ENGLISH: _lines(cleaned["options_en"]), SPANISH: _lines(cleaned["options_es"])},
            required=cleaned["required"],
            repeats=cleaned["repeats"],
            condition=ConditionInput(question, answer) if question and condition != KEEP else None,
            keeps_conditions=condition == KEEP,
            record_field=cleaned["record_field"],
        )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for line in map(clean_line, text.split("\n")) if line)


def _initial(form: Questionnaires, item: JsonItem) -> dict[str, Any]:  # Any: values of fields.
    spanish = form_items.find(form, item["linkId"], language=SPANISH)
    condition = item_conditions.condition_of(item, form)
    shown = f"{condition.question}:{condition.answer}" if condition else KEEP if item.get("enableWhen") else ""
    return {
        "type": item["type"],
        "text_en": item["text"],
        "text_es": spanish["text"],
        "options_en": "\n".join(_labels(item)),
        "options_es": "\n".join(_labels(spanish)),
        "required": item.get("required", False),
        "repeats": item.get("repeats", False),
        "group": form_items.group_of(form, item["linkId"]),
        "condition": shown,
        "record_field": record_fields.linked_field(item) or NOT_LINKED,
    }


def _labels(item: JsonItem) -> list[str]:
    return [form_items.label_of(option) for option in item.get("answerOption", [])]


def _groups(form: Questionnaires, item: JsonItem | None) -> list[tuple[str, str]]:
    """Returns the groups in which the item may be: not itself, nor what is in it."""
    inside = {each["linkId"] for each in form_items.walk([item])} if item else set()
    groups = [each for each in form_items.walk(form[ENGLISH]["item"]) if each["type"] == ItemType.GROUP]
    return [(each["linkId"], each["text"]) for each in groups if each["linkId"] not in inside]


def _conditions(form: Questionnaires, item: JsonItem | None) -> list[tuple[str, str]]:
    """Returns the answers of earlier questions that an item may depend on."""
    choices: list[tuple[str, str]] = []
    for earlier in form_items.walk(form[ENGLISH]["item"]):
        if item is not None and earlier["linkId"] == item["linkId"]:
            break
        if ItemType(earlier["type"]) in NOT_QUESTIONS:
            continue
        name, text = earlier["linkId"], earlier["text"][:60]
        choices.append((f"{name}:", _("“%(question)s” is answered") % {"question": text}))
        answers = [("true", _("Yes")), ("false", _("No"))] if earlier["type"] == ItemType.BOOLEAN else []
        answers += [(str(place), label) for place, label in enumerate(_labels(earlier))]
        for answer, label in answers:
            shown = _("“%(question)s”: %(answer)s") % {"question": text, "answer": label}
            choices.append((f"{name}:{answer}", shown))
    return choices
