"""Templates of documents: creating, editing, ordering, archiving and duplicating them."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.audit_actions import AuditAction
from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.documents.models.templates import MAX_TITLE
from portico.domain.documents.templates import template_content
from portico.domain.documents.templates.template_content import Content
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused

MAX_TEMPLATES = 200
MAX_REPEAT_MONTHS = 60


@dataclass(frozen=True)
class TemplateSettings:
    """The settings of a document, for all its versions. `repeat_after_months` is 0 for a document asked once."""

    title: str
    in_welcome_packet: bool
    may_be_declined: bool
    repeat_after_months: int


class TitleTaken(Refused):
    """Another document of the practice has this title."""


class TooManyTemplates(Refused):
    """The practice has MAX_TEMPLATES documents."""


class TemplateChanged(Refused):
    """The template was changed after the page was opened."""

    message = gettext_lazy(
        "This document was changed after you opened this page. Nothing was saved. Open it again to see the change."
    )


class TemplateArchived(Refused):
    """An archived template can't be changed."""

    message = gettext_lazy("This document is archived. Restore it first.")


def create(
    practice: Practice, *, kind: TemplateKind, title: str, by: Actor, content: Content | None = None
) -> DocumentTemplate:
    """Creates a template, with a draft and no version, as the last one of the list.

    Repeating it while the draft is as it was created returns that template. Raises TitleTaken, TooManyTemplates.
    """
    draft = template_content.with_english_title(content or template_content.empty(kind), title)
    with transaction.atomic():
        others = _lock_practice(practice)
        same = next((each for each in others if each.title == title), None)
        if same is not None and (same.kind, same.draft, same.revision) == (kind, draft, 1):
            return same
        _refuse_taken(title, others)
        _refuse_too_many(others)
        template = DocumentTemplate(practice=practice, kind=kind, title=title, draft=draft)
        template.position = _after(others)
        template.save(force_insert=True)
        _record(AuditAction.TEMPLATE_CREATED, template, by, kind=str(kind))
    return template


def duplicate(template: DocumentTemplate, *, by: Actor) -> DocumentTemplate:
    """Creates a template with the same content as a draft. Raises TitleTaken, TooManyTemplates."""
    title = _("Copy of %(title)s") % {"title": template.title}
    content = template_content.to_edit(template)
    kind = TemplateKind(template.kind)
    with transaction.atomic():
        copy = create(template.practice, kind=kind, title=title[:MAX_TITLE], by=by, content=content)
        copy.may_be_declined, copy.repeat_after_months = template.may_be_declined, template.repeat_after_months
        copy.save(update_fields=["may_be_declined", "repeat_after_months"])
    return copy


def save(
    template: DocumentTemplate, *, revision: int, settings: TemplateSettings, draft: Content, by: Actor
) -> DocumentTemplate:
    """Saves the settings and the draft of one page, both or neither. Repeating it changes nothing.

    Raises TemplateChanged, TemplateArchived, TitleTaken, DraftRefused.
    """
    with transaction.atomic():
        # The practice is locked before the template, as in save_settings.
        _lock_practice(template.practice)
        is_current = _lock(template).revision == revision
        template = save_settings(template, revision=revision, settings=settings, by=by)
        return save_draft(template, revision=template.revision if is_current else revision, draft=draft, by=by)


def save_settings(
    template: DocumentTemplate, *, revision: int, settings: TemplateSettings, by: Actor
) -> DocumentTemplate:
    """Changes what applies to all versions. Repeating it changes nothing.

    Raises TemplateChanged, TemplateArchived, TitleTaken.
    """
    wanted = asdict(settings)
    with transaction.atomic():
        others = _lock_practice(template.practice)
        template = _lock(template)
        if all(getattr(template, name) == value for name, value in wanted.items()):
            return template
        _refuse_unless_current(template, revision)
        _refuse_taken(settings.title, [each for each in others if each.pk != template.pk])
        for name, value in wanted.items():
            setattr(template, name, value)
        _save(template, *wanted)
        _record(AuditAction.TEMPLATE_EDITED, template, by, in_welcome_packet=settings.in_welcome_packet)
    return template


def set_in_welcome_packet(template: DocumentTemplate, *, included: bool, by: Actor) -> DocumentTemplate:
    """Puts a document into the welcome packet, or takes it out. Repeating it changes nothing.

    Raises TemplateArchived.
    """
    with transaction.atomic():
        template = _lock(template)
        if template.in_welcome_packet == included:
            return template
        _refuse_unless_current(template, template.revision)
        template.in_welcome_packet = included
        _save(template, "in_welcome_packet")
        _record(AuditAction.TEMPLATE_EDITED, template, by, in_welcome_packet=included)
    return template


def save_draft(template: DocumentTemplate, *, revision: int, draft: Content, by: Actor) -> DocumentTemplate:
    """Replaces the draft. Repeating it changes nothing.

    Raises TemplateChanged, TemplateArchived, DraftRefused.
    """
    with transaction.atomic():
        template = _lock(template)
        if draft == template_content.to_edit(template):
            return template
        _refuse_unless_current(template, revision)
        template_content.refuse_unusable(TemplateKind(template.kind), draft)
        template.draft = draft
        _save(template, "draft")
        _record(AuditAction.TEMPLATE_EDITED, template, by)
    return template


def discard_draft(template: DocumentTemplate, *, revision: int, by: Actor) -> DocumentTemplate:
    """Goes back to the published version. Changes nothing without a version or a draft. Raises TemplateChanged."""
    with transaction.atomic():
        template = _lock(template)
        if not template.draft or template.current_version_id is None:
            return template
        _refuse_unless_current(template, revision)
        template.draft = {}
        _save(template, "draft")
        _record(AuditAction.TEMPLATE_DRAFT_DISCARDED, template, by)
    return template


def move(template: DocumentTemplate, *, to: int, by: Actor) -> DocumentTemplate:
    """Moves a template to a place of the list, from 0; beyond the end is the end. Repeating it changes nothing.

    Raises TemplateArchived.
    """
    with transaction.atomic():
        order = _lock_practice(template.practice)
        moved = next((each for each in order if each.pk == template.pk), None)
        if moved is None:
            raise TemplateArchived
        order.remove(moved)
        order.insert(min(max(to, 0), len(order)), moved)
        changed = [each for place, each in enumerate(order) if each.position != place]
        for place, each in enumerate(order):
            each.position = place
        if changed:
            DocumentTemplate.objects.bulk_update(changed, ["position"])
            _record(AuditAction.TEMPLATE_MOVED, moved, by, place=moved.position + 1)
    return moved


def archive(template: DocumentTemplate, *, by: Actor) -> DocumentTemplate:
    """Takes a template off the list. Requests already sent stay open. Repeating it changes nothing."""
    with transaction.atomic():
        template = _lock(template)
        if template.archived_at is None:
            template.archived_at, template.in_welcome_packet = clock.now(), False
            _save(template, "archived_at", "in_welcome_packet")
            _record(AuditAction.TEMPLATE_ARCHIVED, template, by)
    return template


def restore(template: DocumentTemplate, *, by: Actor) -> DocumentTemplate:
    """Puts an archived template back, as the last one of the list. Repeating it changes nothing.

    Raises TitleTaken, TooManyTemplates.
    """
    with transaction.atomic():
        others = _lock_practice(template.practice)
        template = _lock(template)
        if template.archived_at is None:
            return template
        _refuse_taken(template.title, others)
        _refuse_too_many(others)
        template.archived_at, template.position = None, _after(others)
        _save(template, "archived_at", "position")
        _record(AuditAction.TEMPLATE_RESTORED, template, by)
    return template


def _lock_practice(practice: Practice) -> list[DocumentTemplate]:
    """Locks the practice, so that titles stay unique and places in order; returns its templates in order."""
    Practice.objects.locked().get(pk=practice.pk)
    return list(DocumentTemplate.objects.locked().active().filter(practice=practice).order_by("position", "id"))


def _lock(template: DocumentTemplate) -> DocumentTemplate:
    # The current version is not joined, because a publication changes it.
    return DocumentTemplate.objects.locked().select_related("practice").get(pk=template.pk)


def _refuse_unless_current(template: DocumentTemplate, revision: int) -> None:
    if template.archived_at is not None:
        raise TemplateArchived
    if template.revision != revision:
        raise TemplateChanged


def _refuse_taken(title: str, others: list[DocumentTemplate]) -> None:
    if any(each.title == title for each in others):
        raise TitleTaken(_("Another document has this title. Enter a different one."), field="title")


def _refuse_too_many(others: list[DocumentTemplate]) -> None:
    if len(others) >= MAX_TEMPLATES:
        raise TooManyTemplates(
            _("You have %(number)d documents. Archive one that you no longer use.") % {"number": MAX_TEMPLATES}
        )


def _after(others: list[DocumentTemplate]) -> int:
    return max((each.position for each in others), default=-1) + 1


def _save(template: DocumentTemplate, *fields: str) -> None:
    template.revision += 1
    template.save(update_fields=[*fields, "revision"])


def _record(action: AuditAction, template: DocumentTemplate, by: Actor, **details: Any) -> None:  # Any: plain values.
    audit_log.record(action, practice=template.practice, by=by, about=template.ref, title=template.title, **details)
