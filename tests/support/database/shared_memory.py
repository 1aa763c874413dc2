"""The folder in memory for the databases of a run."""

import shutil
from pathlib import Path

FOLDER = Path("/dev/shm")
NEEDED = 2 * 1024**3


def folder() -> Path | None:
    """Returns a folder in memory, or None if there is none with enough room: then databases go to the disk."""
    if FOLDER.is_dir() and shutil.disk_usage(FOLDER).free > NEEDED:
        return FOLDER
    return None
