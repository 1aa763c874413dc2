"""Renames the table of the timetable."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("upkeep", "0001_initial")]

    operations = [
        migrations.RenameModel("ChoreTurn", "ScheduledTask"),
    ]
