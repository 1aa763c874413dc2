"""Time limit shared by all the calls of one request."""

import time

REQUEST_SECONDS = 10.0
# For the worker: no page waits for it, but the next job does.
WORK_SECONDS = 25.0


class Deadline:
    """A time limit that starts when it is created and is shared by several calls."""

    def __init__(self, seconds: float = REQUEST_SECONDS) -> None:
        self._ends_at = time.monotonic() + seconds

    def left(self) -> float:
        """Returns the seconds left; 0 or less once it has passed."""
        return self._ends_at - time.monotonic()
