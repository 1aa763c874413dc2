"""No punctuation directly follows a URL or email address in print, emails and help pages."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.utils import translation

from portico.domain.access.models import PortalAccess
from portico.domain.access.onboarding import invitation_text
from portico.domain.access.onboarding.guides import client_guide, invitation_letter
from portico.domain.access.onboarding.guides.guide_pdf import Guide
from portico.domain.practices.models import Practice
from portico.web.billing_documents import document
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

PORTICO = Path(__file__).resolve().parents[3] / "portico"
TEMPLATES = sorted([*PORTICO.glob("templates/**/*.html"), *PORTICO.glob("templates/**/*.txt")])
ADDRESS_IN_TEMPLATE = re.compile(
    r"""(?<!=")\{\{ *(?:[\w.]+\.)?(?:\w*portal_address|practice_address|base_address|hook|link|href) *(?:\|[^}]*)?"""
    r"""\}\}"""
    r"""(?:</\w+>)*[^\w\s<{"/-]"""
)
PLACEHOLDERS = re.compile(r"(?:\[portal address\]|%\((?:portal_address|practice_address)\)s)(?:</\w+>)*[^\w\s<-]")
FOLLOWED = re.compile(r"https?://[^\s<>]*[^\w\s/<>-](?:\s|<|$)")
LANGUAGES = ["en", "es"]


def words_of(guide: Guide) -> list[str]:
    parts = [line for section in guide.sections for line in (*section.paragraphs, *section.steps, *section.points)]
    facts = [value for section in guide.sections for _name, value in section.facts]
    return [*guide.opening, *guide.closing, *parts, *facts]


@pytest.mark.parametrize("language", LANGUAGES)
def test_guide_and_letter_separate_the_url(practice: Practice, language: str) -> None:
    ana = cast.ana(practice)
    with translation.override(language):
        lines = [*words_of(client_guide.build_guide(practice)), *words_of(invitation_letter.invitation_letter(ana))]
    assert sum(practice.portal_address in line for line in lines) == 4
    assert [line for line in lines if FOLLOWED.search(line)] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("phone", ["", "+12125550177"])
def test_bills_separate_the_url(practice: Practice, language: str, phone: str) -> None:
    practice.phone = phone
    with translation.override(language):
        words = document.payment_instructions(practice)
    assert practice.portal_address in words
    assert not FOLLOWED.search(words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_invitation_separates_the_url(practice: Practice, language: str) -> None:
    expanded = invitation_text.expand(invitation_text.default_text(language), PortalAccess.of(cast.ana(practice)))
    words = "\n".join(block for block in expanded.blocks if block)
    assert practice.portal_address in words
    assert not FOLLOWED.search(words)


@pytest.mark.parametrize(
    ("typed", "behind"),
    [
        ("Come to [portal address].", ""),
        ("At [portal address], any time", " any time"),
        ("At [portal address]!?… Any time", " Any time"),
        ("Online ([portal address]).", " )."),
        ("“[portal address]”", " ”"),
        ("[portal address] - any time", " - any time"),
        ("[portal address][first name]", "Ana"),
        ("[portal address]", ""),
    ],
)
def test_text_typed_after_the_url_is_separated(practice: Practice, typed: str, behind: str) -> None:
    text = invitation_text.InvitationText("Hello", typed)
    words = invitation_text.expand(text, PortalAccess.of(cast.ana(practice))).blocks[0]
    assert words is not None
    assert words.partition(practice.portal_address)[2] == behind


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(PORTICO / "templates")))
def test_no_template_has_punctuation_after_a_url(template: Path) -> None:
    assert ADDRESS_IN_TEMPLATE.findall(template.read_text("utf-8")) == []


def test_no_translation_has_punctuation_after_a_url() -> None:
    with (PORTICO / "locale" / "es" / "LC_MESSAGES" / "django.po").open("rb") as words:
        texts = [text for message in read_po(words) for text in (message.id, message.string) if isinstance(text, str)]
    assert sum("[portal address]" in text for text in texts) >= 2
    assert [text for text in texts if PLACEHOLDERS.search(text)] == []
