"""Publishing a template: its draft becomes a version, which never changes."""

from django.db import transaction

from portico.domain.audit_actions import AuditAction
from portico.domain.documents.forms import canonical_json, questionnaire
from portico.domain.documents.forms.questionnaire import ItemType
from portico.domain.documents.models import DocumentTemplate, TemplateKind, TemplateVersion
from portico.domain.documents.templates import consent_text, template_content
from portico.domain.documents.templates.template_content import ENGLISH, Content
from portico.domain.documents.templates.template_editing import TemplateArchived, TemplateChanged
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log

# How long completing a document takes, as clients are told. Reading: 200 words a minute.
_WORDS_PER_MINUTE = 200
_SECONDS_TO_SIGN = 60
_SECONDS_PER_QUESTION = 8
_SECONDS_PER_TEXT = 30
_SECONDS_PER_FILE = 120
MAX_MINUTES = 120


def publish(template: DocumentTemplate, *, by: Actor, revision: int | None = None) -> TemplateVersion:
    """Makes the draft the next version. Open requests keep the version that they were sent with.

    If the draft's content is that of the current version, that one is returned. The draft is then empty, unless a
    translation is begun and not complete. `revision` is that of the page that showed the draft.
    Raises NotReadyToPublish, TemplateArchived, TemplateChanged.
    """
    with transaction.atomic():
        # Not joined: the current version is read after the wait for another publication.
        template = DocumentTemplate.objects.locked().select_related("practice").get(pk=template.pk)
        if template.archived_at is not None:
            raise TemplateArchived
        current = template.current_version
        if current is not None and not template.draft:
            return current
        if revision is not None and revision != template.revision:
            raise TemplateChanged
        kind = TemplateKind(template.kind)
        draft = template_content.to_edit(template)
        content = template_content.to_publish(kind, draft)
        digest = canonical_json.digest(content)
        if current is None or current.digest != digest:
            current = TemplateVersion.objects.create(
                practice=template.practice,
                template=template,
                number=current.number + 1 if current else 1,
                content=content,
                digest=digest,
                minutes=estimate_minutes(kind, content),
                published_by=by.name[:100],
            )
            audit_log.record(
                AuditAction.TEMPLATE_PUBLISHED,
                practice=template.practice,
                by=by,
                about=template.ref,
                title=template.title,
                version=current.number,
                digest=digest,
            )
        # A translation that is begun stays in the draft.
        is_translating = any(template_content.is_begun(draft, each) for each in draft.keys() - content.keys())
        template.current_version, template.draft = current, draft if is_translating else {}
        template.revision += 1
        template.save(update_fields=["current_version", "draft", "revision"])
    return current


def estimate_minutes(kind: TemplateKind, content: Content) -> int:
    """Returns how many minutes a client needs, from 1 to MAX_MINUTES, estimated from the English text."""
    own = content[ENGLISH]
    seconds = consent_text.number_of_words(own.get("note", "")) * 60 / _WORDS_PER_MINUTE
    if kind == TemplateKind.CONSENT:
        seconds += consent_text.number_of_words(own["text"]) * 60 / _WORDS_PER_MINUTE + _SECONDS_TO_SIGN
    elif kind == TemplateKind.FORM:
        items = questionnaire.parse(own["questionnaire"]).questions
        seconds += sum(_SECONDS_PER_TEXT if each.type == ItemType.TEXT else _SECONDS_PER_QUESTION for each in items)
    else:
        seconds += _SECONDS_PER_FILE
    return min(max(round(seconds / 60), 1), MAX_MINUTES)
