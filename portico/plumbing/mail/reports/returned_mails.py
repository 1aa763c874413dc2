"""Finds mails of ours that came back: sent to the mailbox of the delivery reports, or forwarded to it.

Such a mail shows how the receiving server judged it. Its composer is told, if it reads that.
"""

from collections.abc import Collection, Mapping

from django.conf import settings

from portico.plumbing.mail import outbox
from portico.plumbing.mail.reports import authentication_results, mime_reader, report_tags
from portico.plumbing.mail.reports.mime_reader import Part
from portico.plumbing.mail.returned_mail import ReturnedMail
from portico.plumbing.models import OutgoingEmail

# The parts of a delivery report that repeat the mail or its header.
_MAIL_TYPES = {
    "text/rfc822-headers", "message/rfc822-headers", "message/rfc822", "message/global", "message/global-headers",
}  # fmt: skip


def is_ours(mail: Part) -> bool:
    """Returns True if the mail is from EMAIL_FROM: it came back, and is no report and no reply."""
    if mail.content_type == "multipart/report":
        return False
    sender = mail.value("from").rpartition("<")[2].partition(">")[0].strip()
    return sender.lower() == settings.EMAIL_FROM.lower()


def find(raw: bytes) -> tuple[str, ReturnedMail] | None:
    """Returns the mail with its ref, if it is one of ours that came back, with a valid tag."""
    mail = mime_reader.read(raw.replace(b"\r\n", b"\n"))
    if not is_ours(mail):
        return None
    # The tag is in the address of the envelope's sender, and in the recipient's if that is the mailbox of the reports.
    addresses = " ".join(mail.values("return-path", *report_tags.RECIPIENT_FIELDS))
    refs = report_tags.refs_in([addresses[: report_tags.MAX_ADDRESSES_LENGTH]])
    if not refs:
        return None
    results = authentication_results.read(mail, trusted=settings.AUTHSERV_IDS)
    return refs[0], ReturnedMail(results, authentication_results.dkim_keys(mail))


def in_report(raw: bytes) -> ReturnedMail | None:
    """Returns what a delivery report repeats of the mail that it is about; None if it repeats nothing."""
    report = mime_reader.read(raw.replace(b"\r\n", b"\n"))
    for part in report.leaves():
        if part.content_type in _MAIL_TYPES:
            mail = mime_reader.read(part.content.replace(b"\r\n", b"\n"))
            return ReturnedMail(None, authentication_results.dkim_keys(mail), is_report=True)
    return None


def pass_on(returned: Mapping[str, ReturnedMail]) -> set[str]:
    """Passes what came back, by ref, to the composers that read it. Returns the refs of those mails.

    Called in the transaction that stores the reports.
    """
    emails = _read_by_composer(returned)
    for email in emails:
        outbox.composer_of(email.kind).came_back(email, returned[email.ref])
    return {email.ref for email in emails}


def pass_on_reports(raw_by_ref: Mapping[str, bytes]) -> None:
    """Passes what delivery reports repeat of the mails that they are about, as `pass_on` does."""
    for email in _read_by_composer(raw_by_ref):
        returned = in_report(raw_by_ref[email.ref])
        if returned is not None:
            outbox.composer_of(email.kind).came_back(email, returned)


def _read_by_composer(refs: Collection[str]) -> list[OutgoingEmail]:
    """Returns those of the mails whose composers read what came back, oldest first."""
    kinds = outbox.kinds_that_read_returned_mails()
    if not refs or not kinds:
        return []
    return list(OutgoingEmail.objects.filter(ref__in=refs, kind__in=kinds).order_by("id"))
