"""MIME messages: strict parsers read exactly what was written."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portico.plumbing.mail.mime_messages import build_message, mask_secrets
from portico.plumbing.mail.outbox import LINK_PLACEHOLDER, ComposedMail
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.text.input_validation import clean_line
from portico.plumbing.text.mailboxes import deliverable
from tests.support.strict_mail import Header, Read

AT = datetime(2026, 11, 23, 17, 20, tzinfo=UTC)
TYPED = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=100)
# Names with characters that are special in some mail library.
AWKWARD = [*",.;:\"'()<>[]@\\=?_ -", "=?utf-8?q?", "?=", "=0D=0A", "Elm", "María", "Ł", "名", "👩\u200d👧", "x" * 40]
NAMED = TYPED | st.lists(st.sampled_from(AWKWARD), min_size=1, max_size=40).map(lambda parts: "".join(parts)[:150])
INJECTED = "=?utf-8?q?A=0D=0ABcc:_x@evil.example?="
LONG_WORDS = "x" * 77 + " " + "y" * 78
LONG_LIST = "Elm, Oak and Partners, Counseling and Family Therapy, P.C., of Alder Street, Portland"


def message_text(name: str = "", *, subject: str = "S", sender: str = "Alder", to: str = "ana@example.org") -> Header:
    """Returns the message to a recipient of this name, read by strict parsers."""
    email = OutgoingEmail(message_id="<1@example.org>", to_address=to, to_name=name)
    letter = ComposedMail(subject, "T", "<p>T</p>", "desk@example.org", sender)
    return Header(build_message(email, letter, recipient=to, at=AT))


@given(name=NAMED, sender=NAMED)
@example(name=LONG_WORDS, sender=LONG_LIST)
@example(name=LONG_LIST, sender=LONG_WORDS)
@example(name=INJECTED, sender=INJECTED)
@example(name='Ana "Annie" \\ (x) <eve@evil.example>, bob@example.org', sender=".")
def test_any_display_name_yields_one_mailbox(name: str, sender: str) -> None:
    header = message_text(name, sender=sender)
    assert header.mailbox("To") == Read(clean_line(name), "ana@example.org")
    assert header.mailbox("From") == Read(clean_line(sender), "portal@portico.example")
    assert header.mailbox("Reply-To") == Read(clean_line(sender), "desk@example.org")


@given(subject=NAMED)
@example(subject="word " * 30)
@example(subject=f"Sign in to {'x' * 100} (requested at 9:41 AM EST)")
@example(subject=LONG_WORDS)
@example(subject=INJECTED)
@example(subject=f"Hello {INJECTED} there")
def test_any_subject_is_parsed_unchanged(subject: str) -> None:
    assert message_text(subject=subject).text("Subject") == clean_line(subject)


@given(name=NAMED, subject=NAMED)
def test_input_cannot_inject_headers(name: str, subject: str) -> None:
    header = message_text(name, subject=subject, sender=name)
    assert all(line.isascii() for line in header.lines)
    assert list(header.fields) == [
        "Message-ID", "Date", "From", "To", "Reply-To", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type",
    ]  # fmt: skip


@pytest.mark.parametrize("name", [LONG_LIST, "Elm, Oak", "Müller, Jürgen", INJECTED, "Dr. Elm", "o'Brien (Bob)"])
def test_pythons_parser_reads_the_same_values(name: str) -> None:
    email = OutgoingEmail(message_id="<1@example.org>", to_address="ana@example.org", to_name=name)
    letter = ComposedMail(name, "T", "<p>T</p>", "desk@example.org", name)
    back = message_from_bytes(build_message(email, letter, recipient="ana@example.org", at=AT), policy=default)
    assert back["Subject"] == name
    assert [back[field].addresses[0].display_name for field in ("From", "To", "Reply-To")] == [name] * 3
    assert not any(back[field].defects for field in back)


LOCAL = st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~é名-]{1,20}(\.[a-z'+é]{1,9})?", fullmatch=True)
DOMAIN = st.from_regex(r"[a-z0-9]{1,60}\.[a-z0-9]{1,60}\.example", fullmatch=True)


@given(name=NAMED, address=st.builds("{}@{}".format, LOCAL, DOMAIN))
def test_any_address_yields_one_mailbox(name: str, address: str) -> None:
    try:
        taken = deliverable(address)
    except ValueError:
        return
    assert message_text(name, to=taken).mailbox("To") == Read(clean_line(name), taken)


def test_a_non_ascii_recipient_is_written_in_utf8() -> None:
    assert message_text("José", to="josé@example.org").mailbox("To") == Read("José", "josé@example.org")


@given(text=TYPED, html=TYPED)
def test_bodies_are_parsed_unchanged(text: str, html: str) -> None:
    email = OutgoingEmail(message_id="<1@example.org>", to_address="ana@example.org")
    letter = ComposedMail("S", text, html, "desk@example.org", "Alder")
    raw = build_message(email, letter, recipient="ana@example.org", at=AT)
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    back = message_from_bytes(raw, policy=default)
    for subtype, message_text in (("plain", text), ("html", html)):
        body = back.get_body((subtype,))
        assert body is not None
        assert body.get_content_charset() == "utf-8"
        assert body.get_content().encode().splitlines() == (message_text.encode().splitlines() or [b""])


@pytest.mark.parametrize("link", ["https://x.example/link/" + "s" * 43, "https://x.example/link/" + "s" * 43 + "/"])
def test_a_secret_is_masked_everywhere(link: str) -> None:
    body = f'<a href="{link}">{link}</a> {"s" * 43}'
    assert "s" * 43 not in mask_secrets(body, link)
    assert mask_secrets(body, link).count(LINK_PLACEHOLDER) == 3
    assert mask_secrets("Nothing", None) == "Nothing"


def test_a_url_without_a_token_is_masked_entirely() -> None:
    assert mask_secrets("See https://x.example/a/b.", "https://x.example/a/b") == f"See {LINK_PLACEHOLDER}."


def test_without_a_reply_address_there_is_no_reply_to() -> None:
    email = OutgoingEmail(message_id="<1@example.org>", to_address="ana@example.org")
    raw = build_message(email, ComposedMail("S", "T", "<p>T</p>", "", "Alder"), recipient="ana@example.org", at=AT)
    assert "Reply-To" not in Header(raw).fields
