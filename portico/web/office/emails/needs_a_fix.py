"""`Needs a fix`: the mailboxes whose last email failed, by cause, each with its fix; as CSV, and their letters."""

from dataclasses import dataclass
from datetime import tzinfo
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portico.domain.access import holders
from portico.domain.access.diagnosis import failed_mailboxes
from portico.domain.access.diagnosis.failed_mailboxes import FailedMailbox, FailureCounts
from portico.domain.access.onboarding.guides import invitation_letter
from portico.domain.audit_actions import AuditAction
from portico.plumbing import clock
from portico.plumbing.audit import audit_log
from portico.plumbing.mail import outbox
from portico.plumbing.models.outgoing_emails import FailureCause
from portico.plumbing.text import time_formatting
from portico.web.files import csv_files
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.filter_links import FilterChip
from portico.web.office.fix_urls import url_of
from portico.web.office.roles import CLIENT_EDITORS, may_edit
from portico.web.office.sign_in.reauthentication import recently_verified

COLUMNS = ("Client", "Contact", "Email", "Problem", "Since", "What the server said", "Next step")
# A checkbox for each row of a page, no more.
MAX_LETTERS = failed_mailboxes.PAGE_SIZE


@dataclass(frozen=True)
class MailboxRow:
    """A failed mailbox; `problem` is the cause, `address` the URL of its fix."""

    mailbox: FailedMailbox
    problem: str
    address: str


@office_page()
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    practice, cause = request.practice, _cause_of(request)
    page = failed_mailboxes.page(practice, cause, after=request.GET.get("after", ""))
    counts = failed_mailboxes.counts(practice)
    context = {
        "rows": [_row(mailbox) for mailbox in failed_mailboxes.mailboxes_of(page.rows)],
        "chips": _chips(counts, cause),
        "ours": counts.ours,
        "outage": outbox.current_outage(practice),
        "may_edit": may_edit(request),
        "export_query": _query(cause),
        "next_url": _query(cause, after=page.next_ref) if page.next_ref else "",
        "first_url": "" if page.is_first else _query(cause) or "?",
    }
    return render(request, "office/emails/needs_a_fix.html", context)


@office_page(*CLIENT_EDITORS)
@recently_verified
@require_safe
def export(request: OfficeRequest) -> HttpResponse:
    """Sends the list as CSV."""
    practice, cause = request.practice, _cause_of(request)
    counts = failed_mailboxes.counts(practice)
    number = counts.total if cause is None else counts.by_cause.get(cause, 0)
    audit_log.record(
        AuditAction.EMAILS_EXPORTED, practice=practice, by=request.actor, show=cause or "needs_a_fix", number=number
    )
    file_name = f"needs-a-fix-{practice.slug}-{clock.today(practice.time_zone):%Y-%m-%d}.csv"
    rows = (_cells(_row(mailbox), practice.zone) for mailbox in failed_mailboxes.all_of(practice, cause))
    return csv_files.streamed(file_name, COLUMNS, rows)


@office_page()
@require_safe
def letters(request: OfficeRequest) -> HttpResponse:
    """Returns the printed invitations of the checked people as one PDF, and records each in the audit log."""
    practice = request.practice
    checked = failed_mailboxes.of_emails(practice, request.GET.getlist("email")[:MAX_LETTERS])
    if not checked:
        messages.error(request, _("Check at least one person."))
        return redirect("office:needs_a_fix")
    for mailbox in checked:
        mailbox.client.practice = practice
    # A person with two failed addresses gets one letter.
    readers = {(mailbox.client, mailbox.access.relationship): mailbox.access for mailbox in checked}
    audit_log.record_all(
        audit_log.entry(
            AuditAction.DOCUMENT_VIEWED,
            practice=practice,
            client=client,
            by=request.actor,
            kind="letter",
            **holders.details_of(access),
        )
        for (client, _relationship), access in readers.items()
    )
    content = invitation_letter.invitation_letters_as_pdf(practice, list(readers))
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = 'attachment; filename="invitation-letters.pdf"'
    return response


def _cause_of(request: OfficeRequest) -> FailureCause | None:
    cause = request.GET.get("cause", "")
    return FailureCause(cause) if cause in FailureCause.values else None


def _row(mailbox: FailedMailbox) -> MailboxRow:
    relationship = mailbox.access.relationship
    problem = str(FailureCause(mailbox.email.failure_cause).label)
    return MailboxRow(mailbox, problem, url_of(mailbox.fix, mailbox.client, mailbox.email, relationship=relationship))


def _chips(counts: FailureCounts, chosen: FailureCause | None) -> list[FilterChip]:
    every = FilterChip(_("All"), "?", f"{counts.total:,}", chosen is None)
    causes = [
        FilterChip(str(cause.label), _query(cause), f"{number:,}", chosen is cause)
        for cause, number in counts.by_cause.items()
    ]
    return [every, *causes]


def _query(cause: FailureCause | None, **parameters: str) -> str:
    values = {"cause": cause.value if cause else "", **parameters}
    query = urlencode({name: value for name, value in values.items() if value})
    return f"?{query}" if query else ""


def _cells(row: MailboxRow, zone: tzinfo) -> list[str]:
    email = row.mailbox.email
    return [
        csv_files.escaped(row.mailbox.client.name),
        "" if row.mailbox.access.is_own else csv_files.escaped(row.mailbox.access.holder_name()),
        csv_files.escaped(email.to_address),
        row.problem,
        time_formatting.day_of(email.failed_at, zone).isoformat() if email.failed_at else "",
        csv_files.escaped(email.detail),
        str(row.mailbox.fix.label),
    ]
