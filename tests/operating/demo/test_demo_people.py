"""The demo's families, its couple and payer, and its documents half done and waiting for review."""

import pytest
from django.test import Client as Browser

from portico.domain.clients import coming_of_age
from portico.domain.clients.models import Client, ClientKind, Relationship, RelationshipKind
from portico.domain.documents.models import DocumentRequest, RequestState
from portico.domain.documents.templates import starter_set
from portico.domain.practices.models import Practice, StaffMember
from portico.operating.demo import demo_contacts, demo_data, demo_documents
from portico.operating.seeding.loading import Loaded
from tests import cast

pytestmark = pytest.mark.django_db


def person(first_name: str) -> Relationship:
    rows = Relationship.objects.select_related("contact", "client__practice", "access__address")
    return rows.filter(contact__first_name=first_name).earliest("id")


@pytest.fixture
def templates(practice: Practice) -> None:
    starter_set.add(practice, by=cast.DESK)
    starter_set.publish_all(practice, by=cast.DESK)


def test_a_used_link_left_one_client_of_the_mailbox_out(office: Browser, practice: Practice) -> None:
    jamie, remy = (cast.client(practice, name, address="jamie@cross.example") for name in ("Jamie", "Remy"))
    for each in (jamie, remy):
        cast.token_of(cast.invited(each))
    fay = StaffMember.objects.get(practice=practice)
    demo = demo_data._Demo(Loaded(practice, {"fay": fay}, {"remy": remy}, {}, {}))
    demo_data._use_link_while_off(demo, "remy")
    page = office.get(f"/office/clients/{remy.ref}/edit/portal/").text
    assert 'data-step="signed_in" data-state="waiting"' in " ".join(page.split())
    assert "The link was used, but not for Remy" in page
    assert "Jamie can sign in" in office.get(f"/office/clients/{jamie.ref}/edit/portal/").text


@pytest.mark.usefixtures("templates")
def test_parents_apart_a_payer_and_a_couple_see_what_is_theirs(practice: Practice) -> None:
    family = demo_contacts.add_all(practice, by=cast.DESK)
    demo_documents.share(family.child, relationship=family.mother, by=cast.DESK)

    assert family.child.relationships.filter(kind=RelationshipKind.GUARDIAN).count() == 2
    assert Client.objects.get(pk=family.child.pk).parents_apart_at is not None
    assert not hasattr(person("Oscar"), "access")
    payer = person("Greta").access
    assert (payer.access_billing_documents, payer.sees_documents) == (True, False)
    couple = Client.objects.get(kind=ClientKind.COUPLE)
    assert [each.kind for each in couple.relationships.all()] == [RelationshipKind.MEMBER] * 2
    assert {each.access.holder.name for each in DocumentRequest.objects.all()} == {"Nadia Hart"}
    assert [each.client.first_name for each in coming_of_age.list_for(practice)] == ["Juno"]


@pytest.mark.usefixtures("templates")
def test_one_packet_is_half_done_and_one_waits_for_review(practice: Practice) -> None:
    alex, lena = cast.ana(practice), cast.carol(practice)
    for client in (alex, lena):
        cast.in_the_portal(Browser(), client)
        demo_documents.share(client, by=cast.DESK)
    demo_documents.begin(alex)
    demo_documents.complete(lena)

    states = {client: set(client.document_requests.values_list("state", flat=True)) for client in (alex, lena)}
    assert states[lena] == {RequestState.COMPLETED}
    assert states[alex] >= {RequestState.COMPLETED, RequestState.STARTED}
