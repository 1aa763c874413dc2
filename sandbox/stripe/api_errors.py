"""Error responses: https://docs.stripe.com/api/errors."""

from typing import Any

type Json = dict[str, Any]  # Any: JSON.


class ApiError(Exception):
    """An error response."""

    def __init__(
        self, status: int, message: str, *, type_: str = "invalid_request_error", **details: Any
    ) -> None:  # Any: what the kind of error carries (code, param, decline_code, payment_intent).
        super().__init__(message)
        self.status = status
        self.error: Json = {"type": type_, "message": message} | details

    @property
    def body(self) -> Json:
        return {"error": self.error}


def missing(kind: str, id_: str, *, param: str = "") -> ApiError:
    """Returns the error for a missing object: 404 if the URL names it, 400 if a parameter does."""
    return ApiError(400 if param else 404, f"No such {kind}: '{id_}'", code="resource_missing", param=param or "id")


def invalid(message: str, *, param: str = "", code: str = "") -> ApiError:
    details = {name: value for name, value in (("param", param), ("code", code)) if value}
    return ApiError(400, message, **details)
