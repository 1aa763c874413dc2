"""One API call: authentication, idempotency keys, and scripted faults."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from sandbox.stripe import asking, objects
from sandbox.stripe.answers import routes
from sandbox.stripe.desk import Desk
from sandbox.stripe.faults import Fault, Kind
from sandbox.stripe.problems import Json, Problem, invalid
from sandbox.stripe.sandbox import Sandbox

HANG_SECONDS = 30.0
AT_ONCE = {
    Kind.TOO_MANY: Problem(429, "Too many requests hit the API too quickly.", code="rate_limit"),
    Kind.BROKEN: Problem(500, "An unknown error occurred.", type_="api_error"),
    Kind.AWAY: Problem(503, "Stripe is not available at the moment.", type_="api_error"),
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
        return asking.decode(self.body if self.method == "POST" else "&".join(filter(None, (self.query, self.body))))

    @property
    def digest(self) -> str:
        said = urlencode(sorted(parse_qsl(self.body, keep_blank_values=True)))
        return hashlib.sha256(f"{self.method} {self.path} {said}".encode()).hexdigest()


@dataclass(frozen=True)
class Answer:
    """A response; `whole` is False if the connection breaks in the middle of it."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    whole: bool = True


def answer(sandbox: Sandbox, call: Call) -> Answer | None:
    """Handles a call. Returns None if the connection is to be closed without a response."""
    fault = sandbox.faults.take(call.method, call.path)
    if fault is not None and fault.kind in AT_ONCE:
        problem = AT_ONCE[fault.kind]
        return _answer(problem.status, problem.body, {})
    if fault is not None and fault.kind is Kind.HANG:
        sandbox.wait(fault.seconds or HANG_SECONDS)
        return None
    request_id = objects.new_id("req_", 14)
    headers = {"Request-Id": request_id}
    try:
        desk = sandbox.desk(call.key)
    except Problem as problem:
        return _answer(problem.status, problem.body, headers)
    desk = replace(desk, request_id=request_id, idempotency_key=call.idempotency_key or None)
    if call.method != "POST" or not call.idempotency_key:
        return _with_fault(sandbox, fault, _answer(*_work(sandbox, desk, call, fault), headers))
    return _once(sandbox, desk, call, fault, headers | {"Idempotency-Key": call.idempotency_key})


def _once(sandbox: Sandbox, desk: Desk, call: Call, fault: Fault | None, headers: dict[str, str]) -> Answer | None:
    scope, key = desk.account.scope, call.idempotency_key
    known = sandbox.store.begin_answer(scope, key, call.digest)
    if known is not None:
        return _known(known, call, headers)
    kept = None
    try:
        status, body = _work(sandbox, desk, call, fault)
        if _is_kept(status, body):
            kept = (status, json.dumps(body))
    finally:
        sandbox.store.end_answer(scope, key, kept)
    return _with_fault(sandbox, fault, _answer(status, body, headers))


def _is_kept(status: int, body: Json) -> bool:
    """Returns True if the response is stored for its key. Stripe does not store refusals of malformed parameters."""
    code = str(body.get("error", {}).get("code", "")) if status == 400 else ""
    return status in KEPT or (bool(code) and not code.startswith("parameter_"))


def _known(known: tuple[str, int | None, str | None], call: Call, headers: dict[str, str]) -> Answer:
    digest, status, body = known
    if status is None or body is None:
        problem = Problem(
            409,
            "There is currently another in-progress request using this Idempotent Key (that probably means you "
            f"submitted twice, and the other request is still going through): {call.idempotency_key}",
            type_="idempotency_error",
            code="idempotency_key_in_use",
        )
        return _answer(problem.status, problem.body, headers)
    if digest != call.digest:
        problem = Problem(
            400,
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
            f"using a key other than '{call.idempotency_key}' if you meant to execute a different request.",
            type_="idempotency_error",
        )
        return _answer(problem.status, problem.body, headers)
    return _answer(status, json.loads(body), headers | {"Idempotent-Replayed": "true"})


def _work(sandbox: Sandbox, desk: Desk, call: Call, fault: Fault | None) -> tuple[int, Json]:
    if fault is not None and fault.kind is Kind.SLOW:
        sandbox.wait(fault.seconds)
    if fault is not None and fault.kind in {Kind.REFUSE, Kind.DENY}:
        problem = _refusal(fault)
        return problem.status, problem.body
    with sandbox.store.turn():
        try:
            status, body = 200, routes.answer(desk, call.method, call.path, call.values)
        except Problem as problem:
            status, body = problem.status, problem.body
    if fault is not None and fault.kind is Kind.FAIL_AFTER:
        return 500, AT_ONCE[Kind.BROKEN].body
    return status, body


def _refusal(fault: Fault) -> Problem:
    if fault.kind is Kind.DENY:
        return Problem(403, "The provided key does not have the required permissions for this endpoint.")
    return invalid("The request was refused.", param=fault.param, code=fault.code)


def _with_fault(sandbox: Sandbox, fault: Fault | None, ready: Answer) -> Answer | None:
    """Applies a scripted fault to a response."""
    if fault is None:
        return ready
    match fault.kind:
        case Kind.LOST:
            sandbox.wait(fault.seconds)
            return None
        case Kind.HALF:
            return replace(ready, whole=False)
        case Kind.NONSENSE:
            return replace(ready, body=b"<html>Bad gateway</html>")
    return ready


def _answer(status: int, body: Json, headers: Mapping[str, str]) -> Answer:
    return Answer(status, json.dumps(body, indent=2).encode(), {"Content-Type": "application/json"} | dict(headers))
