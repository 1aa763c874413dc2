"""Checks the SPF record of a domain (RFC 7208): one record, valid, within ten lookups, and ending in ~all or -all."""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from portico.domain.maintenance.models import CheckName, CheckReason, Verdict
from portico.domain.maintenance.sender_check.results import CheckResult
from portico.gateways.dns import Resolver

# RFC 7208, section 4.6.4.
MAX_LOOKUPS = 10
# Mail servers whose provider keeps our envelope sender, and the name that it asks to include.
PROVIDERS = {
    "gmail.com": "_spf.google.com",
    "google.com": "_spf.google.com",
    "office365.com": "spf.protection.outlook.com",
    "outlook.com": "spf.protection.outlook.com",
    "fastmail.com": "spf.messagingengine.com",
    "zoho.com": "zohomail.com",
}
_MECHANISM = re.compile(r"([+~?-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?::([^/ ]*|[0-9A-Fa-f:.]+))?((?:/.*)?)", re.I)
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)")


class _Refused(Exception):
    """Receiving servers would ignore the record, for this reason."""

    def __init__(self, reason: CheckReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class _Term:
    qualifier: str
    name: str
    value: str


@dataclass
class _Evaluation:
    """The DNS lookups that receiving servers would make, and the domains that are included."""

    dns: Resolver
    lookups: int = 0
    included: set[str] = field(default_factory=set)

    def qualifier_of_all(self, record: str) -> str:
        """Returns how mail from elsewhere is rated: "+", "-", "~", "?"; empty if the record does not say.

        Raises _Refused and NotAnswered.
        """
        terms, end, target = _terms(record), "", ""
        for term in terms:
            if term.name in {"include", "a", "mx", "ptr", "exists"}:
                self._count()
            if term.name == "include":
                self.qualifier_of_all(self._record_at(term.value))
            if term.name == "all":
                end = term.qualifier
            if term.name == "redirect":
                target = term.value
        if end or not target:
            return end
        self._count()
        return self.qualifier_of_all(self._record_at(target))

    def _count(self) -> None:
        self.lookups += 1
        if self.lookups > MAX_LOOKUPS:
            raise _Refused(CheckReason.SPF_TOO_MANY)

    def _record_at(self, name: str) -> str:
        """Returns the record of an included domain; a name with a macro depends on the mail and counts as valid."""
        if "%" in name:
            return "v=spf1"
        self.included.add(name.lower().removesuffix("."))
        records = _records(self.dns, name)
        if len(records) != 1:
            raise _Refused(CheckReason.SPF_INCLUDE_MISSING)
        return records[0]


def check(domain: str, dns: Resolver, *, mail_server: str) -> CheckResult:
    """Checks the record. `mail_server` is the host of EMAIL_URL, empty for a provider's API.

    Raises NotAnswered.
    """
    records = _records(dns, domain)
    found, provider = "\n".join(records), _provider_of(mail_server)

    def result(verdict: Verdict, reason: CheckReason, wanted: str = "") -> CheckResult:
        return CheckResult(CheckName.SPF, verdict, reason, domain, found, wanted)

    if not records and not mail_server:
        # A provider's API puts its own envelope sender into each mail, whose domain is checked instead of this one.
        return result(Verdict.OK, CheckReason.SPF_NOT_NEEDED)
    if not records:
        return result(Verdict.BROKEN, CheckReason.NO_SPF, _first_record(domain, mail_server, provider))
    if len(records) > 1:
        return result(Verdict.BROKEN, CheckReason.SEVERAL_SPF, _merged(records))
    evaluation = _Evaluation(dns)
    try:
        end = evaluation.qualifier_of_all(records[0])
    except _Refused as refused:
        return result(Verdict.BROKEN, refused.reason)
    if end == "+":
        return result(Verdict.WARN, CheckReason.SPF_ALLOWS_ALL, _merged(records))
    if end not in {"-", "~"}:
        return result(Verdict.WARN, CheckReason.SPF_NO_END, _merged(records))
    if provider and provider not in evaluation.included:
        return result(Verdict.WARN, CheckReason.SPF_OTHER_PROVIDER, _merged([*records, f"v=spf1 include:{provider}"]))
    return result(Verdict.OK, CheckReason.GOOD)


def _records(dns: Resolver, name: str) -> list[str]:
    return [text for text in dns.texts(name) if text.lower().split(" ")[0] == "v=spf1"]


def _terms(record: str) -> list[_Term]:
    """Returns the terms of a record. Raises _Refused if one is malformed."""
    return [_term(word) for word in record.split()[1:]]


def _term(word: str) -> _Term:
    mechanism = _MECHANISM.fullmatch(word)
    if mechanism is None:
        modifier = _MODIFIER.fullmatch(word)
        if modifier is None:
            raise _Refused(CheckReason.SPF_MALFORMED)
        return _Term("", modifier[1].lower(), modifier[2])
    qualifier, name, value, mask = mechanism[1] or "+", mechanism[2].lower(), mechanism[3] or "", mechanism[4]
    needs_value, takes_none = name in {"include", "exists", "ip4", "ip6"}, name == "all"
    if (needs_value and not value) or (takes_none and (value or mask)):
        raise _Refused(CheckReason.SPF_MALFORMED)
    try:
        if name == "ip4":
            IPv4Network(value + mask, strict=False)
        if name == "ip6":
            IPv6Network(value + mask, strict=False)
    except ValueError as malformed:
        raise _Refused(CheckReason.SPF_MALFORMED) from malformed
    return _Term(qualifier, name, value)


def _provider_of(mail_server: str) -> str:
    """Returns the name to include for a known provider; empty for any other server."""
    labels = mail_server.lower().split(".")
    return PROVIDERS.get(".".join(labels[-2:]), "")


def _first_record(domain: str, mail_server: str, provider: str) -> str:
    if provider:
        return f"v=spf1 include:{provider} ~all"
    if mail_server and f".{mail_server}".endswith(f".{domain}"):
        return f"v=spf1 a:{mail_server} ~all"
    return ""


def _merged(records: list[str]) -> str:
    """Returns one record with the terms of all, ending in ~all or, if one of them does, in -all."""
    words = [word for record in records for word in record.split()[1:]]
    kept = [word for word in dict.fromkeys(words) if word.lower().lstrip("+-~?") != "all"]
    return " ".join(["v=spf1", *kept, "-all" if "-all" in words else "~all"])
