"""Seals committed audit log entries in a hash chain, and verifies that none was changed.

A seal is an HMAC of the previous seal, its position and the entry as stored. Its key is derived from the FIELD_KEYS
entry whose id the seal has: the first one makes new seals, and old seals can be verified for as long as their key
stays in FIELD_KEYS.
"""

import functools
import hmac
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, Max, OuterRef

from portico.plumbing import clock
from portico.plumbing.models.audit import AuditChainHead, AuditEntry, AuditSeal

logger = logging.getLogger(__name__)

# An entry with a lower id may still be committed by a slow transaction, but not this long after a seal.
SETTLED_AFTER = timedelta(hours=1)
UNSEALED_AFTER = timedelta(minutes=1)
PAGE_SIZE = 1_000


@dataclass(frozen=True, slots=True)
class ChainReport:
    """The result of verifying a chain. Counts are of rows, positions start at 1."""

    sealed: int
    first_bad: int | None = None
    fault: str = ""
    cut: int = 0
    unsealed: int = 0

    @property
    def is_sound(self) -> bool:
        return self.first_bad is None and not self.cut and not self.unsealed


def seal_all() -> int:
    """Seals the unsealed entries of every practice; returns how many. The worker calls it every second."""
    found = unsealed(after=_settled_id()).order_by("practice_id").values_list("practice_id", flat=True).distinct()
    return sum(seal(practice_id) for practice_id in list(found))


def seal(practice_id: int, *, at_most: int = 500) -> int:
    """Seals up to `at_most` entries of one practice, in the order of their ids; returns how many."""
    AuditChainHead.objects.get_or_create(practice_id=practice_id)
    key_id = next(iter(settings.FIELD_KEYS))
    key = _key(key_id)
    with transaction.atomic():
        head = AuditChainHead.objects.locked().get(practice_id=practice_id)
        digest, position, now = bytes(head.digest), head.position, clock.now()
        seals = []
        waiting = unsealed(after=head.settled_id).filter(practice_id=practice_id)
        for entry in waiting.order_by("id")[:at_most]:
            position += 1
            digest = _chained(key, digest, position, entry)
            seals.append(
                AuditSeal(
                    practice_id=practice_id, position=position, entry_id=entry.pk, digest=digest, key_id=key_id, at=now
                )
            )
        AuditSeal.objects.bulk_create(seals)
        head.digest, head.position = digest, position
        head.save(update_fields=["digest", "position"])
    return len(seals)


def settle() -> int:
    """Saves up to which id all entries of all practices are sealed, so that these are not scanned each second.

    The time of the seal decides, since an imported entry may be older than its row. Returns the number of heads that
    changed. The worker calls it every ten minutes.
    """
    old = AuditSeal.objects.filter(at__lt=clock.now() - SETTLED_AFTER).order_by("-entry_id")
    newest = old.values_list("entry_id", flat=True).first()
    if newest is None or unsealed(after=_settled_id()).filter(id__lte=newest).exists():
        return 0
    return AuditChainHead.objects.filter(settled_id__lt=newest).update(settled_id=newest)


def unsealed(*, after: int) -> models.QuerySet[AuditEntry]:
    """Returns the entries of all practices without a seal, of ids above `after`.

    The limit stands at the seals too: without it PostgreSQL may read all of them.
    """
    seals = AuditSeal.objects.filter(entry_id=OuterRef("pk"), entry_id__gt=after)
    return AuditEntry.objects.filter(~Exists(seals), id__gt=after)


def verify(practice: models.Model) -> ChainReport:
    """Verifies the whole chain of a practice, in constant memory, up to the first bad position.

    No chain can detect that the database's owner cut off its tail and reset the head as well. Hence `log_newest`,
    whose lines are stored elsewhere.
    """
    overdue = unsealed(after=0).filter(practice_id=practice.pk, at__lt=clock.now() - UNSEALED_AFTER).count()
    head = _head(practice.pk)
    position, digest = 0, b""
    for stored in _chain(practice.pk):
        position += 1
        fault = _fault(stored, position, digest)
        digest = bytes(stored.digest)
        if not fault and position == head.position and digest != bytes(head.digest):
            fault = "This is not the seal that the head of the chain names."
        if fault:
            return ChainReport(position - 1, first_bad=position, fault=fault, unsealed=overdue)
    # More entries may have been sealed meanwhile, but the head is updated with them.
    if position > _head(practice.pk).position:
        return ChainReport(
            position, first_bad=position, fault="The chain is longer than its head says.", unsealed=overdue
        )
    return ChainReport(position, cut=max(0, head.position - position), unsealed=overdue)


def log_newest() -> None:
    """Logs the newest seal of every chain, which the database's owner cannot undo. Called once a day."""
    for head in AuditChainHead.objects.all():
        logger.info(
            "audit_log.newest_seal",
            extra={"practice": head.practice_id, "position": head.position, "digest": bytes(head.digest).hex()},
        )


def canonical(entry: AuditEntry) -> bytes:
    """Returns the entry as bytes: every column as stored, so the row must have been read from the database."""
    stored = [
        entry.practice_id,
        entry.pk,
        entry.ref,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.action,
        entry.actor_kind,
        entry.actor_name,
        entry.staff_id,
        entry.account_id,
        entry.client_id,
        entry.about,
        entry.details,
    ]
    return json.dumps(stored, sort_keys=True, separators=(",", ":")).encode("ascii")


def _settled_id() -> int:
    return AuditChainHead.objects.aggregate(newest=Max("settled_id"))["newest"] or 0


def _head(practice_id: int) -> AuditChainHead:
    return AuditChainHead.objects.filter(practice_id=practice_id).first() or AuditChainHead(practice_id=practice_id)


def _chain(practice_id: int) -> Iterator[AuditSeal]:
    # Keyset pagination: no open cursor, no long transaction.
    position = 0
    while page := list(
        AuditSeal.objects.filter(practice_id=practice_id, position__gt=position)
        .select_related("entry")
        .order_by("position")[:PAGE_SIZE]
    ):
        yield from page
        position = page[-1].position


def _fault(stored: AuditSeal, position: int, previous: bytes) -> str:
    if stored.position != position:
        return "The seal or the entry of this position is missing."
    if stored.key_id not in settings.FIELD_KEYS:
        return f"FIELD_KEYS has no key {stored.key_id!r}, which made this seal."
    expected = _chained(_key(stored.key_id), previous, position, stored.entry)
    return "" if hmac.compare_digest(expected, bytes(stored.digest)) else "The entry is not what was sealed."


def _key(key_id: str) -> bytes:
    return _derived(settings.FIELD_KEYS[key_id])


@functools.cache
def _derived(field_key: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"portico trail seal").derive(field_key)


def _chained(key: bytes, previous: bytes, position: int, entry: AuditEntry) -> bytes:
    return hmac.digest(key, previous + position.to_bytes(8, "big") + canonical(entry), "sha256")
