"""The getting-started guide: in both languages, with the practice's names and the screens' button labels."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from portico.domain.access.onboarding.guides import client_guide, invitation_letter
from portico.domain.clients import client_numbers
from portico.domain.clients.models import Client
from portico.domain.practices import logos
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast
from tests.support.pictures import picture

OWN = ("Alder Street Therapy", "/portal/alder-street/", "portal@portico.example", "(212) 555-0177", "Mon–Fri, 9 to 5")
LABELS = {
    "en": (
        *("Sign In", "I have a PIN", "Billing & Payments", "Pay Now", "Save Card", "There is no password"),
        *("Get Started", "Documents", "Sign here", "Submit & Continue", "Completed", "For your child"),
    ),
    "es": (
        *("Iniciar sesión", "Tengo un PIN", "Facturas y pagos", "Pagar ahora", "Guardar tarjeta", "No hay contraseña"),
        *("Comenzar", "Documentos", "Firme aquí", "Enviar y continuar", "Completado", "Para su hijo"),
    ),
}


def text_of(content: bytes) -> str:
    """Returns the text of a PDF, with line ends replaced by spaces."""
    words = " ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    return " ".join(words.split())


@pytest.mark.parametrize("language", ["en", "es"])
def test_it_uses_the_practices_names_and_screen_labels(practice: Practice, language: str) -> None:
    text = text_of(client_guide.guide_as_pdf(practice, language))
    assert [words for words in (*OWN, *LABELS[language]) if words not in text] == []


@pytest.mark.parametrize("language", ["en", "es"])
def test_it_says_its_language_and_title(practice: Practice, language: str) -> None:
    reader = PdfReader(BytesIO(client_guide.guide_as_pdf(practice, language)))
    root: Any = reader.trailer["/Root"]  # Any: whatever a PDF holds.
    assert root["/Lang"] == language
    assert reader.metadata is not None
    assert (reader.metadata.title or "").endswith("Alder Street Therapy")


def test_a_practice_without_phone_and_hours_has_a_guide_too(practice: Practice) -> None:
    practice.phone = practice.support_hours = ""
    text = text_of(client_guide.guide_as_pdf(practice, "en"))
    assert "Phone" not in text
    assert "Questions?" not in text


def test_hours_are_not_printed_without_a_number_to_call(practice: Practice) -> None:
    practice.phone = ""
    assert "Phone hours" not in text_of(client_guide.guide_as_pdf(practice, "en"))


def test_paper_is_letter_where_letters_are_and_a4_elsewhere(practice: Practice) -> None:
    sizes = {}
    for country in ("US", "DE"):
        practice.country = country
        page = PdfReader(BytesIO(client_guide.guide_as_pdf(practice, "en"))).pages[0]
        sizes[country] = (round(page.mediabox.width), round(page.mediabox.height))
    assert sizes == {"US": (612, 792), "DE": (595, 842)}


def test_the_letter_explains_signing_in_without_a_secret(practice: Practice) -> None:
    ana = _of_age(cast.ana(practice))
    cast.invited(ana)
    text = text_of(invitation_letter.invitation_letter_as_pdf(ana))
    assert f"{clock.today(practice.time_zone):%B %-d, %Y} Hello Ana," in text
    assert practice.portal_address in text
    assert "/link/" not in text
    assert "Abreu" not in text


def _of_age(client: Client) -> Client:
    client.date_of_birth = clock.today(client.practice.time_zone) - timedelta(days=40 * 365)
    client.save(update_fields=["date_of_birth"])
    return client


@pytest.mark.parametrize("age", [9, None])
def test_the_letter_to_a_client_who_may_be_a_minor_greets_without_a_name(practice: Practice, age: int | None) -> None:
    bea = cast.bea(practice)
    birth = None if age is None else clock.today(practice.time_zone) - timedelta(days=age * 365)
    Client.objects.filter(pk=bea.pk).update(date_of_birth=birth)
    text = text_of(invitation_letter.invitation_letter_as_pdf(Client.objects.get(pk=bea.pk)))
    assert "Hello, You can now use the client portal of Alder Street Therapy for Bea Berg." in text


def test_the_letter_without_email_describes_the_pin(practice: Practice) -> None:
    nia = cast.client(practice, "Nia", address="nia@mail.example", email_ok=False)
    text = text_of(invitation_letter.invitation_letter_as_pdf(nia))
    assert f"Enter the client number, {client_numbers.number_of(nia)}," in text
    assert "I have a PIN" in text
    assert "Open the email" not in text


def test_the_letter_to_a_stopped_mailbox_describes_the_pin(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.stopped(ana)
    text = text_of(invitation_letter.invitation_letter_as_pdf(ana))
    assert "I have a PIN" in text
    assert "Open the email" not in text


def test_the_letter_to_a_contact_is_theirs(practice: Practice) -> None:
    bea = cast.client(practice, "Bea", "Berg")
    bruno = cast.guardian(bea)
    bruno.contact.language = "es"
    text = text_of(invitation_letter.invitation_letter_as_pdf(bea, bruno))
    assert "Hola, Bruno:" in text
    assert f"Ahora puede usar el portal de clientes de {practice.name} para Bea Berg." in text
    assert client_numbers.number_of(bea) in text
    maria = cast.guardian(bea, "Maria", address=None)
    assert "I have a PIN" in text_of(invitation_letter.invitation_letter_as_pdf(bea, maria))


def test_several_letters_are_pages_each_in_its_language(practice: Practice) -> None:
    ana, carol = cast.client(practice, "Ana", language="es"), _of_age(cast.carol(practice))
    readers = [(ana, None), (carol, None), (ana, cast.guardian(ana))]
    pages = PdfReader(BytesIO(invitation_letter.invitation_letters_as_pdf(practice, readers))).pages
    to_ana, to_carol, to_bruno = (" ".join(page.extract_text().split()) for page in pages)
    assert "Hola" in to_ana
    assert "Hello Carol," in to_carol
    assert "Hello Bruno," in to_bruno
    assert "1 / 3" not in to_ana + to_carol + to_bruno


def test_the_letter_uses_the_clients_language(practice: Practice) -> None:
    ana = cast.client(practice, "Ana", "Abreu", language="es")
    assert "Hola" in text_of(invitation_letter.invitation_letter_as_pdf(ana))


def test_the_logo_is_included_in_print_size(practice: Practice) -> None:
    logos.save(practice, picture(size=(640, 640)), by=cast.DESK)
    practice.refresh_from_db()
    [printed] = PdfReader(BytesIO(client_guide.guide_as_pdf(practice, "en"))).pages[0].images
    assert printed.image is not None
    assert printed.image.size == (120, 120)
