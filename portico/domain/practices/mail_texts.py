"""The practice's own texts of its mails: one subject and message for each kind of mail and language."""

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import DefaultText, Practice
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log

SUBJECT_LENGTH = 150
MESSAGE_LENGTH = 5000


@dataclass(frozen=True)
class MailText:
    """A subject and a message as typed, with their placeholders."""

    subject: str
    message: str


def own_texts(practice: Practice, kind: str) -> dict[str, MailText]:
    """Returns the practice's own texts of a kind of mail by language; a language without one is missing."""
    return {language: text for (_practice, language), text in own_texts_of([practice], kind).items()}


def own_texts_of(practices: Collection[Practice], kind: str) -> dict[tuple[int, str], MailText]:
    """Returns the own texts of several practices, by the practice's id and language."""
    rows = DefaultText.objects.filter(practice__in=practices, kind=kind)
    return {(row.practice_id, row.language): MailText(row.subject, row.message) for row in rows}


def save_own(
    practice: Practice, kind: str, language: str, text: MailText, *, current: MailText, default: MailText, by: Actor
) -> bool:
    """Saves the practice's own text, in the caller's transaction. Returns False if it is the current one.

    A text equal to Portico's own, the `default`, is not stored, so that the practice gets improved texts with later
    versions.
    """
    if text == current:
        return False
    if text == default:
        DefaultText.objects.filter(practice=practice, kind=kind, language=language).delete()
        action = AuditAction.DEFAULT_TEXT_RESET
    else:
        DefaultText.objects.update_or_create(practice=practice, kind=kind, language=language, defaults=asdict(text))
        action = AuditAction.DEFAULT_TEXT_CHANGED
    audit_log.record(action, practice=practice, by=by, kind=kind, language=language)
    return True


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """Returns the text with each placeholder replaced by its value; inserted values are not filled in again."""
    placeholder = "|".join(re.escape(name) for name in values)
    return re.sub(placeholder, lambda found: values[found[0]], text)
