"""A mail of ours that came back, as its composer gets it: how the receiving server judged it, and its signatures."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class MethodResult:
    """The result of one authentication method, such as "dkim", "pass" with properties {"header.d": "example.com"}."""

    method: str
    result: str
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DkimKey:
    """A key that a signature names."""

    selector: str
    domain: str

    @property
    def host(self) -> str:
        """Returns the name of its DNS record."""
        return f"{self.selector}._domainkey.{self.domain}"


@dataclass(frozen=True)
class AuthenticationResults:
    """The field of one server; `authserv_id` is the server's name, in lower case.

    Only statements of a trusted server are read: `statements` is empty for others.
    """

    authserv_id: str
    is_trusted: bool
    statements: tuple[MethodResult, ...] = ()


@dataclass(frozen=True)
class ReturnedMail:
    """A mail of ours, or the copy of its header in a delivery report about it.

    `results` is what the server that received it states. A report has none: its copy was written by others.
    `keys` are those of its DKIM signatures.
    """

    results: AuthenticationResults | None
    keys: tuple[DkimKey, ...]
    is_report: bool = False
