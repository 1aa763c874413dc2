"""Importing FHIR Questionnaires of other tools: what only describes or decorates a form is left out.

Nothing that changes which questions are asked, or how they are answered, is left out silently: it is refused. The
calculated total of a scale that Portico scores itself is left out.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from portico.domain.documents.forms import questionnaire_check, scores
from portico.domain.documents.forms.questionnaire import ORDINAL_VALUE
from portico.domain.documents.forms.questionnaire_check import ItemProblem, QuestionnaireRefused
from portico.domain.documents.models.templates import MAX_NOTE, MAX_TITLE
from portico.plumbing.text.input_validation import clean_line, clean_text

MAX_MEGABYTES = 1
MAX_BYTES = MAX_MEGABYTES * 1_000_000
# Keys that describe the form: who made it, for whom, when.
_DESCRIBING = frozenset(
    {
        *("id", "meta", "text", "url", "identifier", "version", "name", "subjectType", "date", "publisher", "contact"),
        *("useContext", "jurisdiction", "purpose", "approvalDate", "lastReviewDate", "effectivePeriod"),
        *("experimental", "derivedFrom", "title", "description"),
    }
)
_ITEM_DESCRIBING = frozenset({"id", "definition", "prefix"})
_STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
# Extensions about how a tool shows an item, or what it does with the answers afterwards.
_DECORATING = frozenset(
    {
        f"{_STRUCTURE}questionnaire-itemControl",
        f"{_STRUCTURE}questionnaire-choiceOrientation",
        f"{_STRUCTURE}questionnaire-displayCategory",
        f"{_STRUCTURE}questionnaire-optionPrefix",
        f"{_STRUCTURE}questionnaire-supportLink",
        f"{_STRUCTURE}rendering-style",
        f"{_STRUCTURE}rendering-xhtml",
        f"{_STRUCTURE}entryFormat",
        f"{_SDC}sdc-questionnaire-preferredTerminologyServer",
        f"{_SDC}sdc-questionnaire-choiceColumn",
        f"{_SDC}sdc-questionnaire-width",
        f"{_STRUCTURE}questionnaire-observationLinkPeriod",
        f"{_SDC}sdc-questionnaire-observationLinkPeriod",
        f"{_SDC}sdc-questionnaire-observationExtract",
    }
)
_CALCULATIONS = frozenset(
    {f"{_STRUCTURE}questionnaire-calculatedExpression", f"{_SDC}sdc-questionnaire-calculatedExpression"}
)
_MIN_OCCURS = f"{_STRUCTURE}questionnaire-minOccurs"
_ORDINALS = frozenset({ORDINAL_VALUE, f"{_STRUCTURE}itemWeight", f"{_SDC}sdc-questionnaire-optionScore"})
# Values that say the same as a missing key.
_DEFAULTS: dict[str, object] = {"readOnly": False, "initialSelected": False}


@dataclass(frozen=True)
class ImportedForm:
    """A form that can be used, with the title and description that the file gave it; both may be empty."""

    questionnaire: dict[str, Any]  # Any: JSON.
    title: str
    description: str
    language: str


def read_file(content: bytes) -> ImportedForm:
    """Reads the file of a Questionnaire. Raises QuestionnaireRefused with each item that can't be used."""
    if len(content) > MAX_BYTES:
        reason = _("The file is larger than %(megabytes)s MB.") % {"megabytes": MAX_MEGABYTES}
        raise QuestionnaireRefused([ItemProblem("", reason)])
    try:
        resource = json.loads(content.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise QuestionnaireRefused([ItemProblem("", _("The file is not JSON."))]) from None
    return read(resource)


def read(resource: object) -> ImportedForm:
    """Reads a Questionnaire. Raises QuestionnaireRefused."""
    if not isinstance(resource, dict):
        raise QuestionnaireRefused([ItemProblem("", _("This is not a FHIR Questionnaire."))])
    try:
        cleaned = _clean_root(resource)
    except RecursionError:
        raise QuestionnaireRefused([ItemProblem("", _("The form is nested too deep."))]) from None
    questionnaire_check.read(cleaned)
    language = str(cleaned.get("language", "en")).partition("-")[0]
    return ImportedForm(
        cleaned, _line(resource.get("title"))[:MAX_TITLE], _text(resource.get("description"))[:MAX_NOTE], language
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _clean_root(resource: dict[str, Any]) -> dict[str, Any]:  # Any: JSON.
    cleaned = {key: value for key, value in resource.items() if key not in _DESCRIBING}
    cleaned = _without_decoration(cleaned)
    if "copyright" in cleaned:
        cleaned["copyright"] = _text(cleaned["copyright"])[: questionnaire_check.MAX_ITEM_TEXT]
    if isinstance(cleaned.get("code"), list):
        cleaned["code"] = [_clean_coding(each) for each in cleaned["code"]]
    if isinstance(cleaned.get("item"), list):
        cleaned["item"] = _clean_items(cleaned["item"])
    return cleaned


def _is_total(item: object) -> bool:
    """Returns True for a calculated item with the total of a scale that Portico scores itself."""
    if not isinstance(item, dict) or not isinstance(item.get("code"), list):
        return False
    extensions = item.get("extension")
    urls = [each.get("url") for each in extensions if isinstance(each, dict)] if isinstance(extensions, list) else []
    codes = [(each.get("system"), each.get("code")) for each in item["code"] if isinstance(each, dict)]
    totals = [(scores.LOINC, scale.total_item) for scale in scores.SCALES.values()]
    return any(url in _CALCULATIONS for url in urls if isinstance(url, str)) and any(each in totals for each in codes)


def _clean_items(items: list[object]) -> list[object]:
    cleaned = [_clean_item(each) for each in items if not _is_total(each)]
    return [part for each in cleaned for part in _after_its_instructions(each)]


def _after_its_instructions(item: object) -> list[object]:
    """Returns a question after the instructions that LHC-Forms puts inside it, each as an item of its own."""
    instructions = item.get("item") if isinstance(item, dict) else None
    if not isinstance(item, dict) or item.get("type") in ("group", "display") or not isinstance(instructions, list):
        return [item]
    if not all(isinstance(each, dict) and each.get("type") == "display" for each in instructions):
        return [item]
    condition = {key: item[key] for key in ("enableWhen", "enableBehavior") if key in item}
    if condition and any(condition.keys() & each.keys() for each in instructions):
        return [item]
    return [*({**condition, **each} for each in instructions), {key: item[key] for key in item if key != "item"}]


def _clean_item(item: object) -> object:
    if not isinstance(item, dict):
        return item
    cleaned = _without_decoration({key: value for key, value in item.items() if key not in _ITEM_DESCRIBING})
    for key, default in _DEFAULTS.items():
        if cleaned.get(key) is default:
            del cleaned[key]
    if isinstance(cleaned.get("text"), str):
        cleaned["text"] = clean_text(_storable(cleaned["text"]))
    if isinstance(cleaned.get("code"), list):
        cleaned["code"] = [_clean_coding(each) for each in cleaned["code"]]
    if isinstance(cleaned.get("answerOption"), list):
        cleaned["answerOption"] = [_clean_option(each) for each in cleaned["answerOption"]]
    if isinstance(cleaned.get("enableWhen"), list):
        cleaned["enableWhen"] = [_clean_condition(each) for each in cleaned["enableWhen"]]
    if isinstance(cleaned.get("item"), list):
        cleaned["item"] = _clean_items(cleaned["item"])
    return cleaned


def _clean_option(option: object) -> object:
    """Returns the option with its ordinal value, which some tools write inside the coding."""
    if not isinstance(option, dict):
        return option
    cleaned = _without_decoration(option)
    if cleaned.get("initialSelected") is False:
        del cleaned["initialSelected"]
    coding = cleaned.get("valueCoding")
    if isinstance(coding, dict):
        inner = coding.get("extension")
        coding = _clean_coding({key: value for key, value in coding.items() if key != "extension"})
        cleaned["valueCoding"] = _with_code(coding)
        if isinstance(inner, list) and isinstance(cleaned.get("extension", []), list):
            cleaned["extension"] = [*cleaned.get("extension", []), *inner]
    if isinstance(cleaned.get("extension"), list):
        extensions = [_as_ordinal(each) for each in cleaned["extension"] if not _is_decoration(each)]
        unique = [each for place, each in enumerate(extensions) if each not in extensions[:place]]
        cleaned.pop("extension")
        if unique:
            cleaned["extension"] = unique
    return cleaned


def _clean_condition(condition: object) -> object:
    if not isinstance(condition, dict):
        return condition
    cleaned = _without_decoration({key: value for key, value in condition.items() if key != "id"})
    if "answerCoding" in cleaned:
        cleaned["answerCoding"] = _with_code(_clean_coding(cleaned["answerCoding"]))
    return cleaned


def _with_code(coding: object) -> object:
    """Returns the coding of an answer with its display as the code, if it has no code."""
    if not isinstance(coding, dict) or "display" not in coding:
        return coding
    return {"code": coding["display"], **coding}


def _clean_coding(coding: object) -> object:
    """Returns the coding without its version and without a display that is empty."""
    if not isinstance(coding, dict):
        return coding
    known = {key: value for key, value in coding.items() if key not in {"id", "version", "userSelected"}}
    return {
        key: _line(value) if isinstance(value, str) else value
        for key, value in known.items()
        if value not in ("", None)
    }


def _as_ordinal(extension: object) -> object:
    if not isinstance(extension, dict) or extension.get("url") not in _ORDINALS:
        return extension
    return {**extension, "url": ORDINAL_VALUE}


def _without_decoration(value: dict[str, Any]) -> dict[str, Any]:  # Any: JSON.
    """Returns the object without extensions that only concern its looks, and without empty lists of extensions."""
    kept = dict(value)
    extensions = kept.get("extension")
    if isinstance(extensions, list):
        kept.pop("extension")
        if rest := [each for each in extensions if not _is_decoration(each)]:
            kept["extension"] = rest
    for key in ("_text", "_prefix", "_display", "_title"):
        inner = kept.get(key)
        if (
            isinstance(inner, dict)
            and inner.keys() == {"extension"}
            and isinstance(inner["extension"], list)
            and all(map(_is_decoration, inner["extension"]))
        ):
            kept.pop(key)
    return kept


def _is_decoration(extension: object) -> bool:
    """Returns True for an extension that changes neither questions nor answers.

    "At least one answer" says what `required` says.
    """
    if not isinstance(extension, dict) or not isinstance(extension.get("url"), str):
        return False
    is_at_least_one = extension["url"] == _MIN_OCCURS and extension.get("valueInteger") in (0, 1)
    return is_at_least_one or extension["url"] in _DECORATING


def _line(value: object) -> str:
    return clean_line(_storable(value)) if isinstance(value, str) else ""


def _text(value: object) -> str:
    return clean_text(_storable(value)) if isinstance(value, str) else ""


def _storable(text: str) -> str:
    return text.encode(errors="replace").decode()
