"""Saving and removing a practice's logo."""

import hashlib

from django.db import transaction

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Logo, Practice
from portico.plumbing import images
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log


def save(practice: Practice, file: bytes, *, by: Actor) -> Logo:
    """Replaces the practice's logo by the image in the file. Raises images.ImageRejected.

    Saving the same image again changes nothing.
    """
    picture = images.reencoded(file)
    digest = hashlib.sha256(picture.png).hexdigest()
    with transaction.atomic():
        row = Practice.objects.locked().get(pk=practice.pk)
        values = {"png": picture.png, "width": picture.width, "height": picture.height, "digest": digest}
        if row.logo_digest == digest:
            return Logo.objects.get(practice=row)
        logo, _is_new = Logo.objects.update_or_create(practice=row, defaults=values)
        _save_digest(row, digest)
        audit_log.record(AuditAction.LOGO_CHANGED, practice=row, by=by)
    return logo


def remove(practice: Practice, *, by: Actor) -> None:
    """Deletes the logo; pages show the initial of the name instead. Idempotent."""
    with transaction.atomic():
        row = Practice.objects.locked().get(pk=practice.pk)
        if not row.logo_digest:
            return
        Logo.objects.filter(practice=row).delete()
        _save_digest(row, "")
        audit_log.record(AuditAction.LOGO_REMOVED, practice=row, by=by)


def _save_digest(practice: Practice, digest: str) -> None:
    practice.logo_digest = digest
    practice.save(update_fields=["logo_digest"])
