"""Uploaded images: checked by their headers, then re-encoded, so that nothing else of the file is stored."""

import io
import struct
import warnings
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from portico.plumbing.refusals import Refused

MAX_BYTES = 2 * 1024 * 1024
MAX_PIXELS = 4000
LIMITS_IN_WORDS = {"megabytes": str(MAX_BYTES // 1024**2), "side": f"{MAX_PIXELS:,}"}
# The longer side of a stored image: sharp on any screen, and in print.
STORED_PIXELS = 640

# Exceptions that Pillow raises for a corrupt or malicious file.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    struct.error,
)
_SUPPORTED_MODES = {"RGB", "RGBA"}


class ImageRejected(Refused):
    """The file cannot be used; the message says which files can."""


class NotAnImage(ImageRejected):
    def __init__(self) -> None:
        super().__init__(_("This file can’t be read as an image. Choose a PNG, JPEG or WebP file."))


class ImageTooLarge(ImageRejected):
    def __init__(self) -> None:
        message = _("This image is too large. Choose one of at most %(megabytes)s MB and %(side)s × %(side)s pixels.")
        super().__init__(message % LIMITS_IN_WORDS)


@dataclass(frozen=True)
class StoredImage:
    """An image re-encoded as PNG, without metadata."""

    png: bytes
    width: int
    height: int


def reencoded(file: bytes) -> StoredImage:
    """Returns the image as a PNG of at most STORED_PIXELS a side. Raises NotAnImage, ImageTooLarge.

    The size in bytes and pixels is checked before anything is decoded.
    """
    if len(file) > MAX_BYTES:
        raise ImageTooLarge
    size = _size_in_header(file)
    if size is None or min(size) < 1:
        raise NotAnImage
    if max(size) > MAX_PIXELS:
        raise ImageTooLarge
    from PIL import Image  # noqa: PLC0415 - Pillow is loaded with the first picture.

    try:
        with warnings.catch_warnings():
            # Pillow warns of broken metadata (EXIF, palette), which is dropped anyway.
            warnings.simplefilter("ignore")
            return _reencode(file)
    except (*_BROKEN, Image.DecompressionBombError) as error:
        raise NotAnImage from error


def _reencode(file: bytes) -> StoredImage:
    from PIL import Image, ImageOps  # noqa: PLC0415 - as above

    with Image.open(io.BytesIO(file), formats=("PNG", "JPEG", "WEBP")) as image:
        # Pillow parses the header again, and may read another size.
        if max(image.size) > MAX_PIXELS:
            raise NotAnImage
        image.draft("RGB", (STORED_PIXELS, STORED_PIXELS))
        upright = ImageOps.exif_transpose(image)
    mode = "RGBA" if upright.has_transparency_data else "RGB"
    plain = upright if upright.mode in _SUPPORTED_MODES else upright.convert(mode)
    plain.thumbnail((STORED_PIXELS, STORED_PIXELS))
    # Else color profile, comments and locations would be saved too.
    plain.info.clear()
    written = io.BytesIO()
    plain.save(written, "PNG", optimize=True)
    return StoredImage(written.getvalue(), *plain.size)


def _size_in_header(file: bytes) -> tuple[int, int] | None:
    """Returns width and height from the file's header; None if it is not a PNG, JPEG or WebP."""
    if file.startswith(b"\x89PNG\r\n\x1a\n"):
        return struct.unpack(">II", file[16:24]) if len(file) >= 24 and file[12:16] == b"IHDR" else None
    if file.startswith(b"\xff\xd8\xff"):
        return _size_of_jpeg(file)
    if file[:4] == b"RIFF" and file[8:12] == b"WEBP":
        return _size_of_webp(file)
    return None


def _size_of_jpeg(file: bytes) -> tuple[int, int] | None:
    """Returns width and height from the first start-of-frame marker (ITU T.81, B.2.2)."""
    offset = 2
    while offset + 9 <= len(file) and file[offset] == 0xFF:
        marker = file[offset + 1]
        if marker == 0xFF:
            offset += 1
        elif 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", file[offset + 5 : offset + 9])
            return width, height
        else:
            offset += 2 + struct.unpack(">H", file[offset + 2 : offset + 4])[0]
    return None


def _size_of_webp(file: bytes) -> tuple[int, int] | None:
    """Returns width and height from the first chunk (RFC 9649): extended, lossless or lossy."""
    if len(file) < 30:
        return None
    match file[12:16]:
        case b"VP8X":
            return _uint24(file, 24) + 1, _uint24(file, 27) + 1
        case b"VP8L":
            bits = int.from_bytes(file[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack("<HH", file[26:30])
            return width & 0x3FFF, height & 0x3FFF
        case _:
            return None


def _uint24(file: bytes, offset: int) -> int:
    return int.from_bytes(file[offset : offset + 3], "little")


def resized(png: bytes, *, within: tuple[int, int]) -> bytes:
    """Returns a stored image scaled down to fit `within` (width, height), as a PNG; never enlarged."""
    from PIL import Image  # noqa: PLC0415 - as above

    with Image.open(io.BytesIO(png)) as image:
        image.thumbnail(within, Image.Resampling.LANCZOS)
        written = io.BytesIO()
        image.save(written, "PNG")
    return written.getvalue()
