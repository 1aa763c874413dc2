"""Signing, withdrawing and saving at the same time: one signature, whole; without the lock the database refuses it."""

from datetime import date
from functools import partial
from threading import Event

import pytest
from django.db import IntegrityError, transaction
from django.test import Client as Browser

from portico.domain.access import access_grants, contact_changes
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Relationship
from portico.domain.documents.completion import request_states
from portico.domain.documents.forms import canonical_json
from portico.domain.documents.models import DocumentRequest, RequestState, ResponseDraft, Submission, TemplateVersion
from portico.domain.documents.refusals import DocumentCompleted, DocumentWithdrawn, DraftChanged, SigningNotAllowed
from portico.domain.documents.submissions import paper_signatures, verification
from portico.domain.documents.submissions.paper_signatures import PaperSignature
from portico.plumbing import clock
from tests import cast, shared_documents
from tests.cast import DESK
from tests.domain.documents.filled_forms import filled_form, save, submit
from tests.support.at_once import HANDS, at_once, errors, second_waits
from tests.support.database.clean_up import triggers_off

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

ROUNDS = 5


def test_many_signatures_at_once_are_one(access: PortalAccess) -> None:
    request = filled_form(access)
    found = at_once(*[partial(submit, request, access)] * HANDS)
    assert errors(found) == []
    assert len({each.pk for each in found if isinstance(each, Submission)}) == 1


def test_signed_withdrawn_and_saved_at_once_is_consistent(access: PortalAccess) -> None:
    for _round in range(ROUNDS):
        request = filled_form(access)
        found = at_once(
            partial(submit, request, access),
            partial(request_states.withdraw, request, by=DESK),
            partial(save, request),
        )
        assert set(errors(found)) <= {DocumentCompleted, DocumentWithdrawn, DraftChanged}
        assert list(verification.problems()) == []
        request.refresh_from_db()
        assert request.state != RequestState.STARTED


def test_signed_on_paper_and_in_the_portal_at_once_is_one(access: PortalAccess) -> None:
    paper = PaperSignature(date(2026, 10, 30), "Ana Abreu", "Self", "", "en")
    for _round in range(ROUNDS):
        (request,) = shared_documents.shared(access, shared_documents.consent(access.practice))
        found = at_once(
            partial(shared_documents.signed, request, access),
            partial(paper_signatures.record, request, paper, scan=None, by=DESK),
        )
        assert set(errors(found)) <= {DocumentCompleted}
        assert {each for each in found if isinstance(each, Submission)} == {Submission.objects.get(request=request)}
        assert list(verification.problems()) == []


def test_a_version_published_meanwhile_is_not_signed(access: PortalAccess) -> None:
    request = filled_form(access)
    template, digest = request.version.template, request.version.digest
    changed = shared_documents.intake(shared_documents.item("only", "string", "Another question"))
    found = at_once(
        partial(submit, request, access), partial(shared_documents.new_version, template, changed, number=2)
    )
    assert errors(found) == []
    assert Submission.objects.get().document_digest == digest


@pytest.mark.postgresql
def test_without_the_lock_it_would_be_withdrawn_and_signed(access: PortalAccess) -> None:
    """Shows that a withdrawal that does not lock the request meets a signed one; the database then refuses it."""
    request = filled_form(access)
    is_read, is_signed = Event(), Event()

    def withdraw_without_the_lock() -> None:
        with transaction.atomic():
            row = DocumentRequest.objects.get(pk=request.pk)
            is_read.set()
            assert is_signed.wait(30)
            assert row.is_open
            row.state, row.withdrawn_at = RequestState.WITHDRAWN, clock.now()
            row.save(update_fields=["state", "withdrawn_at"])

    def sign() -> None:
        assert is_read.wait(30)
        submit(request, access)
        is_signed.set()

    assert errors(at_once(withdraw_without_the_lock, sign)) == [IntegrityError]


@pytest.mark.postgresql
def test_without_the_lock_a_save_would_outlive_the_signature(access: PortalAccess) -> None:
    """Shows that a save that does not lock the request leaves a draft of what was signed."""
    request = filled_form(access)
    is_read, is_signed = Event(), Event()

    def save_without_the_lock() -> None:
        with transaction.atomic():
            row = DocumentRequest.objects.get(pk=request.pk)
            is_read.set()
            assert is_signed.wait(30)
            assert row.is_open
            ResponseDraft.objects.create(practice_id=row.practice_id, request=row, answers=[])

    def sign() -> None:
        assert is_read.wait(30)
        submit(request, access)
        is_signed.set()

    assert errors(at_once(save_without_the_lock, sign)) == []
    assert [each.reason for each in verification.problems()] == ["a draft is left of a request that is not open"]


def turn_off(access: PortalAccess) -> None:
    off = AccessInput(enabled=False, address=None, access_billing_documents=False, pay_by_card=False)
    access_grants.save_access(access.client, off, version=None, by=DESK)


def test_signed_while_access_is_turned_off_it_is_signed_before_or_not_at_all(access: PortalAccess) -> None:
    request = filled_form(access)
    found = at_once(partial(submit, request, access), partial(turn_off, access))
    assert set(errors(found)) <= {SigningNotAllowed}
    assert Submission.objects.count() == 1 - len(errors(found))
    assert list(verification.problems()) == []


@pytest.mark.postgresql
def test_access_turned_off_first_is_not_signed_with(access: PortalAccess) -> None:
    request = filled_form(access)
    found = second_waits(partial(turn_off, access), partial(submit, request, access))
    assert errors(found) == [SigningNotAllowed]
    assert not Submission.objects.exists()


@pytest.fixture
def guardian() -> Relationship:
    guardian = cast.guardian(cast.client(cast.alder(), "Bea", "Berg"))
    cast.contact_in_the_portal(Browser(), guardian)
    return guardian


@pytest.mark.postgresql
def test_a_guardian_who_is_removed_first_signs_nothing(guardian: Relationship) -> None:
    access = PortalAccess.objects.get(relationship=guardian)
    request = filled_form(access)
    found = second_waits(partial(contact_changes.end, guardian, by=DESK), partial(submit, request, access))
    assert errors(found) == [SigningNotAllowed]
    assert ResponseDraft.objects.get().request == request


@pytest.mark.postgresql
def test_what_a_guardian_signed_first_stays_when_they_are_removed(guardian: Relationship) -> None:
    access = PortalAccess.objects.get(relationship=guardian)
    request = filled_form(access)
    found = second_waits(partial(submit, request, access), partial(contact_changes.end, guardian, by=DESK))
    assert errors(found) == []
    assert Submission.objects.get().request == request
    assert list(verification.problems()) == []


@pytest.mark.postgresql
def test_without_the_lock_a_removed_guardian_would_sign(guardian: Relationship) -> None:
    """Shows that access that is read without a lock lets a document be signed after it was turned off."""
    access = PortalAccess.objects.get(relationship=guardian)
    request = filled_form(access)
    is_read, is_ended = Event(), Event()

    def sign_without_the_lock() -> None:
        with transaction.atomic():
            row = PortalAccess.objects.select_related("client", "address", "account").get(pk=access.pk)
            assert row.sees_documents
            is_read.set()
            assert is_ended.wait(30)
            version = request.version
            Submission.objects.create(
                practice_id=row.practice_id,
                request=request,
                language="en",
                document_digest=version.digest,
                answers_digest=canonical_json.digest([]),
                account=row.account,
            )

    def end() -> None:
        assert is_read.wait(30)
        contact_changes.end(guardian, by=DESK)
        is_ended.set()

    assert errors(at_once(sign_without_the_lock, end)) == []
    assert Submission.objects.exists()
    access.refresh_from_db()
    assert not access.is_on


@pytest.mark.parametrize(
    ("table", "change", "reason"),
    [
        (TemplateVersion, {"content": {"en": {"title": "Other"}}}, "does not match its digest"),
        (Submission, {"answers": [{"linkId": "name"}]}, "the answers do not match their digest"),
        (Submission, {"document_digest": "0" * 64}, "the audit log has other digests"),
    ],
)
def test_a_changed_row_is_found(
    access: PortalAccess, table: type[TemplateVersion] | type[Submission], change: dict[str, object], reason: str
) -> None:
    submit(filled_form(access), access)
    assert list(verification.problems()) == []
    with triggers_off():
        table.objects.update(**change)
    assert any(reason in str(each) for each in verification.problems())
