"""Files of documents: put into the draft, published with their digest, and kept by earlier versions."""

import io

import pytest

from portico.domain.documents.completion import uploads
from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.documents.templates import (
    publishing,
    template_content,
    template_editing,
    template_files,
    version_files,
)
from portico.domain.documents.templates.template_content import NotReadyToPublish
from portico.domain.documents.templates.template_editing import TemplateChanged, TemplateSettings
from portico.domain.documents.templates.template_files import UploadedFile
from portico.domain.practices.models import Practice
from portico.plumbing.files import file_content
from portico.plumbing.files.inspection import KindNotAccepted
from portico.plumbing.models import AuditEntry, FileState, StoredFile, VirusCheck
from tests import cast
from tests.support import files

pytestmark = pytest.mark.django_db


@pytest.fixture
def policies(practice: Practice) -> DocumentTemplate:
    return template_editing.create(practice, kind=TemplateKind.FILE, title="Office policies", by=cast.DESK)


def put(
    template: DocumentTemplate, content: bytes = b"", *, language: str = "en", revision: int = 0
) -> DocumentTemplate:
    return template_files.save(
        template,
        {language: UploadedFile(io.BytesIO(content or files.pdf()), "policies.pdf")},
        revision=revision or template.revision,
        settings=TemplateSettings(
            template.title, in_welcome_packet=False, may_be_declined=False, repeat_after_months=0
        ),
        draft=template_content.to_edit(template),
        by=cast.DESK,
    )


def test_a_document_without_its_file_is_not_published(policies: DocumentTemplate) -> None:
    with pytest.raises(NotReadyToPublish, match="The file is missing"):
        publishing.publish(policies, by=cast.DESK)


def test_each_version_keeps_its_own_file(policies: DocumentTemplate) -> None:
    first = publishing.publish(put(policies), by=cast.DESK)
    policies.refresh_from_db()
    second = publishing.publish(put(policies, files.pdf(b"changed")), by=cast.DESK)
    assert first.digest != second.digest
    read = [b"".join(file_content.read(file)) for each in (first, second) if (file := version_files.find(each, "en"))]
    assert read == [files.pdf(), files.pdf(b"changed")]


def test_a_file_in_spanish_is_read_in_spanish_only(policies: DocumentTemplate) -> None:
    draft = put(put(policies), files.pdf(b"es"), language="es").draft
    draft["es"]["title"] = "Normas"
    policies.refresh_from_db()
    template_editing.save_draft(policies, revision=policies.revision, draft=draft, by=cast.DESK)
    version = publishing.publish(policies, by=cast.DESK)
    found = [version_files.find(version, language) for language in ("en", "es", "fr")]
    assert [file.size for file in found if file] == [len(files.pdf()), len(files.pdf(b"es")), len(files.pdf())]


def test_the_same_file_again_changes_nothing(policies: DocumentTemplate) -> None:
    once = put(policies)
    again = put(once)
    assert (again.revision, again.draft) == (once.revision, once.draft)
    assert StoredFile.objects.complete().count() == 1


def test_a_file_that_had_a_virus_is_replaced_by_the_same_content(policies: DocumentTemplate) -> None:
    with_virus = put(policies)
    StoredFile.objects.update(virus_check=VirusCheck.INFECTED, state=FileState.REMOVED)
    again = put(with_virus)
    assert again.draft["en"]["file"]["ref"] != with_virus.draft["en"]["file"]["ref"]
    assert version_files.find_stated(again.practice_id, again.draft["en"]["file"]) is not None


def test_a_file_for_an_old_page_or_of_another_kind_is_refused_and_not_kept(policies: DocumentTemplate) -> None:
    put(policies)
    policies.refresh_from_db()
    with pytest.raises(TemplateChanged):
        put(policies, files.pdf(b"late"), revision=policies.revision - 1)
    with pytest.raises(KindNotAccepted):
        put(policies, b"MZ")
    file_content.delete_unused()
    assert sum(file.chunks.count() for file in StoredFile.objects.all()) == 1


def test_a_virus_in_a_documents_file_is_recorded(policies: DocumentTemplate) -> None:
    put(policies)
    file = StoredFile.objects.get()
    StoredFile.objects.update(virus_check=VirusCheck.INFECTED, virus_name="Eicar")
    file.refresh_from_db()
    uploads.record_virus(file)
    assert AuditEntry.objects.get(action="upload.virus_found").about == policies.ref
    version = publishing.publish(policies, by=cast.DESK)
    found = version_files.find(version, "en")
    assert found is not None
    assert not found.may_be_opened
