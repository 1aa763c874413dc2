"""The access app."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "portico.domain.access"
    label = "access"

    def ready(self) -> None:
        from portico.domain.access import mail_stops  # noqa: PLC0415
        from portico.domain.access.address_change import confirmation_links  # noqa: PLC0415
        from portico.domain.access.help_requests import staff_notices  # noqa: PLC0415
        from portico.domain.access.notices import notices  # noqa: PLC0415
        from portico.domain.access.notices.notice_mails import (  # noqa: PLC0415
            AddressChangeRequestedMail,
            AddressRemovedMail,
            NewBrowserMail,
            PinUsedMail,
        )
        from portico.domain.access.onboarding import invitations  # noqa: PLC0415
        from portico.domain.access.onboarding.invitation_mail import InvitationMail  # noqa: PLC0415
        from portico.domain.access.sign_in.requests import request_worker  # noqa: PLC0415
        from portico.domain.access.sign_in.sign_in_mail import SignInMail  # noqa: PLC0415
        from portico.plumbing.mail import mail_stops as stopped_mailboxes  # noqa: PLC0415
        from portico.plumbing.mail import outbox  # noqa: PLC0415

        stopped_mailboxes.register(mail_stops.MarkedAccesses())

        outbox.register(confirmation_links.KIND, confirmation_links.AddressChangeMail())
        outbox.register(invitations.KIND, InvitationMail())
        outbox.register(request_worker.KIND, SignInMail())
        outbox.register(notices.PIN_USED, PinUsedMail())
        outbox.register(notices.NEW_BROWSER, NewBrowserMail())
        outbox.register(notices.ADDRESS_REMOVED, AddressRemovedMail())
        outbox.register(notices.ADDRESS_CHANGE_REQUESTED, AddressChangeRequestedMail())
        outbox.register(staff_notices.KIND, staff_notices.HelpRequestMail())
