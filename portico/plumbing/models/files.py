"""Stored files and the chunks of their content."""

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import AppendOnly, SamePractice
from portico.plumbing.queue.leases import QueuedRow

# Of a file's content in a row: large enough for few rows, small enough that a write holds SQLite only briefly.
CHUNK_BYTES = 256 * 1024


class FileKind(models.TextChoices):
    """The kind of a file, decided by its content and never by its name."""

    PDF = "pdf", "PDF"
    JPEG = "jpeg", "JPEG"
    PNG = "png", "PNG"
    HEIC = "heic", "HEIC"

    @property
    def content_type(self) -> str:
        return "application/pdf" if self is FileKind.PDF else f"image/{self.value}"


class FileState(models.TextChoices):
    RECEIVING = "receiving", _("Receiving")
    COMPLETE = "complete", _("Complete")
    # Its content is deleted by a scheduled task, if it is not already.
    REMOVED = "removed", _("Removed")


class VirusCheck(models.TextChoices):
    """The state of the check for viruses; `NOT_CHECKED` if none was configured or it refused the file."""

    CHECKING = "checking", _("Being checked for viruses")
    CLEAN = "clean", _("Checked for viruses")
    INFECTED = "infected", _("A virus was found")
    NOT_CHECKED = "not_checked", _("Not checked for viruses")


class StoredFileQuerySet(RowQuerySet["StoredFile"]):
    def complete(self) -> "StoredFileQuerySet":
        return self.filter(state=FileState.COMPLETE)

    def to_check(self) -> "StoredFileQuerySet":
        """Filters to files that wait for the virus scanner."""
        return self.filter(state=FileState.COMPLETE, virus_check=VirusCheck.CHECKING)

    def with_content_to_delete(self) -> "StoredFileQuerySet":
        return self.filter(state=FileState.REMOVED, content_deleted_at=None)


class StoredFile(QueuedRow):
    """A file whose content is in the database, in chunks. Only a complete file may be referred to by other rows.

    `size` is in bytes, `sha256` in hex; both are of the whole content and empty while it is received.
    """

    LONGEST_WAIT: ClassVar[timedelta] = timedelta(minutes=10)

    ref = RefField()
    # As it is offered for download: without path and control characters, with the extension of its kind.
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=FileKind.choices)
    # True for a PDF in which scripts or automatic actions were seen.
    has_scripts = models.BooleanField(default=False)
    size = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=10, choices=FileState.choices, default=FileState.RECEIVING)
    virus_check = models.CharField(max_length=12, choices=VirusCheck.choices, default=VirusCheck.NOT_CHECKED)
    # The scanner's name for what it found.
    virus_name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    content_deleted_at = models.DateTimeField(null=True, editable=False)

    objects = StoredFileQuerySet.as_manager()

    class Meta(QueuedRow.Meta):
        constraints = (
            *QueuedRow.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(state=FileState.COMPLETE)
                | Q(size__gt=0, completed_at__isnull=False, content_deleted_at=None) & ~Q(sha256=""),
                name="plumbing_storedfile_complete_has_content",
            ),
        )
        indexes = (
            models.Index(
                fields=("practice", "id"),
                condition=Q(state=FileState.COMPLETE, virus_check=VirusCheck.CHECKING),
                name="plumbing_files_to_check",
            ),
            models.Index(
                fields=("created_at",), condition=Q(state=FileState.RECEIVING), name="plumbing_files_receiving"
            ),
            models.Index(
                fields=("id",),
                condition=Q(state=FileState.REMOVED, content_deleted_at=None),
                name="plumbing_files_to_delete",
            ),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def may_be_opened(self) -> bool:
        """True if the file may be served: it is complete, and no scanner found a virus or has still to look."""
        return self.state == FileState.COMPLETE and self.virus_check in {VirusCheck.CLEAN, VirusCheck.NOT_CHECKED}


class FileChunk(PracticeRow):
    """A part of a file's content: CHUNK_BYTES, the last one maybe less. It never changes until it is deleted."""

    file = models.ForeignKey(
        StoredFile,
        models.PROTECT,
        related_name="chunks",
        db_index=False,  # The unique constraint below begins with it.
    )
    position = models.PositiveIntegerField()
    content = models.BinaryField()

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("file", name="plumbing_filechunk_file"),
            models.UniqueConstraint(fields=("file", "position"), name="plumbing_filechunk_position"),
            AppendOnly(name="plumbing_filechunk_never_changes", may_delete=True),
        )

    def __str__(self) -> str:
        return str(self.pk)
