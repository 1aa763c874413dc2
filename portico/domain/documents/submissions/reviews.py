"""Reviewing a completed document, and signing it as the practice."""

from django.db import transaction

from portico.domain.audit_actions import AuditAction
from portico.domain.documents.completion import request_states
from portico.domain.documents.models import (
    Countersignature,
    DocumentRequest,
    RequestState,
    Submission,
    SubmissionReview,
    TemplateKind,
)
from portico.domain.documents.refusals import DocumentNotCompleted, NotCountersignable
from portico.domain.practices.models import StaffMember
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock


@retry_on_deadlock
def review(request: DocumentRequest, *, note: str, by: Actor) -> SubmissionReview:
    """Marks a completed document as reviewed, with a note; a second call returns the first review.

    `by` is a staff member. Raises DocumentNotCompleted.
    """
    with transaction.atomic():
        row = request_states.lock(request)
        submission = _submission_of(row)
        if row.state == RequestState.REVIEWED:
            return SubmissionReview.objects.select_related("reviewed_by").get(submission=submission)
        row.state, row.reviewed_at = RequestState.REVIEWED, clock.now()
        row.save(update_fields=["state", "reviewed_at"])
        made = SubmissionReview.objects.create(
            practice_id=row.practice_id,
            submission=submission,
            reviewed_by=_staff_member(row, by),
            note=note,
            reviewed_at=row.reviewed_at,
        )
        request_states.record(AuditAction.DOCUMENT_REVIEWED, row, by=by, submission=submission.ref)
    return made


@retry_on_deadlock
def countersign(request: DocumentRequest, *, name: str, by: Actor) -> Countersignature:
    """Adds the practice's signature to a signed document; a second call returns the first signature.

    `by` is a staff member, `name` what they typed. Raises DocumentNotCompleted, NotCountersignable.
    """
    with transaction.atomic():
        row = request_states.lock(request)
        submission = _submission_of(row)
        if row.version.template.kind != TemplateKind.CONSENT:
            raise NotCountersignable
        if found := Countersignature.objects.filter(submission=submission).first():
            return found
        made = Countersignature.objects.create(
            practice_id=row.practice_id, submission=submission, signed_by=_staff_member(row, by), name=name
        )
        request_states.record(AuditAction.DOCUMENT_COUNTERSIGNED, row, by=by, submission=submission.ref)
    return made


def _submission_of(row: DocumentRequest) -> Submission:
    if not row.is_complete:
        raise DocumentNotCompleted
    return Submission.objects.get(request=row)


def _staff_member(row: DocumentRequest, by: Actor) -> StaffMember:
    if by.staff_id is None:
        raise ValueError("Only a staff member reviews and countersigns.")
    return StaffMember.objects.get(practice=row.practice_id, pk=by.staff_id)
