"""The documents app."""

from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "portico.domain.documents"
    label = "documents"
