"""Labels of the `Client Portal` tab: its banner and its events, from `access.timeline`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from portico.domain.access.diagnosis.timeline import Banner, LinkFact, Timeline, TimelineEvent, TimelineKind
from portico.plumbing import clock
from portico.plumbing.models.outgoing_emails import NOT_DELIVERED_STATES
from portico.plumbing.text import time_formatting
from portico.web import formatting
from portico.web.office.audit_log import entry_rows
from portico.web.office.emails import email_labels


@dataclass(frozen=True)
class SignInFact:
    icon: str
    name: str
    value: str
    # The technical detail, shown in a fainter color.
    faint: str = ""


@dataclass(frozen=True)
class BannerLabel:
    tone: str
    icon: str
    heading: str
    facts: tuple[SignInFact, ...]


@dataclass(frozen=True)
class EventLabel:
    tone: str
    words: str
    at: datetime
    by: str


def banner(timeline: Timeline, *, called: str) -> BannerLabel | None:
    """Returns the notice at the top; None once the client has signed in with the current address."""
    match timeline.banner:
        case Banner.NONE:
            return None
        case Banner.ARCHIVED:
            heading = _("%(name)s is archived and can’t sign in") % {"name": called}
            return BannerLabel("quiet", "archive", heading, _last_sign_in(timeline))
        case Banner.OFF:
            heading = _("%(name)s can’t sign in: access is off") % {"name": called}
            return BannerLabel("quiet", "door-closed", heading, _last_sign_in(timeline))
        case Banner.NOT_WITH_NEW_ADDRESS:
            heading = _("%(name)s has not signed in with the new address yet") % {"name": called}
        case Banner.NOT_YET:
            heading = _("%(name)s hasn’t signed in yet") % {"name": called}
    return BannerLabel("wait", "door-closed", heading, _waiting_facts(timeline))


def signed_in_facts(timeline: Timeline) -> tuple[SignInFact, ...]:
    """Returns last sign-in, last failed attempt and last invitation, if any."""
    facts = [*_last_sign_in(timeline)]
    if timeline.failed_at is not None:
        facts.append(SignInFact("lock", _("Last attempt failed"), _when(timeline.failed_at)))
    if timeline.invited_at is not None:
        facts.append(SignInFact("send", _("Last invited"), _when(timeline.invited_at)))
    return tuple(facts)


def _last_sign_in(timeline: Timeline) -> tuple[SignInFact, ...]:
    if timeline.last_signed_in_at is None:
        return ()
    return (SignInFact("clock", _("Last sign-in"), _when(timeline.last_signed_in_at)),)


def _waiting_facts(timeline: Timeline) -> tuple[SignInFact, ...]:
    facts = [_invited(timeline)]
    if timeline.changed_by_client_at is not None:
        changed = _("Changed by the client in the portal, %(when)s") % {"when": _when(timeline.changed_by_client_at)}
        facts.append(SignInFact("mail", _("Address"), changed))
    if timeline.problem:
        facts.append(SignInFact("mail-minus", _("Email"), timeline.problem))
    if timeline.mail is None:
        if timeline.on_since is not None:
            since = formatting.date_and_time_in_sentence(
                timeline.on_since, now=clock.now(), zone=timezone.get_current_timezone(), language=get_language()
            )
            facts.append(SignInFact("calendar", _("Access"), _("On since %(when)s") % {"when": since}))
        return tuple(facts)
    icon = "mail-x" if timeline.mail.state in NOT_DELIVERED_STATES else "mail"
    facts.append(
        SignInFact(icon, _("Delivery"), email_labels.status_details(timeline.mail), faint=timeline.mail.detail)
    )
    if timeline.link is not LinkFact.NONE and timeline.mail.state not in NOT_DELIVERED_STATES:
        facts.append(SignInFact("link", _("Link"), _link(timeline)))
    return tuple(facts)


def _invited(timeline: Timeline) -> SignInFact:
    if timeline.invited_at is None:
        return SignInFact("send", _("Invitation"), _("Not invited yet"))
    now = clock.now()
    if now - timeline.invited_at < timedelta(days=1):
        return SignInFact("send", _("Invited"), _when(timeline.invited_at))
    language, zone = get_language(), timezone.get_current_timezone()
    invited_on, today = (
        time_formatting.day_of(timeline.invited_at, zone),
        time_formatting.day_of(now, zone),
    )
    day = formatting.short_date(invited_on, today=today, language=language)
    return SignInFact(
        "send", _("Invited"), f"{formatting.time_ago(timeline.invited_at, now=now, language=language)}, {day}"
    )


def _link(timeline: Timeline) -> str:
    match timeline.link:
        case LinkFact.NONE:
            return ""
        case LinkFact.PRESSED:
            return _("Used")
        case LinkFact.NOT_FETCHED if timeline.link_is_dead:
            return _("Not opened, no longer works")
        case LinkFact.NOT_FETCHED:
            return _("Not opened yet")
        case LinkFact.FETCHED if timeline.link_is_dead:
            return _("Opened (maybe by a mail scanner), not used, no longer works")
        case LinkFact.FETCHED:
            return _("Opened (maybe by a mail scanner), not used")


def event(timeline_event: TimelineEvent, *, called: str) -> EventLabel:
    """Returns the label of one row of `Recent events`."""
    if timeline_event.entry is not None and timeline_event.kind in LABELLED_BY_AUDIT_LOG:
        row = entry_rows.row_for(timeline_event.entry)
        return EventLabel(row.tone, row.sentence, row.at, "")
    tone, template = EVENTS[timeline_event.kind]
    values = {"address": timeline_event.address, "why": timeline_event.words, "name": called}
    return EventLabel(tone, (str(template) % values).rstrip(), timeline_event.at, timeline_event.by)


def _when(at: datetime) -> str:
    return formatting.date_and_time(at, now=clock.now(), zone=timezone.get_current_timezone(), language=get_language())


LABELLED_BY_AUDIT_LOG = {
    TimelineKind.SIGN_IN_MAILED,
    TimelineKind.LINK_REFUSED,
    TimelineKind.CODE_REFUSED,
    TimelineKind.PIN_REFUSED,
    TimelineKind.TOO_MANY_TRIES,
    TimelineKind.ADDRESS_CHANGED,
}
EVENTS = {
    TimelineKind.ACCESS_ON: ("good", gettext_lazy("Client Portal Access turned on")),
    TimelineKind.EMAIL_OK: ("good", gettext_lazy("Email ok recorded for %(address)s")),
    TimelineKind.INVITED: ("accent", gettext_lazy("Invitation sent to %(address)s")),
    TimelineKind.HANDED_OVER: ("accent", gettext_lazy("Sent (we can’t tell if it arrived)")),
    TimelineKind.DELAYED: ("wait", gettext_lazy("The email is delayed. %(why)s")),
    TimelineKind.REFUSED: ("bad", gettext_lazy("The email was rejected. %(why)s")),
    TimelineKind.DROPPED: ("bad", gettext_lazy("The email was not sent. %(why)s")),
    TimelineKind.PARKED: ("bad", gettext_lazy("The email is on hold. %(why)s")),
    TimelineKind.RESTARTED: ("accent", gettext_lazy("The email was retried")),
    TimelineKind.FETCHED: (
        "quiet",
        gettext_lazy("The link was opened (maybe by a mail scanner). It still works."),
    ),
    TimelineKind.PRESSED: ("good", gettext_lazy("%(name)s signed in with the link")),
    TimelineKind.CODE_TYPED: ("good", gettext_lazy("%(name)s signed in with the code")),
    TimelineKind.ACCEPTED: ("good", gettext_lazy("The email was accepted by %(why)s")),
    TimelineKind.STILL_TRYING: ("wait", gettext_lazy("%(why)s")),
    TimelineKind.BOUNCED: ("bad", gettext_lazy("The email came back. %(why)s")),
    TimelineKind.COMPLAINED: ("bad", gettext_lazy("The email was marked as spam")),
    TimelineKind.AUTO_REPLIED: (
        "quiet",
        gettext_lazy("An automatic reply came back. It may be an out-of-office message."),
    ),
    TimelineKind.PIN_MADE: ("accent", gettext_lazy("A PIN was created, to be read out over the phone")),
    TimelineKind.PIN_USED: ("good", gettext_lazy("%(name)s signed in with the PIN")),
}
