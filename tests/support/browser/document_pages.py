"""Steps of completing documents on a phone, in English and Spanish."""

from django.conf import settings
from django.test import Client as Pages
from playwright.sync_api import FilePayload, Page, expect

from portico.domain.access.models import SignInLink
from portico.domain.access.sign_in import sign_in_links
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.support.browser.chromium import Browsing, axe, carry
from tests.support.pictures import picture
from tests.support.portal_client import Browser

PORTAL = "/portal/alder-street/"
HOME, DOCUMENTS = f"{PORTAL}home/", f"{PORTAL}documents/"
WIDTH = 390
WORDS = {
    "en": {
        "start": "Get Started", "name": "Your full name", "relationship": "Relationship to client",
        "agree": "I agree to sign electronically.", "submit": "Submit & Continue", "go on": "Continue",
        "review": "Review & Continue", "called": "What do you like to be called?", "yes": "Yes",
        "many": "How many a day?", "nuts": "Nuts", "done": "You can close this. We have it.", "self": "Self",
        "photo": "Photo or PDF", "upload": "Upload", "sign in": "Sign in as", "left": "3 of 3 left, about 12 minutes",
    },
    "es": {
        "start": "Comenzar", "name": "Su nombre completo", "relationship": "Relación con el cliente",
        "agree": "Acepto firmar electrónicamente.", "submit": "Enviar y continuar", "go on": "Continuar",
        "review": "Revisar y continuar", "called": "¿Cómo le gusta que le llamen?", "yes": "Sí",
        "many": "¿Cuántos al día?", "nuts": "Nueces", "done": "Puede cerrar esta página. Ya lo tenemos.",
        "self": "La misma persona", "photo": "Foto o PDF", "upload": "Subir", "sign in": "Iniciar sesión como",
        "left": "Por completar: 3 de 3, alrededor de 12 minutos",
    },
}  # fmt: skip


def phone_of(browsing: Browsing, url: str, person: Client, *, javascript: bool = True, language: str = "en") -> Page:
    """Opens the portal's Home on a phone in which the client is signed in."""
    return phone(browsing, url, cast.in_the_portal(Browser(), person), javascript=javascript, language=language)


def phone(browsing: Browsing, url: str, signed_in: Pages, *, javascript: bool = True, language: str = "en") -> Page:
    """Opens the portal's Home on a phone with the session of Django's test client."""
    page = browsing.window(url, javascript=javascript, width=WIDTH)
    carry(page, url, signed_in, settings.CLIENT_COOKIE_NAME)
    page.goto(f"{HOME}?language={language}")
    return page


def link_in(email: OutgoingEmail) -> str:
    """Marks the mail as handed over; returns the address of its link."""
    OutgoingEmail.objects.filter(pk=email.pk, handing_over_at=None).update(handing_over_at=clock.now())
    return sign_in_links.url_of(SignInLink.objects.select_related("email", "practice").get(email=email))


def expect_accessible(page: Page, *, javascript: bool = True) -> None:
    """Expects no violation that axe finds, and no scrolling sideways."""
    if javascript:
        assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def sign(page: Page, name: str, *, relationship: str = "", language: str = "en", is_first: bool = True) -> None:
    """Signs the consent on the page. Without `relationship`, the one that the page proposes stays."""
    words = WORDS[language]
    page.get_by_label(words["name"]).fill(name)
    if relationship:
        page.get_by_label(words["relationship"]).fill(relationship)
    if is_first:
        page.get_by_label(words["agree"]).check()
    page.get_by_role("button", name=words["submit"]).click()


def fill_in_form(page: Page, *, javascript: bool = True, language: str = "en") -> None:
    """Fills in the intake form of `shared_documents` up to its review; the answer about smoking opens a branch."""
    words = WORDS[language]
    page.get_by_label(words["called"]).fill("Anita")
    page.get_by_label(words["yes"], exact=True).check()
    if javascript:
        # The branch opens by itself, once it is saved.
        expect(page.get_by_label(words["many"])).to_be_visible()
    else:
        page.get_by_role("button", name=words["go on"], exact=True).click()
    page.get_by_label(words["many"]).fill("7")
    expect_accessible(page, javascript=javascript)
    page.get_by_role("button", name=words["go on"], exact=True).click()
    page.get_by_label(words["nuts"]).check()
    page.get_by_role("button", name=words["review"]).click()
    expect(page.get_by_text("Anita")).to_be_visible()


def upload_photo(page: Page, name: str, *, language: str = "en") -> None:
    """Chooses a photo on the page of a request for a file, and uploads it."""
    words = WORDS[language]
    photo: FilePayload = {"name": name, "mimeType": "image/jpeg", "buffer": picture("JPEG")}
    page.get_by_label(words["photo"]).set_input_files(photo)
    page.get_by_role("button", name=words["upload"]).click()
    expect(page.get_by_test_id("upload")).to_contain_text(name)
