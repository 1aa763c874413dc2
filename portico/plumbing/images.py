"""Takes in a picture from outside: judged by its headers, then drawn anew, so that nothing of the file is kept."""

import io
import struct
import warnings
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

from portico.plumbing.refusals import Refused

MAX_BYTES = 2 * 1024 * 1024
MAX_PIXELS = 4000
# Of the longer side, after it was drawn anew: sharp on any screen, and on paper.
STORED_PIXELS = 640

# What Pillow raises for a file that is broken, or made to break something.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
_DRAWN_AS_IS = {"RGB", "RGBA"}


class ImageRejected(Refused):
    """The file cannot be used; the sentence says what can."""


class NotAnImage(ImageRejected):
    def __init__(self) -> None:
        super().__init__(_("This file is not a picture we can read. Choose a PNG, a JPEG or a WebP."))


class ImageTooLarge(ImageRejected):
    def __init__(self) -> None:
        super().__init__(_("This picture is too large. Choose one of at most 2 MB and 4,000 × 4,000 pixels."))


@dataclass(frozen=True)
class StoredImage:
    """Drawn anew as PNG, without any of the metadata it came with."""

    png: bytes
    width: int
    height: int


def reencoded(file: bytes) -> StoredImage:
    """The picture as a PNG of at most KEPT_PIXELS a side. Raises NoPicture, PictureTooLarge.

    Bytes and pixels are counted from the file and its headers before anything is unpacked.
    """
    if len(file) > MAX_BYTES:
        raise ImageTooLarge
    size = _size_in_header(file)
    if size is None or min(size) < 1:
        raise NotAnImage
    if max(size) > MAX_PIXELS:
        raise ImageTooLarge
    try:
        with warnings.catch_warnings():
            # A broken corner of a picture (its EXIF, its palette) is no news to us.
            warnings.simplefilter("ignore")
            return _drawn(file)
    except _BROKEN as error:
        raise NotAnImage from error


def _drawn(file: bytes) -> StoredImage:
    with Image.open(io.BytesIO(file), formats=("PNG", "JPEG", "WEBP")) as image:
        # The header is read a second time, by whoever unpacks: it may not say something else.
        if max(image.size) > MAX_PIXELS:
            raise NotAnImage
        image.draft("RGB", (STORED_PIXELS, STORED_PIXELS))
        upright = ImageOps.exif_transpose(image)
    mode = "RGBA" if upright.has_transparency_data else "RGB"
    plain = upright if upright.mode in _DRAWN_AS_IS else upright.convert(mode)
    plain.thumbnail((STORED_PIXELS, STORED_PIXELS))
    # Colour profile, comments and places would be written along.
    plain.info.clear()
    written = io.BytesIO()
    plain.save(written, "PNG", optimize=True)
    return StoredImage(written.getvalue(), *plain.size)


def _size_in_header(file: bytes) -> tuple[int, int] | None:
    """Width and height as the file's own header says; None if it is none of the three kinds."""
    if file.startswith(b"\x89PNG\r\n\x1a\n"):
        return struct.unpack(">II", file[16:24]) if len(file) >= 24 and file[12:16] == b"IHDR" else None
    if file.startswith(b"\xff\xd8\xff"):
        return _size_of_jpeg(file)
    if file[:4] == b"RIFF" and file[8:12] == b"WEBP":
        return _size_of_webp(file)
    return None


def _size_of_jpeg(file: bytes) -> tuple[int, int] | None:
    """From the first start of a frame (ITU T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(file) and file[at] == 0xFF:
        marker = file[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", file[at + 5 : at + 9])
            return width, height
        else:
            at += 2 + struct.unpack(">H", file[at + 2 : at + 4])[0]
    return None


def _size_of_webp(file: bytes) -> tuple[int, int] | None:
    """From the first chunk (RFC 9649): the canvas, a lossless or a lossy picture."""
    if len(file) < 30:
        return None
    match file[12:16]:
        case b"VP8X":
            return _three(file, 24) + 1, _three(file, 27) + 1
        case b"VP8L":
            bits = int.from_bytes(file[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack("<HH", file[26:30])
            return width & 0x3FFF, height & 0x3FFF
        case _:
            return None


def _three(file: bytes, at: int) -> int:
    return int.from_bytes(file[at : at + 3], "little")


def resized(png: bytes, *, within: tuple[int, int]) -> bytes:
    """A picture that we drew, as a PNG that fits into so many pixels; never larger than it was."""
    with Image.open(io.BytesIO(png)) as picture:
        picture.thumbnail(within, Image.Resampling.LANCZOS)
        written = io.BytesIO()
        picture.save(written, "PNG")
    return written.getvalue()
