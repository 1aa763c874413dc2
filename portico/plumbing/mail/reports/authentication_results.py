"""Reads how a receiving server judged a mail, from Authentication-Results (RFC 8601), and the keys of its signatures.

Anyone may write such a field into a mail. Only the topmost Authentication-Results with a trusted authserv-id counts:
that of the server to which the mailbox belongs, which stands above everything that came with the mail.
"""

import re
from collections.abc import Sequence

from portico.plumbing.mail.reports.mime_reader import Part
from portico.plumbing.mail.returned_mail import AuthenticationResults, DkimKey, MethodResult

# A field that is longer is not read: real ones have a few hundred characters.
MAX_LENGTH = 4000
MAX_FIELDS = 20
MAX_STATEMENTS = 30
MAX_KEYS = 5

_DOMAIN = re.compile(r"(?=.{4,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)+")
# Of a DKIM key: one or more labels.
_SELECTOR = re.compile(r"(?=.{1,63}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_METHOD = re.compile(r"([a-z0-9-]{1,20})(?:/1)?=([a-z0-9]{1,20})")
_PROPERTY = re.compile(r"([a-z]{1,20}\.[a-z0-9-]{1,20})=([\w.@+-]{1,254})", re.ASCII)
# The server that wrote a Received field. What is before "by" names the server that sent the mail, in its own words.
_RECEIVED_BY = re.compile(r"(?:from\s+\S+\s+)?by\s+([^\s;]+)")


def read(mail: Part, *, trusted: Sequence[str]) -> AuthenticationResults | None:
    """Returns the topmost field of a trusted server; else, without statements, the topmost one that names its server.

    `trusted` has the names of servers. Without any, the server that received the mail last is trusted. Returns None
    if no field names its server.
    """
    names = [name.lower() for name in trusted] or _receiving_server(mail)
    first: AuthenticationResults | None = None
    for value in mail.values("authentication-results")[:MAX_FIELDS]:
        server, statements = _parse(value)
        if server and any(_is_same(server, name) for name in names):
            return AuthenticationResults(server, is_trusted=True, statements=statements)
        if server and first is None:
            first = AuthenticationResults(server, is_trusted=False)
    return first


def dkim_keys(mail: Part) -> tuple[DkimKey, ...]:
    """Returns the keys that the mail's signatures name, each once. They are claims: the signatures are not verified."""
    found = dict[DkimKey, None]()
    for value in mail.values("dkim-signature")[:MAX_FIELDS]:
        parts = (part.partition("=") for part in value[:MAX_LENGTH].split(";"))
        tags = {name.strip(): "".join(text.split()).lower() for name, _equals, text in parts}
        if _SELECTOR.fullmatch(tags.get("s", "")) and _DOMAIN.fullmatch(tags.get("d", "")):
            found[DkimKey(tags["s"], tags["d"])] = None
    return tuple(found)[:MAX_KEYS]


def _receiving_server(mail: Part) -> list[str]:
    """Returns the name of the server that wrote the topmost Received field, if it is a domain name."""
    received = mail.value("received")[:MAX_LENGTH].lower()
    found = _RECEIVED_BY.match(" ".join((_without_comments(received) or "").split()))
    return [found[1]] if found and _DOMAIN.fullmatch(found[1]) else []


def _is_same(server: str, name: str) -> bool:
    """Returns True if one name is the other or is above it: authserv-ids are host names or their domains."""
    return server == name or server.endswith(f".{name}") or name.endswith(f".{server}")


def _parse(value: str) -> tuple[str, tuple[MethodResult, ...]]:
    """Returns the authserv-id and the statements; ("", ()) if the field has no id, as Microsoft 365 writes it.

    A field that is too long, or has an unknown version, has no statements.
    """
    text = _without_comments(value[:MAX_LENGTH].lower())
    first, *others = (text or "").split(";")[: MAX_STATEMENTS + 1]
    words = first.split()
    if not words or not _DOMAIN.fullmatch(words[0]):
        return "", ()
    if len(value) > MAX_LENGTH or words[1:] not in ([], ["1"]):
        return words[0], ()
    statements = (_statement(each) for each in others)
    return words[0], tuple(each for each in statements if each is not None)


def _statement(text: str) -> MethodResult | None:
    words = re.sub(r"\s*([=/])\s*", r"\1", text).split()
    method = _METHOD.fullmatch(words[0]) if words else None
    if method is None:
        return None
    # The first of two properties of one name.
    properties = {found[1]: found[2] for word in reversed(words[1:]) if (found := _PROPERTY.fullmatch(word))}
    return MethodResult(method[1], method[2], properties)


def _without_comments(value: str) -> str | None:
    """Returns the value without comments, and quoted strings without quotes and with "_" for what needed them.

    Returns None if a comment or a string does not end.
    """
    kept: list[str] = []
    depth, is_quoted, is_escaped = 0, False, False
    for character in value:
        if is_escaped:
            is_escaped = False
            kept.append("_" if not depth else "")
        elif character == "\\" and (is_quoted or depth):
            is_escaped = True
        elif character == '"' and not depth:
            is_quoted = not is_quoted
        elif character in "()" and not is_quoted:
            depth = max(0, depth + (1 if character == "(" else -1))
            kept.append(" ")
        elif not depth:
            is_plain = not is_quoted or character.isalnum() or character in "._@+-"
            kept.append(character if is_plain else "_")
    return None if depth or is_quoted else "".join(kept)
