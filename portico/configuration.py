"""Configuration from environment variables: read and validated once at start."""

import base64
import binascii
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portico import database_address, hosts
from portico.gateways import clamd, dns, email_url, imap
from portico.gateways.dns import DnsServer
from portico.hosts import Origin
from portico.plumbing.text.mailboxes import header_address

WHOLE_SECONDS = {
    # name: (default, minimum, maximum), all in seconds.
    "SIGNIN_LINK_TTL": (86_400, 600, 86_400),
    "PIN_TTL": (3_600, 300, 86_400),
    "SESSION_IDLE_CLIENT": (1_800, 60, 43_200),
    "SESSION_IDLE_STAFF": (900, 60, 43_200),
    "SESSION_MAX_CLIENT": (43_200, 300, 86_400),
    "SESSION_MAX_STAFF": (43_200, 300, 86_400),
    # 400 days, 30 days, 10 years.
    "EMAIL_BODY_TTL": (34_560_000, 2_592_000, 315_360_000),
}

MIN_KEY_LENGTH = 50
# Enough for the number of any setting; Python refuses to parse numbers of thousands of digits.
MAX_DIGITS = 20
# RFC 6376, section 3.1: labels of a host name, which may begin with an underscore in practice.
_SELECTOR = re.compile(
    r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)*"
)
MAX_SELECTORS = 5
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_AUTHSERV_ID = re.compile(rf"{_LABEL}(\.{_LABEL})+")
MAX_AUTHSERV_IDS = 5
# Replaces an invalid base URL, so that the other settings are validated too.
PLACEHOLDER_ORIGIN = Origin("https", "localhost", None)


class ConfigurationRefused(Exception):
    """The environment is invalid; each of `problems` names a setting and says what is wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Configuration:
    """Every setting from the environment, validated and converted."""

    public_base_url: str
    allowed_hosts: list[str]
    secret_key: str
    secret_key_fallbacks: list[str]
    field_keys: dict[str, bytes]
    database: dict[str, Any]
    email_url: str
    email_from: str
    dkim_selectors: tuple[str, ...]
    authserv_ids: tuple[str, ...]
    dns_server: DnsServer | None
    # The envelope sender, to which delivery reports are sent; empty for EMAIL_FROM.
    email_return_path: str
    # Where the worker reads delivery reports; empty for no mailbox.
    report_mailbox_url: str
    # What proves that a webhook event comes from the provider of EMAIL_URL; empty for no webhook.
    email_hook_secret: str
    # The virus scanner that checks uploaded files; empty for none.
    clamd_url: str
    stripe_api_base: str
    trusted_proxy_count: int
    email_per_second: int
    demo: bool
    # Who can sign in to the demo and where everything is, for its sign-in page; empty outside the demo.
    demo_guide: dict[str, Any]
    seconds: dict[str, int]

    @property
    def is_https(self) -> bool:
        return self.public_base_url.startswith("https://")

    @property
    def collects_reports(self) -> bool:
        """Returns False if delivery reports arrive in the mailbox of EMAIL_FROM, where people read them."""
        return bool(self.email_return_path or self.report_mailbox_url)


class _Reader:
    """Reads settings from the environment and collects every problem, so that all are reported at once."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.problems: list[str] = []

    def refuse(self, name: str, sentence: str) -> None:
        self.problems.append(f"{name} {sentence}")

    def optional(self, name: str) -> str:
        value = self.environment.get(name, "").strip()
        try:
            # Python has decoded it in the locale's encoding.
            return os.fsencode(value).decode()
        except UnicodeError:
            self.refuse(name, "must be text in UTF-8.")
            return ""

    def text(self, name: str, *, why: str) -> str:
        problem_count = len(self.problems)
        value = self.optional(name)
        if not value and len(self.problems) == problem_count:
            self.refuse(name, f"is missing: {why}")
        return value

    def whole(self, name: str, default: int, minimum: int, maximum: int) -> int:
        value = self.optional(name) or str(default)
        is_number = value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS
        if not is_number or not minimum <= int(value) <= maximum:
            self.refuse(name, f"must be a whole number from {minimum} to {maximum}, not {value[:MAX_DIGITS]!r}.")
            return default
        return int(value)

    def flag(self, name: str) -> bool:
        value = self.optional(name)
        if value not in {"", "0", "1"}:
            self.refuse(name, "must be 1 or 0.")
        return value == "1"


def read(environment: Mapping[str, str] = os.environ) -> Configuration:
    """Reads and validates the environment.

    Raises ConfigurationRefused with a sentence for each setting that is missing or invalid.
    """
    reader = _Reader(environment)
    demo = reader.flag("PORTICO_DEMO")
    base = _base_url(reader, demo=demo)
    configuration = Configuration(
        public_base_url=str(base),
        allowed_hosts=_allowed_hosts(reader, base),
        secret_key=_secret_key(reader),
        secret_key_fallbacks=_secret_key_fallbacks(reader),
        field_keys=_field_keys(reader),
        database=_database(reader),
        email_url=_email_url(reader),
        email_from=_email_from(reader),
        dkim_selectors=_dkim_selectors(reader),
        authserv_ids=_authserv_ids(reader),
        dns_server=_dns_server(reader),
        email_return_path=_address(reader, "EMAIL_RETURN_PATH", reader.optional("EMAIL_RETURN_PATH")),
        report_mailbox_url=_report_mailbox_url(reader),
        email_hook_secret=_email_hook_secret(reader),
        clamd_url=_clamd_url(reader),
        stripe_api_base=_stripe_api_base(reader),
        trusted_proxy_count=reader.whole("TRUSTED_PROXY_COUNT", 0, 0, 10),
        email_per_second=reader.whole("EMAIL_PER_SECOND", 10, 1, 1_000),
        demo=demo,
        demo_guide=_demo_guide(reader, demo=demo),
        seconds={name: reader.whole(name, *bounds) for name, bounds in WHOLE_SECONDS.items()},
    )
    if reader.problems:
        raise ConfigurationRefused(reader.problems)
    return configuration


def _split(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _base_url(reader: _Reader, *, demo: bool) -> Origin:
    value = reader.text("PUBLIC_BASE_URL", why="the address people type, such as https://portal.example.com.")
    scheme, separator, rest = value.partition("://")
    if value and not (scheme.lower() in hosts.DEFAULT_PORTS and separator and rest.strip("/")):
        reader.refuse("PUBLIC_BASE_URL", "must begin with https:// (http:// only on this machine) and name a host.")
        return PLACEHOLDER_ORIGIN
    try:
        origin = hosts.origin_of(value) if value else PLACEHOLDER_ORIGIN
    except ValueError:
        reader.refuse(
            "PUBLIC_BASE_URL",
            "must be a bare address such as https://portal.example.com: a host name as DNS has it (xn--… if it "
            "cannot be written in plain letters) and maybe a port, without a path, a question mark or a user.",
        )
        return PLACEHOLDER_ORIGIN
    loopback = hosts.is_loopback(origin.host)
    if "_" in origin.host:
        reader.refuse("PUBLIC_BASE_URL", "may not have an underscore in its host: it is not part of a host name.")
    if origin.scheme == "http" and not loopback:
        reader.refuse("PUBLIC_BASE_URL", "may be http:// only on localhost: cookies need https.")
    if demo and not loopback:
        reader.refuse("PORTICO_DEMO", "is allowed only when PUBLIC_BASE_URL is on localhost.")
    return origin


def _demo_guide(reader: _Reader, *, demo: bool) -> dict[str, Any]:
    value = reader.optional("PORTICO_DEMO_GUIDE")
    if not value:
        return {}
    if not demo:
        reader.refuse("PORTICO_DEMO_GUIDE", "is set only by portico demo: it puts passwords on the sign-in page.")
        return {}
    guide: dict[str, Any] = json.loads(value)
    return guide


def _allowed_hosts(reader: _Reader, base: Origin) -> list[str]:
    """Returns the allowed hosts, including that of the base URL, in the form in which Django compares them."""
    allowed = [base.host]
    for entry in _split(reader.optional("ALLOWED_HOSTS")):
        # In Django a leading dot stands for the domain and its subdomains.
        dot = "." if entry.startswith(".") else ""
        try:
            host = hosts.normalized(entry.removeprefix("."))
        except hosts.MalformedHost:
            host = ""
        if not host or "_" in host or (dot and hosts.is_address(host)):
            reader.refuse("ALLOWED_HOSTS", "must be host names by comma, without https:// and port; * is not allowed.")
            return allowed
        allowed.append(dot + host)
    return list(dict.fromkeys(allowed))


def _secret_key(reader: _Reader) -> str:
    value = reader.text("SECRET_KEY", why="at least 50 random characters that only this installation knows.")
    if value and len(value) < MIN_KEY_LENGTH:
        reader.refuse("SECRET_KEY", f"must be at least {MIN_KEY_LENGTH} characters.")
    return value


def _secret_key_fallbacks(reader: _Reader) -> list[str]:
    keys = _split(reader.optional("SECRET_KEY_FALLBACKS"))
    if any(len(key) < MIN_KEY_LENGTH for key in keys):
        # This also catches a key that contains a comma.
        reader.refuse("SECRET_KEY_FALLBACKS", f"must be keys of at least {MIN_KEY_LENGTH} characters, by comma.")
    return keys


def _field_keys(reader: _Reader) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    value = reader.text("FIELD_KEYS", why="one or more id:key pairs, each key being 32 random bytes in base64.")
    for pair in _split(value):
        name, _, encoded = pair.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not (name.isascii() and name.isalnum()) or len(name) > 16 or len(key) != 32 or name in keys:
            reader.refuse("FIELD_KEYS", "must be id:key pairs separated by commas, each key 32 bytes in base64.")
            return keys
        keys[name] = key
    return keys


def _database(reader: _Reader) -> dict[str, Any]:
    value = reader.text("DATABASE_URL", why="sqlite:///path or postgres://user:password@host:port/name.")
    try:
        return database_address.parse(value, is_pooled=reader.flag("DATABASE_POOLED")) if value else {}
    except database_address.Malformed as problem:
        reader.refuse("DATABASE_URL", str(problem))
        return {}


def _stripe_api_base(reader: _Reader) -> str:
    """Returns the base URL of the Stripe API; empty for Stripe itself. Others are refused outside tests."""
    allowed = reader.flag("ALLOW_TEST_ENDPOINTS")
    value = reader.optional("STRIPE_API_BASE")
    if value and not allowed:
        reader.refuse("STRIPE_API_BASE", "is for tests: it needs ALLOW_TEST_ENDPOINTS=1 beside it.")
        return ""
    try:
        return str(hosts.origin_of(value)) if value else ""
    except ValueError:
        reader.refuse("STRIPE_API_BASE", "must be a bare address such as http://localhost:8002.")
        return ""


def _email_url(reader: _Reader) -> str:
    value = reader.text(
        "EMAIL_URL", why="smtp+starttls://user:password@host:587, smtp://host:25 or anymail+postmark://TOKEN@."
    )
    if value:
        try:
            email_url.check(value)
        except ValueError as problem:
            reader.refuse("EMAIL_URL", str(problem))
    return value


def _email_hook_secret(reader: _Reader) -> str:
    value = reader.optional("EMAIL_HOOK_SECRET")
    if value:
        try:
            email_url.check_hook_secret(value, reader.optional("EMAIL_URL"))
        except ValueError as problem:
            reader.refuse("EMAIL_HOOK_SECRET", str(problem))
    return value


def _email_from(reader: _Reader) -> str:
    value = reader.text("EMAIL_FROM", why="the address that mails come from, such as portal@example.com.")
    return _address(reader, "EMAIL_FROM", value)


def _address(reader: _Reader, name: str, value: str) -> str:
    """Returns the address as used in headers, with its domain in ASCII; empty if there is none or it is refused."""
    if not value:
        return ""
    try:
        return header_address(value)
    except ValueError as problem:
        reader.refuse(name, f"must be a bare email address such as portal@example.com. {problem}")
        return ""


def _report_mailbox_url(reader: _Reader) -> str:
    value = reader.optional("REPORT_MAILBOX_URL")
    if value:
        try:
            imap.parse(value)
        except ValueError as problem:
            reader.refuse("REPORT_MAILBOX_URL", str(problem))
    return value


def _clamd_url(reader: _Reader) -> str:
    value = reader.optional("CLAMD_URL")
    if value:
        try:
            clamd.parse(value)
        except ValueError as problem:
            reader.refuse("CLAMD_URL", str(problem))
    return value


def _dkim_selectors(reader: _Reader) -> tuple[str, ...]:
    selectors = tuple(_split(reader.optional("DKIM_SELECTOR")))
    if len(selectors) > MAX_SELECTORS or not all(_SELECTOR.fullmatch(each) for each in selectors):
        reader.refuse(
            "DKIM_SELECTOR", f"must be selectors of DKIM keys by comma, at most {MAX_SELECTORS}, such as s1,s2."
        )
        return ()
    return selectors


def _authserv_ids(reader: _Reader) -> tuple[str, ...]:
    """Returns the servers whose Authentication-Results are trusted; none means the one that received the mail.

    Gmail's has a name that does not follow from the mail's last Received.
    """
    names = tuple(name.lower() for name in _split(reader.optional("AUTHSERV_ID")))
    if len(names) > MAX_AUTHSERV_IDS or not all(_AUTHSERV_ID.fullmatch(name) for name in names):
        reader.refuse(
            "AUTHSERV_ID",
            f"must be names of mail servers by comma, at most {MAX_AUTHSERV_IDS}, such as mx.example.com.",
        )
        return ()
    is_gmail = re.search(r"@imap\.(gmail|googlemail)\.com(:|/|$)", reader.optional("REPORT_MAILBOX_URL").lower())
    return names or (("mx.google.com",) if is_gmail else ())


def _dns_server(reader: _Reader) -> DnsServer | None:
    """Returns the name server to ask; None for those of this machine."""
    value = reader.optional("DNS_SERVER")
    try:
        return dns.parse_server(value) if value else None
    except ValueError:
        reader.refuse("DNS_SERVER", "must be an IP address with an optional port, such as 192.0.2.53 or [::1]:5353.")
        return None
