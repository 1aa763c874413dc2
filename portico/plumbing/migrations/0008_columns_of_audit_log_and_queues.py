"""Renames the columns of the audit log and of queued rows, and the constraints of renamed tables."""

from django.db import migrations, models

from portico.plumbing.database.constraints import AppendOnly
from portico.plumbing.database.migration_operations import RenameConstraint


def append_only(model: str, old: str, new: str) -> list[migrations.operations.base.Operation]:
    """Returns the operations that replace a trigger, which cannot be renamed."""
    return [
        migrations.RemoveConstraint(model, old),
        migrations.AddConstraint(model, AppendOnly(name=new)),
    ]


class Migration(migrations.Migration):
    dependencies = [("plumbing", "0007_audit_log_and_inbound_events")]

    operations = [
        migrations.RenameField("AuditEntry", "verb", "action"),
        migrations.RenameIndex("AuditEntry", old_name="plumbing_trail_of_client", new_name="plumbing_audit_of_client"),
        RenameConstraint(
            "AuditEntry",
            old_name="plumbing_trailentry_client_same_practice",
            new_name="plumbing_auditentry_client_same_practice",
        ),
        RenameConstraint(
            "AuditSeal",
            old_name="plumbing_trailseal_entry_same_practice",
            new_name="plumbing_auditseal_entry_same_practice",
        ),
        RenameConstraint("AuditSeal", old_name="plumbing_trailseal_position", new_name="plumbing_auditseal_position"),
        *append_only("AuditEntry", "plumbing_trailentry_append_only", "plumbing_auditentry_append_only"),
        *append_only("AuditSeal", "plumbing_trailseal_append_only", "plumbing_auditseal_append_only"),
        migrations.RemoveIndex("OutgoingEmail", "outgoing_waiting"),
        migrations.RenameField("OutgoingEmail", "lane", "queue"),
        migrations.AddIndex(
            "OutgoingEmail",
            models.Index(condition=models.Q(settled_at__isnull=True), fields=["queue", "id"], name="outgoing_waiting"),
        ),
        migrations.RenameField("OutgoingEmail", "tries", "attempts"),
        migrations.RenameField("OutgoingEmail", "mistakes", "errors"),
        migrations.RenameField("InboundEvent", "tries", "attempts"),
        migrations.RenameField("InboundEvent", "mistakes", "errors"),
    ]
