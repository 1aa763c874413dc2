"""Configuration of the billing app: registers its mails and its webhook handler."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "portico.domain.billing"
    label = "billing"

    def ready(self) -> None:
        from portico.domain.billing import bill_mails  # noqa: PLC0415 - models cannot be imported earlier
        from portico.domain.billing.card_payments import mismatch_mail  # noqa: PLC0415
        from portico.domain.billing.reminders import reminder_mail  # noqa: PLC0415
        from portico.domain.billing.stripe_sync import webhook_events  # noqa: PLC0415
        from portico.domain.practices.stripe_setup.webhook_setup import SOURCE  # noqa: PLC0415
        from portico.plumbing import inbound_events  # noqa: PLC0415
        from portico.plumbing.mail import outbox  # noqa: PLC0415

        outbox.register(bill_mails.NEW_BILL, bill_mails.NewBillMail())
        outbox.register(bill_mails.RECEIPT, bill_mails.ReceiptMail())
        outbox.register(bill_mails.REFUND, bill_mails.RefundMail())
        outbox.register(reminder_mail.KIND, reminder_mail.ReminderMail())
        outbox.register(mismatch_mail.KIND, mismatch_mail.MismatchMail())
        inbound_events.register(SOURCE, webhook_events.open_batch)
