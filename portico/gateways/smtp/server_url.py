"""The SMTP server's settings, parsed from a URL such as smtp+starttls://user:password@host:587."""

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from portico import hosts


class Tls(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    FROM_THE_START = "tls"


SCHEMES = {"smtp": (Tls.NONE, 25), "smtps": (Tls.FROM_THE_START, 465), "smtp+starttls": (Tls.STARTTLS, 587)}


@dataclass(frozen=True)
class SmtpServer:
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    tls: Tls = Tls.NONE


def parse(url: str) -> SmtpServer:
    """Parses the URL. Raises ValueError with a message that does not repeat the URL, which may hold a password."""
    form = "must look like smtp+starttls://user:password@host:587, smtps://host or smtp://host."
    try:
        parts = urlsplit(url)
        # In the form of the server's certificate: in Punycode, without a final dot.
        host, port = hosts.without_brackets(hosts.normalized(parts.hostname or "")), parts.port
    except ValueError:
        raise ValueError(form) from None
    if parts.scheme not in SCHEMES or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(form)
    tls, usual_port = SCHEMES[parts.scheme]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if port == 0 or bool(user) != bool(password):
        raise ValueError("must name a port above 0, and a user and a password or neither.")
    if not (user + password).isascii() or not (user + password).isprintable():
        raise ValueError("may hold only ASCII signs in user and password: SMTP carries no others.")
    if user and tls is Tls.NONE and not hosts.is_loopback(host):
        raise ValueError("would send its password in clear: use smtps:// or smtp+starttls://.")
    return SmtpServer(host=host, port=port or usual_port, user=user, password=password, tls=tls)
