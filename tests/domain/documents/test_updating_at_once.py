"""Updating an open request while its client signs and saves: nothing signed changes, and no answer is misplaced."""

from functools import partial
from threading import Event

import pytest
from django.db import transaction

from portico.domain.access.models import PortalAccess
from portico.domain.documents.models import DocumentRequest, DocumentTemplate, ResponseDraft
from portico.domain.documents.refusals import DocumentCompleted, DocumentUpdated, DraftChanged
from portico.domain.documents.sharing import version_updates
from portico.domain.documents.submissions import verification
from tests import shared_documents
from tests.cast import DESK
from tests.domain.documents.filled_forms import filled_form, save, submit
from tests.support.at_once import at_once, errors

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

ROUNDS = 5


def update(template: DocumentTemplate) -> int:
    current = DocumentTemplate.objects.select_related("current_version").get(pk=template.pk)
    return version_updates.update(current, shown=2, with_started=True, by=DESK)


def test_updated_signed_and_saved_at_once_is_consistent(access: PortalAccess) -> None:
    """Checks that a signed document keeps the version that was read, and an open one has answers only to its own."""
    changed = shared_documents.intake(shared_documents.item("name", "string", "Your name?"))
    for _round in range(ROUNDS):
        request = filled_form(access)
        old = request.version
        shared_documents.new_version(old.template, changed)
        found = at_once(partial(submit, request, access), partial(update, old.template), partial(save, request))
        assert set(errors(found)) <= {DocumentCompleted, DocumentUpdated, DraftChanged}
        assert list(verification.problems()) == []
        request.refresh_from_db()
        if request.is_complete:
            assert request.version == old
        else:
            names = {each["linkId"] for each in ResponseDraft.objects.get(request=request).answers}
            assert names == {"name"}


@pytest.mark.postgresql
def test_without_the_lock_what_was_signed_would_change_its_version(access: PortalAccess) -> None:
    """Shows that an update that does not lock the request gives a signed one another text."""
    request = filled_form(access)
    changed = shared_documents.intake(shared_documents.item("name", "string", "Your name?"))
    new = shared_documents.new_version(request.version.template, changed)
    is_read, is_signed = Event(), Event()

    def update_without_the_lock() -> None:
        with transaction.atomic():
            row = DocumentRequest.objects.get(pk=request.pk)
            is_read.set()
            assert is_signed.wait(30)
            assert row.is_open
            row.version = new
            row.save(update_fields=["version"])

    def sign() -> None:
        assert is_read.wait(30)
        submit(request, access)
        is_signed.set()

    assert errors(at_once(update_without_the_lock, sign)) == []
    assert [each.reason for each in verification.problems()] == ["the document is not the one that was completed"]
