"""Checks the DMARC policy of a domain (RFC 7489), and whether our mail can meet it."""

from dataclasses import dataclass

from portico.domain.maintenance.models import CheckName, CheckReason, Verdict
from portico.domain.maintenance.sender_check.results import CheckResult, tags
from portico.gateways.dns import Resolver

POLICIES = {"none", "quarantine", "reject"}


@dataclass(frozen=True)
class Signals:
    """The domains for which SPF and DKIM are OK or not known; empty if they are broken.

    `is_by_provider`: a provider's API sends the mails, with its own envelope sender, so that only DKIM counts.
    """

    spf_domain: str
    dkim_domain: str
    is_by_provider: bool = False


def check(domain: str, dns: Resolver, signals: Signals) -> CheckResult:
    """Checks the policy of the domain, or of the nearest domain above it that has one. Raises NotAnswered."""
    owner, records = _nearest(domain, dns)
    host, found = f"_dmarc.{owner}", "\n".join(records)

    def result(verdict: Verdict, reason: CheckReason, wanted: str = "") -> CheckResult:
        return CheckResult(CheckName.DMARC, verdict, reason, host, found, wanted)

    if not records:
        return result(Verdict.WARN, CheckReason.NO_DMARC, "v=DMARC1; p=none")
    if len(records) > 1:
        return result(Verdict.BROKEN, CheckReason.SEVERAL_DMARC)
    fields = dict(tags(records[0]))
    policy = fields.get("p", "").lower()
    if owner != domain:
        policy = fields.get("sp", policy).lower()
    if policy not in POLICIES:
        return result(Verdict.BROKEN, CheckReason.DMARC_MALFORMED, "v=DMARC1; p=none")
    if not _can_be_met(domain, owner, fields, signals):
        verdict = Verdict.WARN if policy == "none" else Verdict.BROKEN
        return result(verdict, CheckReason.DMARC_NEEDS_DKIM if signals.is_by_provider else CheckReason.DMARC_NOT_MET)
    if policy == "none":
        return result(Verdict.WARN, CheckReason.DMARC_MONITORS, _with_policy(records[0], "quarantine"))
    return result(Verdict.OK, CheckReason.GOOD)


def _can_be_met(domain: str, owner: str, fields: dict[str, str], signals: Signals) -> bool:
    """Returns True if SPF or DKIM may pass for a domain that is aligned with that of From."""
    return is_aligned(domain, owner, signals.spf_domain, fields.get("aspf", "r")) or is_aligned(
        domain, owner, signals.dkim_domain, fields.get("adkim", "r")
    )


def is_aligned(domain: str, owner: str, other: str, mode: str) -> bool:
    """Returns True if the other domain is the same, or in relaxed mode belongs to the same organization.

    Domains below the owner of the policy do, and those above the domain; the list of public suffixes, which would
    tell exactly, is not asked.
    """
    if other == domain:
        return True
    is_related = f".{other}".endswith(f".{owner}") or f".{domain}".endswith(f".{other}")
    return "." in other and mode.lower() != "s" and is_related


def _nearest(domain: str, dns: Resolver) -> tuple[str, list[str]]:
    """Returns the domain whose policy applies, and its records; the domain itself and none if there is no policy."""
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        owner = ".".join(labels[start:])
        records = [text for text in dns.texts(f"_dmarc.{owner}") if tags(text)[:1] == [("v", "DMARC1")]]
        if records:
            return owner, records
    return domain, []


def _with_policy(record: str, policy: str) -> str:
    """Returns the record with another policy for the domain and those below it; other tags stay."""
    changed = ((name, policy if name in {"p", "sp"} else value) for name, value in tags(record))
    return "; ".join(f"{name}={value}" for name, value in changed)
