"""The audit log: entries, the seals that chain them, and the head of each practice's chain."""

from django.db import models

from portico.plumbing.actors import ActorKind
from portico.plumbing.database.base_models import PracticeRow, RefField, Row, RowQuerySet
from portico.plumbing.database.constraints import AppendOnly, SamePractice


class AuditEntry(PracticeRow):
    """One recorded action. `sealing.canonical` covers each column: adding one changes the format of seals."""

    ref = RefField()
    at = models.DateTimeField()
    action = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=10, choices=ActorKind)
    actor_name = models.CharField(max_length=200, blank=True)
    # Plain ids, not foreign keys: an entry must outlive these rows.
    staff_id = models.BigIntegerField(null=True)
    account_id = models.BigIntegerField(null=True)
    client = models.ForeignKey("clients.Client", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    about = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="plumbing_auditentry_client_same_practice"),
            AppendOnly(name="plumbing_auditentry_append_only"),
        )
        indexes = (models.Index(fields=["client", "id"], name="plumbing_audit_of_client"),)

    def __str__(self) -> str:
        return f"{self.action} {self.ref}"


class AuditSeal(PracticeRow):
    """A link of the chain: an HMAC of the previous seal and the entry."""

    position = models.BigIntegerField()
    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, related_name="seal")
    digest = models.BinaryField(max_length=32)
    key_id = models.CharField(max_length=50)
    at = models.DateTimeField()

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.UniqueConstraint(fields=("practice", "position"), name="plumbing_auditseal_position"),
            SamePractice("entry", name="plumbing_auditseal_entry_same_practice"),
            AppendOnly(name="plumbing_auditseal_append_only"),
        )

    def __str__(self) -> str:
        return f"{self.practice_id}:{self.position}"


class AuditChainHead(Row):
    """The head of a practice's chain; only sealing locks it."""

    practice = models.OneToOneField("practices.Practice", on_delete=models.PROTECT, related_name="+")
    position = models.BigIntegerField(default=0)
    digest = models.BinaryField(max_length=32, default=bytes)
    # All entries of all practices up to this id are sealed, so that finding unsealed ones stays cheap.
    settled_id = models.BigIntegerField(default=0)

    objects = RowQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.practice_id}:{self.position}"
