"""The file of a document of kind `file`: uploaded by staff in each language, into the draft."""

from typing import BinaryIO

from django.conf import settings
from django.db import transaction

from portico.domain.documents import template_content, templates, version_files
from portico.domain.documents.models import DocumentTemplate, TemplateFile
from portico.plumbing.actors import Actor
from portico.plumbing.files import file_content, inspection


def put(
    template: DocumentTemplate, content: BinaryIO, *, name: str, language: str, revision: int, by: Actor
) -> DocumentTemplate:
    """Puts the file into the draft in this language. The same content again changes nothing, unless it had a virus.

    Must be called outside any transaction, since the file is stored in several. Earlier versions keep their files.
    Raises FileRejected, TemplateChanged, TemplateArchived.
    """
    facts = inspection.inspect(content)
    is_scanned = bool(settings.CLAMD_URL)
    file = file_content.receive(template.practice, content, facts, name=name, is_scanned=is_scanned)
    is_kept = False
    try:
        draft = template_content.to_edit(template)
        # None if its content was deleted because of a virus.
        current = version_files.find_stated(template.practice_id, draft[language].get("file"))
        if current is not None and current.sha256 == file.sha256:
            return template
        draft[language] = {**draft[language], "file": version_files.stated(file)}
        with transaction.atomic():
            template = templates.save_draft(template, revision=revision, draft=draft, by=by)
            file_content.complete(file)
            TemplateFile.objects.create(practice_id=template.practice_id, template=template, file=file)
            is_kept = True
    finally:
        if not is_kept:
            file_content.discard(file)
    return template
