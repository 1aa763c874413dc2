"""Failed sign-in attempts are in the audit log of every client of the mailbox."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from portico.domain.access import access_grants
from portico.domain.access.onboarding import invitation_text, invitations
from portico.domain.access.sign_in import failure_audit_entries, link_redemption, sign_in_codes
from portico.domain.access.sign_in.completing_sign_in import Browser as Visitor
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.models import AuditEntry, EmailEvent, EmailEventKind
from tests import cast

pytestmark = pytest.mark.django_db
VISITOR = Visitor("Firefox", "a browser")


def failures(person: Client) -> list[tuple[str, dict[str, object]]]:
    found = AuditEntry.objects.filter(client=person, action__in=failure_audit_entries.FAILED).order_by("id")
    return list(found.values_list("action", "details"))


def type_wrong_code(practice: Practice, address: str = "ana@mail.example", *, browser: str = "a browser") -> None:
    assert sign_in_codes.enter(practice, "222222", browser_key=browser, mailbox_key=address, visitor=VISITOR) is None


def test_a_wrong_code_is_recorded_for_each_client_of_the_mailbox(practice: Practice) -> None:
    bruno, bea, carol = cast.bruno(practice), cast.bea(practice), cast.carol(practice)
    for person in (bruno, bea, carol):
        cast.with_access(person)
    cast.mailed(practice, "bruno@mail.example")
    cast.mailed(practice, "carol@mail.example")

    type_wrong_code(practice, "bruno@mail.example")

    assert failures(bruno) == failures(bea) == [(AuditAction.CODE_REFUSED, {})]
    assert failures(carol) == []


def test_an_expired_code_is_recorded_for_its_client(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    cast.mailed(practice, "ana@mail.example")
    stopped_clock.shift(timedelta(minutes=20))

    type_wrong_code(practice)

    assert failures(ana) == [(AuditAction.CODE_REFUSED, {})]


def test_attempts_beyond_the_limit_are_recorded(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    cast.mailed(practice, "ana@mail.example")

    for _ in range(11):
        type_wrong_code(practice)

    assert [action for action, _details in failures(ana)] == [AuditAction.CODE_REFUSED] * 5 + [
        AuditAction.CODE_BEYOND_LIMIT
    ] * 6


@pytest.mark.parametrize("attempts", [1, 12])
def test_recording_costs_the_same_for_unknown_addresses(practice: Practice, attempts: int) -> None:
    cast.with_access(cast.ana(practice))
    counts = []
    for address in ("ana@mail.example", "stranger@mail.example"):
        if address.startswith("ana"):
            cast.mailed(practice, address, browser=address)
        else:
            cast.asked(practice, address, browser=address)
        for _ in range(attempts - 1):
            type_wrong_code(practice, address, browser=address)
        with CaptureQueriesContext(connection) as queries:
            type_wrong_code(practice, address, browser=address)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_dead_link_is_recorded_after_changes(practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    entry = cast.entry_for(ana)
    access_grants.save_access(ana, type(entry)(False, None, True, False), version=None, by=cast.DESK)  # noqa: FBT003  as is

    link_redemption.redeem(practice, token, visitor=VISITOR)

    assert failures(ana) == [(AuditAction.LINK_REFUSED, {"state": "expired"})]


def test_a_dead_link_is_recorded_for_whom_it_was_mailed_to(practice: Practice) -> None:
    # The mailbox was Ana's own; since then it opens her portal for her guardian.
    ana = cast.ana(practice)
    own = cast.token_of(cast.invited(ana))
    access_grants.save_access(ana, replace(cast.entry_for(ana), enabled=False), version=None, by=cast.DESK)
    guardian = cast.guardian(ana, address="ana@mail.example")
    cast.with_contact_access(guardian)
    of_guardian = {"access": guardian.ref, "holder": "Bruno Berg (guardian)"}

    link_redemption.redeem(practice, own, visitor=VISITOR)
    assert failures(ana) == [(AuditAction.LINK_REFUSED, {"state": "expired"})]

    mailed = cast.mailed(practice, "ana@mail.example")
    assert mailed.address.contact == guardian.contact
    type_wrong_code(practice)
    assert failures(ana)[1:] == [(AuditAction.CODE_REFUSED, of_guardian)]

    # A mail about her guardian stays about him when he signs in with another mailbox.
    entry, text = cast.entry_for_contact(guardian), invitation_text.default_text("en")
    sent = invitations.send(
        ana, entry, text, form_key=tokens.new_token(), version=None, by=cast.DESK, relationship=guardian
    )
    token = cast.token_of(sent.invitation)
    no_address = replace(entry, address=None)
    access_grants.save_access(ana, no_address, version=None, by=cast.DESK, relationship=guardian)
    link_redemption.redeem(practice, token, visitor=VISITOR)
    assert failures(ana)[2:] == [(AuditAction.LINK_REFUSED, {"state": "expired", **of_guardian})]


def test_a_link_used_at_another_practice_is_recorded_at_both(practice: Practice) -> None:
    ana, birch = cast.ana(practice), cast.birch()
    token = cast.token_of(cast.invited(ana))

    link_redemption.redeem(birch, token, visitor=VISITOR)

    assert failures(ana) == [(AuditAction.LINK_REFUSED, {"state": "elsewhere"})]
    there = AuditEntry.objects.get(practice=birch, action=AuditAction.LINK_REFUSED)
    assert (there.client, there.about, there.details) == (None, "", {"state": "unknown"})


def test_a_used_link_opened_again_is_recorded_once_an_hour(
    client: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    link_redemption.redeem(practice, token, visitor=VISITOR)
    page = f"/portal/alder-street/link/{token}/"
    opened = (AuditAction.LINK_REFUSED, {"state": "used", "opened": True})

    for _ in range(3):
        assert client.get(page, follow=True).status_code == 410
    assert client.head(page, follow=True).status_code == 410
    assert failures(ana) == [opened]

    stopped_clock.shift(timedelta(hours=1, seconds=1))
    client.get(page, follow=True)
    assert failures(ana) == [opened] * 2


def test_a_signed_in_client_who_opens_the_used_link_has_not_failed(client: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    page = f"/portal/alder-street/link/{token}/"
    client.get(page)
    client.post("/portal/alder-street/link/")

    client.get(page, follow=True)

    assert failures(ana) == []


def test_a_first_opening_after_expiry_is_both_fetched_and_failed(
    client: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    stopped_clock.shift(timedelta(hours=25))

    for _ in range(2):
        client.get(f"/portal/alder-street/link/{token}/", follow=True)

    assert failures(ana) == [(AuditAction.LINK_REFUSED, {"state": "expired", "opened": True})]
    assert EmailEvent.objects.filter(kind=EmailEventKind.FETCHED).count() == 1


def test_an_opened_dead_link_is_recorded_for_each_client_of_the_mailbox(client: Browser, practice: Practice) -> None:
    bruno, bea, carol = cast.bruno(practice), cast.bea(practice), cast.carol(practice)
    for person in (bea, carol):
        cast.with_access(person)
    token = cast.token_of(cast.invited(bruno))
    link_redemption.redeem(practice, token, visitor=VISITOR)

    client.get(f"/portal/alder-street/link/{token}/", follow=True)

    assert failures(bruno) == failures(bea) == [(AuditAction.LINK_REFUSED, {"state": "used", "opened": True})]
    assert failures(carol) == []
