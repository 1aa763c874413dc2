"""Audit log entries as rows of a page: time, sentence, actor, icon and tone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portico.domain.audit_actions import AuditAction
from portico.plumbing import clock
from portico.plumbing.actors import Actor, ActorKind
from portico.plumbing.models import AuditEntry
from portico.plumbing.text import time_formatting
from portico.web import formatting
from portico.web.office.audit_log import entry_icons, entry_sentences


@dataclass(frozen=True)
class AuditRow:
    """An entry as shown on a page."""

    at: datetime
    sentence: str
    who: str
    icon: str
    tone: str


@dataclass(frozen=True)
class AuditDay:
    """The rows of one day in the practice's time zone."""

    day: date
    lines: list[AuditRow]

    @property
    def label(self) -> str:
        today = time_formatting.day_of(clock.now(), timezone.get_current_timezone())
        match (today - self.day).days:
            case 0:
                return _("Today")
            case 1:
                return _("Yesterday")
            case _:
                return formatting.short_date(self.day, today=today, language=get_language())


def row_for(entry: AuditEntry) -> AuditRow:
    icon, tone = entry_icons.ICONS.get(AuditAction(entry.action), entry_icons.DEFAULT)
    return AuditRow(at=entry.at, sentence=entry_sentences.sentence(entry), who=actor_label(entry), icon=icon, tone=tone)


def group_by_day(entries: Iterable[AuditEntry]) -> list[AuditDay]:
    """Groups entries by day in the active time zone, keeping their order."""
    days: list[AuditDay] = []
    for entry in entries:
        day = time_formatting.day_of(entry.at, timezone.get_current_timezone())
        if not days or days[-1].day != day:
            days.append(AuditDay(day, []))
        days[-1].lines.append(row_for(entry))
    return days


def actor_label(entry: AuditEntry) -> str:
    """Returns the actor's name at the time of the entry."""
    match entry.actor_kind:
        case ActorKind.CLIENT:
            # The mailbox acted, perhaps a parent's: the entry has the name of the client that it acted for.
            return _("Portal account for %(name)s") % {"name": entry.actor_name}
        case ActorKind.OPERATOR:
            return _("System administrator")
        case ActorKind.ANONYMOUS:
            return _("Not signed in")
        case ActorKind.SYSTEM if entry.actor_name == Actor.system().name:
            return _("System")
        case _:
            return entry.actor_name
