"""The Emails page: the list, its search and filters, one email with masked links, and retrying."""

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client as Browser
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries

from portico.domain.audit_actions import AuditAction
from portico.domain.clients import search_terms
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.domain.practices.staff import team
from portico.plumbing import clock
from portico.plumbing.mail import outbox
from portico.plumbing.mail.reports import report_mailbox_health
from portico.plumbing.models import AuditEntry, EmailEventKind, OutgoingEmail, ReportMailbox
from portico.plumbing.models.outgoing_emails import DelayCause, EmailState
from portico.web.office import menu_counts
from tests import cast

LIST = "/office/emails/"
# Session with colleague and practice; rows, six chips, outage, the last one handed over, the menu,
# past bursts.
QUERIES_OF_LIST = 12
# Session with colleague and practice, email, its audit entry, its events, the menu.
QUERIES_OF_ONE = 5


def mail(person: Client, **changes: object) -> OutgoingEmail:
    email = cast.invited(person).email
    if changes:
        if changes.get("state") not in {None, EmailState.QUEUED, EmailState.DELAYED}:
            changes.setdefault("settled_at", clock.now())
        if changes.get("state") == EmailState.DELAYED:
            changes.setdefault("delayed_at", clock.now())
        OutgoingEmail.objects.filter(pk=email.pk).update(**changes)
        email.refresh_from_db()
    return email


def page(office: Browser, query: str = "") -> str:
    answer = office.get(f"{LIST}{query}")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def refs(shown: str) -> list[str]:
    return re.findall(r'data-testid="email-row" data-state="\w+" data-ref="(\w+)"', shown)


def test_a_row_shows_state_reason_tries_and_sender(office: Browser, practice: Practice) -> None:
    mail(
        cast.ana(practice),
        state=EmailState.BOUNCED,
        reason="The mailbox doesn’t exist.",
        detail="5.1.1 no such user",
        attempts=2,
    )
    shown = page(office)
    assert 'data-testid="email-row" data-state="bounced"' in shown
    for text in ("Invitation", "Ana Abreu", "ana@mail.example", "The mailbox doesn’t exist.", "5.1.1", "2 attempts"):
        assert text in shown
    assert "by The desk" in shown


@pytest.mark.parametrize("state", EmailState.values)
def test_every_state_has_its_own_label(office: Browser, practice: Practice, state: str) -> None:
    email = mail(cast.ana(practice), state=state, handed_over_at=clock.now())
    shown = page(office)
    assert f'data-state="{state}"' in shown
    assert str(EmailState(state).label) in shown
    assert office.get(f"{LIST}{email.ref}/").status_code == 200


def test_handed_over_is_not_shown_as_delivered(office: Browser, practice: Practice) -> None:
    mail(cast.ana(practice), state=EmailState.HANDED_OVER, handed_over_at=clock.now())
    shown = page(office)
    assert "Sent at 12:20 PM (we can’t tell if it arrived)" in shown
    assert "Last email sent just now" in shown


def test_the_list_is_newest_first_and_paged(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    refs_written = [cast.invited(ana).email.ref for _ in range(30)]
    first = page(office)
    assert refs(first) == refs_written[::-1][:25]
    older = re.search(r'href="(\?[^"]*after=[^"]*)"', first)
    assert older is not None
    second = page(office, older[1])
    assert refs(second) == refs_written[::-1][25:]
    assert "Back to first page" in second


@pytest.mark.parametrize(
    ("query", "found"),
    [
        *[(query, True) for query in ("ana", "ABR", "ana@mail", "ANA@mail.example", "@mail", "abreu ana", "0134")],
        *[(query, False) for query in ("breu", "carol", "na@mail", "a@m*")],
    ],
)
def test_search_matches_prefixes_of_name_or_address(
    office: Browser,
    practice: Practice,
    query: str,
    found: bool,  # noqa: FBT001  A pytest parameter.
) -> None:
    email = mail(cast.ana(practice))
    assert refs(page(office, f"?q={query}")) == ([email.ref] if found else [])


def test_search_finds_emails_to_a_former_address(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    email = mail(ana)
    ana.email_addresses.update(closed_at=clock.now())
    search_terms.refresh_terms(ana)
    assert refs(page(office, "?q=ana@mail.example")) == [email.ref]


def test_an_address_search_shows_only_its_emails(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    here = mail(ana)
    OutgoingEmail.objects.filter(pk=mail(ana).pk).update(to_address="other@mail.example")
    assert refs(page(office, "?q=ana@mail.example")) == [here.ref]


def test_each_filter_chip_lists_its_states(office: Browser, practice: Practice) -> None:
    waiting = mail(cast.ana(practice))
    handed = mail(cast.carol(practice), state=EmailState.HANDED_OVER)
    bounced = mail(cast.bruno(practice), state=EmailState.BOUNCED)
    shown = page(office)
    assert refs(shown) == [bounced.ref, handed.ref, waiting.ref]
    for show, email in (
        ("waiting", waiting),
        ("handed_over", handed),
        ("look", bounced),
        ("not_delivered", bounced),
    ):
        assert refs(page(office, f"?show={show}")) == [email.ref]
    assert "Needs attention <b>1</b>" in shown
    assert "All <b>3</b>" in shown


@pytest.mark.parametrize(
    "query",
    [
        "?q=%00",
        "?q=%ED%A0%80",
        "?show=nonsense",
        "?after=..",
        "?after=nonsense",
        f"?q={'x' * 2000}",
        "?q={{7*191}}",
        "?q=%3Cb%3E",
    ],
)
def test_a_hostile_query_finds_nothing(office: Browser, practice: Practice, query: str) -> None:
    mail(cast.ana(practice))
    answer = office.get(f"{LIST}{query}")
    assert answer.status_code in {200, 400}
    assert "<b>" not in re.sub(r"<b>[\d,+]*</b>|<b>Fay</b>", "", answer.content.decode())
    visible = re.sub(r"<svg.*?</svg>|<input type=.hidden[^>]*>", "", answer.content.decode())
    assert "1337" not in visible


def test_another_practices_emails_are_unreachable(office: Browser) -> None:
    email = mail(cast.dora(cast.birch()), state=EmailState.FAILED)
    assert refs(page(office)) == []
    assert refs(page(office, "?q=dora")) == []
    assert office.get(f"{LIST}{email.ref}/").status_code == 404
    assert office.post(f"{LIST}{email.ref}/restart/").status_code == 404
    assert refs(page(office, f"?after={email.ref}")) == []
    email.refresh_from_db()
    assert email.state == EmailState.FAILED


def test_unknown_position_shows_the_newest(office: Browser, practice: Practice) -> None:
    email = mail(cast.ana(practice))
    shown = page(office, "?after=nonsense")
    assert refs(shown) == [email.ref]
    assert "Back to first page" not in shown


def test_a_mail_server_outage_is_shown_on_top(office: Browser, practice: Practice) -> None:
    mail(
        cast.ana(practice),
        state=EmailState.DELAYED,
        delayed_by=DelayCause.OURS,
        reason="Our mail server cannot be reached.",
        detail="Connection refused",
    )
    shown = page(office)
    assert 'data-testid="mail-trouble"' in shown
    assert "1 email has been waiting since today, 12:20 PM." in shown


@override_settings(REPORT_MAILBOX_URL="imaps://u:p@mail.example")
def test_staff_are_told_that_reports_cannot_be_read(client: Browser, practice: Practice) -> None:
    ReportMailbox.objects.create(
        pk=1, problem="Invalid <credentials>", problem_since=clock.now() - report_mailbox_health.PATIENCE
    )
    shown = page(cast.signed_in(client, cast.elm(practice)))
    assert 'data-testid="report-trouble"' in shown
    assert "Since today, 11:20 AM, we don’t know which emails bounced." in shown
    assert "(Invalid <credentials>)" in shown
    ReportMailbox.objects.update(problem_since=clock.now())
    assert 'data-testid="report-trouble"' not in page(client)
    ReportMailbox.objects.update(problem_since=clock.now() - report_mailbox_health.PATIENCE)
    shown = page(cast.signed_in(Browser(), cast.fay(practice)))
    assert "we don’t know which emails bounced." in shown
    # What the server said is for those who see to the mailbox.
    assert "credentials" not in shown


def test_a_sent_email_is_shown_with_its_link_masked(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    token = cast.token_of(invitation)
    OutgoingEmail.objects.filter(pk=invitation.email_id).update(
        state=EmailState.HANDED_OVER,
        settled_at=clock.now(),
        body_text=f"Hello <Ana>,\nhttp://localhost/link/{outbox.LINK_PLACEHOLDER}/",
    )
    shown = office.get(f"{LIST}{invitation.email.ref}/").content.decode()
    assert "Hello &lt;Ana&gt;,<br>" in shown
    assert outbox.LINK_PLACEHOLDER in shown
    assert token not in shown
    assert invitation.email.message_id.strip("<>") in shown
    assert "desk@alder.example" in shown


def test_a_deleted_body_is_not_shown_as_unsent(office: Browser, practice: Practice) -> None:
    sent = mail(cast.ana(practice), state="handed_over", settled_at=clock.now(), body_deleted_at=clock.now())
    shown = office.get(f"/office/emails/{sent.ref}/").text
    assert "The message was deleted" in shown
    assert "Nothing was sent." not in shown


def test_events_are_listed_newest_first(office: Browser, practice: Practice) -> None:
    email = mail(cast.ana(practice))
    outbox.add_event(email, EmailEventKind.DELAYED, words="The server there is busy.", detail="450")
    outbox.add_event(email, EmailEventKind.HANDED_OVER)
    shown = unescape(office.get(f"{LIST}{email.ref}/").content.decode())
    events = shown[shown.index("History") :]
    assert events.index("Sent") < events.index("The server there is busy.") < events.index("Created")


def test_opening_an_email_is_logged_once(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    email = mail(ana)
    office.get(f"{LIST}{email.ref}/")
    entry = AuditEntry.objects.get(action=AuditAction.EMAIL_VIEWED)
    assert (entry.client, entry.about, entry.actor_name) == (ana, email.ref, "Fay")


@pytest.mark.parametrize("colleague", [cast.elm, cast.hal, cast.fay, cast.ines])
def test_every_role_may_read_and_retry_emails(client: Browser, practice: Practice, colleague: object) -> None:
    email = mail(cast.ana(practice), state=EmailState.FAILED, parked_at=clock.now(), errors=5)
    browser = cast.signed_in(client, colleague(practice))  # type: ignore[operator]  # One of the cast.
    assert "Try again" in browser.get(f"{LIST}{email.ref}/").content.decode()
    assert browser.post(f"{LIST}{email.ref}/restart/").status_code == 302
    email.refresh_from_db()
    assert (email.state, email.errors, email.parked_at) == (EmailState.QUEUED, 0, None)
    assert AuditEntry.objects.filter(action=AuditAction.EMAIL_RESTARTED).count() == 1


def test_retrying_twice_queues_once(office: Browser, practice: Practice) -> None:
    email = mail(cast.ana(practice), state=EmailState.FAILED)
    for _ in range(2):
        assert office.post(f"{LIST}{email.ref}/restart/").status_code == 302
    assert AuditEntry.objects.filter(action=AuditAction.EMAIL_RESTARTED).count() == 1


def test_a_handed_over_email_cannot_be_retried(office: Browser, practice: Practice) -> None:
    email = mail(cast.ana(practice), state=EmailState.HANDED_OVER)
    assert "Try again" not in office.get(f"{LIST}{email.ref}/").content.decode()
    office.post(f"{LIST}{email.ref}/restart/")
    email.refresh_from_db()
    assert email.state == EmailState.HANDED_OVER
    assert "Only a failed email can be retried." in page(office)


def test_retrying_needs_a_post(office: Browser, practice: Practice) -> None:
    email = mail(cast.ana(practice), state=EmailState.FAILED)
    assert office.get(f"{LIST}{email.ref}/restart/").status_code == 405


@pytest.mark.parametrize("ref", ["%00", "%ED%A0%80", "nonsense", "x" * 5000])
def test_an_unknown_ref_is_not_found(office: Browser, ref: str) -> None:
    assert office.get(f"{LIST}{ref}/").status_code in {400, 404}


# Needing attention


def test_the_menu_counts_emails_needing_attention(office: Browser, practice: Practice) -> None:
    mail(cast.ana(practice), state=EmailState.BOUNCED)
    mail(cast.carol(practice), state=EmailState.DROPPED)
    mail(cast.bruno(practice), state=EmailState.HANDED_OVER)
    shown = page(office)
    assert '<span class="count">2<span class="hidden-text"> to review</span></span>' in shown


def test_a_later_email_clears_an_earlier_failure(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    mail(ana, state=EmailState.BOUNCED)
    assert menu_counts.of_practice(practice).emails == "1"
    mail(ana)
    assert menu_counts.of_practice(practice).emails == ""


def test_staff_emails_count_until_a_later_one(practice: Practice) -> None:
    team.invite(practice, name="Fay", email="fay@alder.example", role=Role.FRONT_DESK, by=cast.DESK)
    first = OutgoingEmail.objects.filter(client=None)
    first.update(state=EmailState.BOUNCED, settled_at=clock.now())
    assert menu_counts.of_practice(practice).emails == "1"
    team.invite_again(StaffMember.objects.get(name="Fay"), by=cast.DESK)
    assert menu_counts.of_practice(practice).emails == ""
    first.update(state=EmailState.DROPPED, settled_at=clock.now())
    assert menu_counts.of_practice(practice).emails == ""


def test_old_failures_are_not_counted(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    mail(cast.ana(practice), state=EmailState.FAILED)
    stopped_clock.shift(timedelta(days=31))
    assert menu_counts.of_practice(practice).emails == ""


def test_another_practices_failures_are_not_counted(practice: Practice) -> None:
    mail(cast.dora(cast.birch()), state=EmailState.BOUNCED)
    assert menu_counts.of_practice(practice).emails == ""


def test_the_count_is_capped(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(menu_counts, "MAX_ROWS", 1)
    mail(cast.ana(practice), state=EmailState.BOUNCED)
    mail(cast.carol(practice), state=EmailState.BOUNCED)
    assert menu_counts.of_practice(practice).emails == "1+"


# Queries


def test_the_list_takes_a_fixed_number_of_queries(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    office.get(LIST)
    for number in (0, 30):
        for _ in range(number):
            cast.invited(ana)
        with django_assert_num_queries(QUERIES_OF_LIST):
            office.get(LIST)


def test_one_email_takes_a_fixed_number_of_queries(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    email = mail(cast.ana(practice))
    for _ in range(20):
        outbox.add_event(email, EmailEventKind.DELAYED)
    with django_assert_num_queries(QUERIES_OF_ONE):
        office.get(f"{LIST}{email.ref}/")
