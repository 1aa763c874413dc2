"""Templates of documents, and their published versions."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import AppendOnly, SamePractice

MAX_TITLE = 150
# Of the words for clients above a document, in its content.
MAX_NOTE = 2000


class TemplateKind(models.TextChoices):
    FORM = "form", _("Intake form")
    CONSENT = "consent", _("Consent form")
    FILE = "file", _("Uploaded file")
    UPLOAD = "upload", _("Request for a file")


class DocumentTemplateQuerySet(RowQuerySet["DocumentTemplate"]):
    def active(self) -> "DocumentTemplateQuerySet":
        return self.filter(archived_at=None)

    def shareable(self) -> "DocumentTemplateQuerySet":
        """Filters to templates that have a published version and are not archived, in the order of the settings."""
        return self.active().filter(current_version__isnull=False).order_by("position", "id")


class DocumentTemplate(PracticeRow):
    """A document that the practice may send. Its draft is edited; requests point at published versions.

    `draft` has the shape of `TemplateVersion.content`; it is empty if nothing has changed since the last publication.
    """

    ref = RefField()
    kind = models.CharField(max_length=10, choices=TemplateKind.choices)
    # For staff; clients see the title of the version, in their language.
    title = models.CharField(max_length=MAX_TITLE)
    position = models.PositiveIntegerField(default=0)
    in_welcome_packet = models.BooleanField(default=False)
    may_be_declined = models.BooleanField(default=False)
    # A new request is proposed to staff this many months after completion; 0 means never.
    repeat_after_months = models.PositiveSmallIntegerField(default=0)
    draft = models.JSONField(default=dict, blank=True)
    current_version = models.ForeignKey("documents.TemplateVersion", models.PROTECT, null=True, related_name="+")
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    # Raised by each change; a form that was opened earlier is refused.
    revision = models.PositiveIntegerField(default=1)

    objects = DocumentTemplateQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("current_version", name="documents_documenttemplate_current_version"),
            models.CheckConstraint(
                condition=Q(kind__in=TemplateKind.values), name="documents_documenttemplate_known_kind"
            ),
        )
        indexes = (
            models.Index(
                fields=("practice", "position", "id"),
                condition=Q(archived_at=None),
                name="documents_templates_in_order",
            ),
        )

    def __str__(self) -> str:
        return self.ref


class TemplateVersion(PracticeRow):
    """A published version of a template. It never changes: requests and submissions refer to it.

    `content` maps a language code to the content in that language: `{"title": …, "note": …}` and, by kind, a form's
    `"questionnaire"` (FHIR R4) or a consent's `"text"` (Markdown). English is always present. `digest` is the SHA-256
    of the canonical JSON of `content`, in hex. `minutes` is the time that completing it takes, as clients are told.
    """

    ref = RefField()
    template = models.ForeignKey(
        DocumentTemplate,
        models.PROTECT,
        related_name="versions",
        db_index=False,  # The unique constraint below begins with it.
    )
    number = models.PositiveIntegerField()
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    minutes = models.PositiveSmallIntegerField(default=1)
    published_at = models.DateTimeField(default=clock.now, editable=False)
    published_by = models.CharField(max_length=100)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("template", name="documents_templateversion_template"),
            models.UniqueConstraint(fields=("template", "number"), name="documents_templateversion_number"),
            AppendOnly(name="documents_templateversion_append_only"),
        )

    def __str__(self) -> str:
        return self.ref
