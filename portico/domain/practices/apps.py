"""The practices app."""

from django.apps import AppConfig


class PracticesConfig(AppConfig):
    name = "portico.domain.practices"
    label = "practices"

    def ready(self) -> None:
        from portico.domain.practices.staff import security_notice_mail, set_up_links, set_up_mail  # noqa: PLC0415 - no models before
        from portico.plumbing.mail import outbox  # noqa: PLC0415

        outbox.register(security_notice_mail.KIND, security_notice_mail.SecondFactorMail())
        outbox.register(set_up_links.INVITE, set_up_mail.InviteMail())
        outbox.register(set_up_links.RESET, set_up_mail.ResetMail())
