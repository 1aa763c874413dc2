"""The state of the mailbox that collects delivery reports, for staff and operators."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from portico.plumbing import clock
from portico.plumbing.models import ReportMailbox

# Shorter outages, such as a restart, are not reported.
PATIENCE = timedelta(hours=1)


@dataclass(frozen=True)
class MailboxProblem:
    """The mailbox has not been readable since then, for the reason given by the server."""

    since: datetime
    words: str


def current_problem() -> MailboxProblem | None:
    """Returns what has prevented reading the mailbox for longer than PATIENCE; None without a mailbox."""
    if not settings.REPORT_MAILBOX_URL:
        return None
    row = ReportMailbox.objects.filter(problem_since__lte=clock.now() - PATIENCE).first()
    if row is None or row.problem_since is None:
        return None
    return MailboxProblem(since=row.problem_since, words=row.problem)
