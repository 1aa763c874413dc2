"""Judges a test email that came back: whether the server that received it trusted it, and which DKIM keys signed it."""

from django.db import transaction

from portico.domain.maintenance import schedule
from portico.domain.maintenance.models import CheckName, CheckReason, SenderCheck, Verdict
from portico.domain.maintenance.sender_check import checking, dmarc
from portico.plumbing.mail.returned_mail import AuthenticationResults, MethodResult, ReturnedMail
from portico.plumbing.models import OutgoingEmail

type _Judgement = tuple[Verdict, CheckReason]

# Methods whose results are shown, and the property with the domain that each is about.
_METHODS = {"spf": ("smtp.mailfrom", "smtp.helo"), "dkim": ("header.d", "header.i"), "dmarc": ("header.from",)}


def store(email: OutgoingEmail, returned: ReturnedMail) -> None:
    """Stores the result of the newest test email. A key that was not known before makes the DNS check due.

    Called in a transaction. Repeating it changes nothing. A report about the email has no result, only keys.
    """
    domain = checking.sender_domain()
    keys = "\n".join(key.host for key in returned.keys if _is_ours(domain, key.domain))
    with transaction.atomic():
        unknown = {
            "verdict": Verdict.UNKNOWN,
            "reason": CheckReason.TEST_NOT_BACK,
            "checked_at": email.written_at,
        }
        SenderCheck.objects.get_or_create(domain=domain, name=CheckName.TEST_EMAIL, defaults=unknown)
        row = SenderCheck.objects.locked().get(domain=domain, name=CheckName.TEST_EMAIL)
        if email.written_at < row.checked_at:
            return
        if keys != row.dkim_keys and (keys or not returned.is_report):
            row.dkim_keys = keys
            schedule.make_due(checking.CHECK_SENDER)
        if not returned.is_report:
            row.checked_at = row.known_at = email.written_at
            _set_result(row, domain, returned.results)
        row.save()


def judge(domain: str, statements: tuple[MethodResult, ...]) -> _Judgement:
    """Returns the verdict for a sender of this domain, and its reason, by what the receiving server states."""
    passed = {
        method: any(
            each.method == method and each.result == "pass" and _is_ours(domain, _domain_of(each))
            for each in statements
        )
        for method in _METHODS
    }
    if any(each.method == "dmarc" and each.result == "fail" for each in statements):
        return Verdict.BROKEN, CheckReason.TEST_FAILED_DMARC
    if passed["dkim"]:
        return Verdict.OK, CheckReason.TEST_GOOD
    if passed["dmarc"] and not any(each.method == "dkim" for each in statements):
        # DMARC passes by SPF or DKIM. Some servers write each method into a field of its own.
        return Verdict.OK, CheckReason.TEST_GOOD
    if passed["spf"] or passed["dmarc"]:
        return Verdict.WARN, CheckReason.TEST_NOT_SIGNED
    checked = [each for each in statements if each.method in _METHODS]
    if not checked or all(each.result == "temperror" for each in checked):
        return Verdict.UNKNOWN, CheckReason.TEST_NO_RESULTS
    return Verdict.BROKEN, CheckReason.TEST_NOT_TRUSTED


def _set_result(row: SenderCheck, domain: str, results: AuthenticationResults | None) -> None:
    statements = results.statements if results is not None else ()
    row.verdict, row.reason = judge(domain, statements)
    row.host = results.authserv_id if results is not None else ""
    row.found = "\n".join(_line(each) for each in statements if each.method in _METHODS)
    row.wanted = ""
    if results is not None and not results.is_trusted:
        row.reason = CheckReason.TEST_UNTRUSTED
    if row.verdict == Verdict.OK:
        row.ok_at = row.checked_at


def _line(statement: MethodResult) -> str:
    domain = _domain_of(statement)
    selector = statement.properties.get("header.s", "")
    shown = [f"{statement.method}={statement.result}", domain, f"s={selector}" if selector else ""]
    return " ".join(filter(None, shown))


def _domain_of(statement: MethodResult) -> str:
    """Returns the domain that the statement is about. An address is shortened: that of the envelope has our tag."""
    for name in _METHODS[statement.method]:
        if value := statement.properties.get(name, ""):
            return value.rpartition("@")[2]
    return ""


def _is_ours(domain: str, other: str) -> bool:
    return dmarc.is_aligned(domain, domain, other, "r")
