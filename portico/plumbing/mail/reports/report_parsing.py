"""Delivery reports read from mails: bounces and other status notifications (RFC 3464), spam complaints (RFC 5965), and
automatic replies.

A mail is a report about one of ours only if it has a valid tag: as Original-Envelope-Id, or in the address it was sent
to. Everything else in it was written by strangers, so the work is bounded and nothing raises.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from portico import enhanced_status_codes
from portico.plumbing.mail.reports import bounce_detection, mime_reader, report_tags, returned_mails
from portico.plumbing.mail.reports.delivery_reports import DSN, UNSTRUCTURED, NewReport
from portico.plumbing.mail.reports.mime_reader import Part
from portico.plumbing.models import ReportKind

# No more of a mail is read: a report comes first, and the mail it is about may follow whole.
MAX_BYTES = 256 * 1024
MAX_BLOCKS = 20
MAX_WORDS_LENGTH = 1000
# A report with a date outside this period before its arrival is dated by its arrival.
MAX_AGE = timedelta(days=14)

_STATUS_TYPES = {"message/delivery-status", "message/global-delivery-status"}
_KINDS = {
    "delivered": ReportKind.DELIVERED,
    "relayed": ReportKind.RELAYED,
    "expanded": ReportKind.RELAYED,
    "delayed": ReportKind.DELAYED,
    "failed": ReportKind.FAILED,
}
# Feedback types that are no complaint: "not-spam", and reports about authentication (RFC 6591).
_NOT_COMPLAINTS = {"not-spam", "auth-failure", "dmarc"}
_DOMAIN = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+")
_AUTO_REPLY_FIELDS = ("x-autoreply", "x-autorespond", "x-auto-response-suppress")
_AUTO_REPLY_PRECEDENCES = {"auto_reply", "bulk", "junk"}


def parse(raw: bytes, *, received_at: datetime) -> list[NewReport]:
    """Returns the reports that the mail contains, one for each recipient that it names; empty if it is no report.

    Reads at most MAX_BYTES of it.
    """
    raw = raw[:MAX_BYTES].replace(b"\r\n", b"\n")
    mail = mime_reader.read(raw)
    leaves, source = list(mail.leaves()), DSN
    statuses = [part for part in leaves if part.content_type in _STATUS_TYPES]
    feedback = [part for part in leaves if part.content_type == "message/feedback-report"]
    if statuses:
        found = _status_reports(mail, statuses[0])
    elif feedback:
        found = _complaints(mail, feedback[0])
    elif mail.content_type == "multipart/report":
        found = []  # Such as a read receipt.
    else:
        found, source = _other_reports(mail, leaves), UNSTRUCTURED
    return [
        NewReport(
            ref=ref,
            source=source,
            event_key=_event_key(raw, number),
            kind=kind,
            happened_at=_date_of(mail, received_at),
            status_code=status_code,
            words=words[:MAX_WORDS_LENGTH],
            remote_server=server,
        )
        for number, (ref, kind, status_code, words, server) in enumerate(found)
    ]


# Of a report: ref, kind, status code, words, remote server.
type _Found = list[tuple[str, ReportKind, str, str, str]]


def _status_reports(mail: Part, status: Part) -> _Found:
    """Returns what a delivery status notification says: a block about the mail, then one for each recipient."""
    content = status.content.replace(b"\r\n", b"\n").strip(b"\n")
    blocks = [mime_reader.read_block(block) for block in re.split(rb"\n[ \t]*\n", content, maxsplit=MAX_BLOCKS)]
    ref = _ref_in(mail, [value for block in blocks for value in block.values("original-envelope-id")])
    reporter = next((_domain(value) for block in blocks for value in block.values("reporting-mta")), "")
    return [
        (ref, kind, _status_code(block), _words(block), _domain(block.value("remote-mta")) or reporter)
        for block in blocks
        if ref and (kind := _KINDS.get(_first_word(block.value("action"))))
    ]


def _complaints(mail: Part, feedback: Part) -> _Found:
    """Returns the complaint of a feedback report. The sender in its envelope has our tag, if the report repeats it."""
    report = mime_reader.read_block(feedback.content.replace(b"\r\n", b"\n"))
    feedback_type = _first_word(report.value("feedback-type"))
    ref = _ref_in(mail, report.values("original-envelope-id", "original-mail-from"))
    if not ref or not feedback_type or feedback_type in _NOT_COMPLAINTS:
        return []
    server = _domain(report.value("reporting-mta")) or _domain(report.value("source"))
    return [(ref, ReportKind.COMPLAINED, "", feedback_type, server)]


def _other_reports(mail: Part, leaves: list[Part]) -> _Found:
    """Returns a bounce in a server's own form, without a status code; or an automatic reply."""
    ref = _ref_in(mail, [])
    if not ref or returned_mails.is_ours(mail):
        return []
    bounce = bounce_detection.detect(mail, leaves)
    if bounce is not None:
        return [(ref, bounce, "", "", "")]
    return [(ref, ReportKind.AUTO_REPLIED, "", "", "")] if _is_auto_reply(mail) else []


def _ref_in(mail: Part, envelope_values: list[str]) -> str:
    """Returns the ref of the first valid tag in what repeats our envelope, else in the mail's recipients; or ""."""
    for texts in (envelope_values, mail.values(*report_tags.RECIPIENT_FIELDS)):
        refs = report_tags.refs_in([" ".join(texts)[: report_tags.MAX_ADDRESSES_LENGTH]])
        if refs:
            return refs[0]
    return ""


def _is_auto_reply(mail: Part) -> bool:
    submitted = _first_word(mail.value("auto-submitted"))
    return (
        submitted not in {"", "no"}
        or bool(mail.values(*_AUTO_REPLY_FIELDS))
        or _first_word(mail.value("precedence")) in _AUTO_REPLY_PRECEDENCES
    )


def _status_code(block: Part) -> str:
    """Returns the status code; the one of the diagnostic if that is more precise ("5.0.0", as Exim writes)."""
    given = enhanced_status_codes.leading_in(block.value("status"))
    said = next(iter(enhanced_status_codes.all_in(block.value("diagnostic-code"))), "")
    if said and (not given or (given.endswith(".0.0") and said[0] == given[0])):
        return said
    return given


def _words(block: Part) -> str:
    """Returns what the server said, without the type that stands before it ("smtp;")."""
    kind, separator, said = block.value("diagnostic-code").partition(";")
    return said.strip() if separator and " " not in kind else block.value("diagnostic-code")


def _domain(value: str) -> str:
    """Returns the domain in a field such as "dns; mx.example.com (192.0.2.1)", or ""."""
    name = _first_word(value.rpartition(";")[2]).rstrip(".")
    return name if len(name) <= 254 and _DOMAIN.fullmatch(name) else ""


def _first_word(value: str) -> str:
    return next(iter(re.split(r"[\s;(]", value.strip(), maxsplit=1))).lower()


def _date_of(mail: Part, received_at: datetime) -> datetime:
    try:
        at = parsedate_to_datetime(mail.value("date")[:100])
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return received_at
    return at if received_at - MAX_AGE < at <= received_at else received_at


def _event_key(raw: bytes, number: int) -> str:
    digest = hashlib.sha256(raw).hexdigest()
    return f"{digest}:{number}" if number else digest
