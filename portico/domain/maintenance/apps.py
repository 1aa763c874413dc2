"""The maintenance app."""

from django.apps import AppConfig


class MaintenanceConfig(AppConfig):
    name = "portico.domain.maintenance"
    label = "upkeep"

    def ready(self) -> None:
        from portico.domain.maintenance.sender_check import check_mail  # noqa: PLC0415 - no models before
        from portico.plumbing.mail import outbox  # noqa: PLC0415

        outbox.register(check_mail.KIND, check_mail.TestEmail())
