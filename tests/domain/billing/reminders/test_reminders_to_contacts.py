"""Reminders of bills to contacts who see them: automatic ones, those sent by hand, and one bill sent again."""

from datetime import date, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import contact_changes
from portico.domain.access.models import PortalAccess
from portico.domain.billing.invoices import invoice_sharing
from portico.domain.billing.models import Invoice, Reminder
from portico.domain.billing.reminders import by_hand, due_reminders
from portico.domain.clients import contacts
from portico.domain.clients.models import Client, Relationship, RelationshipKind
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.mail import outbox
from portico.plumbing.models import OutgoingEmail
from tests import cast

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 23)
ANA, PAYER = "ana@mail.example", "pia@mail.example"
# As for a client alone: a contact costs no query more.
QUERIES = 17


def owing(person: Client, days_late: int = 3) -> Invoice:
    """Returns a bill whose due date was so many days ago, shared two days ago."""
    bill = cast.bill(person, due_on=TODAY - timedelta(days=days_late))
    Invoice.objects.filter(pk=bill.pk).update(shared_at=clock.now() - timedelta(days=2))
    return bill


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


def payer_of(person: Client, *, email_ok: bool = True) -> Relationship:
    payer = cast.guardian(person, "Pia", kind=RelationshipKind.PAYER, address=PAYER, email_ok=email_ok)
    cast.with_contact_access(payer)
    return payer


def mailed() -> list[tuple[str, str, int]]:
    """Returns address, name and number of bills of each reminder."""
    rows = OutgoingEmail.objects.filter(kind="reminder").order_by("to_address")
    return [(each.to_address, each.to_name, len(each.content["bills"])) for each in rows]


def test_a_payer_and_the_client_are_each_reminded_once(ana: Client) -> None:
    cast.with_access(ana)
    payer_of(ana)
    owing(ana)
    assert due_reminders.queue_due() == 2
    assert due_reminders.queue_due() == 0
    assert mailed() == [(ANA, "Ana Abreu", 1), (PAYER, "Pia Berg", 1)]
    assert Reminder.objects.count() == 1


def test_a_payer_is_reminded_of_all_their_clients_in_one_mail(practice: Practice, ana: Client) -> None:
    carol = cast.carol(practice)
    payer = payer_of(ana)
    cast.with_contact_access(contacts.link(carol, payer.contact, RelationshipKind.PAYER, by=cast.DESK))
    for person, days_late in ((ana, 3), (carol, 14)):
        owing(person, days_late)
    assert due_reminders.queue_due() == 1
    assert mailed() == [(PAYER, "Pia Berg", 2)]
    email = OutgoingEmail.objects.get(kind="reminder")
    assert email.content["goes_to"] == "/portal/alder-street/who/?next=/portal/alder-street/billing/"


def test_those_who_share_a_mailbox_are_not_split_over_batches(
    practice: Practice, ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_reminders, "BATCH_SIZE", 1)
    carol = cast.carol(practice)
    cast.with_access(carol)
    payer = payer_of(ana)
    cast.with_contact_access(contacts.link(carol, payer.contact, RelationshipKind.PAYER, by=cast.DESK))
    # Not yet late: no reminder of another bill would mention it.
    owing(ana, 3)
    owing(carol, -3)
    while due_reminders.queue_due():
        pass
    assert mailed() == [("carol@mail.example", "Carol Cole", 1), (PAYER, "Pia Berg", 2)]


@pytest.mark.parametrize("change", ["no consent", "stopped", "no bills", "off", "ended", "reminders off"])
def test_a_payer_who_may_not_be_mailed_gets_none(ana: Client, change: str) -> None:
    payer = payer_of(ana, email_ok=change != "no consent")
    owing(ana)
    access = PortalAccess.objects.filter(relationship=payer)
    match change:
        case "stopped":
            access.update(mail_stopped_at=clock.now())
        case "no bills":
            access.update(access_billing_documents=False)
        case "off":
            access.update(enabled_at=None)
        case "ended":
            contact_changes.end(payer, by=cast.DESK)
        case "reminders off":
            Client.objects.update(reminders_off_at=clock.now())
        case _:
            pass
    assert due_reminders.queue_due() == 0
    (recipient,) = by_hand.send(ana.practice, [ana.ref], by=cast.DESK).recipients
    assert recipient.reason
    assert mailed() == []


def test_a_reminder_by_hand_reaches_the_payer_once_a_day(practice: Practice, ana: Client) -> None:
    payer_of(ana)
    owing(ana)
    (recipient,) = by_hand.send(practice, [ana.ref], by=cast.DESK).recipients
    assert recipient.reason == ""
    assert mailed() == [(PAYER, "Pia Berg", 1)]
    (again,) = by_hand.send(practice, [ana.ref], by=cast.DESK).recipients
    assert again.reason == "Already reminded today"
    # The client, who got access since, has not been reminded today.
    cast.with_access(ana)
    by_hand.send(practice, [ana.ref], by=cast.DESK)
    assert mailed() == [(ANA, "Ana Abreu", 1), (PAYER, "Pia Berg", 1)]
    assert due_reminders.queue_due() == 0


def test_a_late_bill_sent_again_reminds_the_payer_too(ana: Client) -> None:
    cast.with_access(ana)
    payer_of(ana)
    bill = owing(ana)
    for _press in range(2):
        invoice_sharing.send_again(bill, form_key="k", shown=None, by=cast.DESK)
    assert mailed() == [(ANA, "Ana Abreu", 1), (PAYER, "Pia Berg", 1)]
    assert due_reminders.queue_due() == 0


def test_a_contact_removed_before_delivery_gets_no_reminder(ana: Client) -> None:
    payer = payer_of(ana)
    owing(ana)
    due_reminders.queue_due()
    email = OutgoingEmail.objects.select_related("practice").get(kind="reminder")
    composer = outbox.composer_of(email.kind)
    assert composer.refuse(email) is None
    contact_changes.end(payer, by=cast.DESK)
    assert composer.refuse(email)


def test_the_number_of_queries_is_that_of_a_client_alone(
    practice: Practice, ana: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    payer_of(ana)
    cast.with_access(ana)
    owing(ana)
    with django_assert_num_queries(QUERIES):
        assert due_reminders.queue_due() == 2
