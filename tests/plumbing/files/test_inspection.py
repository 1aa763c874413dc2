"""The kind of a file is decided by its content; what is not a PDF or a photo is refused with a sentence."""

import io
import random
from contextlib import suppress

import pytest

from portico.plumbing.files import inspection
from portico.plumbing.files.inspection import (
    EmptyFile,
    FileFacts,
    FileIncomplete,
    FileRejected,
    FileTooLarge,
    KindNotAccepted,
    PictureTooLarge,
)
from portico.plumbing.models import FileKind
from tests.support import files
from tests.support.pictures import picture

# Independent of the database.
pytestmark = pytest.mark.sqlite


def inspect(content: bytes) -> FileFacts:
    return inspection.inspect(io.BytesIO(content))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (files.pdf(), FileKind.PDF),
        (b"\xef\xbb\xbf\r\n" + files.pdf(), FileKind.PDF),
        (picture("JPEG"), FileKind.JPEG),
        (picture("PNG"), FileKind.PNG),
        (files.heic(), FileKind.HEIC),
        (files.heic(b"mif1", b"mif1", b"heic"), FileKind.HEIC),
    ],
)
def test_each_kind_is_known_by_its_content(content: bytes, kind: FileKind) -> None:
    assert inspect(content) == FileFacts(kind, len(content))


@pytest.mark.parametrize(
    "content",
    [
        b"MZ\x90\0" + bytes(60),
        # A program with a PDF in it, which some readers would open.
        b"MZ\x90\0" + files.pdf(),
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<html><script>alert(1)</script></html>",
        b"PK\x03\x04" + bytes(100),
        b"GIF89a" + bytes(100),
        files.heic(b"isom", b"isom", b"mp42"),
        files.heic(b"avif", b"mif1", b"avif"),
        # A video that claims to be compatible with HEIC.
        files.heic(b"isom", b"heic"),
        b"\0\0\0\x10ftypheic",
        b"just text",
    ],
)
def test_other_files_are_refused_whatever_their_name(content: bytes) -> None:
    with pytest.raises(KindNotAccepted, match="PDF or a photo"):
        inspect(content)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(EmptyFile):
        inspect(b"")


def test_25_mb_are_accepted_and_one_byte_more_is_not() -> None:
    assert inspect(files.pdf(size=inspection.MAX_BYTES)).size == inspection.MAX_BYTES
    with pytest.raises(FileTooLarge, match="25 MB"):
        inspect(files.pdf(size=inspection.MAX_BYTES + 1))


@pytest.mark.parametrize("content", [files.pdf()[:-30], files.png_header(0, 5), picture("JPEG")[:20], b"\xff\xd8\xff"])
def test_incomplete_files_are_refused(content: bytes) -> None:
    with pytest.raises(FileIncomplete):
        inspect(content)


@pytest.mark.parametrize("size", [(20_000, 20_000), (16_385, 10), (16_000, 15_000)])
def test_a_picture_of_too_many_pixels_is_refused_by_its_header(size: tuple[int, int]) -> None:
    width, height = size
    jpeg = b"\xff\xd8\xff\xc0\0\x11\x08" + height.to_bytes(2) + width.to_bytes(2) + b"\x03" + bytes(20)
    for content in (files.png_header(*size), jpeg):
        with pytest.raises(PictureTooLarge):
            inspect(content)


@pytest.mark.parametrize(
    "script",
    [
        b"<< /S /JavaScript /JS (app.alert(1)) >>",
        b"<< /S /J#61vaScript >>",
        b"<< /S /Launch /F (cmd.exe) >>",
        b"x" * (1024 * 1024 - 60) + b"/JavaScript ",
    ],
)
def test_scripts_of_a_pdf_are_noticed(script: bytes) -> None:
    assert inspect(files.pdf(script)).has_scripts
    assert not inspect(files.pdf(b"<< /JSON 1 /Launcher 2 >>")).has_scripts


def test_broken_files_are_refused_with_a_sentence_or_taken() -> None:
    chance = random.Random("files")
    for whole in (files.pdf(), picture("JPEG", size=(60, 40)), picture("PNG", size=(60, 40)), files.heic()):
        for _ in range(300):
            broken = bytearray(whole[: chance.randrange(1, len(whole) + 1)])
            for _ in range(chance.randrange(8)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            # Any other exception fails the test.
            with suppress(FileRejected):
                assert inspect(bytes(broken)).size == len(broken)
