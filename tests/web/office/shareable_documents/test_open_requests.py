"""`Update open requests` in a document's editor."""

import pytest
from django.test import Client as Browser

from portico.domain.documents.models import DocumentRequest, RequestState
from portico.domain.documents.sharing import version_updates
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast, shared_documents

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client: Browser, practice: Practice) -> Browser:
    return cast.signed_in(client, cast.elm(practice))


def test_open_requests_are_updated_after_publishing(owner: Browser, practice: Practice) -> None:
    old = shared_documents.consent(practice)
    people = (cast.ana(practice), cast.carol(practice))
    sent, started = (shared_documents.shared(cast.with_access(each), old)[0] for each in people)
    DocumentRequest.objects.filter(pk=started.pk).update(state=RequestState.STARTED, started_at=clock.now())
    page = f"/office/settings/documents/{old.template.ref}/"
    assert "Update open requests" not in owner.get(page).text
    new = shared_documents.new_version(old.template, shared_documents.CONSENT)
    assert "1 document has an earlier version and was not started." in owner.get(page).text
    assert "Also update 1 that was started" in owner.get(page).text
    said = owner.post(f"{page}open-requests/", {"version": "2"}, follow=True).text
    assert "1 document was updated." in said
    said = owner.post(f"{page}open-requests/", {"version": "1", "with_started": "1"}, follow=True).text
    assert "1 document was updated." not in said
    owner.post(f"{page}open-requests/", {"version": "2", "with_started": "1"})
    assert set(DocumentRequest.objects.values_list("version", flat=True)) == {new.pk}
    sent.refresh_from_db()
    assert sent.is_open


def test_what_one_press_leaves_is_said(owner: Browser, practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version_updates, "MAX_UPDATED", 1)
    old = shared_documents.consent(practice)
    for person in (cast.ana(practice), cast.carol(practice)):
        shared_documents.shared(cast.with_access(person), old)
    shared_documents.new_version(old.template, shared_documents.CONSENT)
    page = f"/office/settings/documents/{old.template.ref}/open-requests/"
    assert "1 document was updated. 1 is left. Update again." in owner.post(page, {"version": "2"}, follow=True).text
    said = owner.post(page, {"version": "2"}, follow=True).text
    assert "1 document was updated." in said
    assert "left" not in said.partition("1 document was updated.")[2][:40]
