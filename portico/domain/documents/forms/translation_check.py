"""Compares a form in two languages: both must ask the same questions with the same options."""

from django.utils.translation import gettext as _

from portico.domain.documents.forms.questionnaire import Item, Option, Questionnaire
from portico.domain.documents.forms.questionnaire_check import ItemProblem


def find_differences(original: Questionnaire, translated: Questionnaire) -> list[ItemProblem]:
    """Returns what differs apart from the texts; an empty list if answers to one are answers to the other."""
    problems: list[ItemProblem] = []
    if original.codes != translated.codes:
        problems.append(ItemProblem("", _("The codes of the form differ.")))
    _compare(original.items, translated.items, problems)
    return problems


def _compare(originals: tuple[Item, ...], translations: tuple[Item, ...], problems: list[ItemProblem]) -> None:
    expected = [item.link_id for item in originals]
    found = [item.link_id for item in translations]
    if expected != found:
        name = next((one for one, other in zip(expected, found, strict=False) if one != other), "")
        problems.append(ItemProblem(name, _("The questions are not the same, or in another order.")))
        return
    for original, translated in zip(originals, translations, strict=True):
        if _settings(original) != _settings(translated):
            problems.append(ItemProblem(original.link_id, _("Its type, options, conditions or other settings differ.")))
        _compare(original.items, translated.items, problems)


def _settings(item: Item) -> tuple[object, ...]:
    """Returns all of an item that is the same in every language."""
    return (
        item.type,
        item.required,
        item.repeats,
        item.max_length,
        item.conditions,
        item.all_conditions if item.conditions else True,
        item.codes,
        [_identity(option) for option in item.options],
    )


def _identity(option: Option) -> tuple[object, ...]:
    return (option.value_type, option.comparable, option.ordinal)
