"""Sets the cause of mails that failed before causes were stored: a bounced one had no mailbox."""

from typing import Any

from django.db import migrations
from django.db.models import F


def set_causes(apps: Any, _schema_editor: Any) -> None:  # Any: Django's own.
    emails = apps.get_model("plumbing", "OutgoingEmail").objects.filter(failure_cause="")
    emails.filter(state="bounced").update(failure_cause="no_mailbox", failed_at=F("settled_at"))
    emails.filter(state="failed", parked_at=None).update(failure_cause="other", failed_at=F("settled_at"))


class Migration(migrations.Migration):
    dependencies = [("plumbing", "0015_failure_causes")]

    operations = [migrations.RunPython(set_causes, migrations.RunPython.noop)]
