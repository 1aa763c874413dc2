"""Default invitation texts of a practice in each language, saved together with the sender of its mails."""

from collections.abc import Mapping
from dataclasses import asdict

from django.db import transaction

from portico.domain.access.onboarding import invitation_text
from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.audit_actions import AuditAction
from portico.domain.practices import mail_texts, practice_settings
from portico.domain.practices.models import Practice
from portico.domain.practices.practice_settings import Sender
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log


def save(
    practice: Practice, sender: Sender, texts: Mapping[str, InvitationText], *, version: int, by: Actor
) -> Practice:
    """Saves the sender and the default text of each given language. Idempotent.

    A text equal to Portico's own is not stored, so that the practice gets improved texts with later versions.
    Raises practice_settings.SettingsConflict.
    """
    with transaction.atomic():
        row = practice_settings.lock_practice(practice, version)
        changed = practice_settings.set_fields(row, asdict(sender))
        if changed:
            audit_log.record(AuditAction.PRACTICE_EDITED, practice=row, by=by, fields=", ".join(changed))
        have_changed = [_save_text(row, language, text, by=by) for language, text in texts.items()]
        if any(have_changed) and not changed:
            row.version += 1
            row.save(update_fields=["version"])
    return row


def _save_text(practice: Practice, language: str, text: InvitationText, *, by: Actor) -> bool:
    return mail_texts.save_own(
        practice,
        invitation_text.KIND,
        language,
        text,
        current=invitation_text.default_of(practice, language),
        default=invitation_text.default_text(language),
        by=by,
    )
