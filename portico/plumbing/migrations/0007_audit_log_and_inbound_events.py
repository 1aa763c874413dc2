"""Renames the tables of the audit log, of events from outside and of rate limits to the terms of their field."""

from django.db import migrations

from portico.plumbing.database.migration_operations import RenameConstraint


class Migration(migrations.Migration):
    dependencies = [("plumbing", "0006_form_keys")]

    operations = [
        migrations.RenameModel("TrailEntry", "AuditEntry"),
        migrations.RenameModel("TrailSeal", "AuditSeal"),
        migrations.RenameModel("TrailHead", "AuditChainHead"),
        migrations.RenameModel("InboxEvent", "InboundEvent"),
        migrations.RenameModel("LimitSpent", "RateLimitCount"),
        RenameConstraint(
            "auditentry", old_name="plumbing_trailentry_of_practice", new_name="plumbing_auditentry_of_practice"
        ),
        RenameConstraint(
            "auditseal", old_name="plumbing_trailseal_of_practice", new_name="plumbing_auditseal_of_practice"
        ),
        RenameConstraint(
            "inboundevent", old_name="plumbing_inboxevent_of_practice", new_name="plumbing_inboundevent_of_practice"
        ),
    ]
