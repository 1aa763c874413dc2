"""The file of a document of kind `file`: uploaded by staff in each language, into the draft."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from django.conf import settings as configuration
from django.db import transaction

from portico.domain.documents.models import DocumentTemplate, TemplateFile
from portico.domain.documents.templates import template_editing, version_files
from portico.domain.documents.templates.template_content import Content
from portico.domain.documents.templates.template_editing import TemplateSettings
from portico.plumbing.actors import Actor
from portico.plumbing.files import file_content, inspection
from portico.plumbing.files.inspection import FileRejected
from portico.plumbing.models import StoredFile


@dataclass(frozen=True)
class UploadedFile:
    """A file as it was posted, with the name that it has on the person's device."""

    content: BinaryIO
    name: str


def save(
    template: DocumentTemplate,
    files: Mapping[str, UploadedFile],
    *,
    revision: int,
    settings: TemplateSettings,
    draft: Content,
    by: Actor,
) -> DocumentTemplate:
    """Saves a page of the editor as `template_editing.save` does, with the files of some languages in the draft.

    The same content of a file again changes nothing, unless it had a virus. Must be called outside any transaction,
    since a file is stored in several. Earlier versions keep their files.
    Raises FileRejected with the field `file_<language>`, TemplateChanged, TemplateArchived, TitleTaken, DraftRefused.
    """
    received: dict[str, StoredFile] = {}
    is_saved = False
    try:
        for language, each in files.items():
            with _naming_field(language):
                received[language] = _receive(template, each)
        added = {
            language: file
            for language, file in received.items()
            if not _is_current(file, version_files.find_stated(template.practice_id, draft[language].get("file")))
        }
        for language, file in added.items():
            draft = {**draft, language: {**draft[language], "file": version_files.stated(file)}}
        with transaction.atomic():
            template = template_editing.save(template, revision=revision, settings=settings, draft=draft, by=by)
            for file in added.values():
                file_content.complete(file)
                TemplateFile.objects.create(practice_id=template.practice_id, template=template, file=file)
        is_saved = True
    finally:
        for language, file in received.items():
            if not is_saved or language not in added:
                file_content.discard(file)
    return template


def _receive(template: DocumentTemplate, file: UploadedFile) -> StoredFile:
    facts = inspection.inspect(file.content)
    needs_virus_check = bool(configuration.CLAMD_URL)
    return file_content.receive(
        template.practice, file.content, facts, name=file.name, needs_virus_check=needs_virus_check
    )


def _is_current(file: StoredFile, current: StoredFile | None) -> bool:
    """`current` is None without a file, and if its content was deleted because of a virus."""
    return current is not None and current.sha256 == file.sha256


@contextmanager
def _naming_field(language: str) -> Iterator[None]:
    try:
        yield
    except FileRejected as rejected:
        rejected.field = f"file_{language}"
        raise
