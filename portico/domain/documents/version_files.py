"""The file of a published document of kind `file`, in each language."""

from portico.domain.documents.models import TemplateVersion
from portico.domain.documents.version_content import content_in
from portico.plumbing.models import StoredFile


def find(version: TemplateVersion, language: str) -> StoredFile | None:
    """Returns the file that clients read in this language, in English if there is no other; None without a file.

    The version's content has the ref and the digest of the file, so that the version's own digest covers it.
    """
    stated = content_in(version, language).get("file")
    if not stated:
        return None
    files = StoredFile.objects.complete().filter(practice=version.practice_id, ref=stated["ref"])
    return files.filter(sha256=stated["sha256"]).first()


def stated(file: StoredFile) -> dict[str, str | int]:
    """Returns what the content of a version says about its file."""
    return {"ref": file.ref, "name": file.name, "size": file.size, "sha256": file.sha256}
