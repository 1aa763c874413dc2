"""`Update open requests`: what is open gets the current version and keeps the answers that fit."""

from typing import Any

import pytest
from django.test import Client as Browser

from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.documents.completion import drafts, portal_requests, request_states, signing
from portico.domain.documents.completion.drafts import OpenedPage
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.models import DocumentRequest, DocumentTemplate, RequestState, ResponseDraft, Submission
from portico.domain.documents.refusals import DocumentUpdated
from portico.domain.documents.sharing import version_updates
from portico.domain.documents.sharing.version_updates import OutdatedRequests
from portico.domain.documents.submissions import verification
from portico.domain.documents.templates.template_editing import TemplateChanged
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast, shared_documents
from tests.cast import DESK

pytestmark = pytest.mark.django_db
ANSWERS: dict[str, list[Answer]] = {
    "name": [{"valueString": "Ana"}],
    "smokes": [{"valueCoding": {"code": "smokes-0"}}],
    "notes": [{"valueString": "None"}],
}


@pytest.fixture
def access(practice: Practice) -> PortalAccess:
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    return PortalAccess.objects.get(own_client=ana)


def changed() -> dict[str, Any]:  # Any: JSON.
    """Returns the intake form with one question fewer, one of another kind, and one more before the others."""
    return shared_documents.intake(
        shared_documents.item("new", "string", "A new question?"),
        shared_documents.item("notes", "integer", "How many notes?"),
        shared_documents.item("name", "string", "What do you like to be called?", required=True),
    )


def update(template: DocumentTemplate, *, shown: int = 2, with_started: bool = True) -> int:
    current = DocumentTemplate.objects.select_related("current_version").get(pk=template.pk)
    return version_updates.update(current, shown=shown, with_started=with_started, by=DESK)


def test_those_not_started_are_counted_and_updated_alone(access: PortalAccess) -> None:
    old = shared_documents.form(access.practice)
    others = (cast.with_access(make(access.practice)) for make in (cast.carol, cast.bruno))
    sent, opened, started = (shared_documents.shared(each, old)[0] for each in (access, *others))
    request_states.mark_opened(opened, language="en", by=DESK)
    shared_documents.saved(started, ANSWERS)
    template = old.template
    assert version_updates.count_outdated(template) == OutdatedRequests()
    new = shared_documents.new_version(template, changed())
    assert version_updates.count_outdated(template) == OutdatedRequests(not_started=2, started=1)
    assert update(template, with_started=False) == 2
    assert update(template, with_started=False) == 0
    versions = {each.ref: each.version for each in DocumentRequest.objects.select_related("version")}
    assert versions == {sent.ref: new, opened.ref: new, started.ref: old}
    assert AuditEntry.objects.filter(action=AuditAction.DOCUMENT_UPDATED).count() == 2


def test_answers_are_kept_where_the_question_still_fits(access: PortalAccess) -> None:
    old = shared_documents.form(access.practice)
    (request,) = shared_documents.shared(access, old)
    number = shared_documents.saved(request, ANSWERS)
    shared_documents.new_version(old.template, changed())
    assert update(old.template) == 1
    draft = ResponseDraft.objects.get(request=request)
    assert draft.answers == [{"linkId": "name", "answer": [{"valueString": "Ana"}]}]
    assert draft.number == number + 1


def test_what_ended_keeps_its_version(access: PortalAccess) -> None:
    old = shared_documents.consent(access.practice, may_be_declined=True)
    (signed,) = shared_documents.shared(access, old)
    submission = shared_documents.signed(signed, access)
    (declined,) = shared_documents.shared(access, old)
    request_states.decline(declined, reason="", by=DESK)
    (withdrawn,) = shared_documents.shared(access, old)
    request_states.withdraw(withdrawn, by=DESK)
    shared_documents.new_version(old.template, {"en": {"title": "Consent", "note": "", "text": "Other words"}})
    assert version_updates.count_outdated(old.template) == OutdatedRequests()
    assert update(old.template) == 0
    assert set(DocumentRequest.objects.values_list("version", flat=True)) == {old.pk}
    assert Submission.objects.get() == submission
    assert list(verification.problems()) == []


def test_a_page_of_the_earlier_version_neither_saves_nor_submits(access: PortalAccess) -> None:
    old = shared_documents.form(access.practice)
    (request,) = shared_documents.shared(access, old)
    number = shared_documents.saved(request, ANSWERS)
    found = portal_requests.find(access, request.ref)
    assert found is not None
    shared_documents.new_version(old.template, changed())
    update(old.template)
    signer = shared_documents.signer(access)
    with pytest.raises(DocumentUpdated):
        signing.submit(found, language="en", draft_number=number, signature=None, signer=signer, by=DESK)
    with pytest.raises(DocumentUpdated):
        drafts.save(found, {}, page=OpenedPage(number, "page", 1), place="", language="en", by=DESK)
    request.refresh_from_db()
    assert request.state == RequestState.STARTED


def test_a_version_published_since_the_page_was_shown_is_refused(access: PortalAccess) -> None:
    old = shared_documents.consent(access.practice)
    shared_documents.shared(access, old)
    shared_documents.new_version(old.template, shared_documents.CONSENT, number=2)
    shared_documents.new_version(old.template, shared_documents.CONSENT, number=3)
    with pytest.raises(TemplateChanged):
        update(old.template, shown=2)


def test_a_packet_with_both_versions_keeps_them(access: PortalAccess) -> None:
    old = shared_documents.consent(access.practice)
    new = shared_documents.new_version(old.template, shared_documents.CONSENT)
    shared_documents.shared(access, old, new)
    assert version_updates.count_outdated(old.template) == OutdatedRequests()
    assert update(old.template) == 0
