"""`Balances`: clients by the age of their debt, and reminders to all who are late in one press."""

from datetime import timedelta

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.billing.ledger import debts_by_age
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
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
    debts = debts_by_age.debts_of(practice)
    assert {client: debt.by_age for client, debt in debts.of_clients.items()} == {
        ana.pk: (3, 30, 300, 3_000, 10_000),
        carol.pk: (5, 0, 0, 0, 0),
    }
    assert debts.total.by_age == (8, 30, 300, 3_000, 10_000)


def test_the_late_clients_are_reminded_and_the_others_are_named(office: Browser, practice: Practice) -> None:
    late = [late_client(practice, "Nia"), late_client(practice, "Olu")]
    no_access = cast.carol(practice)
    owing(no_access, 40)
    page = office.get(BALANCES).text
    assert "Send reminder to 2 clients" in page
    assert "No reminder: Client Portal Access is off" in page
    assert page.count("checked") == 2
    everybody = {"client": [person.ref for person in (*late, no_access)]}
    sent = office.post(f"{BALANCES}reminders/", everybody, follow=True).text
    assert "Reminders to 2 clients are on their way." in sent
    assert "Carol Cole gets no reminder: Client Portal Access is off." in sent
    assert sent.count("No reminder: Already reminded today") == 2
    office.post(f"{BALANCES}reminders/", everybody)
    assert reminded(practice) == 2


def test_a_family_gets_one_mail(office: Browser, practice: Practice) -> None:
    for person in (cast.bruno(practice), cast.bea(practice)):
        cast.with_access(person)
        owing(person, 10)
    refs = list(Client.objects.values_list("ref", flat=True))
    office.post(f"{BALANCES}reminders/", {"client": refs})
    assert reminded(practice) == 1


def test_another_practices_client_gets_none(office: Browser, practice: Practice) -> None:
    other = late_client(cast.birch(), "Nia")
    page = office.post(f"{BALANCES}reminders/", {"client": [other.ref]}, follow=True).text
    assert "Tick at least one client." in page
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
