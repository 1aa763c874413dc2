"""After a restore: credentials are revoked, queued work waits for staff, and the audit log records it."""

from datetime import timedelta

import pytest
from django.test import Client as Browser
from time_machine import Traveller

from portico.domain.access import portal_states
from portico.domain.access.address_change import change_requests, confirmation, confirmation_links
from portico.domain.access.models import Pin, PortalSession, RequestOutcome, SignInLink, SignInMethod, SignInRequest
from portico.domain.access.sign_in import portal_sessions
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.invoices import invoice_sharing
from portico.domain.clients.models import Client, PortalState
from portico.domain.maintenance import after_restore as restoring
from portico.domain.maintenance.after_restore import RestoreSummary
from portico.domain.maintenance.models import ScheduledTask
from portico.domain.practices.models import Practice, StaffSession
from portico.domain.practices.staff import password_reset, set_up_links
from portico.domain.practices.staff.set_up_links import SetUpLinkUsed
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import sealing
from portico.plumbing.mail import outbox
from portico.plumbing.models import AuditEntry, AuditSeal, OutgoingEmail, Restoration
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast

pytestmark = pytest.mark.both_databases

OPERATOR = Actor.operator()
NOTHING = RestoreSummary(0, 0, 0, 0, 0, 0, 0, 0, 0)


def after_restore() -> dict[str, RestoreSummary]:
    return restoring.after_restore(by=OPERATOR)


def handed_over(person: Client) -> OutgoingEmail:
    email = cast.invited(person).email
    OutgoingEmail.objects.filter(pk=email.pk).update(
        state=EmailState.HANDED_OVER, handing_over_at=clock.now(), settled_at=clock.now()
    )
    email.refresh_from_db()
    return email


def pin(person: Client) -> Pin:
    account = cast.with_access(person).account
    assert account is not None
    return Pin.objects.create(
        practice=person.practice,
        client=person,
        account=account,
        pin_hash="x",
        form_key=tokens.new_token(),
        epoch=account.epoch,
        created_by="Fay",
    )


def sign_in_request(practice: Practice) -> SignInRequest:
    return SignInRequest.objects.create(
        practice=practice, address="ana@mail.example", mailbox_key="ana@mail.example", browser_hash="", network=""
    )


def test_a_mailed_link_no_longer_works(practice: Practice) -> None:
    link = handed_over(cast.ana(practice)).sign_in_link
    assert SignInLink.objects.usable().filter(pk=link.pk).exists()
    assert after_restore()["alder-street"].links == 1
    assert not SignInLink.objects.usable().exists()


def test_invitations_to_many_clients_are_paused(practice: Practice) -> None:
    run = cast.invitation_run(cast.ana(practice), cast.elm(practice))
    assert after_restore()["alder-street"].invitation_runs == 1
    run.refresh_from_db()
    assert run.is_paused


def test_what_staff_asked_for_before_the_backup_is_not_done(practice: Practice) -> None:
    """It may have been done since, or not be wanted any more."""
    bill = cast.bill(cast.ana(practice), shared=False)
    assert invoice_sharing.start_run(practice, shown=None, requested_by=cast.elm(practice)) is not None
    password_reset.request_reset(cast.fay(practice).email, ip="203.0.113.7")
    assert after_restore()["alder-street"].sharing_runs == 1
    assert not invoice_sharing.continue_next_run()
    assert not password_reset.process_next()
    bill.refresh_from_db()
    assert (bill.shared_at, OutgoingEmail.objects.count()) == (None, 0)


def test_a_view_as_the_client_ends(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    office.post(f"/office/clients/{ana.ref}/view/")
    assert office.get("/portal/alder-street/home/").status_code == 200
    after_restore()
    assert office.get("/portal/alder-street/home/").status_code == 302


def test_a_pin_no_longer_works(practice: Practice) -> None:
    pin(cast.ana(practice))
    assert Pin.objects.usable().exists()
    assert after_restore()["alder-street"].pins == 1
    assert not Pin.objects.usable().exists()


def test_clients_and_staff_are_signed_out(client: Browser, office: Browser, practice: Practice) -> None:
    account = cast.with_access(cast.ana(practice)).account
    assert account is not None
    begun = portal_sessions.start(account, method=SignInMethod.LINK, proof_epoch=1, browser="")
    assert office.get("/office/clients/").status_code == 200
    StaffSession.objects.create(key_hash="unknown", contents=b"", created_at=clock.now(), seen_at=clock.now())
    quieted = after_restore()["alder-street"]
    assert (quieted.sessions, quieted.staff_sessions) == (1, 1)
    assert portal_sessions.find(practice, begun.key) is None
    assert PortalSession.objects.get().ended_by == "a restored backup"
    assert StaffSession.objects.count() == 0
    assert office.get("/office/clients/").status_code == 302


def test_a_link_to_a_new_address_no_longer_works(practice: Practice) -> None:
    access = cast.with_access(cast.ana(practice))
    assert access.account is not None
    session = portal_sessions.start(access.account, method=SignInMethod.LINK, proof_epoch=1, browser="").session
    mail = change_requests.request(session, access, "ana@new.example", form_key="", by=cast.DESK)
    portal_sessions.sign_out(session, practice, by=portal_sessions.actor_of(session))
    OutgoingEmail.objects.update(state=EmailState.HANDED_OVER, handing_over_at=clock.now(), settled_at=clock.now())
    token = (confirmation_links.AddressChangeMail().link(mail) or "").rstrip("/").rpartition("/")[2]
    assert confirmation.find(practice, token) is not None
    after_restore()
    assert confirmation.confirm(practice, token) is None


def test_a_set_up_link_no_longer_works(practice: Practice) -> None:
    token = set_up_links.create_link(cast.fay(practice), by=OPERATOR)
    assert after_restore()["alder-street"].set_up_links == 1
    with pytest.raises(SetUpLinkUsed):
        set_up_links.find(token)


def test_a_waiting_mail_is_parked_and_can_be_retried(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    email = cast.invited(ana).email
    # An attempt was under way, and its outcome is unknown.
    held_until = clock.now() + timedelta(minutes=1)
    OutgoingEmail.objects.update(
        state=EmailState.DELAYED,
        delayed_at=clock.now(),
        handing_over_at=clock.now(),
        lease_until=held_until,
        attempts=3,
    )
    assert after_restore()["alder-street"].emails == 1
    email.refresh_from_db()
    assert (email.state, email.is_parked, email.lease_until, email.attempts) == (EmailState.FAILED, True, None, 4)
    assert not SignInLink.objects.usable().exists()
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.NEEDS_ATTENTION

    cast.signed_in(office, cast.elm(practice))
    shown = office.get(f"/office/emails/{email.ref}/").content.decode()
    assert "It may have been sent before" in shown
    assert "Try again" in shown
    office.post(f"/office/emails/{email.ref}/restart/")
    email.refresh_from_db()
    assert (email.state, outbox.composer_of(email.kind).refuse(email)) == (EmailState.QUEUED, None)
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.INVITED


def test_a_waiting_request_is_too_late(practice: Practice) -> None:
    waiting = sign_in_request(practice)
    assert after_restore()["alder-street"].asks == 1
    waiting.refresh_from_db()
    assert waiting.outcome == RequestOutcome.TOO_LATE
    assert not SignInRequest.objects.waiting().exists()


def test_settled_rows_are_unchanged(practice: Practice) -> None:
    email = handed_over(cast.ana(practice))
    after_restore()
    email.refresh_from_db()
    assert (email.state, email.is_parked) == (EmailState.HANDED_OVER, False)
    assert SignInLink.objects.get().used_at is None


def test_each_practice_records_the_restore(practice: Practice) -> None:
    birch = cast.birch()
    cast.invited(cast.ana(practice))
    cast.invited(cast.dora(birch))
    before = clock.now()
    assert after_restore().keys() == {"alder-street", "birch-lane"}
    for each in (practice, birch):
        entry = AuditEntry.objects.get(practice=each, action=AuditAction.PRACTICE_RESTORED)
        assert (entry.actor_kind, entry.details["emails"]) == ("operator", 1)
        assert Restoration.objects.get(practice=each).backup_made_at <= before


def test_data_may_be_missing_since_the_last_activity(practice: Practice, stopped_clock: Traveller) -> None:
    cast.ana(practice)
    stopped_clock.shift(timedelta(hours=3))
    ScheduledTask.objects.create(name="watch for bursts", done_at=clock.now())
    worker_last_seen_at = clock.now()
    stopped_clock.shift(timedelta(days=2))
    after_restore()
    assert Restoration.objects.get().backup_made_at == worker_last_seen_at - restoring.CLOCK_MARGIN


def test_repeating_it_changes_nothing(practice: Practice, stopped_clock: Traveller) -> None:
    cast.invited(cast.ana(practice))
    after_restore()
    stopped_clock.shift(timedelta(minutes=5))
    assert after_restore() == {"alder-street": NOTHING}
    assert Restoration.objects.count() == 1
    assert AuditEntry.objects.filter(action=AuditAction.PRACTICE_RESTORED).count() == 1


def test_a_second_restore_is_recorded_again(practice: Practice, stopped_clock: Traveller) -> None:
    after_restore()
    stopped_clock.shift(timedelta(days=1))
    ScheduledTask.objects.create(name="watch for bursts", done_at=clock.now())  # A worker has run since.
    stopped_clock.shift(timedelta(days=1))
    after_restore()
    assert Restoration.objects.count() == 2


def test_a_failure_changes_nothing(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    handed_over(cast.ana(practice))
    monkeypatch.setattr(restoring, "_expire_requests", lambda _practice: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        after_restore()
    assert SignInLink.objects.usable().exists()
    assert not Restoration.objects.exists()


def test_audit_log_and_states_verify_afterwards(practice: Practice, stopped_clock: Traveller) -> None:
    cast.invited(cast.ana(practice))
    cast.invited(cast.carol(practice))
    stopped_clock.shift(timedelta(minutes=10))
    assert not sealing.verify(practice).is_sound
    after_restore()
    assert sealing.verify(practice).is_sound
    assert AuditSeal.objects.count() == AuditEntry.objects.count()
    assert list(portal_states.mismatches()) == []


def test_an_empty_installation_needs_nothing(db: None) -> None:
    assert after_restore() == {}
