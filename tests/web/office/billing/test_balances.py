"""`Balances`: clients by the age of their debt, and reminders to all who are late in one press."""

import re
from datetime import timedelta

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.ledger import debts_by_age
from portico.domain.billing.models import Invoice
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.database.compiled import CompiledQuery
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
BALANCES = "/office/invoices/balances/"
# The session with its staff member; debts and totals; clients, accesses, late bills and reminders of the day; the menu.
QUERIES = 8


def owing(person: Client, days_late: int, amount_minor: int = 1_000) -> None:
    today = clock.today(person.practice.time_zone)
    cast.bill(person, amount_minor, due_on=today - timedelta(days=days_late))


def late_client(practice: Practice, name: str) -> Client:
    person = cast.client(practice, name, address=f"{name.lower()}@mail.example")
    cast.with_access(person)
    owing(person, 10)
    return person


def reminded(practice: Practice) -> int:
    return OutgoingEmail.objects.filter(practice=practice, kind="reminder").count()


def test_debts_are_added_up_by_age(practice: Practice) -> None:
    ana, carol = cast.ana(practice), cast.carol(practice)
    for days_late, amount_minor in ((-5, 1), (0, 2), (1, 10), (30, 20), (31, 100), (60, 200), (61, 1_000), (90, 2_000)):
        owing(ana, days_late, amount_minor)
    owing(ana, 91, 10_000)
    owing(carol, -1, 5)
    owing(cast.dora(cast.birch()), 1)
    page, totals = debts_by_age.page_of(practice), debts_by_age.totals_of(practice)
    assert {client: debt.by_age for client, debt in page.of_clients.items()} == {
        ana.pk: (3, 30, 300, 3_000, 10_000),
        carol.pk: (5, 0, 0, 0, 0),
    }
    assert (totals.total.by_age, totals.clients) == ((8, 30, 300, 3_000, 10_000), 2)


@pytest.fixture
def two_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists two clients a page; the queries are compiled again, since the limit is a part of them."""
    monkeypatch.setattr(debts_by_age, "PAGE_SIZE", 2)
    for name in ("_first_page", "_page", "_page_without_dates"):
        query = getattr(debts_by_age, name)
        monkeypatch.setitem(CompiledQuery.known, query.name, query)
        monkeypatch.setattr(debts_by_age, name, CompiledQuery(query.queryset))


@pytest.fixture
def listed(practice: Practice) -> list[Client]:
    """Returns clients in the order of the list: two with the same due date, two with later ones, three with none."""
    people = [cast.client(practice, name) for name in ("Uma", "Nia", "Olu", "Pia", "Quin", "Rae", "Sol")]
    for person, days_late in zip(people, (40, 40, 10, -5, 0, 0, 0), strict=True):
        owing(person, days_late)
    Invoice.objects.filter(client__in=people[4:]).update(due_on=None)
    return people


@pytest.mark.usefixtures("two_a_page")
def test_every_client_is_on_one_page_with_the_totals_of_all(office: Browser, listed: list[Client]) -> None:
    found, address = [], BALANCES
    while address:
        page = office.get(address).text
        found += re.findall(r'balance-row" data-ref="(\w+)"', page)
        assert "of 7 clients" in page
        assert '<td class="num corner">$70.00</td>' in page.partition("<tfoot>")[2]
        later = re.search(r'href="(\?after=\w+)"', page)
        address = f"{BALANCES}{later[1]}" if later else ""
    assert found == [person.ref for person in listed]


@pytest.mark.usefixtures("two_a_page")
def test_a_page_that_has_been_paid_leads_back_to_the_first(office: Browser, listed: list[Client]) -> None:
    cast.cash(listed[-1], 1_000, invoice=listed[-1].invoices.get())
    assert office.get(BALANCES, {"after": listed[-2].ref})["Location"] == BALANCES
    for unknown in (listed[-1].ref, "nobody", "\0"):
        assert "Back to first page" not in office.get(BALANCES, {"after": unknown}).text


@pytest.mark.usefixtures("two_a_page")
def test_select_all_stays_on_its_page(office: Browser, practice: Practice) -> None:
    for name in ("Nia", "Olu", "Pia"):
        late_client(practice, name)
    (after,) = re.findall(r'href="\?after=(\w+)"', office.get(BALANCES).text)
    assert f'href="{BALANCES}?after={after}&amp;select=all"' in office.get(BALANCES, {"after": after}).text
    assert f'href="{BALANCES}?after={after}"' in office.get(BALANCES, {"after": after, "select": "all"}).text


@pytest.mark.usefixtures("two_a_page")
def test_the_file_has_every_client(client: Browser, practice: Practice, listed: list[Client]) -> None:
    text = cast.signed_in_with_factor(client, cast.ines(practice)).get(f"{BALANCES}file/").getvalue().decode()
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == [f'"{person.name}"' for person in listed]
    assert AuditEntry.objects.get(action=AuditAction.INVOICES_EXPORTED).details["number"] == 7


def test_the_late_clients_are_reminded_and_the_others_are_named(office: Browser, practice: Practice) -> None:
    late = [late_client(practice, "Nia"), late_client(practice, "Olu")]
    no_access = cast.carol(practice)
    owing(no_access, 40)
    page = office.get(BALANCES).text
    assert "Send reminder to the checked clients" in page
    assert "No reminder. Client Portal Access is off." in page
    assert page.count(" checked>") == 0
    page = office.get(BALANCES, {"select": "all"}).text
    # Without script the button cannot know how many are still checked.
    assert "Send reminder to 2 clients" not in page
    assert page.count(" checked>") == 2
    everybody = {"client": [person.ref for person in (*late, no_access)]}
    sent = office.post(f"{BALANCES}reminders/", everybody, follow=True).text
    assert "2 reminders are on their way." in sent
    assert "Carol Cole gets no reminder: Client Portal Access is off." in sent
    assert sent.count("No reminder. Already reminded today.") == 2
    office.post(f"{BALANCES}reminders/", everybody)
    assert reminded(practice) == 2


def test_a_family_gets_one_mail(office: Browser, practice: Practice) -> None:
    for person in (cast.bruno(practice), cast.bea(practice)):
        cast.with_access(person)
        owing(person, 10)
    refs = list(Client.objects.values_list("ref", flat=True))
    page = office.post(f"{BALANCES}reminders/", {"client": refs}, follow=True).text
    assert "1 reminder is on its way." in page
    assert reminded(practice) == 1


def test_another_practices_client_gets_none(office: Browser, practice: Practice) -> None:
    other = late_client(cast.birch(), "Nia")
    page = office.post(f"{BALANCES}reminders/", {"client": [other.ref]}, follow=True).text
    assert "Check at least one client." in page
    assert OutgoingEmail.objects.filter(kind="reminder").count() == 0


def test_the_file_has_the_amounts(client: Browser, practice: Practice) -> None:
    owing(cast.ana(practice), 45, 14_000)
    text = cast.signed_in_with_factor(client, cast.ines(practice)).get(f"{BALANCES}file/").getvalue().decode()
    assert '"Ana Abreu","USD","0.00","0.00","140.00","0.00","0.00","140.00"' in text


@pytest.mark.parametrize("number", [1, 4])
def test_the_number_of_queries_is_fixed(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for name in ("Nia", "Olu", "Pia", "Quin")[:number]:
        late_client(practice, name)
    with django_assert_num_queries(QUERIES):
        office.get(BALANCES)
