"""A DNS server on loopback: answers over UDP from its records, stays silent for some names, and fails for others."""

import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

TTL = 60
# RFC 1035, section 3.3: the longest string of a TXT record, which may have several.
STRING_LENGTH = 255


@dataclass
class Records:
    """The records by name and kind: ("example.com", "TXT") has a list of texts.

    Questions about a name in `silent` get no reply, those about a name in `failing` SERVFAIL.
    """

    by_name: dict[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    questions: list[tuple[str, str]] = field(default_factory=list)

    def set(self, name: str, **kinds: Sequence[str]) -> None:
        """Replaces the records of a name; `TXT=["v=spf1 -all"]`. An empty list removes a kind."""
        for kind, texts in kinds.items():
            self.by_name[name, kind] = texts

    def answer(self, question: dns.message.Message) -> dns.message.Message | None:
        """Returns the reply; None for silence."""
        asked = question.question[0]
        name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
        self.questions.append((name, kind))
        if name in self.silent:
            return None
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.AA | dns.flags.RA
        if name in self.failing:
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply
        while targets := self.by_name.get((name, "CNAME")):
            reply.answer.append(_rrset(name, "CNAME", targets))
            name = targets[0].removesuffix(".")
        if texts := self.by_name.get((name, kind)):
            reply.answer.append(_rrset(name, kind, texts))
        elif not any(texts for (known, _kind), texts in self.by_name.items() if known == name):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply


def _rrset(name: str, kind: str, texts: Sequence[str]) -> dns.rrset.RRset:
    written = [_strings(text) for text in texts] if kind == "TXT" else list(texts)
    return dns.rrset.from_text(dns.name.from_text(name), TTL, "IN", kind, *written)


def _strings(text: str) -> str:
    parts = [text[start : start + STRING_LENGTH] for start in range(0, len(text), STRING_LENGTH)] or [""]
    return " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in parts)


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, socket = self.request
        reply = cast(DnsServer, self.server).records.answer(dns.message.from_wire(data))
        if reply is not None:
            socket.sendto(reply.to_wire(), self.client_address)


class DnsServer(socketserver.ThreadingUDPServer):
    """Listens on 127.0.0.1; port 0 takes a free one."""

    daemon_threads = True

    def __init__(self, records: Records, *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.records = records

    @property
    def port(self) -> int:
        return int(self.server_address[1])


@contextmanager
def running(records: Records, *, port: int = 0) -> Iterator[DnsServer]:
    """Yields a server that answers until the block ends."""
    with DnsServer(records, port=port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="dns", daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def demo_records(domain: str, mail_server: str) -> Mapping[tuple[str, str], Sequence[str]]:
    """Returns the records of the demo's sender but for its DKIM key. In order, except that the policy only monitors."""
    return {
        (domain, "TXT"): [f"v=spf1 a:{mail_server} -all"],
        (domain, "MX"): [f"10 {mail_server}."],
        (mail_server, "A"): ["127.0.0.1"],
        (f"_dmarc.{domain}", "TXT"): ["v=DMARC1; p=none"],
    }
