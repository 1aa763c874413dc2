"""The texts that `restore` and `after-restore` print when they are done."""

from collections.abc import Iterator

from portico.domain.maintenance.after_restore import RestoreSummary
from portico.plumbing.security import key_usage

NEXT = (
    "Next, run portico verify-trail, verify-states, verify-documents and verify-ledger. Start web, review the Emails "
    "page, and then start the worker."
)


def summary_lines(practices: dict[str, RestoreSummary]) -> Iterator[str]:
    """Yields one line per practice, given the summaries by slug."""
    for slug, summary in practices.items():
        if summary.is_nothing:
            yield f"{slug}: no open sessions or waiting emails"
            continue
        yield (
            f"{slug}: ended {summary.links} sign-in links, {summary.pins} PINs, {summary.sessions} portal sessions, "
            f"{summary.staff_sessions} staff sessions and {summary.set_up_links} set-up links; "
            f"put on hold {summary.emails} emails, {summary.asks} link requests and "
            f"{summary.invitation_runs} runs of invitations; canceled {summary.sharing_runs} runs that share invoices"
        )


def missing_key_warnings() -> Iterator[str]:
    """Yields a line for each encryption key that the restored data need and FIELD_KEYS lacks."""
    for key_id, kinds in key_usage.missing_keys().items():
        yield (
            f"FIELD_KEYS is missing the key {key_id}, which is needed to read or verify: {', '.join(kinds)}. "
            f"Add it from the old installation's environment, after the first key."
        )
