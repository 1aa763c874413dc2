"""The file of a published document of kind `file`, in each language."""

from collections.abc import Mapping

from portico.domain.documents.models import TemplateVersion
from portico.domain.documents.templates.version_content import content_in
from portico.plumbing.models import StoredFile


def find(version: TemplateVersion, language: str) -> StoredFile | None:
    """Returns the file that clients read in this language, in English if there is no other; None without a file.

    The version's content has the ref and the digest of the file, so that the version's own digest covers it.
    """
    return find_stated(version.practice_id, content_in(version, language).get("file"))


def find_stated(practice: int, stated: Mapping[str, str | int] | None) -> StoredFile | None:
    """Returns the file that the content of a draft or version states; None without one."""
    if not stated:
        return None
    files = StoredFile.objects.complete().filter(practice=practice, ref=stated["ref"])
    return files.filter(sha256=stated["sha256"]).first()


def stated(file: StoredFile) -> dict[str, str | int]:
    """Returns what the content of a version says about its file."""
    return {"ref": file.ref, "name": file.name, "size": file.size, "sha256": file.sha256}
