"""The practice's own texts of emails about bills and documents: written by an owner, sent in the client's language."""

from datetime import timedelta

import pytest
from django.test import Client as Browser

from portico.domain.billing import bill_mail_texts, bill_mails
from portico.domain.billing.reminders import by_hand
from portico.domain.documents.sharing import document_mails
from portico.domain.practices.models import DefaultText, Practice
from portico.plumbing import clock
from portico.plumbing.mail import outbox
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast

pytestmark = pytest.mark.django_db
PAGE = "/office/settings/emails/texts/invoice_shared/"


@pytest.fixture
def owner(client: Browser, practice: Practice) -> Browser:
    return cast.signed_in(client, cast.elm(practice))


def typed(practice: Practice, kind: str = bill_mail_texts.NEW_BILL, **own: str) -> dict[str, str]:
    form = {"version": str(practice.version)}
    for language, text in bill_mail_texts.texts_of(practice, kind).items():
        form |= {f"{language}-subject": text.subject, f"{language}-message": text.message}
    return form | {name.replace("_", "-"): value for name, value in own.items()}


def body(kind: str) -> str:
    email = OutgoingEmail.objects.filter(kind=kind).latest("id")
    composer = outbox.composer_of(kind)
    composer.look_up([email])
    return composer.compose(email, composer.link(email)).text


def test_an_own_text_is_mailed_in_the_clients_language(owner: Browser, practice: Practice) -> None:
    form = typed(practice, en_subject="[practice name]: a bill", es_message="Hola, [first name]:\n\nHay una factura.")
    assert "The email text was saved." in owner.post(PAGE, form, follow=True).text
    ana, luz = cast.ana(practice), cast.client(practice, "Luz", address="luz@mail.example", language="es")
    for person in (ana, luz):
        cast.with_access(person)
        cast.bill(person)
    subjects = OutgoingEmail.objects.filter(kind=bill_mails.NEW_BILL).order_by("id").values_list("subject", flat=True)
    assert list(subjects) == [f"{practice.name}: a bill", f"Tiene una factura nueva de {practice.name}"]
    letter = body(bill_mails.NEW_BILL)
    assert "Hola, Luz:\n\nHay una factura." in letter
    assert "Ver su factura" in letter


def test_a_text_equal_to_the_default_is_not_stored(owner: Browser, practice: Practice) -> None:
    owner.post(PAGE, typed(practice, en_subject="Your bill"))
    assert DefaultText.objects.get().kind == bill_mail_texts.NEW_BILL
    practice.refresh_from_db()
    page = owner.post(PAGE, typed(practice) | {"action": "own-en"}).text
    assert 'value="You have a new bill from [practice name]"' in page
    default = bill_mail_texts.default_text(bill_mail_texts.NEW_BILL, "en").subject
    owner.post(PAGE, typed(practice, en_subject=default))
    assert not DefaultText.objects.exists()
    assert AuditEntry.objects.filter(action__startswith="default_text").count() == 2


def test_a_preview_saves_nothing(owner: Browser, practice: Practice) -> None:
    page = owner.post(PAGE, typed(practice, en_message="Hi [first name]") | {"action": "preview"}).text
    assert ">Hi Jordan</p>" in page
    assert not DefaultText.objects.exists()


def test_a_preview_of_the_default_text_still_says_so(owner: Browser, practice: Practice) -> None:
    as_browsers_send_it = {name: text.replace("\n", "\r\n") for name, text in typed(practice).items()}
    assert "\r\n" in as_browsers_send_it["en-message"]
    for action in ("preview", "own-es"):
        assert owner.post(PAGE, as_browsers_send_it | {"action": action}).text.count(">Default text</span>") == 2


def test_an_incomplete_text_is_refused_and_kept(owner: Browser, practice: Practice) -> None:
    answer = owner.post(PAGE, typed(practice, en_subject="", en_message="Kept as typed"))
    assert answer.status_code == 422
    assert "Kept as typed" in answer.text
    assert not DefaultText.objects.exists()


def test_a_colleagues_newer_text_is_not_overwritten_unseen(owner: Browser, practice: Practice) -> None:
    first = typed(practice, en_subject="The first")
    owner.post(PAGE, first)
    answer = owner.post(PAGE, first | {"en-subject": "The second"})
    assert answer.status_code == 409
    assert "Subject: your version" in answer.text
    assert "The first" in answer.text
    assert DefaultText.objects.get().subject == "The first"
    practice.refresh_from_db()
    assert f'name="version" value="{practice.version}"' in answer.text


def test_a_preview_keeps_the_version_of_the_first_page(owner: Browser, practice: Practice) -> None:
    opened = typed(practice, en_subject="Mine")
    owner.post(PAGE, opened | {"en-subject": "A colleague’s"})
    page = owner.post(PAGE, opened | {"action": "preview"}).text
    assert f'name="version" value="{opened["version"]}"' in page


def test_only_owners_write_texts_of_known_emails(owner: Browser, practice: Practice) -> None:
    assert cast.signed_in(Browser(), cast.fay(practice)).get(PAGE).status_code == 403
    assert owner.get("/office/settings/emails/texts/sign_in/").status_code == 404


def test_an_email_queued_before_has_the_default_text(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    cast.bill(ana)
    email = OutgoingEmail.objects.get(kind=bill_mails.NEW_BILL)
    del email.content["message"]
    email.save(update_fields=["content"])
    assert f"Hello,\n\n{practice.name} has sent you a new bill for Ana." in body(bill_mails.NEW_BILL)


def test_a_reminder_fills_in_the_number_of_bills(owner: Browser, practice: Practice) -> None:
    page = f"{PAGE.replace('invoice_shared', 'reminder')}"
    form = typed(
        practice, "reminder", es_subject="Recordatorio: [number of bills]", es_message="Debe [number of bills]."
    )
    assert "Debe 2 facturas." in owner.post(page, form | {"action": "preview"}).text
    owner.post(page, form)
    luz = cast.client(practice, "Luz", address="luz@mail.example", language="es")
    cast.with_access(luz)
    cast.bill(luz, due_on=clock.today(practice.time_zone) - timedelta(days=3))
    by_hand.send(practice, [luz.ref], by=cast.DESK)
    assert OutgoingEmail.objects.get(kind="reminder").subject == "Recordatorio: 1 factura"
    assert "Debe 1 factura." in body("reminder")


def test_an_own_text_of_the_email_about_documents(owner: Browser, practice: Practice) -> None:
    page = "/office/settings/emails/texts/documents_shared/"
    shown = owner.get(page).text
    assert "has shared 2 documents with you. Completing everything takes about 12 minutes." in shown
    assert "[number of documents], [minutes]" in shown
    form = {"version": str(practice.version)}
    for language, text in document_mails.texts_of(practice).items():
        form |= {f"{language}-subject": text.subject, f"{language}-message": text.message}
    answer = owner.post(page, form | {"en-subject": "To sign: [number of documents]"}, follow=True)
    assert "The email text was saved." in answer.text
    assert document_mails.texts_of(practice)["en"].subject == "To sign: [number of documents]"
    assert DefaultText.objects.get().kind == document_mails.KIND
