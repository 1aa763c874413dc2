"""The chain of a client: one marked step, the steps before it known or unknown, those after it ahead."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.db.models import QuerySet
from hypothesis import given, settings
from hypothesis import strategies as some
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import access_grants, access_lookups, client_changes, eligibility, portal_states, revocation
from portico.domain.access.diagnosis import diagnosis, evidence, portal_history
from portico.domain.access.diagnosis.evidence import MailFacts
from portico.domain.access.diagnosis.portal_history import PortalHistory, SentLink
from portico.domain.access.diagnosis.steps import REQUIREMENTS, STOPS, Cause, Diagnosis, StepName, StepState
from portico.domain.access.eligibility import STEPS, Purpose
from portico.domain.access.eligibility_steps import CheckedFact
from portico.domain.access.models import Invitation, PortalAccess, PortalAccount, PortalSession, SignInLink
from portico.domain.access.sign_in import failure_audit_entries, link_redemption, sign_in_codes, sign_in_pins
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client, EmailAddress, Status
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.mail import mail_stops
from portico.plumbing.mail.reports import delivery_reports
from portico.plumbing.mail.reports.delivery_reports import NewReport
from portico.plumbing.models import AuditEntry, OutgoingEmail, ReportKind, StopKind
from portico.plumbing.models.outgoing_emails import EmailState, FailureCause
from portico.plumbing.security.rate_limits import RateLimitExceeded
from tests import cast

AT = datetime(2026, 11, 20, 19, 14, tzinfo=UTC)
TIMES = some.sampled_from((None, AT - timedelta(days=3), AT - timedelta(minutes=9), AT - timedelta(minutes=1)))
VISITOR = Browser("Firefox", "a browser")
ACTIONS = (
    AuditAction.CLIENT_SIGNED_IN,
    AuditAction.CLIENT_SIGNED_IN_BY_PIN,
    AuditAction.PIN_REFUSED,
    AuditAction.PIN_BEYOND_LIMIT,
    AuditAction.CODE_REFUSED,
)


@dataclass(frozen=True)
class Rows:
    """The loaded rows of a client in a state that may be unreachable."""

    client: Client
    access: PortalAccess
    history: PortalHistory
    facts: MailFacts


@some.composite
def rows(draw: some.DrawFn) -> Rows:
    practice = Practice(suspended_at=draw(some.sampled_from((None, None, None, AT))))
    client = Client(first_name="Ana", status=draw(some.sampled_from(Status)), practice=practice)
    address = EmailAddress(
        pk=1, client=client, address="ana@mail.example", closed_at=draw(TIMES), email_ok_at=draw(TIMES)
    )
    access = PortalAccess(
        client=client,
        address=address if draw(some.booleans()) else None,
        enabled_at=draw(TIMES),
        invited_at=draw(TIMES),
        pin_given_at=draw(TIMES),
        first_signed_in_at=draw(TIMES),
        mail_stopped_at=draw(TIMES),
    )
    access.last_signed_in_at = access.first_signed_in_at
    mails = [_mail(draw, number, client, address) for number in range(draw(some.integers(0, 2)))]
    action = some.builds(AuditEntry, action=some.sampled_from(ACTIONS), at=some.just(AT))
    history = PortalHistory(
        invitations=[mail.invitation for mail in mails if mail.invitation is not None],
        requested=[mail for mail in mails if mail.invitation is None],
        entries=draw(some.lists(action, max_size=2)),
    )
    facts = MailFacts(draw(some.sampled_from(("", *StopKind.values))), draw(some.booleans()))
    return Rows(client, access, history, facts)


def _mail(draw: some.DrawFn, number: int, client: Client, address: EmailAddress) -> SentLink:
    email = OutgoingEmail(
        pk=number,
        state=draw(some.sampled_from(EmailState)),
        written_at=AT - timedelta(minutes=10),
        handing_over_at=draw(TIMES),
        handed_over_at=draw(TIMES),
        accepted_at=draw(TIMES),
        failure_cause=draw(some.sampled_from(("", *FailureCause.values))),
        reason=draw(some.sampled_from(("", "Their mailbox is full."))),
    )
    link = SignInLink(
        pk=number,
        email=email,
        epoch=0,
        fetched_at=draw(TIMES),
        used_at=draw(TIMES),
        voided_at=draw(TIMES),
    )
    email.sign_in_link = link
    is_invitation = draw(some.booleans())
    invitation = Invitation(pk=number, email=email, client=client, address=address) if is_invitation else None
    return SentLink(email, link, invitation)


def diagnosed(each: Rows) -> Diagnosis:
    return diagnosis.diagnose(
        each.client, each.access, each.history, facts=each.facts, sessions=[], has_addresses=True, at=AT
    )


@settings(max_examples=200)
@given(rows())
def test_one_step_is_marked_and_the_others_stand_around_it(each: Rows) -> None:
    states = [step.state for step in diagnosed(each).steps]
    marked = [position for position, state in enumerate(states) if state in STOPS]
    assert len(marked) <= 1
    before = states[: marked[0]] if marked else states
    assert set(before) <= {StepState.OK, StepState.UNKNOWN}
    assert set(states[len(before) + 1 :]) <= {StepState.AHEAD}


@settings(max_examples=200)
@given(rows())
def test_the_marked_step_is_the_first_that_eligibility_misses(each: Rows) -> None:
    found = diagnosed(each)
    missing = eligibility.first_broken(each.access, Purpose.PORTAL_STATE)
    if each.client.practice.is_suspended or missing is None or portal_states.is_replaced_by_pin(each.access, missing):
        return
    if found.is_by_pin:
        # A PIN that was generated since works although the mailbox is stopped.
        assert missing.fact is CheckedFact.MAIL_NOT_STOPPED
        return
    assert found.first_broken is not None
    (name,) = (name for name, steps in REQUIREMENTS.items() if missing in steps)
    expected = {name}
    if name is StepName.NOT_BOUNCED:  # The mail that it says this of may not have left.
        expected |= {StepName.INVITATION_SENT}
    assert found.first_broken.name in expected


@settings(max_examples=200)
@given(rows())
def test_a_marked_step_has_a_cause_and_words(each: Rows) -> None:
    for step in diagnosed(each).steps:
        finding = step.finding
        assert finding.title
        assert "%(" not in f"{finding.title} {finding.words}"
        assert (finding.cause is not None) is step.is_marked
        assert finding.fix is None or step.is_marked


def test_the_chain_spells_no_requirement_of_its_own() -> None:
    assert tuple(step for steps in REQUIREMENTS.values() for step in steps) == STEPS[Purpose.PORTAL_STATE]


# Of rows that operations made.


def chain_of(person: Client, *, facts: MailFacts | None = None) -> Diagnosis:
    person.refresh_from_db()
    access = access_lookups.access_of(person)
    return diagnosis.diagnose(
        person,
        access,
        portal_history.load(person, access),
        facts=facts or MailFacts(),
        sessions=revocation.sessions_of(access),
        has_addresses=person.email_addresses.open().exists(),
        at=clock.now(),
    )


def facts_of(person: Client) -> MailFacts:
    return evidence.mail_facts_of(with_mail_facts().get(pk=person.pk))


def with_mail_facts() -> QuerySet[Client]:
    since = evidence.reported_since()
    return evidence.with_mail_facts(Client.objects.all(), reported_since=since)


def stop_of(person: Client, *, facts: MailFacts | None = None) -> tuple[StepName, StepState, Cause | None]:
    step = chain_of(person, facts=facts).first_broken
    assert step is not None
    return step.name, step.state, step.finding.cause


def states_of(person: Client, *, facts: MailFacts | None = None) -> dict[StepName, StepState]:
    return {step.name: step.state for step in chain_of(person, facts=facts).steps}


def fix_of(person: Client, *, facts: MailFacts | None = None) -> str:
    step = chain_of(person, facts=facts).first_broken
    return step.finding.fix.name if step is not None and step.finding.fix is not None else ""


def enter_pin(person: Client, identifier: str) -> None:
    """Generates a PIN and signs in with it."""
    sign_in_pins.generate(person, form_key="e" * 43, by=cast.DESK)
    shown = sign_in_pins.digits(person, "e" * 43, to=cast.DESK)
    assert shown is not None
    assert sign_in_pins.enter(person.practice, identifier, shown[1], visitor=VISITOR, ip="192.0.2.9") is not None


def end_sessions(person: Client) -> None:
    """Ends the client's sessions, as signing out does."""
    PortalSession.objects.filter(account__accesses__client=person).update(ended_at=clock.now())


def handed_over(person: Client, **columns: object) -> None:
    """Marks the client's mails as handed over just now."""
    now = clock.now()
    values = {"state": EmailState.HANDED_OVER, "handing_over_at": now, "handed_over_at": now, "settled_at": now}
    OutgoingEmail.objects.filter(client=person).update(**{**values, **columns})


def test_the_chain_of_a_new_client_follows_the_work(practice: Practice) -> None:
    ana = cast.ana(practice)
    assert stop_of(ana) == (StepName.ACCESS_ON, StepState.BROKEN, Cause.ACCESS_OFF)
    cast.with_access(ana)
    assert stop_of(ana) == (StepName.INVITATION_SENT, StepState.WAITING, Cause.NOT_INVITED)
    invitation = cast.invited(ana)
    assert stop_of(ana) == (StepName.INVITATION_SENT, StepState.WAITING, Cause.MAIL_ON_ITS_WAY)
    token = cast.token_of(invitation)
    handed_over(ana)
    assert stop_of(ana) == (StepName.LINK_OPENED, StepState.WAITING, Cause.LINK_NOT_OPENED)
    link_redemption.record_fetch(SignInLink.objects.get())
    assert stop_of(ana) == (StepName.PRESSED, StepState.WAITING, Cause.LINK_NOT_USED)
    link_redemption.redeem(practice, token, visitor=VISITOR)
    found = chain_of(ana)
    assert found.can_sign_in
    assert {step.state for step in found.steps} == {StepState.OK}
    assert len(found.steps) == 10


def test_without_email_ok_nothing_else_is_reached(practice: Practice) -> None:
    ana = cast.client(practice, "Ana", address="ana@mail.example", email_ok=False)
    cast.with_access(ana)
    assert stop_of(ana) == (StepName.EMAIL_OK, StepState.BROKEN, Cause.NO_EMAIL_OK)
    assert [step.state for step in chain_of(ana).steps][3:] == [StepState.AHEAD] * 7


def test_an_archived_client_is_restored_first(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    client_changes.archive(ana, by=cast.DESK)
    assert stop_of(ana) == (StepName.ACCESS_ON, StepState.BROKEN, Cause.ARCHIVED)


def test_a_suspended_practice_stops_everyone(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    practice.suspended_at = clock.now()
    practice.save()
    ana = Client.objects.select_related("practice").get(pk=ana.pk)
    step = chain_of(ana).first_broken
    assert step is not None
    assert (step.finding.cause, step.finding.fix) == (Cause.SUSPENDED, None)


def test_acceptance_is_waited_for_only_where_reports_arrive(
    practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    handed_over(ana)
    state_of = {step.name: step.state for step in chain_of(ana).steps}
    assert state_of[StepName.ACCEPTED] == state_of[StepName.NOT_BOUNCED] == StepState.UNKNOWN
    reporting = MailFacts(reports_arrive=True)
    assert stop_of(ana, facts=reporting) == (StepName.ACCEPTED, StepState.WAITING, Cause.MAIL_ON_ITS_WAY)
    stopped_clock.shift(timedelta(minutes=6))
    assert stop_of(ana, facts=reporting)[0] is StepName.LINK_OPENED
    handed_over(ana, state=EmailState.DELIVERED, accepted_at=clock.now(), accepted_by="mail.example")
    accepted = chain_of(ana, facts=reporting).steps[4]
    assert (accepted.state, accepted.finding.title) == (StepState.OK, "Accepted by mail.example")


@pytest.mark.parametrize(("kind", "expected"), [(ReportKind.RELAYED, True), (ReportKind.FAILED, False)])
def test_reports_are_expected_after_a_recent_acceptance(
    practice: Practice, stopped_clock: time_machine.Traveller, kind: ReportKind, *, expected: bool
) -> None:
    ana = cast.ana(practice)
    email = cast.invited(ana).email
    delivery_reports.store([NewReport(email.ref, "dsn", "a key", kind, clock.now())])
    assert facts_of(ana).reports_arrive is expected
    stopped_clock.shift(timedelta(days=31))
    assert facts_of(ana).reports_arrive is False


def test_an_index_tells_whether_acceptances_are_reported(practice: Practice) -> None:
    if connection.vendor == "sqlite":
        assert "INDEX report_by_kind (practice_id=? AND kind=? AND written_at>?)" in with_mail_facts().explain()


def test_a_stop_is_marked_whatever_the_last_mail_became(practice: Practice) -> None:
    ana = cast.ana(practice)
    link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=VISITOR)
    assert chain_of(ana).can_sign_in
    refused = MailFacts(stop_kind=StopKind.REFUSED)
    assert stop_of(ana, facts=refused) == (StepName.NOT_BOUNCED, StepState.BROKEN, Cause.MAIL_BOUNCED)
    complained = replace(refused, stop_kind=StopKind.COMPLAINED)
    assert stop_of(ana, facts=complained) == (StepName.NOT_BOUNCED, StepState.BROKEN, Cause.MARKED_AS_SPAM)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (EmailState.DELAYED, (StepName.INVITATION_SENT, StepState.WAITING, Cause.MAIL_DELAYED)),
        (EmailState.FAILED, (StepName.INVITATION_SENT, StepState.BROKEN, Cause.MAIL_NOT_SENT)),
        (EmailState.DROPPED, (StepName.INVITATION_SENT, StepState.BROKEN, Cause.MAIL_NOT_SENT)),
        (EmailState.BOUNCED, (StepName.NOT_BOUNCED, StepState.BROKEN, Cause.MAIL_BOUNCED)),
    ],
)
def test_a_mail_that_did_not_leave_is_named(
    practice: Practice, state: EmailState, expected: tuple[StepName, StepState, Cause]
) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    is_waiting = state == EmailState.DELAYED
    OutgoingEmail.objects.update(
        state=state,
        delayed_at=clock.now() if is_waiting else None,
        settled_at=None if is_waiting else clock.now(),
        reason="The server said no.",
    )
    assert stop_of(ana) == expected


@pytest.mark.parametrize(
    ("cause", "fix"),
    [
        (FailureCause.FULL, "pin"),
        (FailureCause.DISTRUST, "pin"),
        (FailureCause.NO_MAILBOX, "mail_stopped"),
    ],
)
def test_a_rejected_mail_is_fixed_by_its_cause(practice: Practice, cause: FailureCause, fix: str) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    state = EmailState.BOUNCED if cause is FailureCause.NO_MAILBOX else EmailState.FAILED
    handed_over(ana, state=state, failure_cause=cause, reason="Their server said no.", failed_at=clock.now())
    stopped = MailFacts(stop_kind=StopKind.REFUSED if state == EmailState.BOUNCED else "")
    step = chain_of(ana, facts=stopped).first_broken
    assert step is not None
    assert (step.name, step.finding.title) == (StepName.NOT_BOUNCED, "Their server said no")
    assert step.finding.fix is not None
    assert step.finding.fix.name == fix


@pytest.mark.parametrize("state", [EmailState.BOUNCED, EmailState.COMPLAINED])
def test_once_its_stop_is_lifted_a_mail_is_sent_again(practice: Practice, state: EmailState) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    handed_over(ana, state=state, failure_cause=FailureCause.NO_MAILBOX, failed_at=clock.now())
    step = chain_of(ana).first_broken
    assert step is not None
    assert (step.name, step.finding.fix and step.finding.fix.name) == (StepName.NOT_BOUNCED, "resend")


@pytest.mark.parametrize("kind", [ReportKind.REJECTED, ReportKind.COMPLAINED])
def test_a_lifted_stop_is_not_lifted_again(practice: Practice, kind: ReportKind) -> None:
    ana = cast.ana(practice)
    email = cast.stopped(ana, kind)
    assert fix_of(ana, facts=facts_of(ana)) == "lift_stop"
    mail_stops.lift(practice.pk, "ana@mail.example", by=cast.DESK, is_complaint_settled=True)
    assert fix_of(ana, facts=facts_of(ana)) != "lift_stop"
    # A report that came after the lift marks the client, and stops nothing.
    PortalAccess.objects.filter(client=ana).update(mail_stopped_at=clock.now(), mail_stopped_reason=email.reason)
    assert fix_of(ana, facts=facts_of(ana)) == "resend"


def test_a_server_that_still_tries_is_waited_for(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    handed_over(ana, reason="mail.example hasn’t accepted it yet.")
    assert stop_of(ana) == (StepName.ACCEPTED, StepState.WAITING, Cause.MAIL_DELAYED)


def test_an_opened_link_proves_that_its_mail_arrived(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    handed_over(ana, reason="mail.example hasn’t accepted it yet.")
    link_redemption.record_fetch(SignInLink.objects.get())
    assert stop_of(ana, facts=MailFacts(reports_arrive=True)) == (
        StepName.PRESSED,
        StepState.WAITING,
        Cause.LINK_NOT_USED,
    )
    assert states_of(ana)[StepName.ACCEPTED] == StepState.OK


def test_a_sign_in_proves_no_mail_that_was_sent_after_it(
    practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana = cast.ana(practice)
    link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=VISITOR)
    stopped_clock.shift(timedelta(minutes=5))
    cast.asked(practice, "ana@mail.example")
    request_worker.process_next()
    queued = chain_of(ana).first_broken
    assert queued is not None
    assert (queued.name, queued.finding.title) == (StepName.INVITATION_SENT, "The email is being sent")
    stopped_clock.shift(timedelta(minutes=6))
    late = chain_of(ana).first_broken
    assert late is not None
    # Neither is one that a worker took and never returned.
    OutgoingEmail.objects.filter(state=EmailState.QUEUED).update(handing_over_at=clock.now() - timedelta(minutes=6))
    late = chain_of(ana).first_broken
    assert late is not None
    assert (late.finding.cause, late.finding.fix and late.finding.fix.name) == (Cause.MAIL_DELAYED, "pin")
    handed_over(ana)
    found = chain_of(ana, facts=MailFacts(reports_arrive=True))
    assert found.can_sign_in
    unknown = {step.name for step in found.steps if step.state is StepState.UNKNOWN}
    assert unknown == {StepName.ACCEPTED, StepName.NOT_BOUNCED, StepName.LINK_OPENED, StepName.PRESSED}
    handed_over(ana, state=EmailState.BOUNCED, failure_cause=FailureCause.NO_MAILBOX, failed_at=clock.now())
    refused = MailFacts(stop_kind=StopKind.REFUSED)
    assert stop_of(ana, facts=refused) == (StepName.NOT_BOUNCED, StepState.BROKEN, Cause.MAIL_BOUNCED)


def test_a_sign_in_proves_the_mails_sent_before_it(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    ana, carol = cast.ana(practice), cast.client(practice, "Carol", address="ana@mail.example")
    cast.invited(carol)
    handed_over(carol)
    stopped_clock.shift(timedelta(minutes=5))
    cast.with_access(ana)
    link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=VISITOR)
    assert set(states_of(carol).values()) == {StepState.OK}
    # A later rejection is newer than this proof.
    stopped_clock.shift(timedelta(minutes=5))
    OutgoingEmail.objects.filter(client=carol).update(
        state=EmailState.FAILED, failure_cause=FailureCause.FULL, failed_at=clock.now(), reason="It is full."
    )
    assert stop_of(carol) == (StepName.NOT_BOUNCED, StepState.BROKEN, Cause.MAIL_REJECTED)


def test_a_mail_that_was_accepted_and_then_failed_was_sent(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    full = {"state": EmailState.FAILED, "failure_cause": FailureCause.FULL, "reason": "It is full."}
    handed_over(ana, failed_at=clock.now(), **full)
    assert states_of(ana, facts=MailFacts(reports_arrive=True))[StepName.ACCEPTED] == StepState.UNKNOWN
    handed_over(ana, failed_at=clock.now(), accepted_at=clock.now(), **full)
    states = states_of(ana)
    assert (states[StepName.INVITATION_SENT], states[StepName.ACCEPTED]) == (StepState.OK, StepState.OK)
    assert stop_of(ana) == (StepName.NOT_BOUNCED, StepState.BROKEN, Cause.MAIL_REJECTED)
    handed_over(ana, failed_at=clock.now(), **(full | {"failure_cause": FailureCause.DISTRUST}))
    step = chain_of(ana).first_broken
    assert step is not None
    assert "sender check" in step.finding.words
    # At once.
    handed_over(ana, failed_at=clock.now(), handed_over_at=None, **full)
    assert stop_of(ana) == (StepName.NOT_BOUNCED, StepState.BROKEN, Cause.MAIL_REJECTED)
    # Rejected by our own mail server, for any recipient.
    message = full | {"failure_cause": FailureCause.MESSAGE}
    handed_over(ana, failed_at=clock.now(), handed_over_at=None, **message)
    assert stop_of(ana) == (StepName.INVITATION_SENT, StepState.BROKEN, Cause.MAIL_NOT_SENT)


def test_an_expired_link_is_sent_again(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    handed_over(ana)
    stopped_clock.shift(timedelta(days=3))
    step = chain_of(ana).first_broken
    assert step is not None
    assert (step.finding.cause, step.finding.fix and step.finding.fix.name) == (Cause.LINK_EXPIRED, "resend")


def test_the_newest_mail_is_followed(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    handed_over(ana)
    stopped_clock.shift(timedelta(days=3))
    link = cast.mailed(practice, "ana@mail.example")
    OutgoingEmail.objects.filter(pk=link.email_id).update(
        state=EmailState.HANDED_OVER, handed_over_at=clock.now(), settled_at=clock.now()
    )
    assert stop_of(ana) == (StepName.LINK_OPENED, StepState.WAITING, Cause.LINK_NOT_OPENED)
    # For each client of the mailbox.
    carol = cast.client(practice, "Carol", address="ana@mail.example")
    cast.with_access(carol)
    cast.mailed(practice, "ana@mail.example")
    assert stop_of(carol)[2] is not Cause.NOT_INVITED


def test_a_client_with_a_pin_has_a_shorter_chain(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    ana = cast.client(practice, "Ana", phone="+12125550134")
    access_grants.save_access(ana, cast.entry_for(ana), version=None, by=cast.DESK)
    assert stop_of(ana) == (StepName.ADDRESS_CHOSEN, StepState.BROKEN, Cause.NO_ADDRESS)
    sign_in_pins.generate(ana, form_key="k" * 43, by=cast.DESK)
    assert stop_of(ana) == (StepName.PRESSED, StepState.WAITING, Cause.PIN_NOT_ENTERED)
    shown = sign_in_pins.digits(ana, "k" * 43, to=cast.DESK)
    assert shown is not None
    sign_in_pins.enter(practice, "+12125550134", "00000000", visitor=VISITOR, ip="192.0.2.1")
    wrong = chain_of(ana).first_broken
    assert wrong is not None
    assert "An incorrect PIN was entered" in wrong.finding.words
    sign_in_pins.enter(practice, "+12125550134", shown[1], visitor=VISITOR, ip="192.0.2.1")
    found = chain_of(ana)
    assert found.can_sign_in
    assert [step.name for step in found.steps] == [
        StepName.ACCESS_ON,
        StepName.INVITATION_SENT,
        StepName.PRESSED,
        StepName.SIGNED_IN,
        StepName.SESSION_KEPT,
    ]


def test_an_expired_pin_is_generated_again(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    sign_in_pins.generate(ana, form_key="k" * 43, by=cast.DESK)
    stopped_clock.shift(timedelta(hours=2))
    assert stop_of(ana) == (StepName.PRESSED, StepState.WAITING, Cause.PIN_EXPIRED)
    # An invitation that can still be sent again is the shorter way.
    cast.invited(ana)
    assert stop_of(ana)[0] is StepName.INVITATION_SENT


def test_too_many_wrong_pins_stop_the_chain(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    sign_in_pins.generate(ana, form_key="k" * 43, by=cast.DESK)
    for _attempt in range(11):
        sign_in_pins.enter(practice, "ana@mail.example", "00000000", visitor=VISITOR, ip="192.0.2.1")
    step = chain_of(ana).first_broken
    assert step is not None
    # Five of them used up the PIN, and the others the day's tries.
    assert (step.finding.cause, step.finding.fix and step.finding.fix.name) == (Cause.TOO_MANY_PINS, "tries")
    sign_in_pins.allow_more_attempts(ana, by=cast.DESK)
    assert stop_of(ana) == (StepName.PRESSED, StepState.WAITING, Cause.PIN_EXPIRED)
    sign_in_pins.generate(ana, form_key="n" * 43, by=cast.DESK)
    assert stop_of(ana) == (StepName.PRESSED, StepState.WAITING, Cause.PIN_NOT_ENTERED)


def test_a_pin_without_tries_left_is_generated_again(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    sign_in_pins.generate(ana, form_key="k" * 43, by=cast.DESK)
    for _attempt in range(6):
        sign_in_pins.enter(practice, "ana@mail.example", "00000000", visitor=VISITOR, ip="192.0.2.1")
    step = chain_of(ana).first_broken
    assert step is not None
    assert (step.finding.title, step.finding.fix and step.finding.fix.name) == ("The PIN has no tries left", "pin")


def test_the_limit_of_a_network_is_not_blamed_on_the_pin(
    practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    for number in range(20):
        sign_in_pins.enter(practice, f"a{number}@mail.example", "00000000", visitor=VISITOR, ip="192.0.2.1")
    sign_in_pins.generate(ana, form_key="k" * 43, by=cast.DESK)
    with pytest.raises(RateLimitExceeded):
        sign_in_pins.enter(practice, "ana@mail.example", "00000000", visitor=VISITOR, ip="192.0.2.1")
    step = chain_of(ana).first_broken
    assert step is not None
    assert (step.finding.cause, step.finding.fix) == (Cause.TOO_MANY_PINS_NEARBY, None)
    stopped_clock.shift(timedelta(hours=1))
    sign_in_pins.generate(ana, form_key="n" * 43, by=cast.DESK)
    assert stop_of(ana) == (StepName.PRESSED, StepState.WAITING, Cause.PIN_NOT_ENTERED)


def test_without_mail_the_next_sign_in_needs_a_new_pin(
    practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana = cast.client(practice, "Ana", phone="+12125550134")
    access_grants.save_access(ana, cast.entry_for(ana), version=None, by=cast.DESK)
    enter_pin(ana, "+12125550134")
    assert chain_of(ana).can_sign_in
    end_sessions(ana)
    assert stop_of(ana) == (StepName.SESSION_KEPT, StepState.WAITING, Cause.PIN_NEEDED)
    stopped_clock.shift(timedelta(minutes=1))
    sign_in_pins.enter(practice, "+12125550134", "00000000", visitor=VISITOR, ip="192.0.2.1")
    assert stop_of(ana) == (StepName.SESSION_KEPT, StepState.WAITING, Cause.LAST_PIN_FAILED)
    stopped_clock.shift(timedelta(minutes=1))
    sign_in_pins.generate(ana, form_key="n" * 43, by=cast.DESK)
    assert stop_of(ana) == (StepName.PRESSED, StepState.WAITING, Cause.PIN_NOT_ENTERED)


def test_with_mail_a_used_pin_is_no_hindrance(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    enter_pin(ana, "ana@mail.example")
    end_sessions(ana)
    assert chain_of(ana).can_sign_in


def test_a_pin_gets_past_a_bounced_mail(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    handed_over(ana, state=EmailState.BOUNCED, failure_cause=FailureCause.NO_MAILBOX, failed_at=clock.now())
    PortalAccess.objects.update(mail_stopped_at=clock.now(), mail_stopped_reason="There is no such mailbox.")
    assert stop_of(ana) == (StepName.NOT_BOUNCED, StepState.BROKEN, Cause.MAIL_BOUNCED)
    stopped_clock.shift(timedelta(minutes=1))
    sign_in_pins.generate(ana, form_key="k" * 43, by=cast.DESK)
    assert stop_of(ana) == (StepName.PRESSED, StepState.WAITING, Cause.PIN_NOT_ENTERED)
    enter_pin(ana, "ana@mail.example")
    stopped_clock.shift(timedelta(minutes=5))
    assert chain_of(ana).can_sign_in
    # Without the session, mail is the only way again.
    end_sessions(ana)
    assert stop_of(ana) == (StepName.NOT_BOUNCED, StepState.BROKEN, Cause.MAIL_BOUNCED)


def test_a_mail_sent_after_a_sign_in_by_pin_is_followed(
    practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    enter_pin(ana, "ana@mail.example")
    end_sessions(ana)
    stopped_clock.shift(timedelta(minutes=1))
    cast.invited(ana)
    handed_over(ana, state=EmailState.FAILED, failure_cause=FailureCause.FULL, failed_at=clock.now(), reason="Full.")
    assert stop_of(ana) == (StepName.NOT_BOUNCED, StepState.BROKEN, Cause.MAIL_REJECTED)


def test_one_link_lets_all_clients_of_the_mailbox_in(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bea)
    token = cast.token_of(cast.invited(bruno))
    assert stop_of(bea) == (StepName.INVITATION_SENT, StepState.WAITING, Cause.NOT_INVITED)
    link_redemption.redeem(practice, token, visitor=VISITOR)
    assert chain_of(bruno).can_sign_in
    assert chain_of(bea).can_sign_in


def test_a_failed_attempt_after_the_last_success_is_marked(
    practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana = cast.ana(practice)
    link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=VISITOR)
    stopped_clock.shift(timedelta(minutes=5))
    cast.mailed(practice, "ana@mail.example")
    handed_over(ana)
    sign_in_codes.enter(practice, "222222", browser_key="a browser", mailbox_key="ana@mail.example", visitor=VISITOR)
    # On another device she is signed in.
    assert chain_of(ana).can_sign_in
    end_sessions(ana)
    assert stop_of(ana) == (StepName.SESSION_KEPT, StepState.WAITING, Cause.LAST_ATTEMPT_FAILED)
    stopped_clock.shift(timedelta(days=7, seconds=1))
    assert chain_of(ana).can_sign_in


def test_a_scanner_that_opens_a_used_link_fails_no_attempt(practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    link_redemption.redeem(practice, token, visitor=VISITOR)
    end_sessions(ana)
    found = link_redemption.find(practice, token).found
    assert found is not None
    failure_audit_entries.record_dead_link_opened(practice, found, state="used", is_first_fetch=False)
    assert AuditEntry.objects.filter(action=AuditAction.LINK_REFUSED).exists()
    assert chain_of(ana).can_sign_in


def test_a_diagnosis_runs_no_query(practice: Practice, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    access = access_lookups.access_of(ana)
    assert access is not None
    assert isinstance(access.account, PortalAccount)
    history = portal_history.load(ana, access)
    with django_assert_num_queries(0):
        diagnosis.diagnose(ana, access, history, facts=MailFacts(), sessions=[], has_addresses=True, at=clock.now())
