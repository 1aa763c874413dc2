"""Open documents are updated while they are signed, or while a colleague updates them to a later version."""

from functools import partial

import pytest
from django.test import Client as Browser

from portico.domain.access.models import PortalAccess
from portico.domain.documents.models import DocumentRequest, DocumentTemplate, Submission
from portico.domain.documents.refusals import DocumentUpdated
from portico.domain.documents.sharing import version_updates
from tests import cast, shared_documents
from tests.cast import DESK
from tests.support.at_once import errors, second_waits

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def consent() -> DocumentRequest:
    """Returns Ana's open consent; its document has a second version."""
    ana = cast.ana(cast.alder())
    cast.in_the_portal(Browser(), ana)
    access = PortalAccess.objects.get(own_client=ana)
    (request,) = shared_documents.shared(access, shared_documents.consent(ana.practice))
    publish(request.version.template, 2)
    return request


def publish(template: DocumentTemplate, number: int) -> None:
    content = {"en": shared_documents.CONSENT["en"] | {"text": f"The text of version {number}."}}
    shared_documents.new_version(template, content, number=number)


def update(template: DocumentTemplate, to: int) -> int:
    return version_updates.update(template, shown=to, with_started=True, by=DESK)


def test_a_text_that_was_replaced_while_it_was_signed_is_not_signed(consent: DocumentRequest) -> None:
    access = PortalAccess.objects.get(pk=consent.access_id)
    found = second_waits(
        partial(update, consent.version.template, 2), partial(shared_documents.signed, consent, access)
    )
    assert errors(found) == [DocumentUpdated]
    assert not Submission.objects.exists()


def test_an_update_that_waits_for_a_signature_leaves_it_alone(consent: DocumentRequest) -> None:
    access = PortalAccess.objects.get(pk=consent.access_id)
    found = second_waits(
        partial(shared_documents.signed, consent, access), partial(update, consent.version.template, 2)
    )
    assert errors(found) == []
    assert Submission.objects.get().document_digest == consent.version.digest


def test_an_update_never_goes_back_to_an_earlier_version(consent: DocumentRequest) -> None:
    earlier = DocumentTemplate.objects.select_related("current_version").get(pk=consent.version.template_id)
    later = DocumentTemplate.objects.get(pk=earlier.pk)
    publish(later, 3)
    found = second_waits(partial(update, later, 3), partial(update, earlier, 2))
    assert found == [1, 0]
    consent.refresh_from_db()
    assert consent.version.number == 3
