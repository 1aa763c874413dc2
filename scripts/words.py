"""Translations: updates the catalog, checks for missing translations and banned terms, and compiles them."""

import re
import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "portico"
CATALOG = SOURCE / "locale" / "es" / "LC_MESSAGES" / "django.po"
# A table of English, Spanish, and the words that no translation may contain.
TERMS = ROOT / "docs" / "spanish-terms.md"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
# As in portico/web/template_engine/environment.py; a template that cannot be parsed is an error.
TEMPLATE_OPTIONS = {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}
OPTIONS = {"templates/**.html": TEMPLATE_OPTIONS, "templates/**.txt": TEMPLATE_OPTIONS}
KEYWORDS = DEFAULT_KEYWORDS | {
    "_": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# Header lines with author and date, which git records already.
RESTLESS = (
    b'"Project-Id-Version',
    b'"Report-Msgid-Bugs-To',
    b'"POT-Creation-Date',
    b'"PO-Revision-Date',
    b'"Last-Translator',
    b'"Language-Team',
    b'"Generated-By',
)
# Texts that clients see need a Spanish translation. The office is in English only.
FOR_CLIENTS = (
    "templates/emails/",
    "templates/entrance/",
    "templates/errors/",
    "templates/portal/",
    "templates/ui/",
    "web/entrance/",
    "web/portal/",
    # Read out to clients.
    "web/office/client_portal/diagnosis/phone_script",
    "web/payment_labels",
    "web/billing_documents/",
    "domain/access/",
    "domain/billing/models/",
    "domain/billing/card_payments/",
    "domain/billing/bill_mails",
    "domain/documents/completion/",
    "domain/documents/forms/answer",
    "domain/documents/refusals",
    "domain/documents/sharing/document_",
    "domain/documents/submissions/",
    "plumbing/files/inspection",
    "plumbing/text/input_validation",
    "plumbing/mail/rendering",
    "web/help_request_form",
    "web/formatting",
    "web/error_pages",
)
# Mails to staff are in English, like the office; so is what the office shows about signing in.
NOT_FOR_CLIENTS = (
    "templates/emails/staff/",
    "domain/access/diagnosis",
    "domain/documents/completion/completion_notices",
)


def main() -> int:
    verbs = {"update": update, "check": check, "compile": compile_all}
    if len(sys.argv) != 2 or sys.argv[1] not in verbs:
        print(f"usage: python -m scripts.words {'|'.join(verbs)}")
        return 2
    return verbs[sys.argv[1]]()


def update() -> int:
    """Updates the catalog: adds new messages untranslated and removes unused ones."""
    CATALOG.parent.mkdir(parents=True, exist_ok=True)
    CATALOG.write_bytes(_written(_updated(_found())))
    return 0


def check() -> int:
    """Reports an outdated catalog, missing translations, lost placeholders, and banned terms."""
    found = _found()
    updated = _updated(found)
    complaints = []
    if not CATALOG.exists() or CATALOG.read_bytes() != _written(updated):
        complaints.append("The catalog is behind the code: run `make words`.")
    complaints += [
        f"Without Spanish: {message.id!r}"
        for message in updated
        if message.id and _is_for_clients(found.get(message.id, message.context)) and _is_untranslated(message)
    ]
    complaints += banned_terms(updated, TERMS.read_text(encoding="utf-8"))
    for message, errors in updated.check():
        complaints += [f"{error}: {message.id!r}" for error in errors]
    print("\n".join(complaints) or "Words: every word for clients has its Spanish.")
    return 1 if complaints else 0


def banned_terms(catalog: Catalog, table: str) -> list[str]:
    """Returns a complaint for each translation with a word from the last column of the table."""
    rows = [row.split("|") for row in table.splitlines() if row.startswith("| ")]
    terms = [term.strip() for row in rows for term in row[3].split(",") if term.strip()]
    banned = re.compile(rf"\b(?:{'|'.join(map(re.escape, terms))})\b", re.IGNORECASE)
    return [
        f"Spanish says “{found[0]}” (docs/spanish-terms.md): {message.id!r}"
        for message in catalog
        if message.id and (found := banned.search(_text_of(message)))
    ]


def compile_all() -> int:
    """Compiles each .po file that is newer than its .mo file."""
    for source in SOURCE.glob("locale/*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as words, target.open("wb") as compiled:
            write_mo(compiled, read_po(words))
    return 0


def _found() -> Catalog:
    catalog = Catalog(charset="utf-8")
    found = extract_from_dir(
        SOURCE, METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=["Translators:"], strip_comment_tags=True
    )
    for path, line, message, comments, context in found:
        catalog.add(message, "", [(path, line)], auto_comments=comments, context=context)
    return catalog


def _updated(found: Catalog) -> Catalog:
    if CATALOG.exists():
        with CATALOG.open("rb") as words:
            catalog = read_po(words, locale="es")
    else:
        catalog = Catalog(
            locale="es", header_comment="# The words of Portico in Spanish.", charset="utf-8", fuzzy=False
        )
    catalog.update(found, no_fuzzy_matching=True)
    return catalog


def _written(catalog: Catalog) -> bytes:
    """Sorted and without line numbers and dates, so that branches rarely change the same lines."""
    buffer = BytesIO()
    write_po(buffer, catalog, no_location=True, sort_output=True, ignore_obsolete=True, width=100)
    lines = buffer.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(RESTLESS))


def _is_for_clients(message: Message | None) -> bool:
    paths = () if message is None else [str(path) for path, _ in message.locations]
    return any(path.startswith(FOR_CLIENTS) and not path.startswith(NOT_FOR_CLIENTS) for path in paths)


def _is_untranslated(message: Message) -> bool:
    return message.fuzzy or not all(_translations(message))


def _text_of(message: Message) -> str:
    return re.sub("<[^>]*>", "", " ".join(_translations(message)))


def _translations(message: Message) -> tuple[str, ...]:
    """Returns the translation, or those of the singular and the plural."""
    texts = message.string if isinstance(message.string, tuple) else (message.string,)
    return tuple(str(text or "") for text in texts)


if __name__ == "__main__":
    sys.exit(main())
