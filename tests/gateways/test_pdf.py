"""PDFs are tagged, titled, in their language; what is in them is text and nothing else."""

from io import BytesIO
from typing import Any

import pytest
import typst
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from portico.gateways import pdf

PRACTICE: dict[str, Any] = {"name": "Alder Street Therapy", "initial": "A", "hue": 218, "logo": []}  # Any: JSON.


def paper(*names: str, rows: int = 1, **more: object) -> dict[str, Any]:  # Any: JSON.
    return {
        "paper": "us-letter",
        "practice": PRACTICE,
        "language": "es",
        "document_title": "Factura 7",
        "title": "Factura",
        "subtitle": "Número 7",
        "parties": [[{"heading": "Para", "lines": list(names)}]],
        "table": {
            "columns": [
                {"label": "Fecha", "wide": False, "amount": False},
                {"label": "Concepto", "wide": True, "amount": False},
                {"label": "Importe", "wide": False, "amount": True},
            ],
            "rows": [["5 nov 2026", f"Sesión {number}", "$140.00"] for number in range(rows)],
        },
        "sums": [{"label": "Total", "amount": "$140.00", "total": True}],
        "notes": [["Gracias"]],
        "footer": "Alder Street Therapy",
        **more,
    }


def read(content: bytes) -> PdfReader:
    return PdfReader(BytesIO(content))


def root_of(reader: PdfReader) -> Any:  # Any: whatever a PDF holds.
    return reader.trailer["/Root"]


def text_of(reader: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in reader.pages)


def tags_of(reader: PdfReader) -> list[str]:
    """The names of all structure elements, in the order of reading."""
    found: list[str] = []

    def walk(node: Any) -> None:  # Any: whatever a PDF holds.
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for each in node:
                walk(each)
        elif isinstance(node, DictionaryObject):
            if "/S" in node:
                found.append(str(node["/S"]))
            walk(node.get("/K", []))

    walk(root_of(reader)["/StructTreeRoot"])
    return found


def is_for_everybody(reader: PdfReader) -> bool:
    """Whether it says of itself that it is PDF/UA-1."""
    metadata = reader.xmp_metadata
    return metadata is not None and b"pdfuaid" in metadata.stream.get_data()


def test_it_is_tagged_titled_and_says_its_language() -> None:
    reader = read(pdf.render("paper", paper("Ana Abreu")))
    root = root_of(reader)
    assert bool(root["/MarkInfo"]["/Marked"])
    assert root["/Lang"] == "es"
    assert reader.metadata is not None
    assert reader.metadata.title == "Factura 7"
    assert is_for_everybody(reader)


def test_its_headings_and_header_cells_are_what_they_look_like() -> None:
    tags = tags_of(read(pdf.render("paper", paper("Ana Abreu", rows=2))))
    assert tags.count("/H1") == 1
    assert tags.count("/H2") == 1
    assert (tags.count("/TH"), tags.count("/TD")) == (3, 6)


def test_sixty_lines_go_over_pages_and_the_head_of_the_table_comes_again() -> None:
    reader = read(pdf.render("paper", paper("Ana Abreu", rows=60)))
    assert len(reader.pages) >= 2
    assert all("Concepto" in page.extract_text() for page in reader.pages[:2])
    text = text_of(reader)
    assert [number for number in range(60) if f"Sesión {number}" not in text] == []


@pytest.mark.parametrize(
    "name",
    [
        *("Zoë Łukasiewicz-Ångström", "Nguyễn Thị Hồng", "Ελένη Παπαδοπούλου", "Анна Ковалёва", "אברהם כהן"),
        *("აბრამ", "Արամ", "देवी", "山田太郎", "王小明", "さくら", "김철수"),
    ],
)
def test_names_of_many_scripts_have_their_letters(name: str) -> None:
    reader = read(pdf.render("paper", paper(name)))
    assert is_for_everybody(reader)
    assert pdf.REPLACEMENT_CHARACTER not in text_of(reader)
    assert pdf.undrawable_characters(name) == ""


def test_an_arabic_name_is_drawn() -> None:
    # Extracted, its letters come in the order in which they are drawn; that the standard accepts it says they exist.
    assert is_for_everybody(read(pdf.render("paper", paper("محمد"))))


@pytest.mark.parametrize(
    ("name", "shown", "lacking"),
    [
        ("Mei 😀 Lin 😀", "Mei \ufffd Lin \ufffd", "😀"),
        ("Som สม", "Som \ufffd\ufffd", "สม"),
        ("Abebe ተስፋዬ", "Abebe \ufffd\ufffd\ufffd\ufffd", "ተስፋዬ"),
        ("Ana \u1f5d\u0eb5\u0951", "Ana \ufffd\ufffd\ufffd", "\u1f5d\u0eb5\u0951"),  # No font has them together.
        ("Mei \U0001f469\u200d\U0001f4bb", "Mei \ufffd", "\U0001f469\U0001f4bb"),
    ],
)
def test_a_sign_that_no_font_has_is_seen_to_be_missing_in_a_pdf_for_everybody(
    name: str, shown: str, lacking: str
) -> None:
    reader = read(pdf.render("paper", paper(name, "Ana Abreu")))
    assert is_for_everybody(reader)
    assert shown in text_of(reader)
    assert "Ana Abreu" in text_of(reader)
    assert pdf.undrawable_characters(name, "Ana Abreu") == lacking


def test_every_latin_letter_is_in_a_font() -> None:
    # So that nothing is asked of typst for the names of most people.
    letters = "".join(chr(code) for code in range(0x20, 0x250) if chr(code).isprintable())
    reader = read(pdf.render("paper", paper(*[letters[at : at + 20] for at in range(0, len(letters), 20)])))
    assert is_for_everybody(reader)
    assert pdf.REPLACEMENT_CHARACTER not in text_of(reader)


@pytest.mark.parametrize(
    "hostile",
    [
        '#read("/etc/passwd")',
        '#image("fonts/OFL-hanken-grotesk.txt")',
        "*bold* _it_ $x^2$ `raw` <label> @ref = Heading",
        '#import "@preview/cetz:0.3.0"',
        '"}); #panic("x") // \\u{41}',
        "{{7*7}} {% now %} </script>",
    ],
)
def test_what_looks_like_markup_or_code_stays_text(hostile: str) -> None:
    text = text_of(read(pdf.render("paper", paper(hostile))))
    assert "".join(hostile.split()) in "".join(text.split())
    assert "root:" not in text


def test_a_name_of_a_hundred_letters_is_broken_not_cut() -> None:
    long = "Wolfeschlegelsteinhausenbergerdorff" * 3
    text = text_of(read(pdf.render("paper", paper(long))))
    assert long in "".join(text.replace("\u200b", "").split())


def test_a_file_outside_the_templates_is_not_read() -> None:
    with pytest.raises(RuntimeError, match=r"No such file|not found|denied|outside"):
        pdf.render("../../README", {})


def test_a_mistake_in_a_template_is_not_hidden() -> None:
    with pytest.raises(typst.TypstError, match="sums"):
        pdf.render("paper", {key: value for key, value in paper("Ana").items() if key != "sums"})
