"""Questions to the DNS: text records, mail exchangers and addresses.

A server that is silent or fails is `NotAnswered`, which must never be taken for "there is no record".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dns.rdata import Rdata
    from dns.resolver import Resolver as DnspythonResolver

# For one question, with its repetitions.
QUESTION_SECONDS = 2.0
ATTEMPT_SECONDS = 1.0
_SERVER = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[^:]+)):(?P<port>[0-9]{1,5})")


class NotAnswered(Exception):
    """The server was silent, failed or refused the question: nothing is known."""


@dataclass(frozen=True)
class DnsServer:
    address: str
    port: int = 53


@dataclass(frozen=True)
class MailExchanger:
    preference: int
    # Empty for a null MX (RFC 7505): the domain accepts no mail.
    host: str


def parse_server(text: str) -> DnsServer:
    """Parses an IP address with an optional port: 192.0.2.1, 192.0.2.1:5353, [::1]:5353. Raises ValueError."""
    found = _SERVER.fullmatch(text)
    if found is None:
        # An IPv6 address without brackets has no port.
        return DnsServer(str(ip_address(text)))
    port = int(found["port"])
    if not 0 < port < 65536:
        raise ValueError("The port must be below 65536.")
    return DnsServer(str(ip_address(found["v6"] or found["v4"])), port)


class Resolver:
    """Asks one server; without one, those of this machine (/etc/resolv.conf)."""

    def __init__(self, server: DnsServer | None = None) -> None:
        self.server = server

    def texts(self, name: str) -> list[str]:
        """Returns the TXT records of the name, each joined, sorted: servers change their order. Raises NotAnswered."""
        records = self._ask(name, "TXT")
        return sorted(b"".join(each.strings).decode("utf-8", "replace") for each in records)  # type: ignore[attr-defined]  # A TXT record's own.

    def mail_exchangers(self, name: str) -> list[MailExchanger]:
        """Returns the MX records of the name, the preferred one first. Raises NotAnswered."""
        found = [
            MailExchanger(record.preference, record.exchange.to_text(omit_final_dot=True).removesuffix("."))  # type: ignore[attr-defined]  # An MX record's own.
            for record in self._ask(name, "MX")
        ]
        return sorted(found, key=lambda each: (each.preference, each.host))

    def has_address(self, name: str) -> bool:
        """Returns True if the name has an IPv4 or IPv6 address. Raises NotAnswered."""
        return any(True for kind in ("A", "AAAA") for _record in self._ask(name, kind))

    def _ask(self, name: str, kind: str) -> "Iterator[Rdata]":
        """Yields the records; none if the name or the kind does not exist. Raises NotAnswered."""
        import dns.exception  # noqa: PLC0415 - only the worker and a command ask
        import dns.name  # noqa: PLC0415 - as above
        import dns.resolver  # noqa: PLC0415 - as above

        impossible = (dns.name.BadEscape, dns.name.EmptyLabel, dns.name.LabelTooLong, dns.name.NameTooLong)
        try:
            answer = self._resolver.resolve(
                name, kind, search=False, raise_on_no_answer=False, lifetime=QUESTION_SECONDS
            )
        except (dns.resolver.NXDOMAIN, *impossible):
            return
        except (dns.exception.DNSException, OSError) as error:
            raise NotAnswered(f"{kind} {name}: {type(error).__name__}") from error
        yield from answer.rrset or ()

    @cached_property
    def _resolver(self) -> "DnspythonResolver":
        """Raises dns.resolver.NoResolverConfiguration, a DNSException, if this machine names no server."""
        import dns.resolver  # noqa: PLC0415 - as above

        resolver = dns.resolver.Resolver(configure=self.server is None)
        if self.server is not None:
            resolver.nameservers, resolver.port = [self.server.address], self.server.port
        resolver.timeout = ATTEMPT_SECONDS
        return resolver
