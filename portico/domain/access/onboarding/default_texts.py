"""The words a practice's invitations begin with, in each language, and how its mails are signed."""

from collections.abc import Mapping
from dataclasses import asdict

from django.db import transaction

from portico.domain.access.onboarding import invitation_text
from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.audit_actions import AuditAction
from portico.domain.practices import practice_settings
from portico.domain.practices.models import DefaultText, Practice
from portico.domain.practices.practice_settings import Sender
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log


def save(
    practice: Practice, sender: Sender, texts: Mapping[str, InvitationText], *, version: int, by: Actor
) -> Practice:
    """Saves the sender and the default text of each language named. Again: changes nothing.

    Portico's own words are not stored: whoever keeps them gets better ones with the next version.
    Raises describing.SettingsChangedMeanwhile.
    """
    with transaction.atomic():
        row = practice_settings.lock_practice(practice, version)
        changed = practice_settings.set_fields(row, asdict(sender))
        if changed:
            audit_log.record(AuditAction.PRACTICE_EDITED, practice=row, by=by, fields=", ".join(changed))
        reworded = [_set_text(row, language, text, by=by) for language, text in texts.items()]
        if any(reworded) and not changed:
            row.version += 1
            row.save(update_fields=["version"])
    return row


def _set_text(practice: Practice, language: str, text: InvitationText, *, by: Actor) -> bool:
    """Whether anything changed."""
    if text == invitation_text.default_of(practice, language):
        return False
    if text == invitation_text.default_text(language):
        DefaultText.objects.filter(practice=practice, language=language).delete()
        verb = AuditAction.DEFAULT_TEXT_RESET
    else:
        DefaultText.objects.update_or_create(practice=practice, language=language, defaults=asdict(text))
        verb = AuditAction.DEFAULT_TEXT_CHANGED
    audit_log.record(verb, practice=practice, by=by, language=language)
    return True
