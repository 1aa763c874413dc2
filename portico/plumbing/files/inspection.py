"""Decides the kind of an uploaded file by its content, without decoding it."""

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

from django.utils.translation import gettext_lazy as _

from portico.plumbing.models.files import FileKind
from portico.plumbing.refusals import Refused

MAX_MEGABYTES = 25
MAX_BYTES = MAX_MEGABYTES * 1024 * 1024
# Above the cameras and panoramas of today's phones. A decoder would need gigabytes for more.
MAX_SIDE = 16_384
MAX_PIXELS = 200_000_000
_HEAD_BYTES = 4096
# The segments of a JPEG before its frame, such as EXIF and color profiles; each has at most 64 KiB.
_MAX_SEGMENTS = 500
# Readers look for the end of a PDF this far from the end of the file; some writers append a signature.
_PDF_TAIL_BYTES = 8192
_SCAN_BYTES = 1024 * 1024
_PNG = b"\x89PNG\r\n\x1a\n"
# ISO/IEC 23008-12, annexes B.4 and D: HEVC images and sequences. AVIF and videos have other brands.
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_GENERIC_BRANDS = frozenset({b"mif1", b"msf1"})
# ISO 32000-1, 12.6.4: actions that run a script or a program. A name may have characters as #xx.
_SCRIPT_NAMES = re.compile(rb"/(?:JavaScript|JS|Launch)(?![A-Za-z0-9])")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")


class FileRejected(Refused):
    """The file cannot be taken; the message says which files can."""


class EmptyFile(FileRejected):
    message = _("This file is empty. Choose another one.")


class FileTooLarge(FileRejected):
    def __init__(self) -> None:
        message = _("This file is too large. Choose one of at most %(megabytes)s MB.")
        super().__init__(message % {"megabytes": MAX_MEGABYTES})


class PictureTooLarge(FileRejected):
    message = _("This picture has too many pixels. Choose one of at most 16,384 pixels on each side.")


class KindNotAccepted(FileRejected):
    message = _("This file can’t be used. Choose a PDF or a photo (JPEG, PNG or HEIC).")


class FileIncomplete(FileRejected):
    message = _("This file is damaged or incomplete. Open it on your device to check it, or choose another one.")


@dataclass(frozen=True)
class FileFacts:
    """The facts read from the content of a file. `size` is in bytes."""

    kind: FileKind
    size: int
    has_scripts: bool = False


def inspect(file: BinaryIO) -> FileFacts:
    """Returns the kind and size of the file, which is left at its beginning. Raises FileRejected."""
    size = file.seek(0, 2)
    if size == 0:
        raise EmptyFile
    if size > MAX_BYTES:
        raise FileTooLarge
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    kind = _kind_of(head)
    if kind is None:
        raise KindNotAccepted
    has_scripts = False
    if kind == FileKind.PDF:
        _check_pdf(file, size)
        has_scripts = _has_scripts(file)
    elif kind == FileKind.PNG:
        _check_pixels(_size_of_png(head))
    elif kind == FileKind.JPEG:
        _check_pixels(_size_of_jpeg(file))
    file.seek(0)
    return FileFacts(kind, size, has_scripts)


def _kind_of(head: bytes) -> FileKind | None:
    # Some writers begin a PDF with a byte order mark or empty lines; other bytes before it may be another format.
    if head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n\t ").startswith(b"%PDF-"):
        return FileKind.PDF
    if head.startswith(_PNG):
        return FileKind.PNG
    if head.startswith(b"\xff\xd8\xff"):
        return FileKind.JPEG
    return FileKind.HEIC if _is_heic(head) else None


def _is_heic(head: bytes) -> bool:
    """Reads the file type box (ISO/IEC 14496-12, 4.3)."""
    if len(head) < 16 or head[4:8] != b"ftyp":
        return False
    end = struct.unpack(">I", head[:4])[0]
    if not 16 <= end <= len(head):
        return False
    brands = {head[start : start + 4] for start in (8, *range(16, end, 4))}
    return head[8:12] in _HEIC_BRANDS | _GENERIC_BRANDS and not brands.isdisjoint(_HEIC_BRANDS)


def _check_pdf(file: BinaryIO, size: int) -> None:
    """Raises FileIncomplete if the file lacks the end of a PDF (ISO 32000-1, 7.5.5)."""
    file.seek(max(size - _PDF_TAIL_BYTES, 0))
    tail = file.read(_PDF_TAIL_BYTES)
    if b"startxref" not in tail or b"%%EOF" not in tail:
        raise FileIncomplete


def _has_scripts(file: BinaryIO) -> bool:
    """Returns True if a name of a script or program is in the file as it is; compressed parts are not unpacked."""
    file.seek(0)
    before = b""
    while part := file.read(_SCAN_BYTES):
        text = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), before + part)
        if _SCRIPT_NAMES.search(text):
            return True
        # The longest name, with each of its characters escaped.
        before = part[-64:]
    return False


def _check_pixels(size: tuple[int, int] | None) -> None:
    if size is None or min(size) < 1:
        raise FileIncomplete
    if max(size) > MAX_SIDE or size[0] * size[1] > MAX_PIXELS:
        raise PictureTooLarge


def _size_of_png(head: bytes) -> tuple[int, int] | None:
    """Returns width and height from the first chunk (ISO/IEC 15948, 11.2.2)."""
    return struct.unpack(">II", head[16:24]) if len(head) >= 33 and head[12:16] == b"IHDR" else None


def _size_of_jpeg(file: BinaryIO) -> tuple[int, int] | None:
    """Returns width and height from the first frame header, skipping the segments before it (ITU T.81, B.2.2)."""
    offset = 2
    for _number in range(_MAX_SEGMENTS):
        file.seek(offset)
        segment = file.read(9)
        if len(segment) < 9 or segment[0] != 0xFF:
            return None
        marker = segment[1]
        if marker == 0xFF:
            offset += 1
        elif 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", segment[5:9])
            return width, height
        else:
            offset += 2 + struct.unpack(">H", segment[2:4])[0]
    return None
