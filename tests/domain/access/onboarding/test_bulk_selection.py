"""The preview of a run: who is invited, whose access is turned on, and who is left out for which reason."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import access_grants, client_changes, eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import LeftOutReason, PortalAccess, RunKind
from portico.domain.access.onboarding import bulk_eligibility, bulk_selection, invitation_text, invitations
from portico.domain.access.onboarding.bulk_selection import InvitationPreview, NoClientChosen, Selection, TooManyClients
from portico.domain.clients import registration
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.client_list import ClientQuery
from portico.domain.clients.models import Client, EmailAddress, PortalState
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import MailStop, OutgoingEmail, StopKind
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
# Ids of the list, accesses of contacts, clients with their accesses, and of those without access: addresses, stopped
# mailboxes, contacts'.
QUERIES = 6


def preview(kind: RunKind, *people: Client) -> InvitationPreview:
    return bulk_selection.preview(people[0].practice, Selection(kind, refs=tuple(person.ref for person in people)))


def turned_off(person: Client) -> None:
    cast.with_access(person)
    access_grants.save_access(person, replace(cast.entry_for(person), enabled=False), version=None, by=cast.DESK)


def without_consent(person: Client) -> None:
    cast.with_access(person)
    EmailAddress.objects.filter(client=person).update(email_ok_at=None)


def never_consented(person: Client) -> None:
    EmailAddress.objects.filter(client=person).update(email_ok_at=None)


def without_address(person: Client) -> None:
    EmailAddress.objects.filter(client=person).update(closed_at=clock.now())


def with_two_addresses(person: Client) -> None:
    address = person.email_addresses.get()
    address.pk, address.ref, address.mailbox_key = None, f"{address.ref}x", "other@mail.example"
    address.save()


def rejected(person: Client) -> None:
    cast.invited(person)
    PortalAccess.objects.filter(client=person).update(mail_stopped_at=clock.now())


def stopped(person: Client) -> None:
    """Stops the mailbox of a client without access, whose address another client had."""
    other = cast.client(person.practice, "Earlier", address=person.email_addresses.get().address)
    MailStop.objects.create(
        practice=person.practice,
        mailbox_key=person.email_addresses.get().mailbox_key,
        kind=StopKind.REFUSED,
        email=cast.invited(other).email,
    )


def signed_in(person: Client) -> None:
    cast.invited(person)
    PortalAccess.objects.filter(client=person).update(first_signed_in_at=clock.now())


def invited(person: Client) -> None:
    cast.invited(person)


def sent(person: Client, *, ago: timedelta) -> None:
    cast.invited(person)
    OutgoingEmail.objects.filter(client=person).update(state=EmailState.HANDED_OVER, settled_at=clock.now())
    PortalAccess.objects.filter(client=person).update(invited_at=clock.now() - ago)


def just_sent(person: Client) -> None:
    sent(person, ago=timedelta(minutes=59))


def sent_earlier(person: Client) -> None:
    sent(person, ago=timedelta(minutes=60))


def archived(person: Client) -> None:
    client_changes.archive(person, by=cast.DESK)


def access_on(person: Client) -> None:
    cast.with_access(person)


def drafted(person: Client) -> None:
    invitations.save_draft(person, invitation_text.InvitationText("Hello", "Typed"))


def with_taken_mailbox(person: Client) -> None:
    """The client's only address opens the portal for the guardian."""
    cast.with_contact_access(cast.guardian(person, address=person.email_addresses.get().address))


def nothing(person: Client) -> None:
    pass


@pytest.mark.parametrize(
    ("prepare", "invite", "resend"),
    [
        (access_on, None, LeftOutReason.NOT_INVITED),
        (nothing, None, LeftOutReason.ACCESS_OFF),
        (drafted, None, LeftOutReason.ACCESS_OFF),
        (invited, LeftOutReason.ALREADY_INVITED, LeftOutReason.STILL_WAITING),
        (just_sent, LeftOutReason.ALREADY_INVITED, LeftOutReason.JUST_INVITED),
        (sent_earlier, LeftOutReason.ALREADY_INVITED, None),
        (signed_in, LeftOutReason.SIGNED_IN, LeftOutReason.SIGNED_IN),
        (rejected, LeftOutReason.MAIL_STOPPED, LeftOutReason.MAIL_STOPPED),
        (stopped, LeftOutReason.MAIL_STOPPED, LeftOutReason.ACCESS_OFF),
        (archived, LeftOutReason.ARCHIVED, LeftOutReason.ARCHIVED),
        (turned_off, LeftOutReason.ACCESS_OFF, LeftOutReason.ACCESS_OFF),
        (without_consent, LeftOutReason.NO_EMAIL_OK, LeftOutReason.NO_EMAIL_OK),
        (never_consented, LeftOutReason.NO_EMAIL_OK, LeftOutReason.ACCESS_OFF),
        (without_address, LeftOutReason.NO_ADDRESS, LeftOutReason.ACCESS_OFF),
        (with_taken_mailbox, LeftOutReason.MAILBOX_TAKEN, LeftOutReason.ACCESS_OFF),
        (with_two_addresses, LeftOutReason.SEVERAL_ADDRESSES, LeftOutReason.ACCESS_OFF),
    ],
)
def test_each_state_is_invited_or_left_out_with_its_reason(
    practice: Practice,
    prepare: Callable[[Client], None],
    invite: LeftOutReason | None,
    resend: LeftOutReason | None,
) -> None:
    ana = cast.ana(practice)
    prepare(ana)
    for kind, reason in ((RunKind.INVITE, invite), (RunKind.RESEND, resend)):
        found = preview(kind, ana)
        assert (found.invited, found.left_out) == (([ana], {}) if reason is None else ([], {reason: [ana]}))


def test_access_is_turned_on_only_if_it_was_never_set_up(practice: Practice) -> None:
    ana, bruno, carol = cast.ana(practice), cast.bruno(practice), cast.carol(practice)
    cast.with_access(bruno)
    turned_off(carol)
    found = preview(RunKind.INVITE, ana, bruno, carol)
    assert (found.invited, found.turned_on) == ([ana, bruno], [ana])


def test_the_only_address_with_email_ok_is_chosen(practice: Practice) -> None:
    addresses = (
        AddressInput("a@mail.example", "home", email_ok=False),
        AddressInput("b@mail.example", "work", email_ok=True),
    )
    person = registration.create(practice, ClientInput(ClientDetails("Nia", ""), addresses), by=cast.DESK)
    access = PortalAccess.of(person)
    decision = bulk_eligibility.decide(access, list(person.email_addresses.open()), RunKind.INVITE, stopped=())
    assert decision.turned_on is not None
    assert decision.turned_on.address == person.email_addresses.get(address="b@mail.example").ref


def test_every_requirement_of_a_mail_has_a_reason() -> None:
    required = {step.fact for step in eligibility.STEPS[Purpose.PORTAL_STATE]}
    assert required >= {step.fact for step in eligibility.STEPS[Purpose.INVITATION]}
    assert required == bulk_eligibility.REASONS.keys()


def test_another_practices_client_is_not_invited(practice: Practice) -> None:
    ana, dora = cast.ana(practice), cast.dora(cast.birch())
    assert preview(RunKind.INVITE, ana, dora).invited == [ana]
    with pytest.raises(NoClientChosen):
        bulk_selection.preview(practice, Selection(RunKind.INVITE, refs=(dora.ref,)))


def test_all_that_match_are_those_of_the_list(practice: Practice) -> None:
    ana, bruno, bea = cast.ana(practice), cast.bruno(practice), cast.bea(practice)
    cast.invited(ana)
    cast.dora(cast.birch())
    for list_query, expected in (
        (ClientQuery(), [ana, bea, bruno]),
        (ClientQuery(query="berg"), [bea, bruno]),
        (ClientQuery(state=PortalState.INVITED), [ana]),
    ):
        found = bulk_selection.preview(practice, Selection(RunKind.INVITE, listed=list_query))
        everyone = [*found.invited, *(person for people in found.left_out.values() for person in people)]
        assert sorted(everyone, key=lambda person: person.name) == expected


def test_more_clients_than_the_limit_are_refused(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_selection, "MAX_CLIENTS", 2)
    people = [cast.client(practice, name) for name in ("Nia", "Olu", "Pia")]
    for selection in (
        Selection(RunKind.INVITE, listed=ClientQuery()),
        Selection(RunKind.INVITE, refs=tuple(person.ref for person in people)),
    ):
        with pytest.raises(TooManyClients):
            bulk_selection.preview(practice, selection)


@pytest.mark.parametrize("number", [5, 500])
def test_the_number_of_queries_is_fixed(
    practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    Client.objects.bulk_create(
        Client(practice=practice, first_name="N", ref=f"{place:026}", sort_key=f"n {place:04}")
        for place in range(number)
    )
    cast.ana(practice)
    selection = Selection(RunKind.INVITE, listed=ClientQuery())
    with django_assert_num_queries(QUERIES):
        found = bulk_selection.preview(practice, selection)
    assert len(found.left_out[LeftOutReason.NO_ADDRESS]) == number


def test_a_minor_without_a_guardian_is_left_out(practice: Practice) -> None:
    ana, bea = cast.ana(practice), cast.bea(practice)
    Client.objects.update(date_of_birth=date(2016, 5, 4))
    cast.guardian(bea, address="bruno@work.example")
    found = preview(RunKind.INVITE, ana, bea)
    assert (found.invited, found.left_out) == ([bea], {LeftOutReason.NO_GUARDIAN: [ana]})
