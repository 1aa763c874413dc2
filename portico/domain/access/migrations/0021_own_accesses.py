"""Makes every access the own access of its client, to which invitations and near misses so far belong."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import F, OuterRef, Subquery


def set_own_clients(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    accesses = apps.get_model("access", "PortalAccess").objects
    accesses.filter(relationship=None, own_client=None).update(own_client=F("client"))
    of_client = accesses.filter(own_client=OuterRef("client")).values("pk")[:1]
    for name in ("Invitation", "NearMiss"):
        apps.get_model("access", name).objects.filter(access=None).update(access=Subquery(of_client))


class Migration(migrations.Migration):
    dependencies = [("access", "0020_several_accesses_a_client")]

    operations = [migrations.RunPython(set_own_clients, migrations.RunPython.noop, elidable=True)]
