"""A guide or letter, and its PDF with the letterhead of the practice."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.utils import translation

from portico.domain.access.onboarding.guides.guide_sections import GuideSection
from portico.domain.practices import letterhead
from portico.domain.practices.models import Practice
from portico.gateways import pdf


@dataclass(frozen=True)
class Guide:
    title: str
    opening: tuple[str, ...]
    sections: tuple[GuideSection, ...]
    closing: tuple[str, ...] = ()


def content_of(text: Guide) -> dict[str, Any]:  # Any: JSON for the template.
    """Returns a guide or letter, which is in the active language, for the template."""
    content: dict[str, Any] = {  # Any: as above.
        "language": translation.get_language() or settings.LANGUAGE_CODE,
        "title": text.title,
        "opening": [paragraph.splitlines() for paragraph in text.opening],
        "sections": [asdict(section) for section in text.sections],
        "closing": [paragraph.splitlines() for paragraph in text.closing],
    }
    for section in content["sections"]:
        section["paragraphs"] = [paragraph.splitlines() for paragraph in section["paragraphs"]]
    return content


def render(practice: Practice, letters: Sequence[dict[str, Any]]) -> bytes:  # Any: as above.
    """Renders a guide, or letters, with the letterhead in the active language."""
    frame = {
        "language": letters[0]["language"],
        "document_title": f"{letters[0]['title']} · {practice.name}",
        "footer": practice.portal_address,
        "letters": letters,
    }
    return pdf.render("guide", letterhead.letterhead_of(practice) | frame)
