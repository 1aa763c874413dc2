"""PDFs: tags, title and language, and content that is printed as text."""

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
                {"label": "Monto", "wide": False, "amount": True},
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
    """Returns the names of all structure elements, in reading order."""
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


def is_accessible(reader: PdfReader) -> bool:
    """Returns True if the metadata declare PDF/UA-1."""
    metadata = reader.xmp_metadata
    return metadata is not None and b"pdfuaid" in metadata.stream.get_data()


def test_a_pdf_has_tags_title_and_language() -> None:
    reader = read(pdf.render("paper", paper("Ana Abreu")))
    root = root_of(reader)
    assert bool(root["/MarkInfo"]["/Marked"])
    assert root["/Lang"] == "es"
    assert reader.metadata is not None
    assert reader.metadata.title == "Factura 7"
    assert is_accessible(reader)


def test_headings_and_header_cells_are_tagged() -> None:
    tags = tags_of(read(pdf.render("paper", paper("Ana Abreu", rows=2))))
    assert tags.count("/H1") == 1
    assert tags.count("/H2") == 1
    assert (tags.count("/TH"), tags.count("/TD")) == (3, 6)


def test_the_table_head_is_repeated_on_each_page() -> None:
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
def test_names_in_many_scripts_have_glyphs(name: str) -> None:
    reader = read(pdf.render("paper", paper(name)))
    assert is_accessible(reader)
    assert pdf.REPLACEMENT_CHARACTER not in text_of(reader)
    assert pdf.undrawable_characters(name) == ""


def test_an_arabic_name_is_drawn() -> None:
    # Extracted text has the order of drawing; that the standard accepts it shows that the glyphs exist.
    assert is_accessible(read(pdf.render("paper", paper("محمد"))))


@pytest.mark.parametrize(
    ("name", "shown", "lacking"),
    [
        ("Mei 😀 Lin 😀", "Mei \ufffd Lin \ufffd", "😀"),
        ("Som สม", "Som \ufffd\ufffd", "สม"),
        ("Abebe ተስፋዬ", "Abebe \ufffd\ufffd\ufffd\ufffd", "ተስፋዬ"),
        ("Ana \u1f5d\u0eb5\u0951", "Ana \ufffd\ufffd\ufffd", "\u1f5d\u0eb5\u0951"),  # No single font has all of them.
        ("Mei \U0001f469\u200d\U0001f4bb", "Mei \ufffd", "\U0001f469\U0001f4bb"),
    ],
)
def test_a_missing_glyph_is_drawn_visibly(name: str, shown: str, lacking: str) -> None:
    reader = read(pdf.render("paper", paper(name, "Ana Abreu")))
    assert is_accessible(reader)
    assert shown in text_of(reader)
    assert "Ana Abreu" in text_of(reader)
    assert pdf.undrawable_characters(name, "Ana Abreu") == lacking


def test_every_latin_letter_is_in_a_font() -> None:
    # Typst is not called for the names of most people.
    letters = "".join(chr(code) for code in range(0x20, 0x250) if chr(code).isprintable())
    reader = read(pdf.render("paper", paper(*[letters[at : at + 20] for at in range(0, len(letters), 20)])))
    assert is_accessible(reader)
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
def test_markup_and_code_are_printed_as_text(hostile: str) -> None:
    text = text_of(read(pdf.render("paper", paper(hostile))))
    assert "".join(hostile.split()) in "".join(text.split())
    assert "root:" not in text


def test_a_very_long_name_is_wrapped() -> None:
    long = "Wolfeschlegelsteinhausenbergerdorff" * 3
    text = text_of(read(pdf.render("paper", paper(long))))
    assert long in "".join(text.replace("\u200b", "").split())


def test_files_outside_the_templates_cannot_be_read() -> None:
    with pytest.raises(RuntimeError, match=r"No such file|not found|denied|outside"):
        pdf.render("../../README", {})


def test_an_error_in_a_template_is_raised() -> None:
    with pytest.raises(typst.TypstError, match="sums"):
        pdf.render("paper", {key: value for key, value in paper("Ana").items() if key != "sums"})
