"""Collects hashed and compressed static files, again whenever their sources changed."""

import fcntl
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

MANIFEST = "staticfiles.json"


def collect_if_stale() -> bool:
    """Runs collectstatic if a source is newer than the result; returns True if it ran.

    Safe when several servers start at once: a file lock lets one of them do it.
    """
    root = Path(settings.STATIC_ROOT)
    if not _is_stale(root):
        return False
    root.parent.mkdir(parents=True, exist_ok=True)
    with (root.parent / f"{root.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_stale(root):  # Another server did it while we waited.
            return False
        call_command("collectstatic", interactive=False, verbosity=0)
    return True


def _is_stale(root: Path) -> bool:
    manifest = root / MANIFEST
    if not manifest.is_file():
        return True
    made_at = manifest.stat().st_mtime
    return any(source.stat().st_mtime > made_at for source in _sources())


def _sources() -> Iterator[Path]:
    for finder in get_finders():
        for name, storage in finder.list(ignore_patterns=None):
            yield Path(storage.path(name))
