"""The control URLs: `POST /_sandbox/<method>` with the arguments of the sandbox's method of that name, as JSON."""

import dataclasses
import json
from typing import Any

from sandbox.stripe.api_errors import ApiError
from sandbox.stripe.sandbox import Sandbox

VERBS = {
    "add_endpoint",
    "answer_at_bank",
    "book",
    "clear_faults",
    "delete_customer",
    "delete_endpoint",
    "detach_card",
    "dispute",
    "end_dispute",
    "end_refund",
    "erase",
    "fault",
    "find",
    "forward",
    "open_account",
    "pay",
    "plan",
    "refund",
    "revoke",
    "roll_key",
    "roll_secret",
}
JSON = {"Content-Type": "application/json"}


def answer(sandbox: Sandbox, method: str, path: str, body: str, content_type: str) -> tuple[int, bytes, dict[str, str]]:
    """Returns status, body and headers. Takes only JSON, which no page of another site can send here."""
    verb = path.removeprefix("/_sandbox/")
    if verb not in VERBS:
        return _response(404, {"error": f"There is no {verb!r}; there are {', '.join(sorted(VERBS))}."})
    if method != "POST" or content_type.partition(";")[0] != "application/json":
        return _response(405, {"error": "POST the arguments as application/json."})
    try:
        arguments = json.loads(body or "{}")
        return _response(200, {"result": _plain(getattr(sandbox, verb)(**arguments))})
    except (json.JSONDecodeError, TypeError, ValueError, KeyError) as error:
        return _response(400, {"error": str(error)})
    except ApiError as problem:
        return _response(problem.status, problem.body)


def _plain(result: Any) -> Any:  # Any: the result of a method.
    if isinstance(result, tuple):
        return [dataclasses.asdict(each) for each in result]
    return result


def _response(status: int, body: Any) -> tuple[int, bytes, dict[str, str]]:  # Any: JSON.
    return status, json.dumps(body, indent=2).encode(), JSON
