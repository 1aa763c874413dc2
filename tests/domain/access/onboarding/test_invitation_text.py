"""Placeholders are replaced once; everything else stays text."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portico.domain.access.models import PortalAccess
from portico.domain.access.onboarding import invitation_text
from portico.domain.access.onboarding.invitation_text import BUTTON, InvitationText
from portico.domain.clients.models import Client
from portico.domain.practices.mail_texts import MESSAGE_LENGTH, SUBJECT_LENGTH
from portico.domain.practices.models import Practice, StaffMember

ELM = StaffMember(name="Dr. Naomi Elm")
ALDER = Practice(slug="alder-street", name="Alder Street Therapy")


def person(
    first_name: str = "Ana", clinician: StaffMember | None = ELM, date_of_birth: date | None = date(1990, 5, 1)
) -> Client:
    return Client(first_name=first_name, practice=ALDER, clinician=clinician, date_of_birth=date_of_birth)


def expanded(message: str, subject: str = "", **kwargs: object) -> invitation_text.ExpandedText:
    access = PortalAccess.of(person(**kwargs))  # type: ignore[arg-type]  # As `person` has them.
    return invitation_text.expand(InvitationText(subject, message), access)


def test_each_placeholder_is_replaced() -> None:
    blocks = expanded("[first name], [practice name], [clinician name], [portal address]").blocks
    assert blocks == (
        "Ana, Alder Street Therapy, Dr. Naomi Elm, http://localhost:8000/portal/alder-street/",
        None,
    )


def test_the_name_a_client_goes_by_is_used() -> None:
    client = person()
    client.preferred_name = "Annie"
    assert invitation_text.expand(InvitationText("Hi [first name]", ""), PortalAccess.of(client)).subject == "Hi Annie"


@pytest.mark.parametrize(
    ("typed", "mailed"),
    [
        ("Hello [first name],\n\nWelcome.", "Hello,"),
        ("Dear [first name]:", "Hello:"),
        ("¡Buenos días, [first name]!", "¡Hello!"),
        ("[first name], your portal is ready", "Hello, your portal is ready"),
        ("\nHi [first name]\nYour portal is ready", "Hello\nYour portal is ready"),
        ("[first name]’s portal is ready", "Ana’s portal is ready"),
        ("Portal for [first name]", "Portal for Ana"),
        ("Hello,\n\nwe write to [first name].", "Hello,"),
    ],
)
def test_only_a_client_known_to_be_an_adult_is_greeted_by_name(typed: str, mailed: str) -> None:
    assert expanded(typed, date_of_birth=None).blocks[0] == mailed
    assert expanded("", subject=typed.strip(), date_of_birth=None).subject.startswith(" ".join(mailed.split()))
    assert "Ana" in " ".join(block or "" for block in expanded(typed).blocks)


def test_without_a_clinician_the_practice_signs() -> None:
    assert expanded("[clinician name]", clinician=None).blocks[0] == "Alder Street Therapy"


def test_a_name_that_looks_like_a_placeholder_is_never_expanded_again() -> None:
    blocks = expanded("Hello [first name]", first_name="[portal address]").blocks
    assert blocks[0] == "Hello [portal address]"


def test_a_name_that_looks_like_the_button_adds_no_button() -> None:
    blocks = expanded("Hello [first name]", first_name=BUTTON).blocks
    assert blocks == (f"Hello {BUTTON}", None)


@pytest.mark.parametrize(
    "typed",
    ["{{7*7}}", "{% now 'Y' %}", "%(address)s", "${x}", "[FIRST NAME]", "[first  name]", "<b>Hi</b>", "{0}", "%s"],
)
def test_anything_else_in_brackets_or_braces_stays_text(typed: str) -> None:
    expansion = expanded(typed, subject=typed)
    assert expansion.blocks[0] == typed
    assert expansion.subject == " ".join(typed.split())


def test_the_button_stays_where_it_was_typed() -> None:
    assert expanded(f"Before\n\n{BUTTON}\n\nAfter").blocks == ("Before", None, "After")


def test_without_a_button_it_goes_to_the_end() -> None:
    assert expanded("Only this").blocks == ("Only this", None)


def test_a_second_button_is_removed() -> None:
    assert expanded(f"A {BUTTON} B {BUTTON} C").blocks.count(None) == 1


def test_a_button_in_the_subject_is_removed() -> None:
    assert expanded("", subject=f"Press {BUTTON} now").subject == "Press now"


def test_blank_lines_separate_paragraphs() -> None:
    assert expanded("One\nstill one\n \t\n\nTwo").blocks == ("One\nstill one", "Two", None)


def test_an_empty_message_is_the_button_alone() -> None:
    assert expanded("").blocks == (None,)


def test_a_subject_that_grows_too_long_is_cut() -> None:
    subject = "[practice name] " * 10
    assert len(expanded("", subject=subject).subject) <= SUBJECT_LENGTH


def test_the_default_text_fits_and_is_there_in_both_languages() -> None:
    for language in ("en", "es"):
        text = invitation_text.default_text(language)
        assert BUTTON in text.message
        assert len(text.subject) <= SUBJECT_LENGTH
        assert len(text.message) <= MESSAGE_LENGTH


@given(some.text(max_size=300))
def test_every_message_has_exactly_one_button(typed: str) -> None:
    assert expanded(typed).blocks.count(None) == 1
