"""Checking the sender's domain and storing the results; only the worker and a command do, since DNS may be slow."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from portico.domain.maintenance.models import CheckName, CheckReason, SenderCheck, Verdict
from portico.domain.maintenance.schedule import Task
from portico.domain.maintenance.sender_check import dkim, dmarc, mail_exchange, spf
from portico.domain.maintenance.sender_check.results import CheckResult
from portico.gateways import email_url
from portico.gateways.dns import NotAnswered, Resolver
from portico.gateways.smtp import server_url
from portico.plumbing import clock


def sender_domain() -> str:
    return settings.EMAIL_FROM.rpartition("@")[2]


def check_sender() -> int:
    """Checks the domain of EMAIL_FROM and stores the results; a scheduled task. Returns the number of checks."""
    results = check_domain(
        sender_domain(),
        Resolver(settings.DNS_SERVER),
        return_domain=settings.EMAIL_RETURN_PATH.rpartition("@")[2],
        selectors=settings.DKIM_SELECTORS,
        seen_keys=SenderCheck.objects.seen_dkim_keys(sender_domain()),
        mail_server=_smtp_host(),
    )
    store(sender_domain(), results)
    return len(results)


CHECK_SENDER = Task("check the sender", timedelta(days=1), check_sender)


def check_domain(
    domain: str,
    dns: Resolver,
    *,
    return_domain: str,
    selectors: Sequence[str],
    seen_keys: Sequence[str] = (),
    mail_server: str,
) -> list[CheckResult]:
    """Returns the result of each check. A check whose questions get no answer is unknown, never broken.

    `domain` is that of EMAIL_FROM; `return_domain` is that of the envelope sender, whose SPF record counts and to
    which bounces are sent. `seen_keys` are names of DKIM keys, see `dkim.check`. `mail_server` is the host of
    EMAIL_URL, empty for a provider's API.
    """
    by_spf = _answered(CheckName.SPF, return_domain, lambda: spf.check(return_domain, dns, mail_server=mail_server))
    by_dkim = _answered(CheckName.DKIM, domain, lambda: dkim.check(domain, dns, selectors=selectors, seen=seen_keys))
    signals = dmarc.Signals(
        # The envelope sender of a provider's API is the provider's own, which is not aligned.
        spf_domain=return_domain if mail_server and by_spf.verdict != Verdict.BROKEN else "",
        dkim_domain=dkim.domain_of(by_dkim.host) if by_dkim.verdict != Verdict.BROKEN else "",
        is_by_provider=not mail_server,
    )
    return [
        by_spf,
        by_dkim,
        _answered(CheckName.DMARC, domain, lambda: dmarc.check(domain, dns, signals)),
        _answered(CheckName.MX, domain, lambda: mail_exchange.check(domain, return_domain, dns)),
    ]


def store(domain: str, results: Sequence[CheckResult]) -> None:
    """Stores the results, and deletes those of another sender. One that is not known keeps the last verdict."""
    now = clock.now()
    with transaction.atomic():
        SenderCheck.objects.exclude(domain=domain).delete()
        for result in results:
            row = SenderCheck.objects.locked().filter(domain=domain, name=result.name).first()
            row = row or SenderCheck(domain=domain, name=result.name)
            row.checked_at = now
            if result.is_answered:
                row.known_at = now
            if result.is_answered or row.known_at is None:
                row.verdict, row.reason = result.verdict, result.reason
                row.host, row.found, row.wanted = result.host, result.found, result.wanted
            if result.verdict == Verdict.OK:
                row.ok_at = now
            row.save()


def _smtp_host() -> str:
    """Returns the SMTP server's host; empty for a provider's API."""
    is_api = email_url.provider_of(settings.EMAIL_URL) is not None
    return "" if is_api else server_url.parse(settings.EMAIL_URL).host


def _answered(name: CheckName, domain: str, check: Callable[[], CheckResult]) -> CheckResult:
    try:
        return check()
    except NotAnswered:
        return CheckResult(name, Verdict.UNKNOWN, CheckReason.NOT_ANSWERED, domain)
