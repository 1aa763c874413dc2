"""The version of a document that a page showed: its form sends it back, since staff may update what is open."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy

from portico.domain.documents.models import DocumentRequest, TemplateKind, TemplateVersion
from portico.web.portal.flash_messages import Notice

FIELD = "version"
CHECK_ANSWERS = gettext_lazy("This document was updated. Check your answers.")
READ_AGAIN = gettext_lazy("This document was updated since you opened it. Please read it again.")


def posted(fields: Mapping[str, str], found: DocumentRequest) -> TemplateVersion | None:
    """Returns the version whose page was posted; None if it is unknown: then the page is shown again."""
    ref = fields.get(FIELD, "")
    if ref == found.version.ref or (not ref and found.version_changed_at is None):
        return found.version
    return TemplateVersion.objects.filter(template=found.version.template_id, ref=ref).first()


def is_current(fields: Mapping[str, str], found: DocumentRequest) -> bool:
    return posted(fields, found) == found.version


def updated(found: DocumentRequest) -> Notice:
    is_form = found.version.template.kind == TemplateKind.FORM
    return Notice("info", CHECK_ANSWERS if is_form else READ_AGAIN)


def notices_of(found: DocumentRequest) -> list[Notice]:
    """Returns the notice for a client who opened an earlier version, until they save answers to this one."""
    changed_at = found.version_changed_at
    if changed_at is None or found.opened_at is None or found.opened_at > changed_at:
        return []
    draft = getattr(found, "draft", None)
    return [] if draft is not None and draft.saved_at > changed_at else [updated(found)]
