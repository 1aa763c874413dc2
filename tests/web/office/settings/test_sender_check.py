"""`Settings` > `Emails` > `Sender check`."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client as Browser
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries
from time_machine import Traveller

from portico.domain.audit_actions import AuditAction
from portico.domain.maintenance import schedule
from portico.domain.maintenance.models import CheckName, CheckReason, ScheduledTask, SenderCheck, Verdict
from portico.domain.maintenance.schedule import Task
from portico.domain.maintenance.sender_check import check_mail, checking
from portico.domain.maintenance.sender_check.checking import CHECK_SENDER
from portico.domain.maintenance.sender_check.results import CheckResult
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.mail.returned_mail import AuthenticationResults, MethodResult, ReturnedMail
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast

pytestmark = pytest.mark.django_db
PAGE = "/office/settings/emails/sender/"
DOMAIN = settings.EMAIL_FROM.rpartition("@")[2]
# Session with practice, the checks, the task, and the counts of the menu.
QUERIES = 4


@pytest.fixture
def owner(client: Browser, practice: Practice) -> Browser:
    return cast.signed_in(client, cast.elm(practice))


def found(name: CheckName, verdict: Verdict, reason: CheckReason, found: str = "", wanted: str = "") -> CheckResult:
    return CheckResult(name, verdict, reason, DOMAIN, found, wanted)


def test_it_shows_what_was_found_and_what_to_put_into_dns(
    owner: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assert "Not checked yet." in owner.get(PAGE).text
    checking.store(
        DOMAIN,
        [
            found(CheckName.MX, Verdict.OK, CheckReason.GOOD, "10 mail.alder.example"),
            found(CheckName.SPF, Verdict.WARN, CheckReason.SPF_ALLOWS_ALL, "v=spf1 +all", "v=spf1 ~all"),
        ],
    )
    with django_assert_num_queries(QUERIES):
        page = owner.get(PAGE).text
    assert page.index('data-check="spf"') < page.index('data-check="mx"')
    assert 'data-copy="v=spf1 ~all"' in page
    assert "v=spf1 +all" in page
    assert "The SPF record ends in +all, so anyone may send emails in your name." in page


def test_a_silent_dns_server_shows_the_last_result_with_its_date(owner: Browser) -> None:
    checking.store(DOMAIN, [found(CheckName.SPF, Verdict.OK, CheckReason.GOOD)])
    SenderCheck.objects.update(checked_at=clock.now() - timedelta(days=1), known_at=clock.now() - timedelta(days=1))
    checking.store(DOMAIN, [found(CheckName.SPF, Verdict.UNKNOWN, CheckReason.NOT_ANSWERED)])
    page = owner.get(PAGE).text
    assert 'data-verdict="ok"' in page
    assert "The DNS server did not answer last time (" in page


def test_check_now_makes_a_worker_check_and_not_the_request(owner: Browser) -> None:
    checks: list[str] = []
    task = Task(CHECK_SENDER.name, CHECK_SENDER.every, lambda: checks.append("checked"))
    schedule.create_missing([task])
    assert schedule.run_next([task])
    assert not schedule.run_next([task])
    assert "Check now" in owner.get(PAGE).text
    owner.post(f"{PAGE}checking/")
    owner.post(f"{PAGE}checking/")
    page = owner.get(PAGE).text
    assert "A check is running." in page
    assert "Check now" not in page
    assert checks == ["checked"]
    assert schedule.run_next([task])
    assert not schedule.run_next([task])
    assert checks == ["checked", "checked"]
    assert "Check now" in owner.get(PAGE).text


def test_a_check_whose_worker_died_can_be_asked_for_again(owner: Browser) -> None:
    now = clock.now()
    ScheduledTask.objects.create(
        name=CHECK_SENDER.name, due_at=now - timedelta(minutes=3) + CHECK_SENDER.every, done_at=now - timedelta(days=1)
    )
    assert "Check now" in owner.get(PAGE).text


def test_only_owners_open_it(client: Browser, practice: Practice) -> None:
    desk = cast.signed_in(client, cast.fay(practice))
    assert desk.get(PAGE).status_code == 403
    assert desk.post(f"{PAGE}checking/").status_code == 403


def test_a_test_email_says_what_to_look_for(owner: Browser) -> None:
    fields = {"address": "elm@gmail.example", "form_key": "k" * 43}
    for _press in range(2):
        location = owner.post(f"{PAGE}test-email/", fields)["Location"]
    mail = OutgoingEmail.objects.get()
    assert location == f"{PAGE}?test={mail.ref}"
    assert mail.to_address == "elm@gmail.example"
    letter = outbox.composer_of(mail.kind).compose(mail, None)
    for body in (letter.text, letter.html):
        assert f"dkim=pass, header.d={DOMAIN}" in body
    entry = AuditEntry.objects.get(action=AuditAction.TEST_EMAIL_SENT)
    assert (entry.about, entry.details, entry.actor_name) == (mail.ref, {"address": mail.to_address}, "Dr. Naomi Elm")


def test_a_corrected_address_gets_its_own_test_email(owner: Browser) -> None:
    for address in ("elm@gmail.exmaple", "elm@gmail.example"):
        owner.post(f"{PAGE}test-email/", {"address": address, "form_key": "k" * 43})
    assert set(OutgoingEmail.objects.values_list("to_address", flat=True)) == {"elm@gmail.exmaple", "elm@gmail.example"}


def test_a_malformed_address_gets_no_test_email(owner: Browser) -> None:
    answer = owner.post(f"{PAGE}test-email/", {"address": "elm at gmail"})
    assert (answer.status_code, OutgoingEmail.objects.count()) == (422, 0)
    assert "Enter a complete email address" in answer.text


def test_an_owner_sends_ten_test_emails_an_hour(owner: Browser) -> None:
    statuses = [owner.post(f"{PAGE}test-email/", {"address": "elm@gmail.example"}).status_code for _each in range(11)]
    assert statuses == [302] * 10 + [429]
    assert OutgoingEmail.objects.count() == 10


REPORTS = "bounces@portico.example"


@override_settings(EMAIL_RETURN_PATH=REPORTS, REPORTS_ARE_COLLECTED=True)
def test_the_page_waits_for_the_test_email_it_sent(
    owner: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assert f'value="{REPORTS}"' in owner.get(PAGE).text
    page = owner.post(f"{PAGE}test-email/", {"address": REPORTS}, follow=True).text
    mail = OutgoingEmail.objects.get()
    address = f"{PAGE}?test={mail.ref}"
    assert f'hx-get="{address}"' in page
    assert 'data-check="test_mail"' in page
    assert "No test email has come back yet." in page
    results = AuthenticationResults("mx.elm.example", is_trusted=True, statements=(MethodResult("dkim", "fail"),))
    outbox.composer_of(mail.kind).came_back(mail, ReturnedMail(results, ()))
    with django_assert_num_queries(QUERIES + 1):
        page = owner.get(address).text
    assert 'data-check="test_mail"\n    data-verdict="broken"' in page
    assert "Stated by mx.elm.example" in page
    assert "Last OK" not in page
    assert 'hx-trigger="load delay:2s"' not in page


@override_settings(EMAIL_RETURN_PATH=REPORTS, REPORTS_ARE_COLLECTED=True)
@pytest.mark.parametrize("ending", ["late", "elsewhere", "bounced"])
def test_the_page_does_not_wait_for_what_does_not_come(owner: Browser, stopped_clock: Traveller, ending: str) -> None:
    owner.post(f"{PAGE}test-email/", {"address": "elm@gmail.example" if ending == "elsewhere" else REPORTS})
    mail = OutgoingEmail.objects.get()
    if ending == "late":
        stopped_clock.shift(timedelta(minutes=4))
    if ending == "bounced":
        mail.park("It could not be created", at=clock.now())
    page = owner.get(f"{PAGE}?test={mail.ref}").text
    assert f"/office/emails/{mail.ref}/" in page
    assert 'hx-trigger="load delay:2s"' not in page


def test_a_server_that_is_not_known_is_named(owner: Browser, practice: Practice) -> None:
    mail = check_mail.send(practice, REPORTS, form_key="k", by=Actor.system())
    results = AuthenticationResults("mx.google.com", is_trusted=False)
    outbox.composer_of(mail.kind).came_back(mail, ReturnedMail(results, ()))
    SenderCheck.objects.update(ok_at=clock.now())
    page = owner.get(PAGE).text
    assert "Your system administrator can set AUTHSERV_ID." in page
    assert "Server: mx.google.com" in page
    assert page.count("Last OK: ") == 1


def test_another_practices_test_email_is_not_shown(owner: Browser) -> None:
    theirs = check_mail.send(cast.birch(), "dora@mail.example", form_key="k", by=Actor.system())
    assert "dora@mail.example" not in owner.get(f"{PAGE}?test={theirs.ref}").text
