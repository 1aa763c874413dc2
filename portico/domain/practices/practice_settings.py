"""Practice settings: contact details, texts, color, currency, and the sender of its mails."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portico.domain.audit_actions import AuditAction
from portico.domain.practices import mail_texts
from portico.domain.practices.mail_texts import MailText
from portico.domain.practices.models import DocumentNotices, HelpNotices, Practice
from portico.domain.practices.stripe_setup import payment_readiness
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused


class SettingsConflict(Refused):
    """Another owner has saved in the meantime; nothing was overwritten."""

    def __init__(self) -> None:
        super().__init__(
            _("Someone else saved changes while you were editing. Compare both versions, then save again.")
        )


class CurrencyFixed(Refused):
    message = _("The currency can’t be changed after the first invoice or payment.")


@dataclass(frozen=True)
class PracticeDetails:
    """The validated input of the settings page `Practice`.

    `phone` is in E.164, `hue` in degrees, `currency` an ISO 4217 code. Only name, time zone and currency are required.
    """

    name: str
    time_zone: str
    currency: str
    country: str
    age_of_majority: int
    phone: str
    support_hours: str
    support_hours_es: str
    postal_address: str
    greeting: str
    greeting_es: str
    emergency_text: str
    emergency_text_es: str
    hue: int


@dataclass(frozen=True)
class Sender:
    """The sender name of the practice's mails, and the address for replies."""

    sender_name: str
    reply_to: str


def save_details(practice: Practice, details: PracticeDetails, *, version: int, by: Actor) -> Practice:
    """Saves the details. Saving the same details again changes nothing.

    Raises SettingsConflict, CurrencyFixed, and ValidationError for an unknown time zone.
    """
    with transaction.atomic():
        practice = lock_practice(practice, version)
        if details.currency != practice.currency and practice.currency_fixed_at is not None:
            raise CurrencyFixed(field="currency")
        changed = set_fields(practice, asdict(details))
        if "currency" in changed:
            payment_readiness.record_currency(practice, by=by)
        if changed:
            practice.clean_fields()
            audit_log.record(AuditAction.PRACTICE_EDITED, practice=practice, by=by, fields=", ".join(changed))
    return practice


def save_reminder_days(practice: Practice, days: Iterable[int], *, shown: str | None, by: Actor) -> None:
    """Saves when clients are reminded of unpaid bills: days after the due date, negative for days before. Idempotent.

    No day follows another one directly: a reminder may be sent a day late. `shown`: see `_save_choice`.
    """
    _save_choice(practice, "reminder_days", value=_in_order(days), shown=shown, by=by)


def save_document_reminder_days(practice: Practice, days: Iterable[int], *, shown: str | None, by: Actor) -> None:
    """Saves how many days after sharing clients are reminded of documents to complete. Idempotent.

    `shown`: see `_save_choice`.
    """
    _save_choice(practice, "document_reminder_days", value=_in_order(days), shown=shown, by=by)


def save_help_notices(practice: Practice, notices: HelpNotices, *, shown: str | None, by: Actor) -> None:
    """Saves who gets an email about new help requests. Idempotent. `shown`: see `_save_choice`."""
    _save_choice(practice, "help_notices", value=notices, shown=shown, by=by)


def save_document_notices(practice: Practice, notices: DocumentNotices, *, shown: str | None, by: Actor) -> None:
    """Saves who gets an email about completed documents. Idempotent. `shown`: see `_save_choice`."""
    _save_choice(practice, "document_notices", value=notices, shown=shown, by=by)


def save_card_default(practice: Practice, *, is_on: bool, shown: bool | None, by: Actor) -> None:
    """Saves whether new clients may pay by card. Idempotent. `shown`: see `_save_choice`."""
    _save_choice(practice, "card_payment_by_default", value=is_on, shown=shown, by=by)


def _in_order(days: Iterable[int]) -> str:
    return ",".join(str(day) for day in sorted(days))


def _save_choice(practice: Practice, name: str, *, value: str | bool, shown: str | bool | None, by: Actor) -> None:
    """Saves a setting that has a form of its own.

    `shown` is the value that the page showed, None for an operation that starts from no page. Raises SettingsConflict
    if another owner has saved a third one since.
    """
    with transaction.atomic():
        row = Practice.objects.locked().get(pk=practice.pk)
        if shown is not None and getattr(row, name) not in {shown, value}:
            raise SettingsConflict
        if changed := set_fields(row, {name: value}):
            audit_log.record(AuditAction.PRACTICE_EDITED, practice=row, by=by, fields=", ".join(changed))


def save_mail_texts(
    practice: Practice,
    kind: str,
    texts: Mapping[str, MailText],
    *,
    defaults: Mapping[str, MailText],
    version: int,
    by: Actor,
) -> None:
    """Saves the practice's own text of a kind of mail in each given language. Idempotent.

    `defaults` has Portico's text for each of them. Raises SettingsConflict.
    """
    with transaction.atomic():
        row = lock_practice(practice, version)
        own = mail_texts.own_texts(row, kind)
        have_changed = [
            mail_texts.save_own(
                row,
                kind,
                language,
                text,
                current=own.get(language) or defaults[language],
                default=defaults[language],
                by=by,
            )
            for language, text in texts.items()
        ]
        if any(have_changed):
            row.version += 1
            row.save(update_fields=["version"])


def close_set_up(practice: Practice, *, by: Actor) -> None:
    """Closes the list of what to set up. A repeated call changes nothing."""
    with transaction.atomic():
        row = Practice.objects.locked().get(pk=practice.pk)
        if row.set_up_closed_at is None:
            row.set_up_closed_at = clock.now()
            row.save(update_fields=["set_up_closed_at"])
            audit_log.record(AuditAction.SET_UP_CLOSED, practice=row, by=by)


def lock_practice(practice: Practice, version: int) -> Practice:
    """Locks the practice in the caller's transaction. Raises SettingsConflict if its version is no longer `version`."""
    row = Practice.objects.locked().get(pk=practice.pk)
    if row.version != version:
        raise SettingsConflict
    return row


def set_fields(practice: Practice, values: Mapping[str, object]) -> list[str]:
    """Saves the values that differ, with the next version. Returns the names of the changed fields."""
    changed = [name for name, value in values.items() if getattr(practice, name) != value]
    for name in changed:
        setattr(practice, name, values[name])
    if changed:
        practice.version += 1
        practice.save(update_fields=[*changed, "version"])
    return changed
