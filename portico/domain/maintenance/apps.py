"""The upkeep app."""

from django.apps import AppConfig


class UpkeepConfig(AppConfig):
    name = "portico.domain.maintenance"
    label = "upkeep"
