"""The result of one check of the sender's domain."""

from dataclasses import dataclass

from portico.domain.maintenance.models import CheckName, CheckReason, Verdict


@dataclass(frozen=True)
class CheckResult:
    """A verdict and its reason; `host` is the name that has or needs the record.

    `found` is what the DNS has, `wanted` what it should have; both may be empty.
    """

    name: CheckName
    verdict: Verdict
    reason: CheckReason
    host: str
    found: str = ""
    wanted: str = ""

    @property
    def is_answered(self) -> bool:
        return self.reason != CheckReason.NOT_ANSWERED


def tags(record: str) -> list[tuple[str, str]]:
    """Returns the tags of a DKIM or DMARC record in order: "v=DMARC1; p=none" is [("v", "DMARC1"), ("p", "none")].

    A part without "=" gets an empty value.
    """
    parts = (part.partition("=") for part in record.split(";") if part.strip())
    return [(name.strip().lower(), value.strip()) for name, _, value in parts]
