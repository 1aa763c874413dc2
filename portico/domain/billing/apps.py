"""The billing app."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "portico.domain.billing"
    label = "billing"

    def ready(self) -> None:
        from portico.domain.billing import receipts, sharing  # noqa: PLC0415 - models cannot be named before
        from portico.domain.billing.online import hearing, mismatch_mail  # noqa: PLC0415
        from portico.domain.billing.receipt_mails import ReceiptMail, RefundMail  # noqa: PLC0415
        from portico.domain.billing.shared_mail import InvoiceSharedMail  # noqa: PLC0415
        from portico.domain.practices.hearing import SOURCE  # noqa: PLC0415
        from portico.plumbing import emails, inbox  # noqa: PLC0415

        emails.register(sharing.KIND, InvoiceSharedMail())
        emails.register(receipts.RECEIPT, ReceiptMail())
        emails.register(receipts.REFUND, RefundMail())
        emails.register(mismatch_mail.KIND, mismatch_mail.MismatchMail())
        inbox.register(SOURCE, hearing.work)
