"""Email addresses: the key under which a mailbox is compared, and the form in which a mail server takes it."""

import re
import unicodedata

_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+)*")
# Allowed by RFC 5322, but in practice left over from a shell or a text that was copied.
_QUOTES = "'`"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def mailbox_key(email: str) -> str:
    """What two spellings of one mailbox share, and no other mailbox has. Raises ValueError.

    The local part in NFC with ASCII letters in lower case, the domain as IDNA. Dots and plus-tags
    are kept. Signs that would turn into ASCII (Kelvin's K, a ligature in a domain) are malformed:
    they are how one address reaches for another's account.
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
    """The address as a mail server takes it: its domain in ASCII, the part before the @ as it is.

    Raises ValueError for one that is malformed: libraries would mend it, and write to somebody else.
    """
    mailbox_key(address)
    local, _at, domain = address.strip().rpartition("@")
    return f"{local}@{domain.encode('idna').decode('ascii')}"


def header_address(address: str) -> str:
    """The address as every mail server and reader takes it in From or Reply-To: in ASCII. Raises ValueError.

    For addresses that are ours or a practice's. Letters beyond ASCII before the @ need a server that offers SMTPUTF8,
    which the recipient of any one mail may not have.
    """
    taken = deliverable(address)
    local = taken.rpartition("@")[0]
    if not local.isascii():
        raise ValueError("The part before the @ must be in plain letters, without accents.")
    if local != local.strip(_QUOTES):
        raise ValueError("The address must not be in quotes.")
    return taken


def has_lookalikes(text: str) -> bool:
    """Whether it holds signs that would turn into ASCII, such as Kelvin's K."""
    return any(not sign.isascii() and unicodedata.normalize("NFC", sign).isascii() for sign in text)


def _is_printable(text: str) -> bool:
    return all(unicodedata.category(sign)[0] not in "ZC" for sign in text)


def _ascii_lower(text: str) -> str:
    # Not str.lower(): it also turns U+212A into k and U+0130 into i and a dot.
    return text.translate({code: code + 32 for code in range(ord("A"), ord("Z") + 1)})


def _refuse_lookalikes(text: str) -> str:
    if has_lookalikes(text):
        raise ValueError("A sign that only looks like a letter.")
    return text


def _domain_key(domain: str) -> str:
    labels = [_label_key(label) for label in domain.split(".")]
    if len(labels) < 2 or labels[-1].isdecimal():
        raise ValueError("The domain is malformed.")
    return ".".join(labels)


def _label_key(label: str) -> str:
    """One part of a domain as DNS has it; what does not come back the same is refused (ß, ligatures)."""
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
