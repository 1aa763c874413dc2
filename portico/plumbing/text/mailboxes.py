"""Email addresses: the key for comparing mailboxes, and the form for mail servers and headers."""

import re
import unicodedata

_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+)*")
# Allowed by RFC 5322, but in practice left over from a shell or from copied text.
_QUOTES = "'`"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def mailbox_key(email: str) -> str:
    """Returns a key that is equal for all spellings of one mailbox and unique to it. Raises ValueError.

    The local part in NFC with ASCII letters in lower case, the domain as IDNA. Dots and plus-tags are kept.
    Characters that normalize to ASCII (the Kelvin sign, a ligature in a domain) are rejected: with them one address
    could impersonate another.
    """
    local, at, domain = email.strip(" ").rpartition("@")
    if not at or len(email) > 320:
        raise ValueError("An address is a name, an @ and a domain.")
    local = unicodedata.normalize("NFC", _ascii_lower(_refuse_lookalikes(local)))
    # "=?" begins an encoded word (RFC 2047), which mail programs may decode into another address.
    if not _ATOM.fullmatch(local) or len(local.encode()) > 64 or not _is_printable(local) or "=?" in local:
        raise ValueError("The part before the @ is malformed.")
    key = f"{local}@{_domain_key(domain)}"
    if len(key.encode()) > 254:
        raise ValueError("The address is too long.")
    return key


def deliverable(address: str) -> str:
    """Returns the address for a mail server: its domain in ASCII, the local part unchanged.

    Raises ValueError for a malformed address, which libraries would repair into another one.
    """
    mailbox_key(address)
    local, _at, domain = address.strip().rpartition("@")
    return f"{local}@{domain.encode('idna').decode('ascii')}"


def header_address(address: str) -> str:
    """Returns the address in ASCII, for a From or Reply-To that every mail server accepts. Raises ValueError.

    For our own and practices' addresses. A local part beyond ASCII needs SMTPUTF8, which the recipient's server may
    not support.
    """
    ascii_address = deliverable(address)
    local = ascii_address.rpartition("@")[0]
    if not local.isascii():
        raise ValueError("The part before the @ must be in plain letters, without accents.")
    if local != local.strip(_QUOTES):
        raise ValueError("The address must not be in quotes.")
    return ascii_address


def contains_lookalikes(text: str) -> bool:
    """Returns True if the text has characters that normalize to ASCII, such as the Kelvin sign."""
    return any(not each.isascii() and unicodedata.normalize("NFC", each).isascii() for each in text)


def _is_printable(text: str) -> bool:
    return all(unicodedata.category(each)[0] not in "ZC" for each in text)


def _ascii_lower(text: str) -> str:
    # Not str.lower(), which also turns U+212A into k and U+0130 into i and a combining dot.
    return text.translate({code: code + 32 for code in range(ord("A"), ord("Z") + 1)})


def _refuse_lookalikes(text: str) -> str:
    if contains_lookalikes(text):
        raise ValueError("A sign that only looks like a letter.")
    return text


def _domain_key(domain: str) -> str:
    labels = [_label_key(label) for label in domain.split(".")]
    if len(labels) < 2 or labels[-1].isdecimal():
        raise ValueError("The domain is malformed.")
    return ".".join(labels)


def _label_key(label: str) -> str:
    """Encodes one label of a domain for DNS; rejects one that does not round-trip (ß, ligatures)."""
    if label.isascii():
        key = label.lower()
    else:
        plain = unicodedata.normalize("NFC", _refuse_lookalikes(label)).lower()
        key = plain.encode("idna").decode("ascii")
        if key.encode("ascii").decode("idna") != plain:
            raise ValueError("The domain is malformed.")
    if not _LABEL.fullmatch(key):
        raise ValueError("The domain is malformed.")
    return key
