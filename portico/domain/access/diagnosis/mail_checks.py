"""Checks of the steps of signing in by mail: each returns what is found about its step.

A step claims no more than is known. What a later step proves is ok: a used link proves that its mail arrived.
"""

from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portico.domain.access import eligibility_steps
from portico.domain.access.diagnosis import failure_fixes, requirement_checks, steps
from portico.domain.access.diagnosis.evidence import NOT_SENT, QUEUE_PATIENCE, REPORT_PATIENCE, Evidence
from portico.domain.access.diagnosis.requirement_checks import Check
from portico.domain.access.diagnosis.steps import TITLES, Cause, Finding, StepName, StepState
from portico.domain.access.eligibility_steps import Fix
from portico.domain.access.models import SignInMethod
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.delivery_reports import StopKind
from portico.plumbing.models.outgoing_emails import REJECTED_STATES, EmailState, FailureCause

_OF_MAILBOX = (FailureCause.NO_MAILBOX, FailureCause.PROVIDER_LIST)


def invitation_sent(evidence: Evidence) -> Finding:
    mail = evidence.mail
    if mail is None:
        return _without_mail(evidence)
    email = mail.email
    not_sent = _not_sent(evidence, email) if not evidence.is_link_used else None
    if not_sent is not None:
        # The client needs no email any more that was requested before the last sign-in.
        return Finding(StepState.OK, _("An invitation was not needed")) if evidence.is_mail_superseded else not_sent
    at = email.handed_over_at or email.handing_over_at or email.written_at
    if mail.invitation is None:
        words = _("%(name)s requested it on the portal’s sign-in page.") % {"name": evidence.access.called}
        return Finding(StepState.OK, _("Sign-in email sent"), words, at=at)
    words = _("Sent to %(address)s by %(name)s") % {"address": email.to_address, "name": mail.invitation.sent_by}
    return Finding(StepState.OK, _("Invitation sent"), words, at=at)


def _not_sent(evidence: Evidence, email: OutgoingEmail) -> Finding | None:
    """Returns the finding for a mail that waits to be sent or was not sent; None for one that was."""
    handing_over_at = email.handing_over_at
    match email.state:
        case EmailState.QUEUED if handing_over_at and clock.is_within(handing_over_at, QUEUE_PATIENCE, at=evidence.at):
            return None  # It leaves at this moment.
        case EmailState.QUEUED if clock.is_within(email.written_at, QUEUE_PATIENCE, at=evidence.at):
            title, words = _("The email is being sent"), _("It usually leaves within a minute. Check again then.")
            return Finding(StepState.WAITING, title, words, email.written_at, Cause.MAIL_ON_ITS_WAY)
        case EmailState.QUEUED:
            title, words = (
                _("The email has not been sent yet"),
                _("It is sent automatically. A PIN works without email."),
            )
            fix = steps.GENERATE_PIN
            return Finding(StepState.WAITING, title, words, email.written_at, Cause.MAIL_DELAYED, fix)
        case EmailState.DELAYED:
            title = _("The email is delayed")
            words = f"{email.reason} {_('It is retried automatically. A PIN works without email.')}".strip()
            fix = steps.GENERATE_PIN
            return Finding(StepState.WAITING, title, words, email.delayed_at, Cause.MAIL_DELAYED, fix)
        case EmailState.FAILED if not evidence.is_rejected:
            title = _("The email is on hold") if email.is_parked else _("The email was not sent")
            fix = steps.OPEN_EMAIL
            return Finding(StepState.BROKEN, title, email.reason, email.settled_at, Cause.MAIL_NOT_SENT, fix)
        case EmailState.DROPPED:
            title, fix = _("The email was not sent"), _invite_again(evidence)
            return Finding(StepState.BROKEN, title, email.reason, email.settled_at, Cause.MAIL_NOT_SENT, fix)
        case _:
            return None


def _without_mail(evidence: Evidence) -> Finding:
    access, called = evidence.access, {"name": evidence.access.called}
    if access.invited_at is not None:
        return Finding(StepState.OK, _("Invitation sent"), at=access.invited_at)
    if evidence.has_signed_in:
        return Finding(StepState.OK, _("An invitation was not needed"))
    if access.mail_stopped_at is not None or evidence.facts.stop_kind:
        return Finding(StepState.UNKNOWN, _("Not invited yet"))
    words = _("Access is on, but %(name)s has not been invited yet.") % called
    fix = steps.SEND_INVITATION
    return Finding(StepState.WAITING, _("Not invited yet"), words, cause=Cause.NOT_INVITED, fix=fix)


def accepted(evidence: Evidence) -> Finding:
    mail, server = evidence.mail, evidence.mail.email.accepted_by if evidence.mail is not None else ""
    if mail is not None and (mail.email.accepted_at is not None or mail.email.state == EmailState.DELIVERED):
        title = _("Accepted by %(server)s") % {"server": server} if server else str(TITLES[StepName.ACCEPTED])
        return Finding(StepState.OK, title, at=mail.email.accepted_at)
    if evidence.is_link_used:
        return Finding(StepState.OK, _("The email arrived"), _("Its link or code was used."))
    if mail is not None and mail.link.fetched_at is not None:
        return Finding(StepState.OK, _("The email arrived"), _("Its link was opened."), at=mail.link.fetched_at)
    if evidence.is_mail_proven:
        words = _("%(name)s has signed in with a link or code.") % {"name": evidence.access.called}
        return Finding(StepState.OK, _("Email arrives at this address"), words)
    if mail is None or mail.email.handed_over_at is None or mail.email.state in NOT_SENT or evidence.is_failed:
        return Finding(StepState.UNKNOWN, str(TITLES[StepName.ACCEPTED]), _("Not known."))
    sent_at = mail.email.handed_over_at
    if not evidence.is_mail_stopped:
        if evidence.is_still_tried:
            title, words = _clause(mail.email.reason), _("A PIN works without email.")
            fix = steps.GENERATE_PIN
            return Finding(StepState.WAITING, title, words, sent_at, Cause.MAIL_DELAYED, fix)
        is_waited_for = evidence.facts.reports_arrive and not evidence.has_signed_in
        if is_waited_for and clock.is_within(sent_at, REPORT_PATIENCE, at=evidence.at):
            title = _("On its way to the recipient’s mail server")
            words = _("This usually takes less than a minute. Check again then.")
            return Finding(StepState.WAITING, title, words, sent_at, Cause.MAIL_ON_ITS_WAY)
    return Finding(StepState.UNKNOWN, _("Handed to the mail server"), _("We can’t tell if it arrived."), at=sent_at)


def not_bounced(evidence: Evidence) -> Finding:
    mail, kind = evidence.mail, evidence.facts.stop_kind
    state = mail.email.state if mail is not None else ""
    if kind == StopKind.COMPLAINED or (state == EmailState.COMPLAINED and evidence.is_mail_stopped):
        words = _("Ask %(name)s by phone before you email this address again.") % {"name": evidence.access.called}
        fix, at = _fix(evidence, EmailState.COMPLAINED, FailureCause.COMPLAINED), evidence.access.mail_stopped_at
        return Finding(StepState.BROKEN, _("Marked as spam"), words, at, Cause.MARKED_AS_SPAM, fix)
    is_rejected = evidence.is_rejected and not evidence.is_mail_proven
    if mail is not None and is_rejected and state in REJECTED_STATES and not evidence.is_mail_stopped:
        is_complaint = state == EmailState.COMPLAINED
        title = _("The last email was marked as spam") if is_complaint else _("The last email was rejected")
        words, fix = _("Email to this address is allowed again. Send a new one."), _fix_of_mail(evidence)
        return Finding(StepState.BROKEN, title, words, mail.email.failed_at, Cause.MAIL_NOT_SENT, fix)
    if mail is not None and is_rejected and not kind and mail.email.failure_cause not in _OF_MAILBOX:
        title, fix, at = _clause(mail.email.reason), _fix_of_mail(evidence), mail.email.failed_at
        words = _("The address may be right. A PIN works without email.")
        if mail.email.failure_cause == FailureCause.DISTRUST:
            words = _("A PIN works without email. An owner can open the sender check under Settings, Emails.")
        return Finding(StepState.BROKEN, title, words, at, Cause.MAIL_REJECTED, fix)
    if evidence.is_mail_stopped or (state == EmailState.BOUNCED and not evidence.is_mail_proven):
        return _bounced(evidence)
    is_accepted = accepted(evidence).state is StepState.OK
    title = _("Not bounced") if is_accepted else _("No bounce so far")
    return Finding(StepState.OK if is_accepted else StepState.UNKNOWN, title)


def _bounced(evidence: Evidence) -> Finding:
    access, step = evidence.access, eligibility_steps.MAIL_NOT_STOPPED
    email = evidence.mail.email if evidence.mail is not None else None
    title = _clause(access.mail_stopped_reason or (email.reason if email is not None else ""))
    at = access.mail_stopped_at or (email.settled_at if email is not None else None)
    words = _("Ask %(name)s to spell the address. After you correct it, send a new invitation.")
    if email is not None and email.failure_cause == FailureCause.PROVIDER_LIST:
        is_liftable = bool(evidence.facts.stop_kind)
        words = _("The stop below can be lifted then.") if is_liftable else _("Send a new invitation then.")
    title = title or step.explain(evidence.client, access)
    return Finding(
        StepState.BROKEN,
        title,
        words % {"name": evidence.access.called},
        at,
        Cause.MAIL_BOUNCED,
        _fix_of_mail(evidence),
    )


def _fix_of_mail(evidence: Evidence) -> Fix:
    email = evidence.mail.email if evidence.mail is not None else None
    return _fix(evidence, email.state, email.failure_cause) if email is not None else _fix(evidence, "", "")


def _fix(evidence: Evidence, state: str, cause: str) -> Fix:
    return failure_fixes.fix_of(state, cause, evidence.access, has_stop=bool(evidence.facts.stop_kind))


def _clause(sentences: str) -> str:
    """Returns the sentences without the last full stop, as titles are written."""
    return sentences.removesuffix(".")


def link_opened(evidence: Evidence) -> Finding:
    mail = evidence.mail
    fetched_at = mail.link.fetched_at if mail is not None else None
    if evidence.is_mail_proven and fetched_at is None:
        return Finding(StepState.OK, _("Link opened or code entered"))
    if fetched_at is not None:
        words = "" if evidence.is_mail_proven else _("A scanner can’t use it up: only its button signs in.")
        return Finding(StepState.OK, _("Link opened (maybe by a mail scanner)"), words, at=fetched_at)
    if evidence.has_signed_in and mail is not None and evidence.last_failure is not None:
        return Finding(StepState.UNKNOWN, _("The newest link has not been opened"))
    if evidence.has_signed_in:
        return Finding(
            StepState.UNKNOWN, str(TITLES[StepName.LINK_OPENED]), _("The newest link was not needed so far.")
        )
    if mail is None or mail.is_dead(evidence.access, evidence.at):
        title = _("The link was not opened, and no longer works")
        return _link_expired(evidence, title)
    words = _("Ask %(name)s to look for an email from %(sender)s, also in the spam or junk folder.")
    values = {"name": evidence.access.called, "sender": settings.EMAIL_FROM}
    title, fix = _("The link has not been opened yet"), _invite_again(evidence)
    return Finding(StepState.WAITING, title, words % values, _sent_at(evidence), Cause.LINK_NOT_OPENED, fix)


def pressed(evidence: Evidence) -> Finding:
    mail = evidence.mail
    if mail is not None and mail.link.used_at is not None:
        return Finding(StepState.OK, str(TITLES[StepName.PRESSED]), at=mail.link.used_at)
    if evidence.is_mail_proven:
        return Finding(StepState.OK, str(TITLES[StepName.PRESSED]), at=evidence.access.last_signed_in_at)
    if evidence.has_signed_in:
        return Finding(StepState.UNKNOWN, str(TITLES[StepName.PRESSED]))
    called = {"name": evidence.access.called}
    if mail is None or mail.is_dead(evidence.access, evidence.at):
        return _link_expired(evidence, _("The link was opened but not used, and no longer works"))
    title = _("%(name)s hasn’t selected Sign In or entered the code") % called
    words = _("Ask %(name)s to open the email and select its button. Then a page opens with one more button.") % called
    fix = _invite_again(evidence)
    return Finding(StepState.WAITING, title, words, _sent_at(evidence), Cause.LINK_NOT_USED, fix)


def _link_expired(evidence: Evidence, title: str) -> Finding:
    words = _("Send a new one. %(name)s can also request one on the portal’s sign-in page.")
    words, fix = words % {"name": evidence.access.called}, _invite_again(evidence)
    return Finding(StepState.WAITING, title, words, _sent_at(evidence), Cause.LINK_EXPIRED, fix)


def signed_in(evidence: Evidence) -> Finding:
    if evidence.has_signed_in:
        words = {
            SignInMethod.LINK: _("With the link from the email"),
            SignInMethod.CODE: _("With the code from the email"),
            SignInMethod.PIN: _("With a PIN"),
            None: "",
        }[evidence.history.last_method]
        return Finding(StepState.OK, _("Signed in"), words, at=evidence.access.last_signed_in_at)
    called = {"name": evidence.access.called}
    title = _("The link was used, but not for %(name)s") % called
    words = _("Access for %(name)s was off or had changed at that moment. Send a new invitation.") % called
    return Finding(StepState.WAITING, title, words, cause=Cause.NOT_INCLUDED, fix=_invite_again(evidence))


def session_kept(evidence: Evidence) -> Finding:
    failure = evidence.last_failure
    if failure is not None and not evidence.sessions:
        has_link = evidence.history.working_link(evidence.access, evidence.at) is not None
        cause = Cause.LAST_ATTEMPT_FAILED if has_link else Cause.NEW_LINK_NEEDED
        return last_attempt_failed(failure.at, cause, _invite_again(evidence))
    return signed_in_now_or_again(evidence)


def last_attempt_failed(at: datetime, cause: Cause, fix: Fix) -> Finding:
    title, words = _("The last sign-in attempt failed"), _("Recent attempts say why, and what to do.")
    return Finding(StepState.WAITING, title, words, at, cause, fix)


def signed_in_now_or_again(evidence: Evidence) -> Finding:
    """Returns the finding for a client who has sessions, or can start one."""
    if evidence.sessions:
        count = len(evidence.sessions)
        words = ngettext("Signed in now on %(count)s device.", "Signed in now on %(count)s devices.", count)
        return Finding(StepState.OK, _("Stays signed in"), words % {"count": count}, at=evidence.sessions[0].seen_at)
    words = _("%(name)s can sign in again at any time.") % {"name": evidence.access.called}
    return Finding(StepState.OK, _("Not signed in at the moment"), words)


def _invite_again(evidence: Evidence) -> Fix:
    return failure_fixes.invite_again(evidence.access)


def _sent_at(evidence: Evidence) -> datetime | None:
    if evidence.mail is None:
        return evidence.access.invited_at
    return evidence.mail.email.handed_over_at or evidence.mail.email.written_at


# In the order of the steps.
CHECKS: dict[StepName, Check] = {
    StepName.ACCESS_ON: requirement_checks.access_on,
    StepName.ADDRESS_CHOSEN: requirement_checks.address_chosen,
    StepName.EMAIL_OK: requirement_checks.email_ok,
    StepName.INVITATION_SENT: invitation_sent,
    StepName.ACCEPTED: accepted,
    StepName.NOT_BOUNCED: not_bounced,
    StepName.LINK_OPENED: link_opened,
    StepName.PRESSED: pressed,
    StepName.SIGNED_IN: signed_in,
    StepName.SESSION_KEPT: session_kept,
}
