"""The size limit of a request's body: small, except at the addresses that take files."""

from django.conf import settings

MEGABYTE = 1024 * 1024
# A file of 25 MB with the other fields of its form.
UPLOAD_BYTES = 26 * MEGABYTE
# As people are told: the largest file, not the form around it.
UPLOAD_MEGABYTES = 25


def takes_files(path: str) -> bool:
    """Returns True for the path of a page to which files are uploaded: its last part is "upload"."""
    path = f"/{path.lstrip('/')}"
    return path.startswith(("/portal/", "/office/")) and path.endswith("/upload/")


def limit_of(path: str) -> int:
    """Returns the most bytes that the body of a request to this path may have."""
    return UPLOAD_BYTES if takes_files(path) else settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def megabytes_of(path: str) -> int:
    """Returns the limit as people are told, in megabytes."""
    return UPLOAD_MEGABYTES if takes_files(path) else settings.DATA_UPLOAD_MAX_MEMORY_SIZE // MEGABYTE
