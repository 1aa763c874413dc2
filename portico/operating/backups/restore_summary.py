"""What `restore` and `after-restore` say when they are done."""

from collections.abc import Iterator

from portico.domain.maintenance.after_restore import RestoreSummary
from portico.plumbing.security import key_usage

NEXT = (
    "Now look at it: portico verify-trail, portico verify-states. Start web, look at the Emails page, "
    "and start the worker when it is right."
)


def lines(practices: dict[str, RestoreSummary]) -> Iterator[str]:
    for slug, quieted in practices.items():
        if quieted.is_nothing:
            yield f"{slug}: nothing was open, nothing waited"
            continue
        yield (
            f"{slug}: ended {quieted.links} sign-in links, {quieted.pins} PINs, {quieted.sessions} portal sessions, "
            f"{quieted.staff_sessions} staff sessions and {quieted.set_up_links} set-up links; "
            f"parked {quieted.emails} emails and {quieted.asks} asks for a link"
        )


def warnings() -> Iterator[str]:
    """Keys that the data need and the environment lacks, from the restored database."""
    for key_id, kinds in key_usage.missing_keys().items():
        yield (
            f"FIELD_KEYS lacks the key {key_id}. Without it these cannot be read or proved: {', '.join(kinds)}. "
            f"Add it from the old installation's environment, after the first key."
        )
