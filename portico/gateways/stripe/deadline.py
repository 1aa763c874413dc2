"""How long all calls of one request may take together."""

import time

REQUEST_SECONDS = 10.0
# The worker's: nobody waits for a page, but the next piece of work waits.
WORK_SECONDS = 25.0


class Deadline:
    """Begins when it is made, and is shared by every call that must fit in it."""

    def __init__(self, seconds: float = REQUEST_SECONDS) -> None:
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds; 0 or less when it is over."""
        return self._until - time.monotonic()
