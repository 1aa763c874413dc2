"""Names of uploaded files keep what a person typed, and nothing that harms another person's disk or screen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.plumbing.files import file_names
from portico.plumbing.models import FileKind

# Independent of the database.
pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Insurance card.pdf", "Insurance card.pdf"),
        ("café ñandú.PDF", "café ñandú.pdf"),
        ("C:\\Users\\Ana\\card.pdf", "card.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("card.exe", "card.exe.pdf"),
        ("scan.jpg", "scan.pdf"),
        ("bad\0\r\nname\x1b[31m.pdf", "badname[31m.pdf"),
        # Right-to-left override: shown as "invoicefdp.exe" without our care.
        ("invoice\u202efdp.exe", "invoicefdp.exe.pdf"),
        ('a"b<c>|d?.pdf', "a_b_c__d_.pdf"),
        ("...", "file.pdf"),
        ("", "file.pdf"),
        (".pdf", "file.pdf"),
        ("4242 4242 4242 4242.pdf", "file.pdf"),
        ("x" * 300 + ".pdf", "x" * 80 + ".pdf"),
    ],
)
def test_names_are_cleaned(name: str, kept: str) -> None:
    assert file_names.cleaned(name, FileKind.PDF) == kept


@given(st.text(max_size=300), st.sampled_from(FileKind))
def test_any_name_becomes_a_harmless_one(name: str, kind: FileKind) -> None:
    kept = file_names.cleaned(name, kind)
    assert kept.isprintable()
    assert len(kept) <= 90
    assert not set(kept) & set('/\\:*?"<>|')
    assert kept.endswith(f".{file_names.EXTENSIONS[kind]}")
    assert not kept.startswith(".")
    assert file_names.cleaned(kept, kind) == kept


def test_a_name_in_use_is_numbered() -> None:
    assert file_names.unused("card.jpg", []) == "card.jpg"
    assert file_names.unused("card.jpg", ["card.jpg", "card (2).jpg"]) == "card (3).jpg"
