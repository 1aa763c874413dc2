"""The size limit of a request's body: small, except at the addresses that take files."""

import re

from django.conf import settings

from portico.plumbing.files import inspection

MEGABYTE = 1024 * 1024
# The largest file, with the other fields of its form.
UPLOAD_BYTES = inspection.MAX_BYTES + MEGABYTE
# The pages `portal:upload`, `office:shareable_document`, `office:document_publication`, `office:paper_signature`,
# `office:new_paper_signature` and `office:document_check`.
_TAKES_FILES = re.compile(
    r"/portal/[^/]+/documents/[^/]+/upload/"
    r"|/office/settings/documents/(?!(?:new|import|starter-set)/)[^/]+/(?:publication/)?"
    r"|/office/clients/[^/]+/documents/(?:[^/]+/)?on-paper/"
    r"|/office/documents/check/"
)


def takes_files(path: str) -> bool:
    """Returns True for the path of a page to which files are uploaded."""
    return _TAKES_FILES.fullmatch(f"/{path.lstrip('/')}") is not None


def limit_of(path: str) -> int:
    """Returns the most bytes that the body of a request to this path may have."""
    return UPLOAD_BYTES if takes_files(path) else settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def megabytes_of(path: str) -> int:
    """Returns the limit as people are told, in megabytes: of the largest file, not of the form around it."""
    return inspection.MAX_MEGABYTES if takes_files(path) else settings.DATA_UPLOAD_MAX_MEMORY_SIZE // MEGABYTE
