"""What a server's answer makes of a mail: settled, or tried again and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.utils.translation import gettext as _

from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import DelayCause, EmailEventKind, EmailState

MAX_ERRORS = 5
GIVE_UP_AFTER = timedelta(hours=48)
# A wait is as long as the mail has been waiting already, between the shortest and the longest: so it doubles.
SHORTEST_WAIT = {
    DelayCause.OURS: timedelta(seconds=1),
    DelayCause.ANSWER: timedelta(seconds=5),
    DelayCause.RECIPIENT: timedelta(minutes=1),
}
LONGEST_WAIT = {
    DelayCause.OURS: timedelta(seconds=30),
    DelayCause.ANSWER: timedelta(seconds=30),
    DelayCause.RECIPIENT: timedelta(minutes=30),
}
# A server that keeps losing its answers may have taken every copy: after some minutes the copies get rare.
ANSWER_PATIENCE = timedelta(minutes=5)
# What happens before the server knows which mail it is about happens to every mail.
BEFORE_THE_MAIL = {"connect", "tls", "login", "sender"}


class ServerReply(Protocol):
    """What a transport says of one try; gateways.smtp has the real one."""

    @property
    def kind(self) -> str:
        """One of taken, ours, later, mailbox, message, lost."""

    @property
    def stage(self) -> str:
        """One of connect, tls, login, sender, recipient, content."""

    @property
    def code(self) -> str:
        """The enhanced code, else the reply's number, else empty."""

    @property
    def text(self) -> str:
        """What the server said, on one printable line."""


@dataclass(frozen=True)
class Outcome:
    """The columns to write, and the event where something new happened."""

    changes: dict[str, Any]  # Any: a column's value.
    event: EmailEventKind | None


def outcome(email: OutgoingEmail, answer: ServerReply, *, at: datetime) -> Outcome:
    """Judges one try. `handing_over_at` is left to the caller, who knows whether an earlier try is uncertain."""
    match answer.kind:
        case "taken":
            changes = _settled(EmailState.HANDED_OVER, "", answer, at) | {"handed_over_at": at}
            return Outcome(changes, EmailEventKind.HANDED_OVER)
        case "mailbox":
            return Outcome(_settled(EmailState.BOUNCED, _why(answer), answer, at), EmailEventKind.REFUSED)
        case "message":
            return Outcome(_settled(EmailState.FAILED, _why(answer), answer, at), EmailEventKind.REFUSED)
        case "later":
            return _again(email, DelayCause.RECIPIENT, answer, at)
        case "lost":
            return _again(email, DelayCause.ANSWER, answer, at)
        case _:
            return _again(email, DelayCause.OURS, answer, at)


def stops_every_mail(answer: ServerReply) -> bool:
    return answer.kind == "ours" and answer.stage in BEFORE_THE_MAIL


def dropped(reason: str, *, at: datetime) -> Outcome:
    return Outcome(_settling(EmailState.DROPPED, reason, "", at), EmailEventKind.DROPPED)


def failed_to_build(email: OutgoingEmail, detail: str, *, at: datetime) -> Outcome:
    """The mail could not be built: once more in a while, and after the fifth time only when staff say so."""
    mistakes = email.mistakes + 1
    if mistakes < MAX_ERRORS:
        wait = timedelta(seconds=2**mistakes)
        return Outcome({"mistakes": mistakes, "detail": detail, "not_before": at + wait}, None)
    reason = _("Portico could not build this email. Somebody has to look at it and start it again.")
    changes = _settling(EmailState.FAILED, reason, detail, at) | {"mistakes": mistakes, "parked_at": at}
    return Outcome(changes, EmailEventKind.PARKED)


def delayed(
    answer: ServerReply, by: DelayCause, *, since: datetime, at: datetime
) -> dict[str, Any]:  # Any: a column's value.
    """The columns of a mail that has been waiting for the same reason since then."""
    return {
        "state": EmailState.DELAYED,
        "delayed_at": since,
        "delayed_by": by,
        "reason": _why(answer),
        "detail": _detail(answer),
        "not_before": at + wait_after(at - since, by),
    }


def wait_after(waited: timedelta, by: DelayCause) -> timedelta:
    longest = (
        LONGEST_WAIT[DelayCause.RECIPIENT] if by is DelayCause.ANSWER and waited > ANSWER_PATIENCE else LONGEST_WAIT[by]
    )
    return min(max(waited, SHORTEST_WAIT[by]), longest)


def _again(email: OutgoingEmail, by: DelayCause, answer: ServerReply, at: datetime) -> Outcome:
    is_news = email.delayed_at is None or email.delayed_by != by
    # A delay from the future began while the clock was ahead: it is counted from now on.
    is_counted = email.delayed_at is not None and email.delayed_at <= at + clock.SKEW
    since = email.delayed_at if email.delayed_at is not None and is_counted and not is_news else at
    if by is not DelayCause.OURS and at - since >= GIVE_UP_AFTER:
        reason = _("The mail server put us off for two days; we stopped trying.")
        return Outcome(_settled(EmailState.FAILED, reason, answer, at), EmailEventKind.REFUSED)
    return Outcome(delayed(answer, by, since=since, at=at), EmailEventKind.DELAYED if is_news else None)


def _settled(state: EmailState, reason: str, answer: ServerReply, at: datetime) -> dict[str, Any]:  # Any: as above.
    return _settling(state, reason, _detail(answer), at)


def _settling(state: EmailState, reason: str, detail: str, at: datetime) -> dict[str, Any]:  # Any: as above.
    return {
        "state": state,
        "reason": reason[:300],
        "detail": detail[:300],
        "settled_at": at,
        "delayed_at": None,
        "delayed_by": "",
    }


def _detail(answer: ServerReply) -> str:
    said_already = answer.text.startswith(answer.code)
    return (answer.text if said_already else f"{answer.code} {answer.text}").strip()[:300]


def _why(answer: ServerReply) -> str:
    """In words for staff; the server's own stand faint beside them."""
    match answer.kind, answer.stage:
        case "mailbox", _stage:
            return _mailbox_words(answer.code)
        case "message", _stage:
            return _("The mailbox is full.") if answer.code == "5.2.2" else _("The mail server refused this email.")
        case "later", _stage:
            return _("The server there is busy or asks us to wait.")
        case "lost", _stage:
            return _("The mail server took the email but its answer was lost. It may get a second copy.")
        case _ours, "connect":
            return _("Our mail server cannot be reached.")
        case _ours, "tls":
            return _("Our mail server offers no safe connection, so nothing was sent.")
        case _ours, "login":
            return _("Our mail server refuses our sign-in.")
        case _ours, "sender":
            return _("Our mail server refuses our sender address.")
    return _("The mail server refuses mail from us.") if answer.code else _("The connection to our mail server broke.")


def _mailbox_words(code: str) -> str:
    match code:
        case "5.2.1":
            return _("The mailbox is closed and takes no mail.")
        case "5.6.7":
            return _("Our mail server cannot write to an address with such letters before the @.")
        case _:
            return _("The mailbox doesn’t exist.")
