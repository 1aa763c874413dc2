"""Checks that mail to the sender's domain arrives: bounces, and replies where the practice has no Reply-To."""

from portico.domain.maintenance.models import CheckName, CheckReason, Verdict
from portico.domain.maintenance.sender_check.results import CheckResult
from portico.gateways.dns import Resolver

_ORDER = (Verdict.BROKEN, Verdict.WARN, Verdict.OK)


def check(domain: str, return_domain: str, dns: Resolver) -> CheckResult:
    """Checks the domain of the sender, to which replies go, and that of bounces; returns the worse result.

    Raises NotAnswered.
    """
    results = [_check_domain(each, dns) for each in dict.fromkeys((domain, return_domain))]
    return min(results, key=lambda each: _ORDER.index(each.verdict))


def _check_domain(domain: str, dns: Resolver) -> CheckResult:
    """Checks the MX records (RFC 5321, section 5.1). Raises NotAnswered."""
    exchangers = dns.mail_exchangers(domain)
    found = "\n".join(f"{each.preference} {each.host or '.'}" for each in exchangers)

    def result(verdict: Verdict, reason: CheckReason) -> CheckResult:
        return CheckResult(CheckName.MX, verdict, reason, domain, found)

    if not exchangers:
        if dns.has_address(domain):
            return result(Verdict.WARN, CheckReason.MX_BY_ADDRESS)
        return result(Verdict.BROKEN, CheckReason.NO_MX)
    if all(not each.host for each in exchangers):
        return result(Verdict.BROKEN, CheckReason.MX_REFUSES)
    if not any(dns.has_address(each.host) for each in exchangers if each.host):
        return result(Verdict.BROKEN, CheckReason.MX_WITHOUT_ADDRESS)
    return result(Verdict.OK, CheckReason.GOOD)
