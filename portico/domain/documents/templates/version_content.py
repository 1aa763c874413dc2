"""The content of a version in one language."""

from collections.abc import Mapping
from typing import Any

from django.db.models.fields.json import KeyTextTransform, KeyTransform

from portico.domain.clients.models import Language
from portico.domain.documents.models import TemplateVersion


def language_for(version: TemplateVersion, wanted: str | None) -> str:
    """Returns the wanted language if the version has it, else English, which every version has."""
    return wanted if wanted is not None and wanted in version.content else Language.ENGLISH.value


def content_in(version: TemplateVersion, language: str) -> Mapping[str, Any]:  # Any: JSON, see TemplateVersion.
    content: Mapping[str, Any] = version.content[language_for(version, language)]
    return content


def title_in(language: str) -> KeyTextTransform:
    """Returns the expression of the title of `version`. The content of a form is large: only its title is read."""
    return KeyTextTransform("title", KeyTransform(language, "version__content"))
