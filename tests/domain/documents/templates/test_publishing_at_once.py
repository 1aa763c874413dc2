"""Publishing at the same time, and while others save or share: one version, and nothing of the draft is lost."""

from functools import partial
from threading import Event

import pytest
from django.db import IntegrityError, transaction

from portico.domain.access.models import PortalAccess
from portico.domain.documents.models import DocumentRequest, DocumentTemplate, TemplateVersion
from portico.domain.documents.sharing import packet_sharing
from portico.domain.documents.templates import publishing, template_content, template_editing
from portico.domain.documents.templates.template_editing import TemplateChanged
from tests import shared_documents
from tests.cast import DESK
from tests.support.at_once import HANDS, at_once, errors, second_waits

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def changed(access: PortalAccess) -> DocumentTemplate:
    """Returns a consent with a version and a draft that differs from it."""
    template = shared_documents.consent(access.practice).template
    draft = template_content.to_edit(template)
    draft["en"]["text"] = "Of another text."
    return template_editing.save_draft(template, revision=template.revision, draft=draft, by=DESK)


def test_many_publications_at_once_are_one_version(changed: DocumentTemplate) -> None:
    found = at_once(*[partial(publishing.publish, changed, by=DESK)] * HANDS)
    assert errors(found) == []
    changed.refresh_from_db()
    assert {each.pk for each in found if isinstance(each, TemplateVersion)} == {changed.current_version_id}
    assert TemplateVersion.objects.count() == 2


@pytest.mark.postgresql
def test_a_publication_that_waits_for_another_returns_its_version(changed: DocumentTemplate) -> None:
    publish = partial(publishing.publish, changed, by=DESK)
    first, second = second_waits(publish, publish)
    assert first == second == TemplateVersion.objects.get(number=2)


@pytest.mark.postgresql
def test_without_the_lock_a_number_would_be_published_twice(changed: DocumentTemplate) -> None:
    """Shows that a publication that does not lock the document takes the number of another; the database refuses it."""
    is_read, is_published = Event(), Event()

    def publish_without_the_lock() -> None:
        with transaction.atomic():
            row = DocumentTemplate.objects.select_related("current_version").get(pk=changed.pk)
            is_read.set()
            assert is_published.wait(30)
            assert row.current_version is not None
            shared_documents.new_version(row, row.draft, number=row.current_version.number + 1)

    def publish() -> None:
        assert is_read.wait(30)
        publishing.publish(changed, by=DESK)
        is_published.set()

    assert errors(at_once(publish_without_the_lock, publish)) == [IntegrityError]


def test_a_document_published_while_it_is_shared_is_shared_as_it_was_chosen(
    access: PortalAccess, changed: DocumentTemplate
) -> None:
    chosen = TemplateVersion.objects.get()
    found = at_once(
        partial(packet_sharing.share, access, [chosen], form_key="a form", by=DESK),
        partial(publishing.publish, changed, by=DESK),
    )
    assert errors(found) == []
    assert DocumentRequest.objects.get().version == chosen
    assert TemplateVersion.objects.count() == 2


@pytest.mark.postgresql
def test_a_draft_saved_during_a_publication_is_refused(changed: DocumentTemplate) -> None:
    draft = template_content.to_edit(changed)
    draft["en"]["text"] = "A third text."
    save = partial(template_editing.save_draft, changed, revision=changed.revision, draft=draft, by=DESK)
    found = second_waits(partial(publishing.publish, changed, by=DESK), save)
    assert errors(found) == [TemplateChanged]
