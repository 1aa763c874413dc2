"""Configuration of the billing app: registers its mails and its webhook handler."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "portico.domain.billing"
    label = "billing"

    def ready(self) -> None:
        from portico.domain.billing.card_payments import mismatch_mail  # noqa: PLC0415
        from portico.domain.billing.invoices import invoice_sharing  # noqa: PLC0415 - models cannot be imported earlier
        from portico.domain.billing.invoices.shared_invoice_mail import InvoiceSharedMail  # noqa: PLC0415
        from portico.domain.billing.payments import receipts  # noqa: PLC0415
        from portico.domain.billing.stripe_sync import webhook_events  # noqa: PLC0415
        from portico.domain.practices.stripe_setup.webhook_setup import SOURCE  # noqa: PLC0415
        from portico.plumbing import inbound_events  # noqa: PLC0415
        from portico.plumbing.mail import outbox  # noqa: PLC0415

        outbox.register(invoice_sharing.KIND, InvoiceSharedMail())
        outbox.register(receipts.RECEIPT, receipts.ReceiptMail())
        outbox.register(receipts.REFUND, receipts.RefundMail())
        outbox.register(mismatch_mail.KIND, mismatch_mail.MismatchMail())
        inbound_events.register(SOURCE, webhook_events.process)
