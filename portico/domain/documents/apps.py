"""The documents app: registers its mail."""

from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "portico.domain.documents"
    label = "documents"

    def ready(self) -> None:
        from portico.domain.documents import document_mails  # noqa: PLC0415 - models cannot be imported before
        from portico.plumbing.mail import outbox  # noqa: PLC0415

        outbox.register(document_mails.KIND, document_mails.DocumentsMail())
