"""The practices app."""

from django.apps import AppConfig


class PracticesConfig(AppConfig):
    name = "portico.domain.practices"
    label = "practices"

    def ready(self) -> None:
        from portico.domain.practices import factor_mail, set_up_mail, setting_up  # noqa: PLC0415 - no models before
        from portico.plumbing import emails  # noqa: PLC0415

        emails.register(factor_mail.KIND, factor_mail.SecondFactorMail())
        emails.register(setting_up.INVITE, set_up_mail.InviteMail())
        emails.register(setting_up.RESET, set_up_mail.ResetMail())
