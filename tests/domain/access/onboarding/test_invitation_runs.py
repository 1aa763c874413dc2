"""Runs of invitations: each client is invited once, checked again at sending, and followed until the sign-in."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings
from time_machine import Traveller

from portico.domain.access import access_locks, client_changes, portal_states
from portico.domain.access.models import (
    Invitation,
    InvitationRun,
    InvitationRunItem,
    ItemState,
    LeftOutReason,
    PortalAccess,
    RunKind,
)
from portico.domain.access.onboarding import (
    bulk_selection,
    invitation_run_worker,
    invitation_runs,
    invitation_text,
    invitations,
)
from portico.domain.access.onboarding.bulk_selection import Selection
from portico.domain.access.onboarding.invitation_run_worker import RunsInTurn
from portico.domain.access.onboarding.invitation_runs import NoClientEligible, RunProgress, SelectionChanged
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client, EmailAddress
from portico.domain.practices import suspension
from portico.domain.practices.models import DefaultText, Practice, Role, StaffMember
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock, tokens
from portico.plumbing.form_keys import FormSentBefore
from portico.plumbing.mail import bulk_rate, delivery
from portico.plumbing.models import AuditEntry, MailStop, OutgoingEmail, StopKind
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast
from tests.support.processes.simulated_kills import killed_after
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
NAMES = ("Nia", "Olu", "Pia", "Quin", "Rae", "Sue")


def people_of(practice: Practice, number: int = 3) -> list[Client]:
    return [cast.client(practice, name, address=f"{name}@mail.example") for name in NAMES[:number]]


def started(
    people: list[Client], *, kind: RunKind = RunKind.INVITE, form_key: str = "", fay: StaffMember | None = None
) -> InvitationRun:
    practice = people[0].practice
    selection = Selection(kind, refs=tuple(person.ref for person in people))
    fay = fay or StaffMember.objects.filter(practice=practice).first() or cast.fay(practice)
    shown = bulk_selection.preview(practice, selection).digest
    return invitation_runs.start(
        practice, selection, shown=shown, form_key=form_key or tokens.new_token(), requested_by=fay
    )


def finish(run: InvitationRun) -> None:
    while invitation_run_worker.settle_next(run):
        pass
    run.refresh_from_db()


def progress(run: InvitationRun) -> RunProgress:
    return invitation_runs.progress_of([run])[run.pk]


def mails() -> list[str]:
    return list(OutgoingEmail.objects.order_by("id").values_list("to_address", flat=True))


def actions(action: AuditAction) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action).order_by("id"))


def test_each_client_gets_the_default_text_in_their_language(practice: Practice) -> None:
    DefaultText.objects.create(practice=practice, language="es", subject="Su portal", message="Hola [first name]")
    ana, lucia = cast.ana(practice), cast.client(practice, "Lucía", address="lucia@mail.example", language="es")
    Client.objects.filter(pk=ana.pk).update(date_of_birth=date(1990, 5, 1))
    run = started([ana, lucia])
    assert mails() == []
    finish(run)
    subjects = dict(OutgoingEmail.objects.values_list("to_address", "subject"))
    assert subjects == {
        "ana@mail.example": "Your client portal at Alder Street Therapy",
        "lucia@mail.example": "Su portal",
    }
    # Only a client known to be an adult is greeted by name, also in the practice's own text.
    greetings = [row[0] for row in OutgoingEmail.objects.order_by("id").values_list("content__blocks", flat=True)]
    assert greetings == ["Hello Ana,", "Hola"]
    assert run.is_over
    assert {entry.actor_name for entry in actions(AuditAction.INVITATION_QUEUED)} == {"Fay"}
    (entry,) = actions(AuditAction.INVITATION_RUN_STARTED)
    assert (entry.about, entry.details) == (run.ref, {"kind": "invite", "number": 2})


def test_access_is_turned_on_and_the_state_is_stored(practice: Practice) -> None:
    ana = cast.ana(practice)
    finish(started([ana]))
    access = PortalAccess.objects.get(client=ana)
    assert (access.is_on, access.access_billing_documents, access.pay_by_card) == (True, True, False)
    ana.refresh_from_db()
    assert ana.portal_state == "invited"
    assert list(portal_states.mismatches()) == []
    assert len(actions(AuditAction.ACCESS_TURNED_ON)) == 1


def test_a_draft_of_the_client_is_kept(practice: Practice) -> None:
    ana = cast.ana(practice)
    invitations.save_draft(ana, invitation_text.InvitationText("Hello", "For Ana alone"))
    finish(started([ana]))
    assert PortalAccess.objects.get(client=ana).draft_message == "For Ana alone"
    assert OutgoingEmail.objects.get().subject != "Hello"


def test_a_form_submitted_twice_starts_one_run(practice: Practice) -> None:
    people = people_of(practice)
    run = started(people, form_key="k" * 43)
    finish(run)
    selection = Selection(RunKind.INVITE, refs=tuple(person.ref for person in people))
    again = invitation_runs.start(
        practice, selection, shown="out of date", form_key="k" * 43, requested_by=run.requested_by
    )
    assert again == run
    with pytest.raises(FormSentBefore):
        started([cast.ana(practice)], form_key="k" * 43)
    assert len(mails()) == len(people)


def test_a_list_that_changed_since_the_preview_is_refused(practice: Practice) -> None:
    people = people_of(practice)
    selection = Selection(RunKind.INVITE, refs=tuple(person.ref for person in people))
    shown = bulk_selection.preview(practice, selection).digest
    client_changes.archive(people[0], by=cast.DESK)
    with pytest.raises(SelectionChanged):
        invitation_runs.start(practice, selection, shown=shown, form_key="k", requested_by=cast.fay(practice))
    with pytest.raises(NoClientEligible):
        started([people[0]])
    assert not InvitationRun.objects.exists()


def test_left_out_clients_are_recorded_with_the_reason(practice: Practice) -> None:
    ana, without = cast.ana(practice), cast.client(practice, "Nia")
    run = started([ana, without])
    item = InvitationRunItem.objects.get(client=without)
    assert (run.total, item.state, item.reason) == (1, ItemState.LEFT_OUT, LeftOutReason.NO_ADDRESS)
    assert invitation_runs.problems_of(run) == [item]


def archive(person: Client) -> None:
    client_changes.archive(person, by=cast.DESK)


def withdraw(person: Client) -> None:
    EmailAddress.objects.filter(client=person).update(email_ok_at=None)


def invite(person: Client) -> None:
    cast.invited(person)


def give_mailbox_to_guardian(person: Client) -> None:
    cast.with_contact_access(cast.guardian(person, address=person.email_addresses.get().address))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (archive, LeftOutReason.ARCHIVED),
        (withdraw, LeftOutReason.NO_EMAIL_OK),
        (invite, LeftOutReason.ALREADY_INVITED),
        (give_mailbox_to_guardian, LeftOutReason.MAILBOX_TAKEN),
    ],
)
def test_a_client_who_became_ineligible_is_left_out(
    practice: Practice, change: Callable[[Client], None], reason: LeftOutReason
) -> None:
    ana, bruno = cast.ana(practice), cast.bruno(practice)
    run = started([ana, bruno])
    change(ana)
    finish(run)
    assert InvitationRunItem.objects.get(client=ana).reason == reason
    assert Invitation.objects.get(form_key=f"run:{run.ref}").client == bruno


def test_a_resend_leaves_out_who_was_invited_meanwhile(practice: Practice, stopped_clock: Traveller) -> None:
    ana, bruno = cast.ana(practice), cast.bruno(practice)
    for person in (ana, bruno):
        cast.invited(person)
    OutgoingEmail.objects.update(state=EmailState.HANDED_OVER, settled_at=clock.now())
    stopped_clock.shift(timedelta(hours=1))
    run = started([ana, bruno], kind=RunKind.RESEND)
    cast.invited(ana)
    finish(run)
    assert progress(run).left_out == {LeftOutReason.ALREADY_INVITED: 1}
    assert mails()[-1] == "bruno@mail.example"


def test_one_bad_client_does_not_end_the_run(practice: Practice, caplog: pytest.LogCaptureFixture) -> None:
    people = people_of(practice)
    run = started(people)
    # A second invitation for the same form is refused by the database.
    bad = cast.invited(people[1])
    Invitation.objects.filter(pk=bad.pk).update(form_key=f"run:{run.ref}")
    PortalAccess.objects.filter(client=people[1]).update(invited_at=None)
    finish(run)
    assert InvitationRunItem.objects.get(client=people[1]).reason == LeftOutReason.ERROR
    assert Invitation.objects.filter(client=people[1]).count() == 1
    assert run.is_over
    assert (progress(run).queued, progress(run).left_out) == (2, {LeftOutReason.ERROR: 1})
    assert "invitation_run.item_failed" in caplog.text
    assert "Olu" not in caplog.text


def test_a_paused_run_writes_nothing_until_it_is_resumed(practice: Practice) -> None:
    run = started(people_of(practice))
    assert invitation_run_worker.settle_next(run)
    for _ in range(2):
        invitation_runs.pause(run, by=cast.DESK)
    assert not invitation_run_worker.settle_next(run)
    assert not RunsInTurn().continue_next()
    assert len(mails()) == 1
    for _ in range(2):
        invitation_runs.resume(run, by=cast.DESK)
    finish(run)
    assert len(mails()) == 3
    assert [len(actions(each)) for each in (AuditAction.INVITATION_RUN_PAUSED, AuditAction.INVITATION_RUN_RESUMED)] == [
        1,
        1,
    ]


def test_the_list_counts_the_newest_runs_up_to_a_bound() -> None:
    runs = [InvitationRun(item_count=items) for items in (5_000, 5_000, 1)]
    assert invitation_runs.newest_to_count(runs) == runs[:2]
    huge = [InvitationRun(item_count=invitation_runs.MAX_COUNTED + 1)]
    assert invitation_runs.newest_to_count([*huge, *runs]) == huge
    assert invitation_runs.newest_to_count([]) == []


def test_clients_left_out_count_towards_the_bound(practice: Practice) -> None:
    run = started([*people_of(practice, 2), cast.client(practice, "Without")])
    assert (run.total, run.item_count, run.items.count()) == (2, 3, 3)


def test_a_stopped_run_invites_no_one_else(practice: Practice) -> None:
    run = started(people_of(practice))
    assert invitation_run_worker.settle_next(run)
    for _ in range(2):
        invitation_runs.stop(run, by=cast.DESK)
    invitation_runs.resume(run, by=cast.DESK)
    finish(run)
    assert len(mails()) == 1
    assert (progress(run).queued, progress(run).stopped) == (1, 2)
    (entry,) = actions(AuditAction.INVITATION_RUN_STOPPED)
    assert entry.details == {"number": 2}


def test_a_worker_killed_at_any_point_loses_and_repeats_nothing(practice: Practice) -> None:
    people = people_of(practice, 2)
    run = started(people)
    for statements in range(60):
        with killed_after(statements):
            invitation_run_worker.settle_next(run)
        invited = InvitationRunItem.objects.filter(state=ItemState.INVITED).count()
        assert Invitation.objects.count() == OutgoingEmail.objects.count() == invited
    finish(run)
    assert sorted(mails()) == sorted(f"{person.first_name}@mail.example" for person in people)


def test_two_workers_keep_the_rate_together(
    practice: Practice, stopped_clock: Traveller, settings: Settings, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: stopped_clock.shift(timedelta(seconds=seconds)))
    monkeypatch.setattr(delivery, "BATCH_SIZE", 1)
    settings.EMAIL_PER_SECOND = 2
    run = started(people_of(practice, 5))
    began_at, transport, writers = clock.now(), SmtpTransport(parse(smtp.url)), (RunsInTurn(), RunsInTurn())
    while not run.is_over or OutgoingEmail.objects.waiting().exists():
        for writer in writers:
            writer.continue_next()
            delivery.deliver_next("bulk", transport, await_turn=bulk_rate.await_turn)
        run.refresh_from_db()
    times = [email.handed_over_at for email in OutgoingEmail.objects.order_by("id") if email.handed_over_at]
    assert len(times) == len(smtp.mails) == 5
    for begins in times:
        assert sum(begins <= at < begins + timedelta(seconds=1) for at in times) <= 2
    assert times[-1] - began_at < timedelta(seconds=2.1)


def test_no_more_are_queued_while_our_mail_server_is_away(practice: Practice, settings: Settings) -> None:
    settings.EMAIL_PER_SECOND = 1
    run = started([*people_of(practice, 5), cast.ana(practice)])
    worker = RunsInTurn()
    while worker.continue_next():
        pass
    assert (progress(run).queued, progress(run).not_written) == (2, 4)
    OutgoingEmail.objects.update(state=EmailState.HANDED_OVER, settled_at=clock.now())
    assert worker.continue_next()
    assert (progress(run).queued, progress(run).handed_over) == (2, 2)


def test_a_mailbox_stopped_after_the_preview_gets_nothing(practice: Practice) -> None:
    ana, earlier = cast.ana(practice), cast.client(practice, "Earlier", address="ana@mail.example")
    run = started([ana])
    mail = cast.invited(earlier).email
    MailStop.objects.create(practice=practice, mailbox_key="ana@mail.example", kind=StopKind.COMPLAINED, email=mail)
    finish(run)
    assert InvitationRunItem.objects.get(client=ana).reason == LeftOutReason.MAIL_STOPPED
    assert not PortalAccess.objects.filter(client=ana, enabled_at__isnull=False).exists()


def test_no_invitation_is_written_to_a_mailbox_that_complained(practice: Practice) -> None:
    ana = cast.ana(practice)
    mail = cast.invited(ana).email
    stop = {"practice": practice, "mailbox_key": "ana@mail.example", "email": mail}
    MailStop.objects.create(**stop, kind=StopKind.COMPLAINED)
    PortalAccess.objects.update(mail_stopped_at=clock.now())
    text = invitation_text.default_of(practice, "en")
    with access_locks.lock_access(ana) as (_row, access), pytest.raises(invitations.MailboxComplained):
        invitations.write(access, text, form_key="x", by=cast.DESK)
    assert len(mails()) == 1


def test_a_run_pauses_when_its_starter_has_left(practice: Practice) -> None:
    gus, fay = cast.staff_member(practice, "Gus", Role.FRONT_DESK), cast.fay(practice)
    run = started(people_of(practice), fay=gus)
    assert invitation_run_worker.settle_next(run)
    StaffMember.objects.filter(pk=gus.pk).update(deactivated_at=clock.now())
    for _ in range(2):
        assert not invitation_run_worker.settle_next(run)
    run.refresh_from_db()
    assert run.is_paused
    assert [entry.actor_kind for entry in actions(AuditAction.INVITATION_RUN_PAUSED)] == ["system"]
    assert len(mails()) == 1
    invitation_runs.resume(run, by=fay.actor)
    finish(run)
    assert [entry.actor_name for entry in actions(AuditAction.INVITATION_QUEUED)] == ["Gus", "Fay", "Fay"]


def test_practices_are_served_in_turn(practice: Practice, stopped_clock: Traveller) -> None:
    dora = cast.dora(cast.birch())
    started(people_of(practice, 5))
    started([dora])
    worker = RunsInTurn()
    for _ in range(2):
        assert worker.continue_next()
        stopped_clock.shift(timedelta(seconds=1))
    assert set(OutgoingEmail.objects.values_list("practice", flat=True)) == {practice.pk, dora.practice_id}


def test_a_suspended_practice_sends_nothing(practice: Practice) -> None:
    run = started(people_of(practice, 1))
    suspension.suspend(practice, by=cast.DESK)
    assert not RunsInTurn().continue_next()
    suspension.resume(practice, by=cast.DESK)
    assert RunsInTurn().continue_next()
    assert progress(run).queued == 1


@pytest.mark.parametrize("number", [1, 6])
def test_progress_counts_each_client_once_in_one_query(
    practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    people = people_of(practice, number)
    run = started(people)
    finish(run)
    states = (EmailState.HANDED_OVER, EmailState.DELIVERED, EmailState.BOUNCED, EmailState.COMPLAINED)
    for mail, state in zip(OutgoingEmail.objects.order_by("id"), states, strict=False):
        OutgoingEmail.objects.filter(pk=mail.pk).update(state=state, settled_at=clock.now())
    if number == 6:
        PortalAccess.objects.filter(client=people[5]).update(first_signed_in_at=clock.now())
        # A delivery report: still handed over, and accepted by the receiving server.
        OutgoingEmail.objects.filter(client=people[4]).update(
            state=EmailState.HANDED_OVER, settled_at=clock.now(), accepted_at=clock.now()
        )
    with django_assert_num_queries(1):
        found = progress(run)
    expected = RunProgress(handed_over=1)
    if number == 6:
        expected = RunProgress(handed_over=1, accepted=2, failed=1, complained=1, signed_in=1)
    assert found == expected
    assert [item.client for item in invitation_runs.problems_of(run)] == (people[2:4] if number == 6 else [])


def test_it_is_sent_again_to_those_who_have_not_signed_in(practice: Practice, stopped_clock: Traveller) -> None:
    people = people_of(practice)
    run = started(people)
    finish(run)
    PortalAccess.objects.filter(client=people[0]).update(first_signed_in_at=clock.now())
    stopped_clock.shift(timedelta(days=1))
    assert progress(run).not_signed_in == 0
    waiting = bulk_selection.preview(practice, Selection(RunKind.RESEND, run=run))
    assert waiting.left_out == {LeftOutReason.STILL_WAITING: people[1:]}
    OutgoingEmail.objects.update(state=EmailState.HANDED_OVER, settled_at=clock.now())
    assert progress(run).not_signed_in == 2
    found = bulk_selection.preview(practice, Selection(RunKind.RESEND, run=run))
    assert (found.invited, found.left_out) == (people[1:], {})
