"""The maintenance app."""

from django.apps import AppConfig


class MaintenanceConfig(AppConfig):
    name = "portico.domain.maintenance"
    label = "upkeep"
