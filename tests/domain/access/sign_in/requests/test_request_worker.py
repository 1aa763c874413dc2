"""The sign-in request worker: outcomes of requests, and the mail with a link and a code."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portico.domain.access import access_grants, client_changes
from portico.domain.access.models import Burst, BurstKind, PortalAccount, RequestOutcome, SignInLink, SignInRequest
from portico.domain.access.sign_in import link_redemption, sign_in_links
from portico.domain.access.sign_in.link_redemption import LinkState
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.models import Client, PortalState, Status
from portico.domain.practices.models import Practice
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock
from portico.plumbing.mail import delivery
from portico.plumbing.models import AuditEntry, OutgoingEmail, RateLimitCount
from tests import cast
from tests.support.servers.smtp import SmtpServer

pytestmark = pytest.mark.both_databases

ANA = "ana@mail.example"


def answered(practice: Practice, address: str) -> RequestOutcome:
    ask = cast.asked(practice, address)
    assert request_worker.process_next()
    ask.refresh_from_db()
    return RequestOutcome(ask.outcome)


def hand_over(smtp: SmtpServer) -> None:
    assert delivery.deliver_next("entrance", SmtpTransport(parse(smtp.url)))


def switch(person: Client, *, on: bool) -> None:
    access_grants.save_access(person, replace(cast.entry_for(person), enabled=on), version=None, by=cast.DESK)


def consent(person: Client, *, given: bool) -> None:
    person.refresh_from_db()
    row = person.email_addresses.open().get()
    entry = ClientInput(
        ClientDetails(person.first_name, person.last_name), (AddressInput(row.address, row.kind, given, ref=row.ref),)
    )
    client_changes.save_client_info(person, entry, version=person.version, by=cast.DESK)


def archive(person: Client) -> None:
    client_changes.archive(person, by=cast.DESK)


def archived_with_access_on(person: Client) -> None:
    """Archives the client but leaves access on, which no page does."""
    Client.objects.filter(pk=person.pk).update(status=Status.ARCHIVED)


def without_access(person: Client) -> None:
    switch(person, on=False)


def without_consent(person: Client) -> None:
    consent(person, given=False)


def test_a_client_with_access_and_consent_is_mailed(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    assert answered(practice, "ANA@mail.example") is RequestOutcome.MAILED
    email = OutgoingEmail.objects.get()
    assert (email.to_address, email.to_name, email.client, email.queue) == (ANA, "Ana Abreu", ana, "entrance")
    entry = AuditEntry.objects.get(action=AuditAction.LINK_SENT)
    assert (entry.client, entry.actor_kind, entry.about) == (ana, "nobody", email.ref)


@pytest.mark.parametrize(
    "address",
    ["ana2@mail.example", "ana@mail.example.org", "anа@mail.example", "ana+x@mail.example", "a.na@mail.example"],
)
def test_an_unknown_address_gets_no_mail(practice: Practice, address: str) -> None:
    cast.with_access(cast.ana(practice))
    assert answered(practice, address) is RequestOutcome.UNKNOWN
    assert OutgoingEmail.objects.count() == 0


@pytest.mark.parametrize("change", [without_access, without_consent, archive, archived_with_access_on])
def test_an_ineligible_client_gets_no_mail(practice: Practice, change: Callable[[Client], None]) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    change(ana)
    assert answered(practice, ANA) is RequestOutcome.NOT_ALLOWED
    assert OutgoingEmail.objects.count() == 0


def test_another_practices_client_is_unknown_here(practice: Practice) -> None:
    cast.with_access(cast.dora(cast.birch()))
    assert answered(practice, "dora@mail.example") is RequestOutcome.UNKNOWN


def test_a_suspended_practice_sends_no_mail(practice: Practice) -> None:
    cast.with_access(cast.ana(practice))
    Practice.objects.filter(pk=practice.pk).update(suspended_at=clock.now())
    assert answered(practice, ANA) is RequestOutcome.NOT_ALLOWED


def test_beyond_the_limit_of_an_address_nothing_is_sent(practice: Practice) -> None:
    cast.with_access(cast.ana(practice))
    outcomes = [answered(practice, ANA) for _ in range(6)]
    assert outcomes == [RequestOutcome.MAILED] * 5 + [RequestOutcome.BEYOND_LIMIT]
    assert OutgoingEmail.objects.count() == 5


def test_beyond_the_mail_limit_a_burst_is_recorded(practice: Practice) -> None:
    cast.with_access(cast.ana(practice))
    for address in ("x@mail.example", "y@mail.example"):
        answered(practice, address)
    limit = request_worker.mail_limit(practice)
    assert not RateLimitCount.objects.filter(key=limit.key).exists()  # Only mails to known addresses count.
    RateLimitCount.objects.create(key=limit.key, started_at=clock.now(), n=limit.max_attempts - 1)
    assert limit.max_attempts == 2000
    assert [answered(practice, ANA) for _ in range(2)] == [RequestOutcome.MAILED, RequestOutcome.BEYOND_CAP]
    assert Burst.objects.get(practice=practice).kind == BurstKind.CAP


def test_a_request_older_than_a_links_lifetime_is_too_late(
    practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    cast.with_access(cast.ana(practice))
    ask = cast.asked(practice, ANA)
    stopped_clock.shift(timedelta(days=1))
    request_worker.process_next()
    ask.refresh_from_db()
    assert ask.outcome == RequestOutcome.TOO_LATE


def test_one_mailbox_of_two_clients_gets_one_mail_and_two_entries(practice: Practice) -> None:
    for person in (cast.bruno(practice), cast.bea(practice)):
        cast.with_access(person)
    answered(practice, "bruno@mail.example")
    assert OutgoingEmail.objects.get().to_name == ""
    assert AuditEntry.objects.filter(action=AuditAction.LINK_SENT).count() == 2


def test_a_request_is_answered_once(practice: Practice) -> None:
    cast.with_access(cast.ana(practice))
    cast.asked(practice, ANA)
    assert request_worker.process_next()
    assert not request_worker.process_next()
    assert SignInRequest.objects.get().outcome == RequestOutcome.MAILED
    assert OutgoingEmail.objects.count() == 1


def test_a_worker_whose_lease_expired_saves_nothing(practice: Practice) -> None:
    cast.with_access(cast.ana(practice))
    cast.asked(practice, ANA)
    others: list[bool] = []

    def meanwhile(execute: Callable[..., object], sql: str, *rest: object) -> object:
        if "access_portalaccess" in sql and not others:
            others.append(True)
            SignInRequest.objects.update(lease_until=None)
            others[0] = request_worker.process_next()
        return execute(sql, *rest)

    with connection.execute_wrapper(meanwhile):
        request_worker.process_next()
    assert others == [True]
    assert SignInRequest.objects.get().outcome == RequestOutcome.MAILED
    assert OutgoingEmail.objects.count() == 1


def test_a_failing_request_waits_and_stops_no_other(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    cast.with_access(cast.ana(practice))
    broken = cast.asked(practice, ANA)
    PortalAccount.objects.update(language="xx-xx")
    assert request_worker.process_next()
    assert answered(practice, "unknown@mail.example") is RequestOutcome.UNKNOWN
    PortalAccount.objects.update(language="")
    stopped_clock.shift(timedelta(minutes=5))
    assert request_worker.process_next()
    broken.refresh_from_db()
    assert broken.outcome == RequestOutcome.MAILED


def asks_of_people(practice: Practice, *numbers: int) -> list[SignInRequest]:
    """Returns the requests of clients with access, one each."""
    asks = []
    for each in numbers:
        cast.with_access(cast.client(practice, f"Person {each}", address=f"person.{each}@mail.example"))
        asks.append(cast.asked(practice, f"person.{each}@mail.example", ip=f"10.0.0.{each}"))
    return asks


def outcomes(asks: list[SignInRequest]) -> list[str]:
    return [SignInRequest.objects.get(pk=ask.pk).outcome for ask in asks]


def test_a_batch_takes_as_many_queries_as_one_request(practice: Practice) -> None:
    asks_of_people(practice, 0)
    with CaptureQueriesContext(connection) as of_one:
        request_worker.process_next()
    asks = [*asks_of_people(practice, *range(1, 7)), cast.asked(practice, ANA)]
    with CaptureQueriesContext(connection) as of_seven:
        request_worker.process_next()
    assert outcomes(asks) == [RequestOutcome.MAILED] * 6 + [RequestOutcome.UNKNOWN]
    # Who is unknown is looked up once, their outcome is a second one to write, and a similar address is searched for.
    assert len(of_seven) == len(of_one) + 3
    assert OutgoingEmail.objects.count() == SignInLink.objects.count() == 7
    assert AuditEntry.objects.filter(action=AuditAction.LINK_SENT).count() == 7


def test_requests_at_two_practices_are_one_batch(practice: Practice) -> None:
    birch = cast.birch()
    cast.with_access(cast.ana(practice))
    cast.with_access(cast.dora(birch))
    asks = [cast.asked(practice, ANA), cast.asked(birch, "dora@mail.example"), cast.asked(birch, ANA)]
    request_worker.process_next()
    assert outcomes(asks) == [RequestOutcome.MAILED, RequestOutcome.MAILED, RequestOutcome.UNKNOWN]
    sent = AuditEntry.objects.filter(action=AuditAction.LINK_SENT).order_by("practice_id")
    assert [entry.practice for entry in sent] == [practice, birch]


def test_one_failing_request_is_isolated_from_its_batch(practice: Practice) -> None:
    asks = asks_of_people(practice, *range(4))
    PortalAccount.objects.filter(mailbox_key="person.1@mail.example").update(language="xx-xx")
    request_worker.process_next()
    assert outcomes(asks) == [
        RequestOutcome.MAILED,
        RequestOutcome.WAITING,
        RequestOutcome.MAILED,
        RequestOutcome.MAILED,
    ]
    assert RateLimitCount.objects.get(key=request_worker.mail_limit(practice).key).n == 3
    assert OutgoingEmail.objects.count() == 3


def test_a_batch_is_mailed_up_to_the_hourly_limit(practice: Practice) -> None:
    cast.asked(practice, "stranger@mail.example")  # Takes none of them, also among others.
    asks = asks_of_people(practice, *range(4))
    limit = request_worker.mail_limit(practice)
    RateLimitCount.objects.create(key=limit.key, started_at=clock.now(), n=limit.max_attempts - 3)
    request_worker.process_next()
    assert outcomes(asks) == [RequestOutcome.MAILED] * 3 + [RequestOutcome.BEYOND_CAP]
    assert Burst.objects.get(practice=practice).number == 1


def test_four_requests_of_a_mailbox_leave_three_live_links(practice: Practice) -> None:
    cast.with_access(cast.ana(practice))
    asks = [cast.asked(practice, ANA) for _ in range(4)]
    request_worker.process_next()
    assert outcomes(asks) == [RequestOutcome.MAILED] * 4
    unspent = SignInLink.objects.unspent().order_by("id")
    assert [link.request for link in unspent.select_related("request")] == asks[1:]


def test_the_mail_has_the_same_link_in_text_and_html_and_a_code(practice: Practice, smtp: SmtpServer) -> None:
    cast.with_access(cast.ana(practice))
    answered(practice, ANA)
    hand_over(smtp)
    (mail,) = smtp.mails
    link = re.search(r"http://localhost:8000/portal/alder-street/link/[\w-]{43}/", mail.text())
    assert link
    assert f'href="{link[0]}"' in mail.text("html")
    code = re.search(r"\b[2-9A-HJ-KM-NP-Z]{3} [2-9A-HJ-KM-NP-Z]{3}\b", mail.text())
    assert code
    assert code[0] in mail.text("html")
    assert mail.message["Subject"] == "Sign in to Alder Street Therapy (requested at 12:20 PM EST)"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.message["From"].addresses[0].display_name == "Alder Street Therapy"
    assert mail.message["Reply-To"] == "Alder Street Therapy <desk@alder.example>"
    assert "Requested on Monday, Nov 23 at 12:20 PM EST." in mail.text()
    preview = re.search(r'class="preheader"[^>]*>(.*?)</div>', mail.text("html"), re.DOTALL)
    assert preview
    assert code[0] not in preview[1]
    # Signing in depends on this mail, so it offers no unsubscribing and does not track who opened it.
    assert "List-Unsubscribe" not in mail.message
    assert not re.search(r"unsubscribe|<img", f"{mail.text()}{mail.text('html')}", re.IGNORECASE)


def test_the_stored_mail_holds_neither_link_nor_code(practice: Practice, smtp: SmtpServer) -> None:
    cast.with_access(cast.ana(practice))
    answered(practice, ANA)
    hand_over(smtp)
    link = SignInLink.objects.select_related("email", "practice", "request").get()
    token, code = sign_in_links.url_of(link).split("/")[-2], sign_in_links.code_of(link)
    assert token in smtp.mails[0].text()
    kept = OutgoingEmail.objects.get()
    for body in (kept.body_text, kept.body_html, str(kept.content), kept.subject):
        assert token not in body
        assert code not in body
        assert code.replace(" ", "") not in body
    assert "••••••••" in kept.body_text
    assert code not in {link.code_hash, link.token_hash}


def test_the_mail_uses_the_portals_language_else_the_clients(practice: Practice, smtp: SmtpServer) -> None:
    cast.with_access(cast.client(practice, "Lucía", address=ANA, language="es"))
    answered(practice, ANA)
    PortalAccount.objects.update(language="en")
    answered(practice, ANA)
    hand_over(smtp)
    spanish, english = smtp.mails
    assert spanish.message["Subject"].startswith(
        "Inicie sesión en Alder Street Therapy (solicitado a las 12:20 p. m. EST)"
    )
    assert "código" in spanish.text()
    assert english.message["Subject"].startswith("Sign in to Alder Street Therapy")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without_access, "This address is no longer used to sign in."),
        (without_consent, "Email ok was withdrawn for this address."),
        (archive, "This address is no longer used to sign in."),
    ],
)
def test_a_mail_requested_before_a_change_is_dropped(
    practice: Practice, smtp: SmtpServer, change: Callable[[Client], None], reason: str
) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    answered(practice, ANA)
    change(ana)
    hand_over(smtp)
    assert smtp.mails == []
    assert OutgoingEmail.objects.get().reason == reason


def test_a_mail_to_a_changed_address_is_dropped(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    answered(practice, ANA)
    ana.refresh_from_db()
    row = ana.email_addresses.open().get()
    entry = ClientInput(ClientDetails("Ana"), (AddressInput("new@mail.example", "home", True, ref=row.ref),))  # noqa: FBT003
    client_changes.save_client_info(ana, entry, version=ana.version, by=cast.DESK)
    hand_over(smtp)
    assert smtp.mails == []


def test_a_mail_that_waited_a_day_is_dropped_with_the_reason(
    practice: Practice, smtp: SmtpServer, stopped_clock: time_machine.Traveller
) -> None:
    cast.with_access(cast.ana(practice))
    answered(practice, ANA)
    stopped_clock.shift(timedelta(days=1))
    hand_over(smtp)
    assert OutgoingEmail.objects.get().reason == "It waited until its link expired."


def test_a_fourth_link_voids_the_oldest(practice: Practice) -> None:
    cast.with_access(cast.ana(practice))
    made = [cast.mailed(practice, ANA) for _ in range(4)]
    tokens = [sign_in_links.url_of(link).split("/")[-2] for link in made]
    states = [link_redemption.find(practice, token).state for token in tokens]
    assert states == [LinkState.EXPIRED, *[LinkState.LIVE] * 3]


def test_a_refused_mail_is_shown_until_one_is_accepted(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    answered(practice, ANA)
    smtp.refuse("recipient", "552 5.2.2 Full")
    hand_over(smtp)
    ana.refresh_from_db()
    assert (ana.portal_state, ana.portal_reason) == (PortalState.NEEDS_ATTENTION, "mail_stopped")
    smtp.accept()
    answered(practice, ANA)
    hand_over(smtp)
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.INVITED


def test_of_two_mails_sent_together_the_last_outcome_counts(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    for _ in range(2):
        answered(practice, ANA)
    smtp.refuse("recipient", "552 5.2.2 Full", times=1)
    hand_over(smtp)
    assert list(OutgoingEmail.objects.order_by("id").values_list("state", flat=True)) == ["failed", "handed_over"]
    ana.refresh_from_db()
    assert ana.portal_reason != "mail_stopped"


def test_each_further_mail_costs_two_statements(
    practice: Practice, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "CHECK_SECONDS", 60.0)

    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            hand_over(smtp)
        return len([query for query in asked if "SAVEPOINT" not in query["sql"]])

    asks_of_people(practice, 0)
    request_worker.process_next()
    of_one = statements()
    asks_of_people(practice, *range(1, 6))
    request_worker.process_next()
    # What became of it, and the line about that on its page.
    assert statements() == of_one + 4 * 2
    assert len(smtp.mails) == 6
