"""Uploaded files are read whole, small and large ones, and leave no named file on the disk."""

import tempfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from portico.web.http.upload_handler import MEMORY_BYTES

# Independent of the database.
pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize("size", [0, 10, MEMORY_BYTES, MEMORY_BYTES * 5 + 3])
def test_a_file_is_read_whole_and_has_no_name(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    content = bytes(index % 251 for index in range(size))
    request = RequestFactory().post(
        "/", {"files": [SimpleUploadedFile("a.pdf", content), SimpleUploadedFile("b", b"b")]}
    )
    first, second = request.FILES.getlist("files")
    assert (first.size, first.name, first.read(), second.read()) == (size, "a.pdf", content, b"b")
    assert list(tmp_path.iterdir()) == []
    request.close()
    assert first.closed
