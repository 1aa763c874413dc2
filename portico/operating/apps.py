"""The operating app."""

from django.apps import AppConfig


class OperatingConfig(AppConfig):
    name = "portico.operating"
    label = "operating"
