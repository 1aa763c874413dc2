"""Host names and web origins, in the form in which browsers and Django compare them."""

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_HOST_LENGTH = 253
# Underscores are not allowed in host names, but are common inside container networks.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# Browsers read a host whose last label is a number as an IPv4 address, also in these forms.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class MalformedHost(ValueError):
    """The text is not a host name or an IP address, or one that programs interpret differently."""


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port of a web address; `host` is normalized and an IPv6 address has its brackets."""

    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        has_default_port = self.port in {None, DEFAULT_PORTS[self.scheme]}
        return f"{self.scheme}://{self.host}" + ("" if has_default_port else f":{self.port}")


def normalized(host: str) -> str:
    """Returns the host as browsers send it: lower case, Punycode, no final dot, IPv6 addresses in brackets.

    Raises MalformedHost.
    """
    if host.startswith("[") and host.endswith("]"):
        return _ipv6(host[1:-1])
    if ":" in host:
        return _ipv6(host)
    labels = [_label(label) for label in host.removesuffix(".").split(".")]
    name = ".".join(labels)
    if len(name) > MAX_HOST_LENGTH:
        raise MalformedHost
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(name))
        except ValueError as malformed:
            raise MalformedHost from malformed
    return name


def is_address(host: str) -> bool:
    """Returns True if a normalized host is an IP address."""
    return host.startswith("[") or _NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def without_brackets(host: str) -> str:
    """Returns the host in the form for sockets."""
    return host.removeprefix("[").removesuffix("]")


def origin_of(address: str) -> Origin:
    """Parses a bare web address: scheme, host and an optional port.

    Raises ValueError for anything else: a path, a query, a fragment, a user, an invalid port.
    """
    parts = urlsplit(address)
    is_bare = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.port == 0 or not is_bare:
        raise ValueError(address)
    return Origin(parts.scheme, normalized(_written_host(parts.netloc)), parts.port)


def is_loopback(host: str | None) -> bool:
    """Returns True if a host name or address can only be this machine."""
    if not host:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(without_brackets(host)).is_loopback
    except ValueError:
        return False


def _written_host(netloc: str) -> str:
    """Returns the host of a network location with its brackets, which `hostname` drops and which mean IPv6."""
    if not netloc.startswith("["):
        return netloc.partition(":")[0]
    host, _, port = netloc.partition("]")
    if port and not port.startswith(":"):
        raise MalformedHost
    return host + "]"


def _ipv6(text: str) -> str:
    try:
        address = IPv6Address(text)
    except ValueError as malformed:
        raise MalformedHost from malformed
    if address.scope_id is not None:
        raise MalformedHost
    if address.ipv4_mapped is not None:
        # Browsers write the IPv4 part as two groups too.
        high, low = divmod(int(address.ipv4_mapped), 1 << 16)
        return f"[::ffff:{high:x}:{low:x}]"
    return f"[{address}]"


def _label(label: str) -> str:
    """Returns one label in DNS form. Rejects a label that browsers and Python encode differently (ß)."""
    key = label.lower()
    if not key.isascii():
        key = unicodedata.normalize("NFC", key)
        try:
            encoded = key.encode("idna")
            if encoded.decode("idna") != key:
                raise MalformedHost
        except UnicodeError as malformed:
            raise MalformedHost from malformed
        key = encoded.decode("ascii")
    if not _LABEL.fullmatch(key) or (key.startswith("xn--") and not _is_punycode(key)):
        raise MalformedHost
    return key


def _is_punycode(label: str) -> bool:
    try:
        decoded = label.removeprefix("xn--").encode().decode("punycode")
        return decoded.encode("idna").decode("ascii") == label
    except UnicodeError:
        return False
