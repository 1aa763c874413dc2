"""Checks the DKIM keys of a domain (RFC 6376): each selector has a key that is valid and long enough."""

import base64
import binascii
from collections.abc import Sequence

from cryptography.exceptions import UnsupportedAlgorithm

from portico.domain.maintenance.models import CheckName, CheckReason, Verdict
from portico.domain.maintenance.sender_check.results import CheckResult, tags
from portico.gateways.dns import Resolver

# RFC 8301: shorter keys are not valid; RFC 6376 and receivers ask for 2048 bits.
SHORTEST_KEY = 1024
GOOD_KEY = 2048
ED25519_BYTES = 32
# Between a selector and its domain.
_BELOW = "._domainkey."
_ORDER = (Verdict.OK, Verdict.WARN, Verdict.BROKEN)


def check(domain: str, dns: Resolver, *, selectors: Sequence[str], seen: Sequence[str] = ()) -> CheckResult:
    """Checks the key of each selector and returns the best result: one good key is enough. Raises NotAnswered.

    `seen` are names of keys in the signatures of a test email. They count only if the DNS has them: a signature
    can name any.
    """
    named = [f"{selector}{_BELOW}{domain}" for selector in selectors]
    results = [_check_key(dns, host) for host in named]
    others = (_check_key(dns, host) for host in seen if host not in named)
    results += [each for each in others if each.reason != CheckReason.NO_DKIM]
    if not results:
        return CheckResult(CheckName.DKIM, Verdict.UNKNOWN, CheckReason.NO_SELECTOR, f"…{_BELOW}{domain}")
    return min(results, key=lambda each: _ORDER.index(each.verdict))


def domain_of(host: str) -> str:
    """Returns the domain whose key has this name."""
    return host.rpartition(_BELOW)[2]


def _check_key(dns: Resolver, host: str) -> CheckResult:
    records = [text for text in dns.texts(host) if any(name == "p" for name, _value in tags(text))]
    verdict, reason = _judge(records)
    return CheckResult(CheckName.DKIM, verdict, reason, host, "\n".join(records))


def _judge(records: list[str]) -> tuple[Verdict, CheckReason]:
    if not records:
        return Verdict.BROKEN, CheckReason.NO_DKIM
    if len(records) > 1:
        return Verdict.BROKEN, CheckReason.SEVERAL_DKIM
    fields = dict(tags(records[0]))
    if fields.get("v", "DKIM1") != "DKIM1":
        return Verdict.BROKEN, CheckReason.DKIM_MALFORMED
    if not fields["p"]:
        return Verdict.BROKEN, CheckReason.DKIM_REVOKED
    try:
        bits = _key_length(fields["p"], fields.get("k", "rsa").lower())
    except (ValueError, UnsupportedAlgorithm):
        return Verdict.BROKEN, CheckReason.DKIM_MALFORMED
    if bits < SHORTEST_KEY:
        return Verdict.BROKEN, CheckReason.DKIM_SHORT_KEY
    if "y" in fields.get("t", "").replace(" ", "").split(":"):
        return Verdict.WARN, CheckReason.DKIM_TESTING
    if bits < GOOD_KEY:
        return Verdict.WARN, CheckReason.DKIM_WEAK_KEY
    return Verdict.OK, CheckReason.GOOD


def _key_length(encoded: str, kind: str) -> int:
    """Returns the length of an RSA key in bits, and GOOD_KEY for an Ed25519 key (RFC 8463). Raises ValueError."""
    try:
        key = base64.b64decode("".join(encoded.split()), validate=True)
    except binascii.Error as malformed:
        raise ValueError(encoded) from malformed
    if kind == "ed25519":
        if len(key) != ED25519_BYTES:
            raise ValueError(encoded)
        return GOOD_KEY
    # Only the worker and a command check keys.
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415

    loaded = load_der_public_key(key)
    if kind != "rsa" or not isinstance(loaded, RSAPublicKey):
        raise ValueError(encoded)
    return loaded.key_size
