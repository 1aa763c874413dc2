"""Allows an account without an address, which a PIN opens. Clients with a PIN instead of email need no attention."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import F, Q


def recompute_states(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Stores what `portal_states.state_of` returns for clients without Email ok who were given a PIN since then."""
    never_or_before = Q(address__email_ok_withdrawn_at=None) | Q(pin_given_at__gte=F("address__email_ok_withdrawn_at"))
    accesses = apps.get_model("access", "PortalAccess").objects.filter(never_or_before, pin_given_at__isnull=False)
    clients = apps.get_model("clients", "Client").objects.filter(portal_reason="no_email_ok")
    for state, has_signed_in in (("signed_in", True), ("invited", False)):
        by_pin = accesses.filter(first_signed_in_at__isnull=not has_signed_in)
        clients.filter(pk__in=by_pin.values("client")).update(portal_state=state, portal_reason="")


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0008_indexes_by_time"),
        ("clients", "0006_index_of_phone_numbers"),
    ]

    operations = [
        migrations.RemoveConstraint("portalaccess", "access_portalaccess_account_with_address"),
        migrations.AddConstraint(
            "portalaccess",
            models.CheckConstraint(
                condition=models.Q(("account__isnull", False), ("address__isnull", True), _connector="OR"),
                name="access_portalaccess_account_with_address",
            ),
        ),
        migrations.RunPython(recompute_states, migrations.RunPython.noop, elidable=True),
    ]
