"""Sharing documents with many people: what a run of the step below shares, and with whom."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.domain.access.models import InvitationRun
from portico.domain.documents.models.templates import TemplateVersion
from portico.plumbing.database.base_models import PracticeRow, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class Recipients(models.TextChoices):
    """The people around each client of a run who get the documents."""

    CLIENT = "client", _("The clients")
    CONTACTS = "contacts", _("Their contacts who may sign documents")
    BOTH = "both", _("Both")


class DocumentRun(PracticeRow):
    """The documents and recipients of a run of kind SHARE. Its state, items and progress are those of `run`.

    `texts` maps a language code to `{"subject": …, "message": …}`, with placeholders.
    """

    run = models.OneToOneField(InvitationRun, models.PROTECT, related_name="document_run")
    recipients = models.CharField(max_length=10, choices=Recipients.choices)
    # Shared also with people who have completed this version.
    asks_again = models.BooleanField(default=False)
    texts = models.JSONField()

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("run", name="documents_documentrun_run"),
            models.CheckConstraint(
                condition=Q(recipients__in=Recipients.values), name="documents_documentrun_known_recipients"
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)


class DocumentRunVersion(PracticeRow):
    """A version that a run was started with, at its position; the worker shares what is current by then."""

    document_run = models.ForeignKey(DocumentRun, models.PROTECT, related_name="versions", db_index=False)
    version = models.ForeignKey(TemplateVersion, models.PROTECT, related_name="+")
    position = models.PositiveIntegerField(default=0)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("document_run", name="documents_documentrunversion_document_run"),
            SamePractice("version", name="documents_documentrunversion_version"),
            models.UniqueConstraint(fields=("document_run", "version"), name="documents_documentrunversion_once"),
        )

    def __str__(self) -> str:
        return str(self.pk)
