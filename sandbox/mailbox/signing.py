"""Signs emails as a sender's mail server does (DKIM, RFC 6376), with a new key each time the mailbox starts."""

import base64
import hashlib
import re
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SIGNED_FIELDS = ("from", "to", "subject", "date", "message-id")


def _new_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@dataclass(frozen=True)
class Signer:
    """A domain and the selector of its key."""

    domain: str
    selector: str = "demo"
    key: RSAPrivateKey = field(default_factory=_new_key, repr=False)

    @property
    def host(self) -> str:
        """Returns the name of the key's DNS record."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        public = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"

    def signed(self, raw: bytes) -> bytes:
        """Returns the email with a signature on top: "relaxed" for the header, "simple" for the body."""
        head, _blank, body = raw.partition(b"\r\n\r\n")
        fields = _relaxed_fields(head)
        names = [name for name in SIGNED_FIELDS if name in fields]
        digest = base64.b64encode(hashlib.sha256(body.rstrip(b"\r\n") + b"\r\n").digest()).decode()
        tags = f"v=1; a=rsa-sha256; c=relaxed/simple; d={self.domain}; s={self.selector}; "
        tags += f"h={':'.join(names)}; bh={digest}; b="
        signed = "".join(f"{name}:{fields[name]}\r\n" for name in names) + f"dkim-signature:{tags}"
        signature = base64.b64encode(self.key.sign(signed.encode(), PKCS1v15(), SHA256())).decode()
        return f"DKIM-Signature: {tags}{signature}\r\n".encode() + raw


def _relaxed_fields(head: bytes) -> dict[str, str]:
    """Returns the values by name, unfolded and with single spaces; the last one of a name."""
    unfolded = re.sub(rb"\r\n(?=[ \t])", b"", head).decode("utf-8", "surrogateescape")
    fields = (line.partition(":") for line in unfolded.split("\r\n"))
    return {name.strip().lower(): " ".join(value.split()) for name, colon, value in fields if colon}
