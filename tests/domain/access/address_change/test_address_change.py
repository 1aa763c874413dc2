"""Changing the sign-in address in the portal: the mail, its link, and what ends it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import IntegrityError
from django.test import Client as Browser
from time_machine import Traveller

from portico.domain.access import (
    access_grants,
    access_locks,
    access_lookups,
    client_changes,
    portal_states,
    revocation,
)
from portico.domain.access.address_change import change_requests, confirmation, confirmation_links
from portico.domain.access.address_change.change_requests import NotChangeable, SameAddress, TooManyRequests
from portico.domain.access.diagnosis import portal_history
from portico.domain.access.models import PortalSession, SignInMethod
from portico.domain.access.sign_in import link_redemption, portal_sessions, sign_in_pins
from portico.domain.access.sign_in.completing_sign_in import Browser as Visitor
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import contacts
from portico.domain.clients.models import Client, EmailAddress, PortalState
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.audit import audit_log
from portico.plumbing.mail import outbox
from portico.plumbing.models import AuditEntry, OutgoingEmail
from portico.plumbing.models.rate_limits import RateLimitCount
from tests import cast
from tests.domain.access.test_revocation import consent
from tests.support.at_once import HANDS, at_once, errors

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
NEW = "ana@new.example"
VISITOR = Visitor("Safari on iPhone", "a browser")


def session_of(person: Client) -> PortalSession:
    """Signs the client in with a mailed link; returns the session."""
    cast.in_the_portal(Browser(), person)
    return PortalSession.objects.select_related("account").filter(only_client=None).latest("id")


def asked(person: Client, address: str = NEW, *, form_key: str = "") -> OutgoingEmail:
    session = session_of(person)
    access = access_lookups.access_of(person)
    assert access is not None
    by = portal_sessions.actor_of(session)
    return change_requests.request(session, access, address, form_key=form_key, by=by)


def token_of(mail: OutgoingEmail) -> str:
    """Marks the mail as handed over; returns the token of its link."""
    OutgoingEmail.objects.filter(pk=mail.pk).update(handing_over_at=clock.now())
    link = confirmation_links.AddressChangeMail().link(mail)
    assert link is not None
    return link.rstrip("/").rpartition("/")[2]


def signs_in_with(person: Client) -> str:
    access = access_lookups.access_of(person)
    assert access is not None
    assert access.address is not None
    return access.address.address


@pytest.fixture
def ana(practice: Practice) -> Client:
    ana = cast.ana(practice)
    cast.with_access(ana)
    return ana


def test_asking_changes_nothing_but_queues_a_mail_without_a_name(ana: Client) -> None:
    mail = asked(ana)
    assert (mail.to_address, mail.to_name, mail.kind) == (NEW, "", "address_change")
    assert "Ana" not in f"{mail.subject} {mail.content}"
    assert signs_in_with(ana) == "ana@mail.example"
    assert AuditEntry.objects.get(action=AuditAction.ADDRESS_CHANGE_REQUESTED).client == ana


def test_the_button_makes_the_new_address_sign_in(practice: Practice, ana: Client) -> None:
    link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=VISITOR)
    mail = asked(ana)
    session = PortalSession.objects.latest("id")
    assert confirmation.confirm(practice, token_of(mail)) == mail
    assert signs_in_with(ana) == NEW
    old, new = EmailAddress.objects.order_by("id")
    assert (old.closed_at is not None, new.closed_at, new.email_ok_by) == (True, None, "Ana Abreu (portal)")
    assert not portal_sessions.accesses_of(session).exists()
    entry = AuditEntry.objects.get(action=AuditAction.ADDRESS_CHANGED_BY_CLIENT)
    assert (entry.client, entry.actor_kind, entry.details) == (ana, "client", {"address": NEW})
    assert OutgoingEmail.objects.get(kind="address_removed").to_address == "ana@mail.example"
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.INVITED
    assert list(portal_states.mismatches()) == []


def test_a_link_works_once(practice: Practice, ana: Client) -> None:
    token = token_of(asked(ana))
    assert confirmation.find(practice, token) is not None
    assert confirmation.confirm(practice, token) is not None
    assert confirmation.find(practice, token) is None
    assert confirmation.confirm(practice, token) is None
    assert AuditEntry.objects.filter(action=AuditAction.ADDRESS_CHANGED_BY_CLIENT).count() == 1


def revoke(person: Client) -> None:
    revocation.revoke_all(person, by=cast.DESK)


def archive(person: Client) -> None:
    client_changes.archive(person, by=cast.DESK)


def withdraw(person: Client) -> None:
    consent(person, given=False)


def change_to_another(person: Client) -> None:
    confirmation.confirm(person.practice, token_of(asked(person, "ana@other.example")))


@pytest.mark.parametrize("change", [revoke, archive, withdraw, change_to_another])
def test_any_later_change_ends_the_link_and_the_mail(
    practice: Practice, ana: Client, change: Callable[[Client], None]
) -> None:
    mail = asked(ana)
    composer, token = confirmation_links.AddressChangeMail(), token_of(mail)
    assert composer.refuse(mail) is None
    change(ana)
    assert composer.refuse(mail) == "Access, address or Email ok was changed after this email was requested."
    assert confirmation.confirm(practice, token) is None
    assert not EmailAddress.objects.filter(address=NEW).exists()


def ended_by_staff(asking: PortalSession, person: Client) -> None:
    revocation.end_session(person, asking, by=cast.DESK)


def ended_elsewhere(asking: PortalSession, person: Client) -> None:
    other = session_of(person)
    portal_sessions.end_others(other, person.practice, seen_by=person, by=portal_sessions.actor_of(other))


def signed_out(asking: PortalSession, person: Client) -> None:
    portal_sessions.sign_out(asking, person.practice, by=portal_sessions.actor_of(asking))


def timed_out(asking: PortalSession, person: Client) -> None:
    PortalSession.objects.filter(pk=asking.pk).update(seen_at=clock.now() - timedelta(hours=1))


def signed_out_then_ended(asking: PortalSession, person: Client) -> None:
    signed_out(asking, person)
    ended_elsewhere(asking, person)


def timed_out_then_ended(asking: PortalSession, person: Client) -> None:
    timed_out(asking, person)
    ended_elsewhere(asking, person)


@pytest.mark.parametrize(
    "end", [ended_by_staff, ended_elsewhere, signed_out_then_ended, timed_out_then_ended], ids=lambda end: end.__name__
)
def test_ending_the_session_that_asked_ends_the_link(
    practice: Practice, ana: Client, end: Callable[[PortalSession, Client], None]
) -> None:
    mail = asked(ana)
    token = token_of(mail)
    end(PortalSession.objects.latest("id"), ana)
    assert confirmation.find(practice, token) is None
    assert confirmation.confirm(practice, token) is None
    refusal = confirmation_links.AddressChangeMail().refuse(mail)
    assert refusal == "The session in which this email was requested was ended."
    assert signs_in_with(ana) == "ana@mail.example"


@pytest.mark.parametrize("end", [signed_out, timed_out], ids=lambda end: end.__name__)
def test_the_link_outlives_a_session_that_signed_out_or_timed_out(
    practice: Practice, ana: Client, end: Callable[[PortalSession, Client], None]
) -> None:
    token = token_of(asked(ana))
    end(PortalSession.objects.latest("id"), ana)
    assert confirmation.confirm(practice, token) is not None


def test_old_sessions_are_kept_as_long_as_their_links(
    practice: Practice, ana: Client, stopped_clock: Traveller
) -> None:
    mail = asked(ana)
    stopped_clock.shift(timedelta(hours=23, minutes=59))
    assert confirmation_links.AddressChangeMail().refuse(mail) is None
    token = token_of(mail)
    stopped_clock.shift(timedelta(hours=23, minutes=59))
    portal_sessions.delete_ended()
    assert confirmation.confirm(practice, token) is not None


def test_the_old_address_is_told_of_the_request_and_the_change(practice: Practice, ana: Client) -> None:
    link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=VISITOR)
    mail = asked(ana)
    (requested,) = OutgoingEmail.objects.filter(kind="address_change_requested")
    confirmation.confirm(practice, token_of(mail))
    (removed,) = OutgoingEmail.objects.filter(kind="address_removed")
    someone = "someone who was signed in to your client portal at Alder Street Therapy"
    assert f"{someone} asked to change its email." in text_of(requested)
    assert f"{someone} changed its email." in text_of(removed)
    for notice in (requested, removed):
        assert notice.to_address == "ana@mail.example"
        assert "If it wasn’t you, call us at (212) 555-0177." in text_of(notice)
        for secret in ("Ana", NEW):
            assert secret not in f"{notice.to_name} {notice.subject} {text_of(notice)}"


def choose(person: Client, address: EmailAddress) -> None:
    entry = replace(cast.entry_for(person), address=address.ref)
    access_grants.save_access(person, entry, version=None, by=cast.DESK)


def text_of(notice: OutgoingEmail) -> str:
    return " ".join(outbox.composer_of(notice.kind).compose(notice, None).text.split())


def test_an_old_invitation_of_the_address_is_not_the_newest(
    practice: Practice, ana: Client, stopped_clock: Traveller
) -> None:
    second = EmailAddress.objects.create(practice=practice, client=ana, address=NEW, mailbox_key=NEW)
    second.record_consent(by="Fay", at=clock.now())
    second.save()
    choose(ana, second)
    cast.invited(ana)
    choose(ana, EmailAddress.objects.get(address="ana@mail.example"))
    stopped_clock.shift(timedelta(days=700))
    confirmation.confirm(practice, token_of(asked(ana)))
    access = access_lookups.access_of(ana)
    assert access is not None
    assert access.address == second
    assert portal_history.load(ana, access).newest_invitation(access) is None
    invitation = cast.invited(ana)
    access.refresh_from_db()
    assert portal_history.load(ana, access).newest_invitation(access) == invitation


def test_a_link_expires_after_a_day(practice: Practice, ana: Client, stopped_clock: Traveller) -> None:
    token = token_of(asked(ana))
    stopped_clock.shift(timedelta(hours=24))
    assert confirmation.confirm(practice, token) is None


def test_a_link_works_only_at_its_practice_and_whole(practice: Practice, ana: Client) -> None:
    token = token_of(asked(ana))
    assert confirmation.confirm(cast.birch(), token) is None
    for other in ("", token[:-1], f"{token[:-1]}é", token[:16] + tokens.new_token(), f"x{token[1:]}"):
        assert confirmation.confirm(practice, other) is None
    assert confirmation.confirm(practice, token) is not None


def test_only_the_client_who_asks_gets_the_address(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bea)
    cast.with_access(bruno)
    mail = asked(bruno)
    session = PortalSession.objects.latest("id")
    confirmation.confirm(practice, token_of(mail))
    assert (signs_in_with(bruno), signs_in_with(bea)) == (NEW, "bruno@mail.example")
    assert [access.client for access in portal_sessions.accesses_of(session)] == [bea]


def test_a_mailbox_of_another_client_is_asked_and_joined_alike(practice: Practice, ana: Client) -> None:
    carol = cast.carol(practice)
    cast.with_access(carol)
    mail = asked(ana, "carol@mail.example")
    confirmation.confirm(practice, token_of(mail))
    accesses = [access_lookups.access_of(person) for person in (ana, carol)]
    assert len({access.account_id for access in accesses if access is not None}) == 1


def test_another_address_of_the_client_is_chosen_and_none_is_closed(practice: Practice, ana: Client) -> None:
    second = EmailAddress.objects.create(practice=practice, client=ana, address=NEW, mailbox_key=NEW)
    confirmation.confirm(practice, token_of(asked(ana)))
    assert signs_in_with(ana) == NEW
    second.refresh_from_db()
    assert second.email_ok
    assert EmailAddress.objects.open().count() == 2


def test_a_form_sent_twice_sends_one_mail(ana: Client) -> None:
    session, access = session_of(ana), access_lookups.access_of(ana)
    assert access is not None
    by, key = portal_sessions.actor_of(session), tokens.new_token()
    for _time in range(7):
        change_requests.request(session, access, NEW, form_key=key, by=by)
    assert OutgoingEmail.objects.filter(kind="address_change").count() == 1
    assert OutgoingEmail.objects.filter(kind="address_change_requested").count() == 1
    corrected = change_requests.request(session, access, "ana@corrected.example", form_key=key, by=by)
    assert corrected.to_address == "ana@corrected.example"


def test_five_a_day_are_sent(ana: Client, stopped_clock: Traveller) -> None:
    for number in range(5):
        asked(ana, f"ana{number}@new.example")
    with pytest.raises(TooManyRequests):
        asked(ana)
    stopped_clock.shift(timedelta(days=1))
    assert asked(ana).to_address == NEW


def test_the_same_mailbox_is_refused(ana: Client) -> None:
    with pytest.raises(SameAddress):
        asked(ana, "Ana@Mail.Example")


def test_a_pin_session_may_not_ask(practice: Practice, ana: Client) -> None:
    sign_in_pins.generate(ana, form_key="k" * 43, by=cast.DESK)
    shown = sign_in_pins.digits(ana, "k" * 43, to=cast.DESK)
    assert shown is not None
    started = sign_in_pins.enter(practice, "ana@mail.example", shown[1], visitor=VISITOR, ip="192.0.2.1")
    assert started is not None
    assert started.session.method == SignInMethod.PIN
    access = access_lookups.access_of(ana)
    assert access is not None
    with pytest.raises(NotChangeable):
        change_requests.request(started.session, access, NEW, form_key="", by=cast.DESK)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_once_counts_once(ana: Client) -> None:
    session, access = session_of(ana), access_lookups.access_of(ana)
    assert access is not None
    by, key = portal_sessions.actor_of(session), tokens.new_token()
    ask = partial(change_requests.request, session, access, NEW, form_key=key, by=by)
    assert errors(at_once(ask, ask)) == []
    assert OutgoingEmail.objects.filter(kind="address_change").count() == 1
    assert AuditEntry.objects.filter(action=AuditAction.ADDRESS_CHANGE_REQUESTED).count() == 1
    assert RateLimitCount.objects.get(key__startswith=confirmation_links.KIND).n == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_second_look_both_forms_are_recorded(practice: Practice, ana: Client) -> None:
    both_have_looked = Barrier(2)

    def ask_without_looking_again() -> None:
        assert not OutgoingEmail.objects.filter(key="address_change:1").exists()
        both_have_looked.wait(30)
        with access_locks.lock_access(ana) as (row, _access):
            outbox.queue(
                practice=practice,
                kind=confirmation_links.KIND,
                key="address_change:1",
                to_address=NEW,
                to_name="",
                subject="Confirm",
                content={},
                by=cast.DESK,
            )
            audit_log.record(AuditAction.ADDRESS_CHANGE_REQUESTED, practice=practice, client=row, by=cast.DESK)

    assert errors(at_once(ask_without_looking_again, ask_without_looking_again)) == []
    assert AuditEntry.objects.filter(action=AuditAction.ADDRESS_CHANGE_REQUESTED).count() == 2


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_concurrent_presses_one_makes_the_change(practice: Practice, ana: Client) -> None:
    token = token_of(asked(ana))
    results = at_once(*[partial(confirmation.confirm, practice, token)] * HANDS)
    assert errors(results) == []
    assert sum(result is not None for result in results) == 1
    assert EmailAddress.objects.open().count() == 1
    assert AuditEntry.objects.filter(action=AuditAction.ADDRESS_CHANGED_BY_CLIENT).count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_only_a_constraint_refuses_the_second(practice: Practice, ana: Client) -> None:
    token, both_have_read = token_of(asked(ana)), Barrier(2)

    def open_without_lock() -> None:
        assert confirmation.find(practice, token) is not None
        both_have_read.wait(30)
        EmailAddress.objects.create(practice=practice, client=ana, address=NEW, mailbox_key=NEW)

    assert errors(at_once(open_without_lock, open_without_lock)) == [IntegrityError]


def test_a_parent_keeps_both_children_with_the_new_address(practice: Practice, ana: Client) -> None:
    guardian = cast.guardian(ana)
    sibling = contacts.link(cast.carol(practice), guardian.contact, "guardian", by=cast.DESK)
    cast.with_contact_access(sibling)
    cast.contact_in_the_portal(Browser(), guardian)
    session = PortalSession.objects.select_related("account").latest("id")
    held = access_lookups.access_of(ana, guardian)
    assert held is not None
    by = portal_sessions.actor_of(session)
    mail = change_requests.request(session, held, "bruno@new.example", form_key="", by=by)
    assert confirmation.confirm(practice, token_of(mail)) is not None
    for relationship in (guardian, sibling):
        access = access_lookups.access_of(relationship.client, relationship)
        assert access is not None
        assert access.account is not None
        assert access.address is not None
        assert (access.account.email, access.address.closed_at) == ("bruno@new.example", None)
        entry = AuditEntry.objects.get(
            action=AuditAction.ADDRESS_CHANGED_BY_CLIENT, client=relationship.client, about=access.address.ref
        )
        assert entry.details["access"] == relationship.ref
    assert signs_in_with(ana) == "ana@mail.example"
    assert list(portal_states.mismatches()) == []
