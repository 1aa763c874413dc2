"""The PDF of a completed document: made from its rows whenever it is asked for, and the same each time."""

from typing import Any, BinaryIO

from django.utils import translation
from django.utils.translation import gettext as _

from portico.domain.documents.models import Countersignature, Submission
from portico.domain.documents.submissions import submission_content
from portico.domain.documents.templates import consent_text
from portico.domain.practices import letterhead
from portico.domain.practices.models import Practice
from portico.gateways import pdf
from portico.plumbing.text import time_formatting


def render(
    submission: Submission, *, countersignature: Countersignature | None = None, with_network_address: bool = False
) -> bytes:
    """Returns the PDF in the language of the submission; the IP address is for owners only.

    Equal rows give equal bytes: its date is that of the submission, and nothing depends on when it is made. With the
    countersignature it is another document, of the day on which that was made; the one without keeps its bytes.
    """
    practice = submission.request.practice
    with translation.override(submission.language):
        content = submission_content.content_of(submission, with_network_address=with_network_address)
        signed_at = submission.submitted_at if countersignature is None else countersignature.signed_at
        dated = time_formatting.day_of(signed_at, practice.zone)
        data = letterhead.letterhead_of(practice) | {
            "language": submission.language,
            "document_title": f"{content.title} · {practice.name}",
            "date": [dated.year, dated.month, dated.day],
            "title": content.title,
            "subtitle": submission.client_name,
            "from": letterhead.address_lines(practice),
            "text": consent_text.blocks(content.text) if content.text else [],
            "sections": [
                {"heading": each.heading, "answers": [[text, words or "—"] for text, words in each.answers]}
                for each in content.sections
            ],
            "signature_heading": _("Signature") if submission.signer_name else _("Submission"),
            "signer": submission.signer_name,
            "evidence": [list(each) for each in content.evidence],
            "countersignature": _countersignature(countersignature, practice) if countersignature else None,
            "footer": f"{practice.name} · {submission.ref}",
        }
    return pdf.render("submission", data)


def is_made_of(submission: Submission, file: BinaryIO) -> bool:
    """Returns True if the file is, byte for byte, a PDF of the submission as it is made now.

    A PDF that was made before the letterhead changed, or by another release of Portico, has other bytes.
    """
    found = Countersignature.objects.filter(submission=submission).first()
    return any(
        _is_equal(file, render(submission, countersignature=signature, with_network_address=each))
        for signature in ([None, found] if found else [None])
        for each in (False, True)
    )


def _countersignature(countersignature: Countersignature, practice: Practice) -> dict[str, Any]:  # Any: JSON.
    """Returns the signature of the practice for the template, in the active language."""
    at = submission_content.time_of(countersignature.signed_at, practice)
    return {
        "heading": _("Countersignature"),
        "name": countersignature.name,
        "evidence": [[_("Signed for"), practice.name], [_("Signed by"), countersignature.name], [_("Signed on"), at]],
    }


def _is_equal(file: BinaryIO, content: bytes) -> bool:
    # A file of another size, which may be large, is not read.
    if file.seek(0, 2) != len(content):
        return False
    file.seek(0)
    return file.read() == content
