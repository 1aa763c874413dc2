"""Access of contacts: whose it is, what it opens, and how it ends."""

from dataclasses import replace
from datetime import date

import pytest
from django.test import Client as Browser

from portico.domain.access import (
    access_grants,
    access_lookups,
    client_changes,
    contact_changes,
    eligibility,
    eligibility_steps,
    guardians,
    holders,
    portal_states,
    revocation,
)
from portico.domain.access.access_grants import MailboxTaken
from portico.domain.access.diagnosis import portal_history
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import Invitation, PortalAccess, PortalSession
from portico.domain.access.onboarding import invitation_text, invitations
from portico.domain.access.onboarding.invitations import CannotSendInvitation
from portico.domain.access.sign_in import sign_in_pins
from portico.domain.access.sign_in.completing_sign_in import Browser as Visitor
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import contacts
from portico.domain.clients.client_input import AddressInput, ContactInput
from portico.domain.clients.contacts import RelationshipEnded
from portico.domain.clients.models import Client, PortalState, Relationship, RelationshipKind
from portico.domain.practices.models import CardState, Practice
from portico.plumbing import clock, tokens
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

HOME = "/portal/alder-street/home/"


@pytest.fixture
def bea(practice: Practice) -> Client:
    """Bruno's daughter, who has no address of her own."""
    person = cast.client(practice, "Bea", "Berg")
    Client.objects.filter(pk=person.pk).update(date_of_birth=date(2016, 5, 4))
    person.refresh_from_db()
    return person


def invited(relationship: Relationship) -> Invitation:
    text = invitation_text.default_text("en")
    entry = cast.entry_for_contact(relationship)
    return invitations.send(
        relationship.client,
        entry,
        text,
        form_key=tokens.new_token(),
        version=None,
        by=cast.DESK,
        relationship=relationship,
    ).invitation


def test_bruno_signs_in_for_bea(bea: Client) -> None:
    browser = cast.contact_in_the_portal(Browser(), cast.guardian(bea))
    assert "This is the portal for Bea Berg" in browser.get(HOME).text
    entry = AuditEntry.objects.get(client=bea, action=AuditAction.CLIENT_SIGNED_IN)
    assert (entry.actor_name, entry.details["holder"]) == ("Bruno Berg (guardian)", "Bruno Berg (guardian)")


def test_his_invitation_greets_bruno_and_is_his(bea: Client) -> None:
    bruno = cast.guardian(bea)
    invitation = invited(bruno)
    assert "Hello Bruno," in invitation.email.content["blocks"]
    assert (invitation.email.to_name, invitation.access.holder_name()) == ("Bruno Berg", "Bruno Berg (guardian)")
    assert not PortalAccess.objects.filter(own_client=bea).exists()


def test_an_ended_relationship_closes_the_portal_at_once(bea: Client) -> None:
    bruno, maria = cast.guardian(bea), cast.guardian(bea, "Maria", address="maria@mail.example")
    his, hers = cast.contact_in_the_portal(Browser(), bruno), cast.contact_in_the_portal(Browser(), maria)
    contact_changes.end(maria, by=cast.DESK)
    assert hers.get(HOME).status_code == 302
    assert his.get(HOME).status_code == 200
    assert Relationship.objects.filter(contact=maria.contact).count() == 1


def test_ending_twice_is_recorded_once(bea: Client) -> None:
    bruno = cast.guardian(bea)
    for _time in range(2):
        contact_changes.end(bruno, by=cast.DESK)
    assert AuditEntry.objects.filter(action=AuditAction.CONTACT_ENDED).count() == 1


def test_a_former_contact_gets_no_access(bea: Client) -> None:
    bruno = cast.guardian(bea)
    contact_changes.end(bruno, by=cast.DESK)
    with pytest.raises(RelationshipEnded):
        cast.with_contact_access(bruno)


def test_a_stale_row_of_a_former_contact_is_not_eligible(bea: Client) -> None:
    access = cast.with_contact_access(cast.guardian(bea))
    Relationship.objects.update(ended_at=access.enabled_at)
    row = PortalAccess.objects.get(pk=access.pk)
    assert not eligibility.is_eligible(row, Purpose.SIGN_IN_BY_PIN)
    assert not PortalAccess.objects.eligible(Purpose.SIGN_IN_BY_PIN).exists()


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        (RelationshipKind.GUARDIAN, ["access_billing_documents", "pay_by_card", "signs_documents"]),
        (RelationshipKind.PAYER, ["access_billing_documents", "pay_by_card"]),
        (RelationshipKind.PARTNER, []),
        (RelationshipKind.EMERGENCY, []),
    ],
)
def test_each_kind_has_its_preset(bea: Client, kind: RelationshipKind, allowed: list[str]) -> None:
    Practice.objects.update(card_state=CardState.LIVE)
    access = cast.with_contact_access(cast.guardian(bea, kind=kind))
    assert [name for name in access_lookups.OPTIONS if getattr(access, name)] == allowed


@pytest.mark.parametrize(("state", "by_default"), [(CardState.LIVE, False), (CardState.NOT_SET_UP, True)])
def test_a_contact_pays_by_card_only_if_that_is_the_practices_default(
    bea: Client, state: CardState, *, by_default: bool
) -> None:
    Practice.objects.update(card_state=state, card_payment_by_default=by_default)
    access = cast.with_contact_access(cast.guardian(bea))
    assert (access.pay_by_card, access.access_billing_documents) == (False, True)


def test_consent_is_that_of_the_contact(practice: Practice) -> None:
    ana = cast.ana(practice)
    access = cast.with_contact_access(cast.guardian(ana, email_ok=False))
    assert eligibility.first_broken(access, Purpose.INVITATION) is eligibility_steps.EMAIL_OK
    assert eligibility.is_eligible(cast.with_access(ana), Purpose.INVITATION)


def test_one_mailbox_opens_a_client_for_one_person(practice: Practice) -> None:
    bea = cast.bea(practice)
    cast.with_access(bea)
    with pytest.raises(MailboxTaken, match=r"bruno@mail\.example already opens Bea’s portal for Bea Berg"):
        cast.with_contact_access(cast.guardian(bea))


def test_a_minor_is_invited_only_with_a_guardian(practice: Practice) -> None:
    bea = cast.bea(practice)
    Client.objects.filter(pk=bea.pk).update(date_of_birth=date(2016, 5, 4))
    bea.refresh_from_db()
    with pytest.raises(CannotSendInvitation, match=r"Bea is under 18\. Add a guardian in Contacts first"):
        cast.invited(bea)
    cast.guardian(bea, address="bruno@work.example")
    assert cast.invited(bea).access.is_own


def test_a_minor_gets_a_first_pin_only_with_a_guardian(practice: Practice, bea: Client) -> None:
    access_grants.save_access(bea, cast.entry_for(bea), version=None, by=cast.DESK)
    with pytest.raises(sign_in_pins.PinNotAllowed, match="Add a guardian in Contacts first") as refused:
        sign_in_pins.generate(bea, form_key=tokens.new_token(), by=cast.DESK)
    assert refused.value.fix == "guardian"
    assert AuditEntry.objects.get(action=AuditAction.PIN_NOT_MADE).details == {"why": "guardian"}
    bruno = cast.guardian(bea)
    assert sign_in_pins.generate(bea, form_key=tokens.new_token(), by=cast.DESK).client == bea
    # Once she has signed in, the end of the relationship does not lock her out.
    contact_changes.end(bruno, by=cast.DESK)
    assert sign_in_pins.refusal(bea, access_lookups.access_of(bea)) is not None
    PortalAccess.objects.filter(own_client=bea).update(first_signed_in_at=clock.now())
    assert sign_in_pins.refusal(bea, access_lookups.access_of(bea)) is None


def test_the_practice_sets_the_age_of_majority(practice: Practice, bea: Client) -> None:
    access = access_lookups.access_or_default(bea)
    assert guardians.is_needed(access)
    practice.age_of_majority = 9
    bea.practice = practice
    assert not guardians.is_needed(access)


def test_a_changed_address_signs_in_for_every_child(practice: Practice, bea: Client) -> None:
    bruno = cast.guardian(bea)
    brother = contacts.link(cast.client(practice, "Ben", "Berg"), bruno.contact, "guardian", by=cast.DESK)
    old = cast.with_contact_access(bruno).account
    cast.with_contact_access(brother)
    (row,) = bruno.contact.email_addresses.open()
    changed = AddressInput("bruno@new.example", "home", email_ok=True, ref=row.ref)
    entry = ContactInput("Bruno", "guardian", last_name="Berg", addresses=(changed,))
    contact_changes.save_contact(bruno, entry, version=1, by=cast.DESK)
    accesses = PortalAccess.objects.filter(relationship__contact=bruno.contact).select_related("account")
    assert {access.account.mailbox_key for access in accesses if access.account} == {"bruno@new.example"}
    assert old is not None
    assert not old.accesses.exists()


def test_withdrawn_consent_ends_the_contacts_links(bea: Client) -> None:
    bruno = cast.guardian(bea)
    link = invited(bruno).email.sign_in_link
    (row,) = bruno.contact.email_addresses.open()
    kept = AddressInput(row.address, "home", email_ok=False, ref=row.ref)
    contact_changes.save_contact(
        bruno, ContactInput("Bruno", "guardian", last_name="Berg", addresses=(kept,)), version=1, by=cast.DESK
    )
    access = PortalAccess.objects.select_related("relationship", "address").get(relationship=bruno)
    assert not eligibility.is_current(access, Purpose.SIGN_IN_BY_MAIL, link.epoch)
    assert access.client.portal_reason == portal_states.Reason.NO_EMAIL_OK


def test_a_pin_is_that_of_one_person(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    bruno = cast.guardian(ana, phone="+12125550199")
    cast.with_contact_access(bruno)
    hers = sign_in_pins.generate(ana, form_key=tokens.new_token(), by=cast.DESK)
    key = tokens.new_token()
    sign_in_pins.generate(ana, bruno, form_key=key, by=cast.DESK)
    hers.refresh_from_db()
    assert hers.voided_at is None
    shown = sign_in_pins.digits(ana, key, to=cast.DESK)
    assert shown is not None
    visitor = Visitor("Firefox", "a browser")
    assert sign_in_pins.enter(practice, "+12125550134", shown[1], visitor=visitor, ip="203.0.113.7") is None
    started = sign_in_pins.enter(practice, "+12125550199", shown[1], visitor=visitor, ip="203.0.113.7")
    assert started is not None
    assert started.session.account.mailbox_key == "bruno@mail.example"


def test_a_contact_without_address_signs_in_by_pin(practice: Practice, bea: Client) -> None:
    bruno, maria = (cast.guardian(bea, name, address=None) for name in ("Bruno", "Maria"))
    for relationship in (bruno, maria):
        cast.with_contact_access(relationship)
        sign_in_pins.generate(bea, relationship, form_key=tokens.new_token(), by=cast.DESK)
    accounts = PortalAccess.objects.filter(client=bea).values_list("account", flat=True)
    assert len(set(accounts)) == 2


def test_archiving_turns_off_every_access(bea: Client) -> None:
    browser = cast.contact_in_the_portal(Browser(), cast.guardian(bea))
    client_changes.archive(bea, by=cast.DESK)
    client_changes.restore(bea, by=cast.DESK)
    assert browser.get(HOME).status_code == 302
    assert not PortalAccess.objects.filter(client=bea, enabled_at__isnull=False).exists()


def test_signing_one_guardian_out_leaves_the_other(bea: Client) -> None:
    bruno, maria = cast.guardian(bea), cast.guardian(bea, "Maria", address="maria@mail.example")
    his, hers = cast.contact_in_the_portal(Browser(), bruno), cast.contact_in_the_portal(Browser(), maria)
    revocation.revoke_all(bea, maria, by=cast.DESK)
    assert (his.get(HOME).status_code, hers.get(HOME).status_code) == (200, 302)


def test_the_list_shows_what_needs_attention_first(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    bruno = cast.guardian(ana)
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.SIGNED_IN
    cast.with_contact_access(bruno)
    ana.refresh_from_db()
    assert (ana.portal_state, ana.portal_reason) == (PortalState.NEEDS_ATTENTION, portal_states.Reason.NOT_INVITED)
    invited(bruno)
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.SIGNED_IN
    assert list(portal_states.mismatches()) == []


def test_a_childs_state_is_that_of_the_guardian(bea: Client) -> None:
    bruno = cast.guardian(bea)
    invited(bruno)
    bea.refresh_from_db()
    assert bea.portal_state == PortalState.INVITED
    cast.contact_in_the_portal(Browser(), bruno)
    bea.refresh_from_db()
    assert bea.portal_state == PortalState.SIGNED_IN
    contact_changes.end(bruno, by=cast.DESK)
    bea.refresh_from_db()
    assert bea.portal_state == PortalState.NO_ACCESS
    assert list(portal_states.mismatches()) == []


def test_each_history_is_that_of_one_person(practice: Practice) -> None:
    ana = cast.ana(practice)
    bruno = cast.guardian(ana)
    cast.in_the_portal(Browser(), ana)
    his = portal_history.load(ana, access_lookups.access_or_default(ana, bruno))
    hers = portal_history.load(ana, access_lookups.access_of(ana))
    assert (len(his.entries), len(hers.entries)) == (0, 1)


def test_known_addresses_are_told_and_never_merged(practice: Practice, bea: Client) -> None:
    bruno = cast.bruno(practice)
    relationship = cast.guardian(bea)
    owners = contacts.owners_of(practice, ["Bruno@mail.example"], besides=relationship.contact)
    assert [(owner.client, owner.contact) for owner in owners] == [(bruno, None)]
    linked = contacts.owners_of(practice, ["bruno@mail.example"])
    assert {owner.name for owner in linked} == {"Bruno Berg"}
    assert len(linked) == 2


def test_a_form_sent_twice_adds_one_contact(bea: Client) -> None:
    entry, key = ContactInput("Bruno", "guardian"), tokens.new_token()
    first, second = (contacts.add(bea, entry, form_key=key, by=cast.DESK) for _time in range(2))
    assert first == second
    assert Relationship.objects.count() == 1


def test_a_notice_goes_to_the_contacts_own_address(bea: Client) -> None:
    bruno = cast.guardian(bea)
    cast.contact_in_the_portal(Browser(), bruno)
    key = tokens.new_token()
    sign_in_pins.generate(bea, bruno, form_key=key, by=cast.DESK)
    shown = sign_in_pins.digits(bea, key, to=cast.DESK)
    assert shown is not None
    sign_in_pins.enter(
        bea.practice,
        "bruno@mail.example",
        shown[1],
        visitor=Visitor("Firefox", "another browser"),
        ip="203.0.113.7",
    )
    email = OutgoingEmail.objects.get(kind="pin_used")
    assert (email.to_address, email.content["name"]) == ("bruno@mail.example", "Bruno")
    access = holders.access_of_email(email)
    assert access is not None
    assert access.relationship == bruno


def test_an_option_of_a_contact_is_recorded_with_the_name(bea: Client) -> None:
    Practice.objects.update(card_state=CardState.LIVE)
    bruno = cast.guardian(bea)
    cast.with_contact_access(bruno)
    entry = replace(cast.entry_for_contact(bruno), pay_by_card=False)
    access_grants.save_access(bea, entry, version=None, by=cast.DESK, relationship=bruno)
    said = AuditEntry.objects.filter(action=AuditAction.OPTIONS_CHANGED).latest("id")
    assert said.details["holder"] == "Bruno Berg (guardian)"
    assert PortalSession.objects.count() == 0
