"""Asking for a completed document again: a new request, with the old answers filled in where they still fit."""

from typing import Any

from django.db import transaction

from portico.domain.audit_actions import AuditAction
from portico.domain.documents.completion import drafts, request_states
from portico.domain.documents.models import DocumentRequest, ResponseDraft, Submission, TemplateKind, TemplateVersion
from portico.domain.documents.refusals import DocumentNotCompleted
from portico.domain.documents.sharing import document_mails, packet_sharing
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock


@retry_on_deadlock
def ask_again(request: DocumentRequest, *, form_key: str, by: Actor) -> DocumentRequest:
    """Shares the document's current version with the same access and announces it by email, if mail is allowed.

    The completed one stays as it is; the new request refers to it. A second call with the same `form_key` returns the
    first request. Raises DocumentNotCompleted, NotShareable.
    """
    if not request.is_complete:
        raise DocumentNotCompleted
    access = request.access
    version = request.version.template.current_version or request.version
    text = document_mails.text_for(access, document_mails.texts_of(request.practice))
    with transaction.atomic():
        packet = packet_sharing.share(access, [version], form_key=form_key, by=by, text=text)
        again = request_states.lock(packet.requests.get())
        if again.asks_again_id is not None:
            return again
        again.asks_again = request
        again.save(update_fields=["asks_again"])
        if answers := _answers_that_fit(request, version):
            ResponseDraft.objects.create(practice_id=again.practice_id, request=again, answers=answers)
        request_states.record(AuditAction.DOCUMENT_ASKED_AGAIN, again, by=by, asks_again=request.ref)
    return again


def _answers_that_fit(request: DocumentRequest, version: TemplateVersion) -> list[dict[str, Any]]:  # Any: JSON.
    """Returns the old answers to questions that the version has too, with answers of the same kind."""
    if version.template.kind != TemplateKind.FORM:
        return []
    submission = Submission.objects.get(request=request)
    return drafts.answers_that_fit(drafts.questionnaire_of(version, submission.language), submission.answers)
