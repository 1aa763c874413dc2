"""Runs of invitations store the number of their items: the list of runs counts no more of them than it can."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def count_items(apps: StateApps, _editor: BaseDatabaseSchemaEditor) -> None:
    run_model, item_model = (apps.get_model("access", name) for name in ("InvitationRun", "InvitationRunItem"))
    for run, number in item_model.objects.order_by().values_list("run").annotate(number=models.Count("id")):
        run_model.objects.filter(pk=run).update(item_count=number)


class Migration(migrations.Migration):
    dependencies = (("access", "0017_words_for_stopped_mail"),)

    operations = (
        migrations.AddField(
            model_name="invitationrun",
            name="item_count",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.RunPython(count_items, migrations.RunPython.noop, elidable=True),
    )
