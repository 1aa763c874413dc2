"""The team of a practice: invitations, roles, deactivation and reactivation; one owner always remains."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
import time_machine
from django.db import connection

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice, Role, SetUpLink, StaffMember, StaffSession
from portico.domain.practices.staff import authenticator_apps, second_factor, set_up_links, staff_creation, team
from portico.domain.practices.staff.set_up_links import SetUpLinkUsed
from portico.domain.practices.staff.team import StaffState
from portico.plumbing import clock
from portico.plumbing.mail import outbox
from portico.plumbing.models import AuditEntry, OutgoingEmail
from portico.plumbing.refusals import Refused
from tests import cast

GOOD = "four green boats at dawn"


def invite(practice: Practice, email: str = "lena@alder.example", role: Role = Role.BILLER) -> StaffMember:
    return team.invite(practice, name="Lena", email=email, role=role, by=cast.DESK)


def token_in_mail(staff: StaffMember) -> str:
    link = SetUpLink.objects.unspent().select_related("email").get(staff=staff)
    return set_up_links.url_in_mail(link).rstrip("/").rpartition("/")[2]


def test_an_invited_colleague_sets_up_their_account(practice: Practice) -> None:
    lena = invite(practice)
    mail = OutgoingEmail.objects.get()
    assert (mail.kind, mail.to_address, mail.client) == ("staff_invite", "lena@alder.example", None)
    token = token_in_mail(lena)
    assert token not in str([mail.content, SetUpLink.objects.get().token_hash])
    assert set_up_links.choose_password(token, GOOD) == lena
    lena.refresh_from_db()
    assert lena.check_password(GOOD)
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == [AuditAction.STAFF_ADDED, AuditAction.SET_UP_LINK_MADE, AuditAction.PASSWORD_CHOSEN]


def test_the_invitation_names_inviter_practice_and_role(practice: Practice) -> None:
    lena = team.invite(practice, name="Lena", email="lena@x.example", role=Role.BILLER, by=cast.elm(practice).actor)
    mail = OutgoingEmail.objects.select_related("practice").get()
    composer = outbox.composer_of(mail.kind)
    link = composer.link(mail)
    letter = composer.compose(mail, link)
    assert link == f"http://localhost:8000/office/set-up/{token_in_mail(lena)}/"
    assert letter.subject == "Your account at Alder Street Therapy"
    for body in (letter.text, letter.html):
        assert "Dr. Naomi Elm invited you to the Alder Street Therapy office. Your role is biller." in body
        assert link in body
    assert "72 hours" in letter.text


def test_an_email_address_cannot_be_added_twice(practice: Practice) -> None:
    cast.staff_member(cast.birch(), "Jo", Role.OWNER)
    with pytest.raises(staff_creation.EmailTaken) as refused:
        invite(practice, "JO@birch-lane.example")
    assert str(refused.value) == "jo@birch-lane.example is already used by a staff member. Enter another address."
    assert not OutgoingEmail.objects.exists()


def test_inviting_again_ends_the_earlier_link(practice: Practice) -> None:
    lena = invite(practice)
    first = token_in_mail(lena)
    team.invite_again(lena, by=cast.DESK)
    with pytest.raises(SetUpLinkUsed):
        set_up_links.find(first)
    assert set_up_links.find(token_in_mail(lena)).staff == lena
    assert [outbox.composer_of(mail.kind).refuse(mail) is None for mail in OutgoingEmail.objects.order_by("id")] == [
        False,
        True,
    ]


def test_a_colleague_with_a_password_is_not_invited(practice: Practice) -> None:
    with pytest.raises(team.AccountAlreadySetUp):
        team.invite_again(cast.fay(practice), by=cast.DESK)


def test_a_link_expires_72_hours_after_hand_over(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    lena = invite(practice)
    token = token_in_mail(lena)
    stopped_clock.shift(timedelta(hours=71))
    OutgoingEmail.objects.update(handing_over_at=clock.now())
    stopped_clock.shift(timedelta(hours=71))
    assert set_up_links.find(token).staff == lena
    stopped_clock.shift(timedelta(hours=1))
    with pytest.raises(SetUpLinkUsed):
        set_up_links.find(token)
    OutgoingEmail.objects.update(handing_over_at=None)
    mail = OutgoingEmail.objects.get()
    assert outbox.composer_of(mail.kind).refuse(mail) == "Its link has expired. Send a new one."


def test_a_role_change_is_recorded_with_the_old_role(practice: Practice) -> None:
    fay = cast.fay(practice)
    team.change_role(fay, Role.BILLER, version=fay.version, by=cast.DESK)
    fay.refresh_from_db()
    assert (fay.role, fay.version) == (Role.BILLER, 2)
    entry = AuditEntry.objects.get(action=AuditAction.STAFF_ROLE_CHANGED)
    assert (entry.about, entry.details) == (fay.ref, {"role": "biller", "before": "front_desk"})


def test_repeating_a_role_change_changes_nothing(practice: Practice) -> None:
    fay = cast.fay(practice)
    team.change_role(fay, Role.BILLER, version=1, by=cast.DESK)
    team.change_role(fay, Role.BILLER, version=1, by=cast.DESK)
    assert AuditEntry.objects.filter(action=AuditAction.STAFF_ROLE_CHANGED).count() == 1


@pytest.mark.parametrize(
    ("person", "change"),
    [
        (cast.fay, partial(team.change_role, role=Role.BILLER)),
        (cast.fay, team.deactivate),
        (cast.gus, team.reactivate),
    ],
)
def test_a_change_from_an_outdated_page_is_refused(
    practice: Practice, person: Callable[[Practice], StaffMember], change: Callable[..., StaffMember]
) -> None:
    member = person(practice)
    StaffMember.objects.filter(pk=member.pk).update(version=2)
    with pytest.raises(team.StaffConflict):
        change(member, version=1, by=cast.DESK)
    assert not AuditEntry.objects.filter(action__startswith="staff.").exists()


def test_reactivation_restores_no_session_and_no_link(practice: Practice) -> None:
    fay = cast.fay(practice)
    token = set_up_links.create_link(fay, by=cast.DESK)
    StaffSession.objects.create(staff=fay, key_hash="a", contents=b"", created_at=clock.now(), seen_at=clock.now())
    team.deactivate(fay, version=1, by=cast.DESK)
    assert not StaffSession.objects.exists()
    team.reactivate(fay, version=2, by=cast.DESK)
    with pytest.raises(SetUpLinkUsed):
        set_up_links.find(token)
    fay.refresh_from_db()
    assert fay.is_active
    assert fay.check_password(cast.PASSWORD)
    entries = AuditEntry.objects.filter(
        about=fay.ref, action__in=(AuditAction.STAFF_DEACTIVATED, AuditAction.STAFF_REACTIVATED)
    )
    assert [entry.action for entry in entries.order_by("id")] == ["staff.deactivated", "staff.reactivated"]


def test_a_deactivated_colleague_gets_no_mail(practice: Practice) -> None:
    lena = invite(practice)
    cast.with_authenticator(lena)
    team.deactivate(lena, version=1, by=cast.DESK)
    mails = list(OutgoingEmail.objects.order_by("id"))
    assert [mail.kind for mail in mails] == ["staff_invite", "second_factor_changed"]
    assert {outbox.composer_of(mail.kind).refuse(mail) for mail in mails} == {"The staff member was deactivated."}


def test_reactivation_without_a_password_mails_a_link(practice: Practice) -> None:
    lena = invite(practice)
    team.deactivate(lena, version=1, by=cast.DESK)
    with pytest.raises(team.StaffDeactivated):
        team.invite_again(lena, by=cast.DESK)
    team.reactivate(lena, version=2, by=cast.DESK)
    assert set_up_links.find(token_in_mail(lena)).staff == lena


def leave(member: StaffMember) -> None:
    team.deactivate(member, version=member.version, by=cast.DESK)


def step_down(member: StaffMember) -> None:
    team.change_role(member, Role.CLINICIAN, version=member.version, by=cast.DESK)


@pytest.mark.parametrize("act", [leave, step_down])
def test_the_last_owner_with_a_password_stays_owner(practice: Practice, act: Callable[[StaffMember], None]) -> None:
    elm = cast.elm(practice)
    invite(practice, role=Role.OWNER)
    cast.staff_member(cast.birch(), "Jo", Role.OWNER)
    gone = cast.staff_member(practice, "Old", Role.OWNER)
    leave(gone)
    with pytest.raises(team.LastOwner):
        act(elm)
    assert StaffMember.objects.get(pk=elm.pk).is_owner
    cast.staff_member(practice, "Second", Role.OWNER)
    act(elm)


def test_owners_reset_the_factor_of_others_only(practice: Practice) -> None:
    elm, fay = cast.elm(practice), cast.fay(practice)
    authenticator_apps.save(fay, authenticator_apps.new_secret(), first=True, by=fay.actor)
    assert team.colleague(fay).ways == {second_factor.SecondFactorMethod.AUTHENTICATOR}
    team.reset_second_factor(fay, by=elm.actor)
    assert not second_factor.is_set_up(fay)
    assert (
        AuditEntry.objects.filter(action=AuditAction.SECOND_FACTOR_RESET, about=fay.ref, staff_id=elm.pk).count() == 1
    )
    with pytest.raises(team.CannotChangeYourself):
        team.reset_second_factor(elm, by=elm.actor)
    with pytest.raises(team.StaffDeactivated):
        team.reset_second_factor(cast.gus(practice), by=elm.actor)


def test_the_team_lists_states_and_deactivated_last(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    late = team.invite(practice, name="Abe", email="abe@x.example", role=Role.CLINICIAN, by=cast.DESK)
    stopped_clock.shift(timedelta(hours=72))
    cast.gus(practice)
    cast.fay(practice)
    invite(practice)
    cast.staff_member(cast.birch(), "Jo", Role.OWNER)
    found = [(each.member.name, each.state) for each in team.team(practice)]
    assert found == [
        ("Abe", StaffState.LINK_RAN_OUT),
        ("Fay", StaffState.ACTIVE),
        ("Lena", StaffState.INVITED),
        ("Gus", StaffState.LEFT),
    ]
    assert team.colleague(late).state is StaffState.LINK_RAN_OUT


def at_once(*works: Callable[[], object]) -> list[object]:
    gate = Barrier(len(works))

    def one(work: Callable[[], object]) -> object:
        try:
            gate.wait(30)
            return work()
        except Refused as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works))


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_owners_cannot_deactivate_each_other() -> None:
    practice = cast.alder()
    one, two = cast.elm(practice), cast.staff_member(practice, "Second", Role.OWNER)
    outcomes = at_once(lambda: leave(one), lambda: leave(two))
    assert sum(isinstance(outcome, team.LastOwner) for outcome in outcomes) == 1
    assert StaffMember.objects.active().filter(practice=practice, role=Role.OWNER).count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_guard_no_owner_is_left() -> None:
    """The twin: both check for another owner before either is deactivated."""
    practice = cast.alder()
    one, two = cast.elm(practice), cast.staff_member(practice, "Second", Role.OWNER)
    both_checked = Barrier(2)

    def check_then_leave(member: StaffMember) -> None:
        others = StaffMember.objects.active().filter(practice=practice, role=Role.OWNER).exclude(pk=member.pk)
        has_another = others.exists()
        both_checked.wait(30)
        if has_another:
            StaffMember.objects.filter(pk=member.pk).update(deactivated_at=clock.now())

    at_once(lambda: check_then_leave(one), lambda: check_then_leave(two))
    assert not StaffMember.objects.active().filter(practice=practice, role=Role.OWNER).exists()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_concurrent_invitations_of_an_address_add_it_once() -> None:
    practices = cast.alder(), cast.birch()
    outcomes = at_once(*(lambda each=each: invite(each) for each in practices))
    assert sum(isinstance(outcome, staff_creation.EmailTaken) for outcome in outcomes) == 1
    assert StaffMember.objects.count() == OutgoingEmail.objects.count() == 1
