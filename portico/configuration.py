"""What the environment says: read once at start, refused by name when it is wrong."""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from portico.gateways import smtp_server

WHOLE_SECONDS = {
    # name: (default, least, most), all in seconds.
    "SIGNIN_LINK_TTL": (86_400, 600, 86_400),
    "PIN_TTL": (3_600, 300, 86_400),
    "SESSION_IDLE_CLIENT": (1_800, 60, 43_200),
    "SESSION_IDLE_STAFF": (900, 60, 43_200),
    "SESSION_MAX_CLIENT": (43_200, 300, 86_400),
    "SESSION_MAX_STAFF": (43_200, 300, 86_400),
}

LEAST_KEY_LENGTH = 50
# PostgreSQL's own words for how a connection is encrypted, from not at all to most strictly.
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class ConfigurationRefused(Exception):
    """The environment is not fit to start with; each line names a setting and says what is wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Configuration:
    """Every setting that comes from outside, checked and in the type it is used in."""

    public_base_url: str
    allowed_hosts: list[str]
    secret_key: str
    secret_key_fallbacks: list[str]
    field_keys: dict[str, bytes]
    database: dict[str, Any]
    email_url: str
    email_from: str
    stripe_api_base: str
    trusted_proxy_count: int
    demo: bool
    seconds: dict[str, int]

    @property
    def is_https(self) -> bool:
        return self.public_base_url.startswith("https://")


class _Reader:
    """Reads names from the environment and gathers every problem, so that one start tells them all."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.problems: list[str] = []

    def refuse(self, name: str, sentence: str) -> None:
        self.problems.append(f"{name} {sentence}")

    def text(self, name: str, *, why: str) -> str:
        value = self.environment.get(name, "").strip()
        if not value:
            self.refuse(name, f"is missing: {why}")
        return value

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        value = self.environment.get(name, "").strip() or str(default)
        if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
            self.refuse(name, f"must be a whole number from {least} to {most}, not {value!r}.")
            return default
        return int(value)

    def flag(self, name: str) -> bool:
        value = self.environment.get(name, "").strip()
        if value not in {"", "0", "1"}:
            self.refuse(name, "must be 1 or 0.")
        return value == "1"


def read(environment: Mapping[str, str] = os.environ) -> Configuration:
    """Reads and checks the environment.

    Raises ConfigurationRefused with a sentence for each setting that is missing or wrong.
    """
    reader = _Reader(environment)
    demo = reader.flag("PORTICO_DEMO")
    base_url = _base_url(reader, demo=demo)
    configuration = Configuration(
        public_base_url=base_url,
        allowed_hosts=_allowed_hosts(reader, base_url),
        secret_key=_secret_key(reader),
        secret_key_fallbacks=_secret_key_fallbacks(reader),
        field_keys=_field_keys(reader),
        database=_database(reader),
        email_url=_email_url(reader),
        email_from=_email_from(reader),
        stripe_api_base=_stripe_api_base(reader),
        trusted_proxy_count=reader.whole("TRUSTED_PROXY_COUNT", 0, 0, 10),
        demo=demo,
        seconds={name: reader.whole(name, *bounds) for name, bounds in WHOLE_SECONDS.items()},
    )
    if reader.problems:
        raise ConfigurationRefused(reader.problems)
    return configuration


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address can only be this machine."""
    if not host:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _listed(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _base_url(reader: _Reader, *, demo: bool) -> str:
    value = reader.text("PUBLIC_BASE_URL", why="the address people type, such as https://portal.example.com.")
    if not value:
        return "https://localhost"
    try:
        parts = urlsplit(value)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        reader.refuse("PUBLIC_BASE_URL", "is not an address such as https://portal.example.com.")
        return "https://localhost"
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        reader.refuse("PUBLIC_BASE_URL", "must begin with https:// (http:// only on this machine) and name a host.")
        return "https://localhost"
    if parts.path.rstrip("/") or parts.query or parts.fragment or parts.username:
        reader.refuse("PUBLIC_BASE_URL", "must be a bare address, without a path, a question mark or a user.")
    loopback = is_loopback(parts.hostname)
    if parts.scheme == "http" and not loopback:
        reader.refuse("PUBLIC_BASE_URL", "may be http:// only on localhost: cookies need https.")
    if demo and not loopback:
        reader.refuse("PORTICO_DEMO", "is allowed only when PUBLIC_BASE_URL is on localhost.")
    return f"{parts.scheme}://{parts.netloc}"


def _allowed_hosts(reader: _Reader, base_url: str) -> list[str]:
    hosts = _listed(reader.environment.get("ALLOWED_HOSTS", ""))
    if any(host in {"*", "."} or "/" in host for host in hosts):
        reader.refuse("ALLOWED_HOSTS", "must be host names, separated by commas; * is not allowed.")
    return hosts or [urlsplit(base_url).hostname or "localhost"]


def _secret_key(reader: _Reader) -> str:
    value = reader.text("SECRET_KEY", why="at least 50 random characters that only this installation knows.")
    if value and len(value) < LEAST_KEY_LENGTH:
        reader.refuse("SECRET_KEY", f"must be at least {LEAST_KEY_LENGTH} characters.")
    return value


def _secret_key_fallbacks(reader: _Reader) -> list[str]:
    keys = _listed(reader.environment.get("SECRET_KEY_FALLBACKS", ""))
    if any(len(key) < LEAST_KEY_LENGTH for key in keys):
        # A key that holds a comma comes apart here too.
        reader.refuse("SECRET_KEY_FALLBACKS", f"must be keys of at least {LEAST_KEY_LENGTH} characters, by comma.")
    return keys


def _field_keys(reader: _Reader) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    value = reader.text("FIELD_KEYS", why="one or more id:key pairs, each key being 32 random bytes in base64.")
    for pair in _listed(value):
        name, _, encoded = pair.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not name.isalnum() or len(name) > 16 or len(key) != 32 or name in keys:
            reader.refuse("FIELD_KEYS", "must be id:key pairs separated by commas, each key 32 bytes in base64.")
            return keys
        keys[name] = key
    return keys


def _database(reader: _Reader) -> dict[str, Any]:
    value = reader.text("DATABASE_URL", why="sqlite:///path or postgres://user:password@host:port/name.")
    if not value:
        return {}
    scheme, _, rest = value.partition("://")
    if scheme == "sqlite":
        path = unquote(rest.removeprefix("/"))
        if not rest.startswith("/") or not path:
            reader.refuse("DATABASE_URL", "must name a file, such as sqlite:////var/lib/portico/portico.sqlite3.")
        return sqlite(Path(path))
    if scheme not in {"postgres", "postgresql"}:
        reader.refuse("DATABASE_URL", "must begin with sqlite:/// or postgres://.")
        return {}
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        reader.refuse("DATABASE_URL", "is not postgres://user:password@host:port/name.")
        return {}
    name = unquote(parts.path.lstrip("/"))
    if not name or parts.fragment:
        # Half of a password may stand in what follows a ? or # that is not percent-encoded: say nothing of it.
        reader.refuse("DATABASE_URL", "must name the database last: postgres://user:password@host:port/name.")
        return {}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(port or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # Short waits: with the database away a page says so at once, and is well within a second of its return.
            "pool": {"min_size": 1, "max_size": 8, "timeout": 1.5, "reconnect_timeout": 1},
            "connect_timeout": 3,
            "options": "-c lock_timeout=4000 -c idle_in_transaction_session_timeout=60000",
            **_encryption(reader, parts.query),
        },
    }


def _encryption(reader: _Reader, query: str) -> dict[str, str]:
    """How the connection to PostgreSQL is encrypted: what may follow the database's name. All else is ours to set."""
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    if unknown := given.keys() - {"sslmode", "sslrootcert"}:
        reader.refuse("DATABASE_URL", f"may end in sslmode and sslrootcert only, not in {', '.join(sorted(unknown))}.")
    if len(given) < len(pairs):
        reader.refuse("DATABASE_URL", "must say sslmode and sslrootcert once at most.")
    if given.get("sslmode", SSL_MODES[0]) not in SSL_MODES:
        reader.refuse("DATABASE_URL", f"must have an sslmode out of {', '.join(SSL_MODES)}.")
    if not given.get("sslrootcert", "/"):
        reader.refuse("DATABASE_URL", "must name a file in sslrootcert.")
    return given


def sqlite(path: Path) -> dict[str, Any]:
    """The database settings of an SQLite file: one writer at a time, waiting its turn (and plumbing/database.py)."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": None,
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 5},
    }


def _stripe_api_base(reader: _Reader) -> str:
    """Empty: Stripe itself. Anything else would take a practice's money to who knows where."""
    allowed = reader.flag("ALLOW_TEST_ENDPOINTS")
    value = reader.environment.get("STRIPE_API_BASE", "").strip().rstrip("/")
    if value and not allowed:
        reader.refuse("STRIPE_API_BASE", "is for tests: it needs ALLOW_TEST_ENDPOINTS=1 beside it.")
        return ""
    try:
        parts = urlsplit(value)
        is_bare = value in {"", f"{parts.scheme}://{parts.netloc}"} and not parts.username and parts.port != 0
    except ValueError:
        is_bare = False
    if not is_bare or (value and (parts.scheme not in {"http", "https"} or not parts.hostname)):
        reader.refuse("STRIPE_API_BASE", "must be a bare address such as http://localhost:8002.")
        return ""
    return value


def _email_url(reader: _Reader) -> str:
    value = reader.text("EMAIL_URL", why="smtp+starttls://user:password@host:587 or smtps://… or smtp://host:25.")
    if value:
        try:
            smtp_server.parse(value)
        except ValueError as problem:
            reader.refuse("EMAIL_URL", str(problem))
    return value


def _email_from(reader: _Reader) -> str:
    value = reader.text("EMAIL_FROM", why="the address that mails come from, such as portal@example.com.")
    name, address = parseaddr(value)
    local, _, domain = address.rpartition("@")
    if value and (name or address != value or not local or not domain):
        reader.refuse("EMAIL_FROM", "must be a bare email address, without a name.")
    return value
