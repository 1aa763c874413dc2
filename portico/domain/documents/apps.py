"""The documents app: registers its mails."""

from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "portico.domain.documents"
    label = "documents"

    def ready(self) -> None:
        # Models cannot be imported before.
        from portico.domain.documents.completion import completion_notices  # noqa: PLC0415
        from portico.domain.documents.sharing import document_mails, reminder_mail  # noqa: PLC0415
        from portico.plumbing.mail import outbox  # noqa: PLC0415

        outbox.register(document_mails.KIND, document_mails.DocumentsMail())
        outbox.register(completion_notices.KIND, completion_notices.DocumentsCompletedMail())
        outbox.register(reminder_mail.KIND, reminder_mail.IncompleteDocumentsMail())
