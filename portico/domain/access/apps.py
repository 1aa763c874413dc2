"""The access app."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "portico.domain.access"
    label = "access"

    def ready(self) -> None:
        from portico.domain.access import answering, inviting, notices  # noqa: PLC0415 - models cannot be named before
        from portico.domain.access.invitation_mail import InvitationMail  # noqa: PLC0415
        from portico.domain.access.notice_mails import AddressRemovedMail, NewBrowserMail, PinUsedMail  # noqa: PLC0415
        from portico.domain.access.sign_in_mail import SignInMail  # noqa: PLC0415
        from portico.plumbing import emails  # noqa: PLC0415

        emails.register(inviting.KIND, InvitationMail())
        emails.register(answering.KIND, SignInMail())
        emails.register(notices.PIN_USED, PinUsedMail())
        emails.register(notices.NEW_BROWSER, NewBrowserMail())
        emails.register(notices.ADDRESS_REMOVED, AddressRemovedMail())
