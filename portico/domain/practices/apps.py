"""The practices app."""

from django.apps import AppConfig


class PracticesConfig(AppConfig):
    name = "portico.domain.practices"
    label = "practices"

    def ready(self) -> None:
        from portico.domain.practices import factor_mail  # noqa: PLC0415 - models cannot be named before
        from portico.plumbing import emails  # noqa: PLC0415

        emails.register(factor_mail.KIND, factor_mail.SecondFactorMail())
