"""Stores uploaded files while a request is read: small ones in memory, others in a file without a name."""

from tempfile import SpooledTemporaryFile
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

MEMORY_BYTES = 256 * 1024


class SpoolingUploadHandler(FileUploadHandler):
    """Django's own handler keeps a named file, which stays on the disk if the process is killed."""

    file: "UploadedFile[bytes]"

    def new_file(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature.
        super().new_file(*args, **kwargs)
        spooled = SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115  # The request closes it.
        self.file = UploadedFile(spooled, self.file_name, self.content_type, 0, self.charset, self.content_type_extra)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[bytes]":
        self.file.seek(0)
        self.file.size = file_size
        return self.file

    def upload_interrupted(self) -> None:
        if hasattr(self, "file"):
            self.file.close()
