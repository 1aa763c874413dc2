"""Files of each kind that can be uploaded, and ways to store them."""

import io
import struct
import zlib

from portico.domain.practices.models import Practice
from portico.plumbing.files import file_content, inspection
from portico.plumbing.models import StoredFile
from tests.support.pictures import picture


def pdf(content: bytes = b"", *, size: int = 0) -> bytes:
    """Returns a small PDF with `content` in it, filled up with a comment to `size` bytes."""
    pages = b"2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n"
    head = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n" + pages + content
    tail = b"\ntrailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"
    filling = b"%" + b"x" * (size - len(head) - len(tail) - 1) if size else b""
    return head + filling + tail


def heic(major: bytes = b"heic", *compatible: bytes) -> bytes:
    """Returns the file type box of a HEIC photo, followed by another box."""
    brands = major + b"\0\0\0\0" + b"".join(compatible or (b"mif1", b"heic"))
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + struct.pack(">I", 24) + b"meta" + bytes(16)


def png_header(width: int, height: int) -> bytes:
    """Returns a PNG that has nothing but a header."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def jpeg() -> bytes:
    return picture("JPEG")


def stored(
    practice: Practice, content: bytes = b"", *, name: str = "card.pdf", needs_virus_check: bool = False
) -> StoredFile:
    """Returns a complete file with the content, by default a small PDF."""
    stream = io.BytesIO(content or pdf())
    file = file_content.receive(
        practice, stream, inspection.inspect(stream), name=name, needs_virus_check=needs_virus_check
    )
    file_content.complete(file)
    return file
