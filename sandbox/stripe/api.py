"""One API call: authentication, idempotency keys, and scripted faults."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from sandbox.stripe import objects, parameters
from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import ApiError, Json, invalid
from sandbox.stripe.endpoints import routes
from sandbox.stripe.faults import Fault, FaultKind
from sandbox.stripe.sandbox import Sandbox

HANG_SECONDS = 30.0
AT_ONCE = {
    FaultKind.TOO_MANY: ApiError(429, "Too many requests hit the API too quickly.", code="rate_limit"),
    FaultKind.BROKEN: ApiError(500, "An unknown error occurred.", type_="api_error"),
    FaultKind.AWAY: ApiError(503, "Stripe is not available at the moment.", type_="api_error"),
}
# Statuses whose responses are replayed for the same idempotency key.
KEPT = {200, 402, 403, 500}


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: str
    body: str
    key: str
    idempotency_key: str = ""

    @property
    def values(self) -> Json:
        return parameters.decode(
            self.body if self.method == "POST" else "&".join(filter(None, (self.query, self.body)))
        )

    @property
    def digest(self) -> str:
        said = urlencode(sorted(parse_qsl(self.body, keep_blank_values=True)))
        return hashlib.sha256(f"{self.method} {self.path} {said}".encode()).hexdigest()


@dataclass(frozen=True)
class Response:
    """A response; `whole` is False if the connection breaks in the middle of it."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    whole: bool = True


def answer(sandbox: Sandbox, call: Call) -> Response | None:
    """Handles a call. Returns None if the connection is to be closed without a response."""
    fault = sandbox.faults.take(call.method, call.path)
    if fault is not None and fault.kind in AT_ONCE:
        problem = AT_ONCE[fault.kind]
        return _answer(problem.status, problem.body, {})
    if fault is not None and fault.kind is FaultKind.HANG:
        sandbox.wait(fault.seconds or HANG_SECONDS)
        return None
    request_id = objects.new_id("req_", 14)
    headers = {"Request-Id": request_id}
    try:
        data = sandbox.account_data(call.key)
    except ApiError as problem:
        return _answer(problem.status, problem.body, headers)
    data = replace(data, request_id=request_id, idempotency_key=call.idempotency_key or None)
    if call.method != "POST" or not call.idempotency_key:
        return _with_fault(sandbox, fault, _answer(*_work(sandbox, data, call, fault), headers))
    return _once(sandbox, data, call, fault, headers | {"Idempotency-Key": call.idempotency_key})


def _once(
    sandbox: Sandbox, data: AccountData, call: Call, fault: Fault | None, headers: dict[str, str]
) -> Response | None:
    scope, key = data.account.scope, call.idempotency_key
    known = sandbox.store.begin_answer(scope, key, call.digest)
    if known is not None:
        return _known(known, call, headers)
    kept = None
    try:
        status, body = _work(sandbox, data, call, fault)
        if _is_kept(status, body):
            kept = (status, json.dumps(body))
    finally:
        sandbox.store.end_answer(scope, key, kept)
    return _with_fault(sandbox, fault, _answer(status, body, headers))


def _is_kept(status: int, body: Json) -> bool:
    """Returns True if the response is stored for its key. Stripe does not store refusals of malformed parameters."""
    code = str(body.get("error", {}).get("code", "")) if status == 400 else ""
    return status in KEPT or (bool(code) and not code.startswith("parameter_"))


def _known(known: tuple[str, int | None, str | None], call: Call, headers: dict[str, str]) -> Response:
    digest, status, body = known
    if status is None or body is None:
        problem = ApiError(
            409,
            "There is currently another in-progress request using this Idempotent Key (that probably means you "
            f"submitted twice, and the other request is still going through): {call.idempotency_key}",
            type_="idempotency_error",
            code="idempotency_key_in_use",
        )
        return _answer(problem.status, problem.body, headers)
    if digest != call.digest:
        problem = ApiError(
            400,
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
            f"using a key other than '{call.idempotency_key}' if you meant to execute a different request.",
            type_="idempotency_error",
        )
        return _answer(problem.status, problem.body, headers)
    return _answer(status, json.loads(body), headers | {"Idempotent-Replayed": "true"})


def _work(sandbox: Sandbox, data: AccountData, call: Call, fault: Fault | None) -> tuple[int, Json]:
    if fault is not None and fault.kind is FaultKind.SLOW:
        sandbox.wait(fault.seconds)
    if fault is not None and fault.kind in {FaultKind.REFUSE, FaultKind.DENY}:
        problem = _refusal(fault)
        return problem.status, problem.body
    with sandbox.store.turn():
        try:
            status, body = 200, routes.answer(data, call.method, call.path, call.values)
        except ApiError as problem:
            status, body = problem.status, problem.body
    if fault is not None and fault.kind is FaultKind.FAIL_AFTER:
        return 500, AT_ONCE[FaultKind.BROKEN].body
    return status, body


def _refusal(fault: Fault) -> ApiError:
    if fault.kind is FaultKind.DENY:
        return ApiError(403, "The provided key does not have the required permissions for this endpoint.")
    return invalid("The request was refused.", param=fault.param, code=fault.code)


def _with_fault(sandbox: Sandbox, fault: Fault | None, ready: Response) -> Response | None:
    """Applies a scripted fault to a response."""
    if fault is None:
        return ready
    match fault.kind:
        case FaultKind.LOST:
            sandbox.wait(fault.seconds)
            return None
        case FaultKind.HALF:
            return replace(ready, whole=False)
        case FaultKind.NONSENSE:
            return replace(ready, body=b"<html>Bad gateway</html>")
    return ready


def _answer(status: int, body: Json, headers: Mapping[str, str]) -> Response:
    return Response(status, json.dumps(body, indent=2).encode(), {"Content-Type": "application/json"} | dict(headers))
