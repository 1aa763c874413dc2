"""A small intake form, with a branch."""

from typing import Any

from portico.domain.documents.forms import questionnaire_check
from portico.domain.documents.forms.questionnaire import Questionnaire


def resource() -> dict[str, Any]:  # Any: JSON.
    """Returns a form of two pages: a choice, a question that depends on it, and a group with a date and a number."""
    yes, no = ({"valueCoding": {"code": code, "display": code.title()}} for code in ("yes", "no"))
    return {
        "resourceType": "Questionnaire",
        "status": "active",
        "item": [
            {"linkId": "pills", "type": "choice", "text": "Any pills?", "required": True, "answerOption": [yes, no]},
            {
                "linkId": "which",
                "type": "string",
                "text": "Which?",
                "required": True,
                "maxLength": 40,
                "enableWhen": [{"question": "pills", "operator": "=", "answerCoding": {"code": "yes"}}],
            },
            {
                "linkId": "page-2",
                "type": "group",
                "text": "About you",
                "item": [
                    {"linkId": "born", "type": "date", "text": "Born on"},
                    {"linkId": "children", "type": "integer", "text": "Children"},
                ],
            },
        ],
    }


def form() -> Questionnaire:
    return questionnaire_check.read(resource())
