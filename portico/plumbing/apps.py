"""The plumbing's app configuration: registers its system checks and connection settings."""

from django.apps import AppConfig


class PlumbingConfig(AppConfig):
    name = "portico.plumbing"
    label = "plumbing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from portico.plumbing.database import connections, tenancy_checks  # noqa: PLC0415 - models cannot be named before

        tenancy_checks.register()
        connections.connect_signals()
