"""The practices app."""

from django.apps import AppConfig


class PracticesConfig(AppConfig):
    name = "portico.domain.practices"
    label = "practices"
