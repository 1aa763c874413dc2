"""What a practice says of itself: its facts, its words, its look; and how it sends mail."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup import payment_readiness
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused


class SettingsConflict(Refused):
    """Another owner saved first; nothing was overwritten."""

    def __init__(self) -> None:
        super().__init__(_("Somebody else saved changes while you were editing. Look at both, then save again."))


class CurrencyFixed(Refused):
    message = _("The first invoice or payment was written meanwhile. The currency stays what it is.")


@dataclass(frozen=True)
class PracticeDetails:
    """The page `Practice` of Settings, cleaned. `phone` in E.164, `hue` in degrees, `currency` a code of ISO 4217.

    All but name, zone and currency are optional.
    """

    name: str
    time_zone: str
    currency: str
    country: str
    phone: str
    support_hours: str
    postal_address: str
    greeting: str
    greeting_es: str
    emergency_text: str
    emergency_text_es: str
    hue: int


@dataclass(frozen=True)
class Sender:
    """How the practice's mails are signed, and where their answers go."""

    sender_name: str
    reply_to: str


def save_details(practice: Practice, description: PracticeDetails, *, version: int, by: Actor) -> Practice:
    """Saves the practice's facts, words and hue. Again: changes nothing.

    Raises SettingsChangedMeanwhile, CurrencyFixed, and ValidationError for an unknown time zone.
    """
    with transaction.atomic():
        practice = lock_practice(practice, version)
        if description.currency != practice.currency and practice.currency_fixed_at is not None:
            raise CurrencyFixed(field="currency")
        changed = set_fields(practice, asdict(description))
        if "currency" in changed:
            payment_readiness.record_currency(practice, by=by)
        if changed:
            practice.clean_fields()
            audit_log.record(AuditAction.PRACTICE_EDITED, practice=practice, by=by, fields=", ".join(changed))
    return practice


def lock_practice(practice: Practice, version: int) -> Practice:
    """The practice, locked, if nobody saved since. In the caller's transaction. Raises SettingsChangedMeanwhile."""
    row = Practice.objects.locked().get(pk=practice.pk)
    if row.version != version:
        raise SettingsConflict
    return row


def set_fields(practice: Practice, values: Mapping[str, object]) -> list[str]:
    """Writes what differs and says which fields those were; takes the next version if there are any."""
    changed = [name for name, value in values.items() if getattr(practice, name) != value]
    for name in changed:
        setattr(practice, name, values[name])
    if changed:
        practice.version += 1
        practice.save(update_fields=[*changed, "version"])
    return changed
