"""Sharing documents with many people in a run: starting it, and the worker's part for one of them."""

from collections.abc import Mapping

from portico.domain.access import access_locks, guardians
from portico.domain.access.models import InvitationRun, InvitationRunItem, LeftOutReason, RunKind
from portico.domain.access.onboarding import run_creation
from portico.domain.access.onboarding.invitation_runs import SelectionChanged
from portico.domain.audit_actions import AuditAction
from portico.domain.documents.models import DocumentRun, DocumentRunVersion, TemplateVersion
from portico.domain.documents.refusals import NoRecipientEligible
from portico.domain.documents.sharing import bulk_preview, document_mails, packet_sharing
from portico.domain.documents.sharing.bulk_preview import ShareSelection
from portico.domain.practices.mail_texts import MailText
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing.audit import audit_log


def start(
    practice: Practice,
    choice: ShareSelection,
    *,
    texts: Mapping[str, MailText],
    shown: str,
    form_key: str,
    requested_by: StaffMember,
) -> InvitationRun:
    """Starts a run that shares the chosen documents; those left out are recorded with the reason.

    `texts` has the email in every language, and `shown` the digest of the preview that staff saw. Submitting the same
    form again returns the first run. Raises FormSentBefore, NoRecipientEligible, SelectionChanged, NoClientChosen,
    TooManyClients.
    """
    return run_creation.create_once(
        practice,
        form_key=form_key,
        content=repr((choice.text, sorted(texts.items()))),
        create=lambda: _start(practice, choice, texts, shown=shown, form_key=form_key, requested_by=requested_by),
    )


def _start(
    practice: Practice,
    choice: ShareSelection,
    texts: Mapping[str, MailText],
    *,
    shown: str,
    form_key: str,
    requested_by: StaffMember,
) -> InvitationRun:
    preview = bulk_preview.preview(practice, choice)
    if not preview.shared:
        raise NoRecipientEligible
    if preview.digest != shown:
        raise SelectionChanged
    planned = [each.item for each in preview.planned]
    run = run_creation.create(practice, RunKind.SHARE, planned, form_key=form_key, requested_by=requested_by)
    document_run = DocumentRun.objects.create(
        practice=practice,
        run=run,
        recipients=choice.recipients,
        asks_again=choice.asks_again,
        texts={code: {"subject": text.subject, "message": text.message} for code, text in texts.items()},
    )
    DocumentRunVersion.objects.bulk_create(
        DocumentRunVersion(practice=practice, document_run=document_run, version=version, position=position)
        for position, version in enumerate(choice.versions)
    )
    audit_log.record(
        AuditAction.DOCUMENT_RUN_STARTED,
        practice=practice,
        client=None,
        by=requested_by.actor,
        about=run.ref,
        number=run.total,
        documents=len(choice.versions),
    )
    return run


def share_item(item: InvitationRunItem, run: InvitationRun) -> LeftOutReason | None:
    """Shares the run's documents with the person of a waiting item, or returns why not; decides as the preview did.

    In the caller's transaction, which has locked the run.
    """
    document_run = DocumentRun.objects.get(run=run)
    versions = _current_versions_of(document_run)
    texts = {code: MailText(**text) for code, text in document_run.texts.items()}
    with access_locks.lock_access(item.client, item.relationship) as (client, access):
        asked = bulk_preview.earlier_requests_of([client.pk], versions)
        reason, wanted = bulk_preview.decide(
            access,
            versions,
            asked[access.pk],
            asks_again=document_run.asks_again,
            lacks_guardian=guardians.is_needed(access),
        )
        if reason is not None:
            return reason
        packet_sharing.share(
            access,
            wanted,
            # Unique for each access, so that the database, too, refuses a second packet of this run.
            form_key=f"run:{run.ref}",
            by=run.requested_by.actor,
            text=document_mails.text_for(access, texts),
            document_run=document_run,
        )
    return None


def _current_versions_of(document_run: DocumentRun) -> list[TemplateVersion]:
    """Returns the current versions of the run's documents, with their templates, in their order.

    They may be later than those of the preview: a run may wait for hours, and an outdated text is not to be signed.
    """
    rows = DocumentRunVersion.objects.filter(document_run=document_run).order_by("position")
    templates = [each.version.template for each in rows.select_related("version__template__current_version__template")]
    return [each.current_version for each in templates if each.current_version]
