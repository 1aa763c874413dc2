"""Shows the refusal of a button's operation as a message, on the page to which the button leads."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages

from portico.plumbing.refusals import Refused
from portico.web.http.request_types import OfficeRequest


@contextmanager
def show_refusal(request: OfficeRequest) -> Iterator[None]:
    """Adds a refusal that the block raises as an error message; the rest of the block is skipped."""
    try:
        yield
    except Refused as refusal:
        messages.error(request, str(refusal))
