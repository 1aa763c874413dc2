"""Times are formatted, and converted to dates, only with a time zone: the code and the templates are searched."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import portico

ROOT = Path(portico.__file__).parent
# The two modules that format times, and the sandbox, which stands in for other systems.
KNOW_HOW = {"plumbing/clock.py", "plumbing/text/time_formatting.py"}
ELSEWHERE = ("migrations/",)
# Formatting for machines, in UTC, or for a text column.
FOR_MACHINES = {
    "plumbing/logs.py",  # a log line
    "plumbing/audit/sealing.py",  # the input of a seal
    "plumbing/mail/mime_messages.py",  # the Date header
    "operating/management/commands/send_test_email.py",  # the same
    "operating/management/commands/check_sender.py",  # a time for the operator, in UTC
    "web/portal/documents/forms/posted_answers.py",  # the typed date or time of an answer, as FHIR stores it
    "web/portal/documents/forms/questions.py",  # the same, as it is typed
    "operating/management/commands/reports.py",  # JSON, and the same values as text
    "plumbing/mail/reports/report_parsing.py",  # the Date of a report, in UTC
    "operating/management/commands/reconcile_stripe.py",  # the typed value, beside the practice's time
    "operating/backups/sqlite_restore.py",  # the name of a file that was moved aside, with a Z
    "domain/access/sign_in/requests/request_worker.py",  # the content of a mail to be composed later
    "domain/access/notices/notices.py",
    "domain/practices/staff/security_notice_mail.py",
    "domain/billing/stripe_sync/reconciliation.py",  # a detail of an audit entry
}
# Dates, which have no zone.
DAY = re.compile(r"(?:^|_)(?:on|day|today|first|last)$|^value$")
# Names that look like times.
COUNTS = {"looked_at"}
FORMATS = {"format_date", "format_datetime", "format_time", "format_skeleton", "format_interval"}
CONVERTS = {"strftime", "astimezone", "localtime", "localdate", "make_naive"}
LOOKUP = re.compile(r"_at__(?:date|year|month|day|week|iso_year|quarter|hour)\b|\bat__(?:date|year|month|day)\b")
TRUNCATES = re.compile(r"^(?:Trunc|Extract)(?:[A-Z]\w*)?$")
ZONED = {
    "when",
    "when_within",
    "time_of_day",
    "time_in_sentence",
    "on_day",
    "full_day",
    "short_month",
    "full_month",
    "ago",
}


def modules() -> Iterator[str]:
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name not in KNOW_HOW and not any(part in name for part in ELSEWHERE):
            yield name


def faults_in(source: str, *, is_for_machines: bool = False) -> list[str]:
    """Returns each expression that formats a moment without a zone, with its line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        fault = _fault(node, is_for_machines=is_for_machines)
        if fault:
            found.append(f"{getattr(node, 'lineno', 0)}: {fault}")
    return found


def _fault(node: ast.AST, *, is_for_machines: bool) -> str:
    match node:
        case ast.Call(func=ast.Attribute(attr="date"), args=[]):
            return ".date() of a moment: time_formatting.day_of"
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in CONVERTS and not _is_day(value):
            return "" if is_for_machines else f".{attr}(): times"
        case ast.Call(func=ast.Attribute(value=value, attr="isoformat")) if not _is_day(value) and not is_for_machines:
            return ".isoformat() of a moment"
        case ast.ImportFrom(module="babel.dates", names=names) if FORMATS & {each.name for each in names}:
            return "babel.dates: times"
        case ast.FormattedValue(value=value, format_spec=spec):
            return _fault_of_text(value, spec, is_for_machines=is_for_machines)
        case ast.keyword(arg=str(name)) if LOOKUP.search(name):
            return f"{name}: days of a moment in the database"
        case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(field)), *_]) if TRUNCATES.match(name):
            return "" if DAY.search(field) else f"{name}({field!r})"
    return ""


def _fault_of_text(value: ast.expr, spec: ast.expr | None, *, is_for_machines: bool) -> str:
    written = ast.unparse(spec) if spec is not None else ""
    name = _last_name(value)
    is_named_so = (name == "at" or name.endswith("_at")) and name not in COUNTS and not isinstance(value, ast.Call)
    is_moment = "%" in written or is_named_so
    if is_moment and not _is_day(value) and not is_for_machines:
        return f"{{{ast.unparse(value)}}} in a text"
    return ""


def _is_day(value: ast.expr) -> bool:
    return DAY.search(_last_name(value)) is not None or _last_name(value) == "day_of"


def _last_name(value: ast.expr) -> str:
    match value:
        case ast.Call(func=func):
            return _last_name(func)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case ast.Subscript(value=inner):
            return _last_name(inner)
    return ""


def test_no_module_formats_a_time_without_a_zone() -> None:
    found = {name: faults_in((ROOT / name).read_text(), is_for_machines=name in FOR_MACHINES) for name in modules()}
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_no_template_formats_a_time_without_our_filters() -> None:
    """A method of the time would use UTC, and not the language's format."""
    bare = re.compile(r"\{\{\s*(?:[\w.]+\.at|[\w.]*\w(?:_at|_since))\s*(?:\||\}\})")
    other = re.compile(r"\.(?:strftime|isoformat|ctime|date|time)\(")
    found = []
    for path in sorted((ROOT / "templates").rglob("*")):
        text = path.read_text() if path.is_file() else ""
        found += [f"{path.name}: {hit[0]}" for hit in other.finditer(text)]
        found += [
            f"{path.name}: {hit[0]}"
            for hit in bare.finditer(text)
            if not any(f"{name} " in hit[0] for name in COUNTS)
            and not re.match(rf"\|(?:{'|'.join(ZONED)})\b", text[hit.end() - 1 :])
        ]
    assert found == []


@pytest.mark.parametrize(
    "fault",
    [
        "day = invoice.shared_at.date()",
        'text = f"{invoice.shared_at:%Y-%m-%d}"',
        'text = f"Shared {invoice.shared_at}"',
        'text = invoice.shared_at.strftime("%Y")',
        "text = invoice.shared_at.isoformat()",
        "local = invoice.shared_at.astimezone(zone)",
        "local = timezone.localtime(invoice.shared_at)",
        "from babel.dates import format_datetime",
        "rows.filter(shared_at__date=today)",
        'rows.annotate(month=TruncMonth("shared_at"))',
        'text = f"{clock.now():%H:%M}"',
    ],
)
def test_the_check_finds_faults(fault: str) -> None:
    assert faults_in(fault)


@pytest.mark.parametrize(
    "right",
    [
        'text = f"{clock.today(zone):%Y-%m-%d}"',
        "text = time_formatting.day_of(invoice.shared_at, zone).isoformat()",
        "text = invoice.due_on.isoformat()",
        'rows.annotate(month=TruncMonth("received_on"))',
        'text = f"{times.time_with_zone(at, zone, language)}"',
    ],
)
def test_the_check_accepts_correct_code(right: str) -> None:
    assert faults_in(right) == []
