"""Files that clients send for a request, and those that staff put into documents."""

from django.db import models
from django.db.models import Q

from portico.domain.clients.models import Client
from portico.domain.documents.models.requests import DocumentRequest
from portico.domain.documents.models.templates import DocumentTemplate
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import AppendOnly, SamePractice
from portico.plumbing.models import FileState, StoredFile, VirusCheck


class UploadQuerySet(RowQuerySet["Upload"]):
    def present(self) -> "UploadQuerySet":
        """Filters to uploads that the client has not removed."""
        return self.filter(removed_at=None)


class Upload(PracticeRow):
    """A file that a client sent for a request. It may be removed until the request is completed.

    `link_id` is the question of a form that it answers; empty for a request for a file.
    """

    ref = RefField()
    request = models.ForeignKey(DocumentRequest, models.PROTECT, related_name="uploads", db_index=False)
    client = models.ForeignKey(Client, models.PROTECT, related_name="uploads", db_index=False)
    link_id = models.CharField(max_length=64, blank=True)
    file = models.OneToOneField(StoredFile, models.PROTECT, related_name="upload")
    uploaded_at = models.DateTimeField(default=clock.now, editable=False)
    removed_at = models.DateTimeField(null=True)

    objects = UploadQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("request", name="documents_upload_request"),
            SamePractice("client", name="documents_upload_client"),
            SamePractice("file", name="documents_upload_file"),
        )
        indexes = (
            models.Index(fields=("request", "id"), name="documents_uploads_of_request"),
            models.Index(fields=("client", "-id"), condition=Q(removed_at=None), name="documents_uploads_of_client"),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def may_be_submitted(self) -> bool:
        """False for a file that was deleted because of a virus. Needs `file`."""
        return self.file.state == FileState.COMPLETE and self.file.virus_check != VirusCheck.INFECTED


class TemplateFile(PracticeRow):
    """A file that staff put into a document. Drafts and versions name it by the ref and digest of the stored file."""

    template = models.ForeignKey(DocumentTemplate, models.PROTECT, related_name="files")
    file = models.OneToOneField(StoredFile, models.PROTECT, related_name="template_file")
    added_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("template", name="documents_templatefile_template"),
            SamePractice("file", name="documents_templatefile_file"),
            AppendOnly(name="documents_templatefile_append_only"),
        )

    def __str__(self) -> str:
        return str(self.pk)
