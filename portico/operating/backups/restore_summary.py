"""The texts that `restore` and `after-restore` print when they are done."""

from collections.abc import Iterator

from portico.domain.maintenance.after_restore import RestoreSummary
from portico.plumbing.security import key_usage

NEXT = (
    "Now look at it: portico verify-trail, portico verify-states. Start web, look at the Emails page, "
    "and start the worker when it is right."
)


def summary_lines(practices: dict[str, RestoreSummary]) -> Iterator[str]:
    """Yields one line per practice, given the summaries by slug."""
    for slug, summary in practices.items():
        if summary.is_nothing:
            yield f"{slug}: nothing was open, nothing waited"
            continue
        yield (
            f"{slug}: ended {summary.links} sign-in links, {summary.pins} PINs, {summary.sessions} portal sessions, "
            f"{summary.staff_sessions} staff sessions and {summary.set_up_links} set-up links; "
            f"parked {summary.emails} emails and {summary.asks} asks for a link"
        )


def missing_key_warnings() -> Iterator[str]:
    """Yields a line for each encryption key that the restored data need and FIELD_KEYS lacks."""
    for key_id, kinds in key_usage.missing_keys().items():
        yield (
            f"FIELD_KEYS lacks the key {key_id}. Without it these cannot be read or proved: {', '.join(kinds)}. "
            f"Add it from the old installation's environment, after the first key."
        )
