"""Reviewing and countersigning at the same time: each happens once."""

from functools import partial
from threading import Event

import pytest
from django.db import IntegrityError, transaction

from portico.domain.access.models import PortalAccess
from portico.domain.documents.models import Countersignature, DocumentRequest, RequestState, SubmissionReview
from portico.domain.documents.submissions import reviews, verification
from portico.domain.practices.models import StaffMember
from tests import cast, shared_documents
from tests.support.at_once import HANDS, at_once, errors, second_waits

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def fay(access: PortalAccess) -> StaffMember:
    return cast.fay(access.practice)


@pytest.fixture
def signed(access: PortalAccess) -> DocumentRequest:
    (request,) = shared_documents.shared(access, shared_documents.consent(access.practice))
    shared_documents.signed(request, access)
    request.refresh_from_db()
    return request


def test_many_reviews_at_once_are_one(signed: DocumentRequest, fay: StaffMember) -> None:
    found = at_once(*[partial(reviews.review, signed, note="Read", by=fay.actor)] * HANDS)
    assert errors(found) == []
    assert {each.pk for each in found if isinstance(each, SubmissionReview)} == {SubmissionReview.objects.get().pk}


@pytest.mark.postgresql
def test_a_second_review_or_countersignature_waits_for_the_first(signed: DocumentRequest, fay: StaffMember) -> None:
    countersign = partial(reviews.countersign, signed, name="Fay", by=fay.actor)
    first, second = second_waits(countersign, countersign)
    assert first == second == Countersignature.objects.get()
    review = partial(reviews.review, signed, note="Read", by=fay.actor)
    first_review, second_review = second_waits(review, review)
    assert first_review == second_review == SubmissionReview.objects.get()


@pytest.mark.postgresql
def test_without_the_lock_it_would_be_reviewed_twice(signed: DocumentRequest, fay: StaffMember) -> None:
    """Shows that a review that does not lock the request meets another one; the database then refuses it."""
    is_read, is_reviewed = Event(), Event()

    def review_without_the_lock() -> None:
        with transaction.atomic():
            row = DocumentRequest.objects.get(pk=signed.pk)
            is_read.set()
            assert is_reviewed.wait(30)
            assert row.state == RequestState.COMPLETED
            SubmissionReview.objects.create(practice=row.practice, submission=row.submission, reviewed_by=fay)

    def review() -> None:
        assert is_read.wait(30)
        reviews.review(signed, note="Read", by=fay.actor)
        is_reviewed.set()

    assert errors(at_once(review_without_the_lock, review)) == [IntegrityError]


def test_many_countersignatures_at_once_are_one(signed: DocumentRequest, fay: StaffMember) -> None:
    found = at_once(*[partial(reviews.countersign, signed, name="Fay", by=fay.actor)] * HANDS)
    assert errors(found) == []
    assert Countersignature.objects.count() == 1
    assert list(verification.problems()) == []


@pytest.mark.postgresql
def test_without_the_lock_it_would_be_countersigned_twice(signed: DocumentRequest, fay: StaffMember) -> None:
    """Shows that a countersignature without the lock of the request meets another one; the database then refuses it."""
    is_read, is_countersigned = Event(), Event()

    def countersign_without_the_lock() -> None:
        with transaction.atomic():
            row = DocumentRequest.objects.select_related("submission").get(pk=signed.pk)
            assert not Countersignature.objects.filter(submission=row.submission).exists()
            is_read.set()
            assert is_countersigned.wait(30)
            Countersignature.objects.create(
                practice_id=row.practice_id, submission=row.submission, signed_by=fay, name="Fay"
            )

    def countersign() -> None:
        assert is_read.wait(30)
        reviews.countersign(signed, name="Fay", by=fay.actor)
        is_countersigned.set()

    assert errors(at_once(countersign_without_the_lock, countersign)) == [IntegrityError]
    assert Countersignature.objects.count() == 1
