"""Names of products and services in both languages, on the page and in invoices."""

import pytest
from django.test import Client as Browser

from portico.domain.billing.invoices import service_items
from portico.domain.billing.models import Invoice, InvoiceLine, ServiceItem
from portico.domain.practices.models import Practice
from tests import cast
from tests.web.office.billing.test_invoices_and_payments import typed
from tests.web.office.billing.test_new_invoices import form_for

pytestmark = pytest.mark.django_db
SERVICES = "/office/settings/services/"
ENGLISH, SPANISH = "Session, 50 minutes", "Sesión de 50 minutos"


@pytest.fixture
def item(practice: Practice) -> ServiceItem:
    return service_items.save(
        practice, code="S50", label=ENGLISH, label_es=SPANISH, price_minor=14_000, shown=None, by=cast.DESK
    )


def test_an_owner_names_a_service_in_spanish(client: Browser, practice: Practice) -> None:
    owner = cast.signed_in(client, cast.elm(practice))
    form = {"code": "S50", "label": ENGLISH, "label_es": SPANISH, "price": "140.00"}
    page = owner.post(SERVICES, form, follow=True).text
    assert f'lang="es">{SPANISH}<' in page
    saved = ServiceItem.objects.get()
    owner.post(f"{SERVICES}{saved.ref}/", form | {"label_es": "", "shown": f"version={saved.version} price=14000"})
    saved.refresh_from_db()
    assert (saved.label_es, saved.label_in("es")) == ("", ENGLISH)


def test_an_invoice_has_the_name_in_the_clients_language(
    office: Browser, practice: Practice, item: ServiceItem
) -> None:
    ana, luz = cast.ana(practice), cast.client(practice, "Luz", language="es")
    for person, label in ((ana, ENGLISH), (luz, SPANISH)):
        page = f"/office/clients/{person.ref}/invoices/new/"
        office.post(page, typed(("", "1", ""), **{"lines-0-item": item.ref}))
        assert InvoiceLine.objects.get(invoice__client=person).label == label
    assert "Sesi\\u00f3n" in office.get(f"/office/clients/{luz.ref}/invoices/new/").text


def test_each_of_several_invoices_has_its_clients_language(
    office: Browser, practice: Practice, item: ServiceItem
) -> None:
    ana, luz = cast.ana(practice), cast.client(practice, "Luz", language="es")
    chosen = {"lines-0-item": item.ref, "form_key": "k" * 43}
    lines = typed((ENGLISH, "1", ""), ("Typed by hand", "1", "5.00"), **chosen)
    for _again in range(2):
        office.post(form_for([ana, luz]), lines)
    assert Invoice.objects.count() == 2
    labels = InvoiceLine.objects.filter(invoice__client=luz).order_by("position").values_list("label", flat=True)
    assert list(labels) == [SPANISH, "Typed by hand"]
    assert InvoiceLine.objects.filter(invoice__client=ana, label=ENGLISH).exists()
