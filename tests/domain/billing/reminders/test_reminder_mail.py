"""The reminder of unpaid bills: sent only while a bill in it is to pay and its client may get mail."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from time_machine import Traveller

from portico.domain.access import client_changes
from portico.domain.access.models import SignInLink
from portico.domain.access.sign_in import sign_in_links
from portico.domain.billing import bill_mail_texts
from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.models import AttemptState, Dispute, Invoice
from portico.domain.billing.refusals import PaymentDisputed, Processing
from portico.domain.billing.reminders import by_hand, due_reminders
from portico.domain.clients.models import Client, EmailAddress
from portico.domain.practices.mail_texts import MailText
from portico.domain.practices.models import Practice
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock, tokens
from portico.plumbing.mail import delivery
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.refusals import Refused
from tests import cast
from tests.support.portal_client import Browser
from tests.support.servers.smtp import SmtpServer


def late(person: Client, amount_minor: int = 14_000) -> Invoice:
    return cast.bill(person, amount_minor, due_on=clock.today(person.practice.time_zone) - timedelta(days=5))


def reminder(bill: Invoice) -> OutgoingEmail:
    """Returns the reminder that staff sent with `Email again`."""
    sent = invoice_sharing.send_again(bill, form_key=tokens.new_token(), shown=None, by=cast.DESK).email
    assert sent is not None
    assert sent.kind == "reminder"
    return sent


def deliver(smtp: SmtpServer, mail: OutgoingEmail) -> OutgoingEmail:
    OutgoingEmail.objects.exclude(pk=mail.pk).update(state="handed_over", settled_at=clock.now())
    assert delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))
    mail.refresh_from_db()
    return mail


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


def pay(bill: Invoice) -> None:
    cast.cash(bill.client, bill.total_minor, invoice=bill)


def start_a_card_payment(bill: Invoice) -> None:
    cast.attempt(bill, state=AttemptState.PROCESSING)


def dispute(bill: Invoice) -> None:
    payment = cast.cash(bill.client, 1_000, invoice=bill)
    Dispute.objects.create(
        practice=bill.client.practice, payment=payment, stripe_dispute_id="dp_1", amount_minor=1_000, currency="USD"
    )


def void(bill: Invoice) -> None:
    invoicing.void(bill, reason="Made by mistake", shown=None, by=cast.DESK)


def unshare(bill: Invoice) -> None:
    invoice_sharing.unshare(bill, shown=None, by=cast.DESK)


def archive(bill: Invoice) -> None:
    client_changes.archive(bill.client, by=cast.DESK)


def withdraw_consent(bill: Invoice) -> None:
    EmailAddress.objects.update(email_ok_at=None)


NOT_OWED = "The bill was paid, is being paid, is disputed, or is no longer shared."


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (pay, NOT_OWED),
        (start_a_card_payment, NOT_OWED),
        (dispute, NOT_OWED),
        (void, NOT_OWED),
        (unshare, NOT_OWED),
        (archive, "The client was archived."),
        (withdraw_consent, "Email ok was withdrawn for this address."),
    ],
)
def test_a_change_before_delivery_drops_the_reminder(
    ana: Client, smtp: SmtpServer, change: Callable[[Invoice], None], reason: str
) -> None:
    bill = late(ana)
    mail = reminder(bill)
    change(bill)
    mail = deliver(smtp, mail)
    assert (mail.state, mail.reason, smtp.mails) == ("dropped", reason, [])


def test_a_late_bill_mailed_again_says_that_it_is_a_reminder(ana: Client, smtp: SmtpServer) -> None:
    bill = late(ana)
    late(ana, 9_900)
    sent = deliver(smtp, reminder(bill))
    assert sent.state == "handed_over"
    (mail,) = smtp.mails
    assert mail.message["Subject"] == "Reminder about your bill from Alder Street Therapy"
    link = link_in(sent)
    assert mail.text().count(link) == 1
    text = mail.text().replace(link, "")
    assert "you have 2 bills to pay" in text
    assert "Works once, within 24 hours." in text
    assert "http://localhost:8000/portal/alder-street/" in text
    for secret in ("140", "99", "Session", "Ana", str(bill.ref)):
        assert secret not in text


@pytest.mark.parametrize(("change", "refused"), [(start_a_card_payment, Processing), (dispute, PaymentDisputed)])
def test_a_reminder_that_would_be_dropped_is_refused(
    ana: Client, office: Browser, change: Callable[[Invoice], None], refused: type[Refused]
) -> None:
    bill = late(ana)
    page = f"/office/invoices/{bill.ref}/"
    assert "Email again" in office.get(page).content.decode()
    change(bill)
    with pytest.raises(refused):
        reminder(bill)
    assert not OutgoingEmail.objects.filter(kind="reminder").exists()
    html = office.get(page).content.decode()
    assert "Email again" not in html
    assert str(refused.message) in unescape(html)


@pytest.mark.both_databases
def test_subject_message_and_button_are_about_the_same_bills(ana: Client, smtp: SmtpServer) -> None:
    late(ana)
    due_today = cast.bill(ana, due_on=clock.today(ana.practice.time_zone) - timedelta(days=3))
    Invoice.objects.filter(pk=due_today.pk).update(shared_at=clock.now() - timedelta(days=2))
    text = MailText("You have [number of bills] to pay", bill_mail_texts.default_text("reminder", "en").message)
    bill_mail_texts.save(ana.practice, "reminder", {"en": text}, version=ana.practice.version, by=cast.DESK)
    assert due_reminders.queue_due() == 1
    sent = deliver(smtp, OutgoingEmail.objects.get(kind="reminder"))
    (mail,) = smtp.mails
    assert mail.message["Subject"] == "You have 2 bills to pay"
    assert "you have 2 bills to pay" in mail.text()
    assert "See your bills:" in mail.text()
    assert lands_on(sent) == "/portal/alder-street/billing/"


def test_a_bill_paid_before_delivery_is_in_neither_subject_nor_message(ana: Client, smtp: SmtpServer) -> None:
    late(ana)
    paid = late(ana)
    text = MailText("You have [number of bills] to pay", bill_mail_texts.default_text("reminder", "en").message)
    bill_mail_texts.save(ana.practice, "reminder", {"en": text}, version=ana.practice.version, by=cast.DESK)
    mail = reminder(late(ana))
    assert mail.subject == "You have 3 bills to pay"
    pay(paid)
    sent = deliver(smtp, mail)
    assert sent.subject == smtp.mails[0].message["Subject"] == "You have 2 bills to pay"
    assert "you have 2 bills to pay" in sent.body_text


def test_a_bill_shared_after_queueing_is_not_in_the_reminder(ana: Client, smtp: SmtpServer) -> None:
    mail = reminder(late(ana))
    late(ana)
    assert "you have 1 bill to pay" in deliver(smtp, mail).body_text


def link_in(mail: OutgoingEmail) -> str:
    return sign_in_links.url_of(SignInLink.objects.select_related("email", "practice").get(email=mail))


def lands_on(mail: OutgoingEmail) -> str:
    """Follows the reminder's link to its button, and returns the page that opens."""
    OutgoingEmail.objects.filter(pk=mail.pk).update(handing_over_at=clock.now())
    browser = Browser()
    browser.get(link_in(mail))
    answer = browser.post("/portal/alder-street/link/", follow=True)
    assert answer.status_code == 200
    return str(answer.redirect_chain[-1][0])


def test_the_button_opens_the_bill_or_all_bills(practice: Practice, ana: Client, stopped_clock: Traveller) -> None:
    bill = late(ana)
    assert lands_on(reminder(bill)) == f"/portal/alder-street/billing/{bill.ref}/"
    late(ana)
    stopped_clock.shift(timedelta(days=1))
    by_hand.send(practice, [ana.ref], by=cast.DESK)
    assert lands_on(OutgoingEmail.objects.latest("id")) == "/portal/alder-street/billing/"


def test_a_family_chooses_whose_bills_to_open(practice: Practice) -> None:
    people = [cast.bruno(practice), cast.bea(practice)]
    for person in people:
        cast.with_access(person)
        late(person)
    by_hand.send(practice, [person.ref for person in people], by=cast.DESK)
    chooser = "/portal/alder-street/who/?next=/portal/alder-street/billing/"
    assert lands_on(OutgoingEmail.objects.get(kind="reminder")) == chooser


def test_a_reminder_sent_twice_has_one_link(ana: Client) -> None:
    bill = late(ana)
    for _time in range(2):
        invoice_sharing.send_again(bill, form_key="k", shown=None, by=cast.DESK)
    assert SignInLink.objects.filter(email__kind="reminder").count() == 1
    assert OutgoingEmail.objects.filter(kind="reminder").count() == 1


def test_a_bill_that_is_not_late_is_mailed_as_before(ana: Client) -> None:
    sent = invoice_sharing.send_again(cast.bill(ana), form_key="k", shown=None, by=cast.DESK).email
    assert sent is not None
    assert sent.kind == "invoice_shared"


def test_a_reminder_is_not_sent_two_days_later(ana: Client, smtp: SmtpServer, stopped_clock: Traveller) -> None:
    mail = reminder(late(ana))
    stopped_clock.shift(timedelta(days=2))
    assert deliver(smtp, mail).reason == "It was too late to send it. Send a new reminder."
