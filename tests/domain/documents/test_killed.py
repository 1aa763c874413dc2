"""Work on documents that is killed at any moment has happened whole or not at all, and is repeated without harm."""

import io
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from django.db.models import Model
from django.test import Client as Browser
from time_machine import Traveller

from portico.domain.access.models import Invitation, PortalAccess, SignInLink
from portico.domain.access.onboarding import invitation_text
from portico.domain.audit_actions import AuditAction
from portico.domain.documents.completion import completion_notices, request_states, uploads
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.models import (
    DocumentRequest,
    DocumentTemplate,
    Packet,
    ResponseDraft,
    SubmissionReview,
    TemplateVersion,
    Upload,
)
from portico.domain.documents.sharing import asking_again, document_mails, invitations, packet_sharing
from portico.domain.documents.sharing.packet_sharing import PacketInput
from portico.domain.documents.submissions import reviews, verification
from portico.domain.documents.templates import publishing, template_editing
from portico.domain.practices.models import Practice
from portico.plumbing.files import file_content
from portico.plumbing.models import AuditEntry, FileChunk, OutgoingEmail, StoredFile
from portico.plumbing.models.files import CHUNK_BYTES
from tests import cast, shared_documents
from tests.cast import DESK
from tests.support import files
from tests.support.processes.simulated_kills import killed_after

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

TABLES: tuple[type[Model], ...] = (
    *(Packet, DocumentRequest, ResponseDraft, SubmissionReview, TemplateVersion, Upload),
    *(Invitation, SignInLink, OutgoingEmail, AuditEntry),
)
ANSWERS: dict[str, list[Answer]] = {"name": [{"valueString": "Ana"}]}


@pytest.fixture
def access(practice: Practice) -> PortalAccess:
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    cast.elm(practice)
    return PortalAccess.objects.get(own_client=ana)


def signed(access: PortalAccess) -> DocumentRequest:
    (request,) = shared_documents.shared(access, shared_documents.consent(access.practice))
    return shared_documents.signed(request, access).request


def sharing(access: PortalAccess) -> Callable[[], object]:
    """Returns the sharing of two documents with the client and a guardian, each with a mail."""
    practice = access.practice
    versions = [shared_documents.consent(practice), shared_documents.form(practice)]
    accesses = [access, cast.with_contact_access(cast.guardian(access.client))]
    text = document_mails.texts_of(practice)["en"]
    entries = [PacketInput(each, versions, text) for each in accesses]
    return partial(packet_sharing.share_with, entries, form_key="a form", by=DESK)


def inviting(access: PortalAccess) -> Callable[[], object]:
    person, version = access.client, shared_documents.consent(access.practice)
    entry, text = cast.entry_for(person), invitation_text.default_text("en")
    return partial(invitations.send, person, entry, text, [version], form_key="a form", version=None, by=DESK)


def asking(access: PortalAccess) -> Callable[[], object]:
    return partial(asking_again.ask_again, signed(access), form_key="a form", by=DESK)


def publication(access: PortalAccess) -> Callable[[], object]:
    template = shared_documents.consent(access.practice).template
    content = shared_documents.CONSENT["en"] | {"text": "Of another text."}
    DocumentTemplate.objects.filter(pk=template.pk).update(draft={"en": content})
    return partial(publishing.publish, template, by=DESK)


def withdrawing(access: PortalAccess) -> Callable[[], object]:
    (request,) = shared_documents.shared(access, shared_documents.form(access.practice))
    shared_documents.saved(request, ANSWERS)
    return partial(request_states.withdraw, request, by=DESK)


def reviewing(access: PortalAccess) -> Callable[[], object]:
    return partial(reviews.review, signed(access), note="Read", by=cast.fay(access.practice).actor)


def announcing(access: PortalAccess) -> Callable[[], object]:
    """Returns the email to staff about a document that was signed: the worker was killed between the two."""
    signed(access)
    return completion_notices.announce


def duplicating(access: PortalAccess) -> Callable[[], object]:
    template = shared_documents.consent(access.practice, may_be_declined=True).template
    return partial(template_editing.duplicate, template, by=DESK)


def rows() -> list[object]:
    """Returns the numbers of rows, and the state of each request and document."""
    states = DocumentRequest.objects.order_by("id").values_list("state", "announced_at", "asks_again")
    templates = DocumentTemplate.objects.order_by("id").values_list("title", "may_be_declined", "current_version")
    return [*[table._default_manager.count() for table in TABLES], *states, *templates]


WORKS = (sharing, inviting, asking, publication, withdrawing, reviewing, announcing, duplicating)


@pytest.mark.parametrize("prepare", WORKS, ids=lambda each: each.__name__)
def test_killed_at_any_moment_it_happened_whole_or_not_at_all(
    access: PortalAccess, stopped_clock: Traveller, prepare: Callable[[PortalAccess], Callable[[], object]]
) -> None:
    work = prepare(access)
    stopped_clock.shift(completion_notices.SETTLING)
    before = rows()
    for statements in count():
        with killed_after(statements):
            work()
        if rows() != before:
            break
    assert statements > 3
    assert list(verification.problems()) == []
    after = rows()
    work()
    assert rows() == after


def test_an_upload_killed_at_any_moment_is_whole_or_never_seen(access: PortalAccess, stopped_clock: Traveller) -> None:
    (request,) = shared_documents.shared(access, shared_documents.request_for_file(access.practice))
    content = files.pdf(size=3 * CHUNK_BYTES)
    for statements in count():
        with killed_after(statements):
            uploads.add(request, io.BytesIO(content), name="card.pdf", by=DESK)
        if found := uploads.of_request(request):
            break
        # Later, so that the files of a day are not used up.
        stopped_clock.shift(timedelta(hours=2))
    assert statements > 8
    assert b"".join(file_content.read(found[0].file)) == content
    stopped_clock.shift(file_content.RECEIVING_TIME + timedelta(seconds=1))
    file_content.delete_unused()
    assert set(FileChunk.objects.values_list("file", flat=True)) == {found[0].file_id}
    assert StoredFile.objects.complete().count() == 1
    assert AuditEntry.objects.filter(about=request.ref, action=AuditAction.FILE_UPLOADED).count() == 1
