"""The base class of the exceptions by which an operation refuses, with a message for the user."""

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Refused(Exception):
    """Subclasses are named as facts (`InvoicePaid`) and may set their message and status."""

    message: "str | _StrPromise" = ""
    status: ClassVar[int] = 409

    def __init__(self, message: "str | _StrPromise | None" = None, *, field: str | None = None):
        if message is not None:
            self.message = message
        self.field = field
        super().__init__(message)

    def __str__(self) -> str:
        return str(self.message)
