"""Database settings, parsed from a URL such as postgres://user:password@host:port/name."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, unquote_to_bytes, urlsplit

from portico import hosts

# PostgreSQL's encryption modes, from none to the strictest.
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# The value of `sslrootcert` for the certificates that the operating system trusts.
SYSTEM_CERTIFICATES = "system"
# What a pooler that hands out connections by transaction does not allow.
SESSION_OPTIONS = {
    # jit: compiling a plan takes longer than any page may, and no query of Portico is long enough to repay it.
    "options": "-c lock_timeout=4000 -c idle_in_transaction_session_timeout=60000 -c jit=off"
}


class Malformed(ValueError):
    """The URL is invalid; the message says why without repeating it, since it may hold a password."""


def parse(url: str, *, is_pooled: bool = False) -> dict[str, Any]:
    """Returns Django's settings for the database. `is_pooled`: PgBouncer is in front of it. Raises Malformed."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return sqlite_settings(_sqlite_file(rest))
    if scheme not in {"postgres", "postgresql"}:
        raise Malformed("must begin with sqlite:/// or postgres://.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Malformed("is not postgres://user:password@host:port/name.") from None
    name = unquote(parts.path.lstrip("/"))
    if not name or parts.fragment:
        # What follows an unencoded ? or # may be part of the password: do not repeat it.
        raise Malformed("must name the database last: postgres://user:password@host:port/name.")
    if port == 0:
        raise Malformed("must name a port above 0, or none.")
    settings = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": _postgresql_host(parts),
        "PORT": str(port or ""),
        # Each thread keeps its connection; plumbing/database/connections.py notices when the server has closed it.
        "CONN_MAX_AGE": None,
        # No statements prepared on the server either: plumbing/database/prepared_statements.py reads it.
        "DISABLE_SERVER_SIDE_CURSORS": is_pooled,
        "OPTIONS": {
            # Short: pages report an unavailable database quickly.
            "connect_timeout": 2,
            **({} if is_pooled else SESSION_OPTIONS),
            **_encryption(parts.query),
        },
    }
    if any("\0" in str(value) for value in settings.values()):
        raise Malformed("may not hold a NUL character.")
    return settings


def sqlite_settings(path: Path) -> dict[str, Any]:
    """Returns Django's settings for an SQLite file; plumbing/database/connections.py sets its pragmas."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": None,
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 5},
    }


def _sqlite_file(rest: str) -> Path:
    """Returns the absolute path of the file, which need not exist but must be writable for SQLite."""
    written = rest.removeprefix("/")
    # As bytes: the name of a file may not be UTF-8.
    name = os.fsdecode(unquote_to_bytes(written))
    if not rest.startswith("/") or not name or name.endswith("/") or "\0" in name:
        raise Malformed("must name a file, such as sqlite:////var/lib/portico/portico.sqlite3.")
    if "?" in written or "#" in written:
        raise Malformed("may hold nothing after the name of the SQLite file; write %3F for ? and %23 for # in a name.")
    if name.startswith((":memory:", "file:")):
        raise Malformed("must name a file on disk: pages and worker would not see what is kept in memory.")
    try:
        path = Path(name).absolute()
    except OSError:
        raise Malformed("must be an absolute path here: the working directory cannot be read.") from None
    _refuse_unwritable(path)
    return path


def _refuse_unwritable(path: Path) -> None:
    """Raises Malformed unless the file and its folder are writable: SQLite creates two more files beside it."""
    if not os.path.isdir(path.parent):  # noqa: PTH112  # False, not an error, where a folder above may not be read.
        raise Malformed(f"names a file in {path.parent}, which is not a folder that can be read here.")
    if path.exists() and not path.is_file():
        raise Malformed(f"must name a file; {path} is something else.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise Malformed(f"names a file in {path.parent}, where this user may not write.")
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise Malformed(f"names {path}, which this user may not read and write.")


def _postgresql_host(parts: SplitResult) -> str:
    """Returns the host: a name in DNS form, an IP address, several separated by commas, or a Unix socket's folder."""
    given = unquote(parts.hostname or "")
    if not given or given.startswith(("/", "@")):
        return given
    try:
        return ",".join(hosts.without_brackets(hosts.normalized(each)) for each in given.split(","))
    except hosts.MalformedHost:
        raise Malformed("names a host that cannot be one: write it as DNS has it (xn--… for other letters).") from None


def _encryption(query: str) -> dict[str, str]:
    """Returns the encryption options of the URL's query; other options are not allowed."""
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    if unknown := given.keys() - {"sslmode", "sslrootcert"}:
        raise Malformed(f"may end in sslmode and sslrootcert only, not in {', '.join(sorted(unknown))}.")
    if len(given) < len(pairs):
        raise Malformed("must say sslmode and sslrootcert once at most.")
    if given.get("sslmode", SSL_MODES[0]) not in SSL_MODES:
        raise Malformed(f"must have an sslmode out of {', '.join(SSL_MODES)}.")
    certificate = given.get("sslrootcert", SYSTEM_CERTIFICATES)
    if certificate != SYSTEM_CERTIFICATES and not (os.path.isfile(certificate) and os.access(certificate, os.R_OK)):  # noqa: PTH113  # As above.
        raise Malformed("must name a file that can be read in sslrootcert.")
    return given
