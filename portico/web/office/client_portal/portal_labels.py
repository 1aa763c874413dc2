"""The words of the `Client Portal` tab: its banner and its events, from the facts in access.telling."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from portico.domain.access.timeline import Banner, EventKind, LinkFact, Timeline, TimelineEvent
from portico.plumbing import clock
from portico.plumbing.models.outgoing_emails import EmailState
from portico.plumbing.text import times
from portico.web import formatting
from portico.web.office import audit_labels
from portico.web.office.emails import email_labels

FAILURE_KINDS = (EmailState.BOUNCED, EmailState.COMPLAINED, EmailState.FAILED, EmailState.DROPPED)


@dataclass(frozen=True)
class Fact:
    icon: str
    name: str
    value: str
    # What a machine said, faint, for whoever needs it.
    faint: str = ""


@dataclass(frozen=True)
class BannerLabel:
    tone: str
    icon: str
    heading: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class EventLabel:
    tone: str
    words: str
    at: datetime
    by: str


def banner(story: Timeline, *, called: str) -> BannerLabel | None:
    """The notice at the top; none once somebody has signed in with the present address."""
    match story.banner:
        case Banner.NONE:
            return None
        case Banner.ARCHIVED:
            heading = _("%(name)s is archived and can’t sign in") % {"name": called}
            return BannerLabel("quiet", "archive", heading, _last_sign_in(story))
        case Banner.OFF:
            heading = _("%(name)s can’t sign in: access is off") % {"name": called}
            return BannerLabel("quiet", "door-closed", heading, _last_sign_in(story))
        case Banner.NOT_WITH_NEW_ADDRESS:
            heading = _("%(name)s has not signed in with the new address yet") % {"name": called}
        case Banner.NOT_YET:
            heading = _("%(name)s hasn’t signed in yet") % {"name": called}
    return BannerLabel("wait", "door-closed", heading, _waiting_facts(story))


def signed_in_facts(story: Timeline) -> tuple[Fact, ...]:
    """For the heading that says whether the client can sign in."""
    facts = [*_last_sign_in(story)]
    if story.failed_at is not None:
        facts.append(Fact("lock", _("Last attempt failed"), _when(story.failed_at)))
    if story.invited_at is not None:
        facts.append(Fact("send", _("Last invited"), _when(story.invited_at)))
    return tuple(facts)


def _last_sign_in(story: Timeline) -> tuple[Fact, ...]:
    if story.last_signed_in_at is None:
        return ()
    return (Fact("clock", _("Last sign-in"), _when(story.last_signed_in_at)),)


def _waiting_facts(story: Timeline) -> tuple[Fact, ...]:
    facts = [_invited(story)]
    if story.problem:
        facts.append(Fact("mail-minus", _("Email"), story.problem))
    if story.mail is None:
        if story.on_since is not None:
            since = formatting.date_and_time_in_sentence(
                story.on_since, now=clock.now(), zone=timezone.get_current_timezone(), language=get_language()
            )
            facts.append(Fact("calendar", _("Access"), _("On since %(when)s") % {"when": since}))
        return tuple(facts)
    icon = "mail-x" if story.mail.state in FAILURE_KINDS else "mail"
    facts.append(Fact(icon, _("Delivery"), email_labels.status_details(story.mail), faint=story.mail.detail))
    facts.append(Fact("link", _("Link"), link(story)))
    return tuple(facts)


def _invited(story: Timeline) -> Fact:
    if story.invited_at is None:
        return Fact("send", _("Invitation"), _("Not invited yet"))
    now = clock.now()
    if now - story.invited_at < timedelta(days=1):
        return Fact("send", _("Invited"), _when(story.invited_at))
    language, zone = get_language(), timezone.get_current_timezone()
    invited_on, today = times.day_of(story.invited_at, zone), times.day_of(now, zone)
    day = formatting.short_date(invited_on, today=today, language=language)
    return Fact("send", _("Invited"), f"{formatting.time_ago(story.invited_at, now=now, language=language)}, {day}")


def link(story: Timeline) -> str:
    match story.link:
        case LinkFact.NONE:
            return _("None sent yet")
        case LinkFact.PRESSED:
            return _("Pressed")
        case LinkFact.NOT_FETCHED if story.link_is_dead:
            return _("Not fetched; it no longer works")
        case LinkFact.NOT_FETCHED:
            return _("Not fetched yet")
        case LinkFact.FETCHED if story.link_is_dead:
            return _("Fetched (by a person or a scanner), not pressed; it no longer works")
        case LinkFact.FETCHED:
            return _("Fetched (by a person or a scanner), not pressed")


def event(happening: TimelineEvent, *, called: str) -> EventLabel:
    """One line of `Recent events`."""
    if happening.entry is not None and happening.kind in FROM_THE_TRAIL:
        line = audit_labels.row_for(happening.entry)
        return EventLabel(line.tone, line.sentence, line.at, "")
    tone, words = EVENTS[happening.kind]
    given = {"address": happening.address, "why": happening.words, "name": called}
    return EventLabel(tone, (str(words) % given).rstrip(), happening.at, happening.by)


def _when(at: datetime) -> str:
    return formatting.date_and_time(at, now=clock.now(), zone=timezone.get_current_timezone(), language=get_language())


FROM_THE_TRAIL = {
    EventKind.SIGN_IN_MAILED,
    EventKind.LINK_REFUSED,
    EventKind.CODE_REFUSED,
    EventKind.PIN_REFUSED,
    EventKind.TOO_MANY_TRIES,
}
EVENTS = {
    EventKind.ACCESS_ON: ("good", gettext_lazy("Client Portal Access turned on")),
    EventKind.EMAIL_OK: ("good", gettext_lazy("Email ok recorded for %(address)s")),
    EventKind.INVITED: ("accent", gettext_lazy("Invitation sent to %(address)s")),
    EventKind.HANDED_OVER: ("accent", gettext_lazy("Handed to the mail server. Delivery not known.")),
    EventKind.DELAYED: ("wait", gettext_lazy("The email has to wait. %(why)s")),
    EventKind.REFUSED: ("bad", gettext_lazy("The email was refused. %(why)s")),
    EventKind.DROPPED: ("bad", gettext_lazy("The email was not sent. %(why)s")),
    EventKind.PARKED: ("bad", gettext_lazy("The email was set aside. %(why)s")),
    EventKind.RESTARTED: ("accent", gettext_lazy("The email was started again")),
    EventKind.FETCHED: (
        "quiet",
        gettext_lazy("The link was fetched, by a person or a scanner. Only pressing it uses it up."),
    ),
    EventKind.PRESSED: ("good", gettext_lazy("The link was pressed and %(name)s signed in")),
    EventKind.CODE_TYPED: ("good", gettext_lazy("The code was typed and %(name)s signed in")),
    EventKind.PIN_MADE: ("accent", gettext_lazy("A PIN was made, to be read out by phone")),
    EventKind.PIN_USED: ("good", gettext_lazy("The PIN was typed and %(name)s signed in")),
}
