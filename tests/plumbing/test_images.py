"""Uploaded images: checked before decoding, re-encoded, and refused without a crash if corrupt."""

import io
import random
import struct
import zlib
from contextlib import suppress

import pytest
from PIL import Image, PngImagePlugin

from portico.plumbing import images
from portico.plumbing.images import ImageRejected, ImageTooLarge, NotAnImage
from tests.support.pictures import picture

KINDS = ("PNG", "JPEG", "WEBP")


def opened(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_becomes_a_png(kind: str) -> None:
    drawn = images.reencoded(picture(kind))
    assert (drawn.width, drawn.height) == (300, 120)
    assert (opened(drawn.png).format, opened(drawn.png).size) == ("PNG", (300, 120))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_colour_type_of_png_is_read(mode: str) -> None:
    written = io.BytesIO()
    Image.new(mode, (20, 10)).save(written, "PNG")
    assert images.reencoded(written.getvalue()).width == 20


def test_a_cmyk_jpeg_is_read() -> None:
    assert opened(images.reencoded(picture("JPEG", mode="CMYK")).png).mode == "RGB"


def test_transparency_is_kept() -> None:
    clear, palette = io.BytesIO(), io.BytesIO()
    Image.new("RGBA", (20, 10)).save(clear, "WEBP")
    Image.new("P", (20, 10)).save(palette, "PNG", transparency=0)
    for file in (clear, palette):
        assert opened(images.reencoded(file.getvalue()).png).getchannel("A").getextrema() == (0, 0)


def test_a_large_image_is_scaled_down() -> None:
    drawn = images.reencoded(picture("JPEG", size=(3000, 1500)))
    assert (drawn.width, drawn.height) == (640, 320)


def test_metadata_is_removed() -> None:
    exif = Image.Exif()
    exif[0x010F] = "A camera of Ana's"
    comments = PngImagePlugin.PngInfo()
    comments.add_text("Comment", "taken at 14 Alder Street")
    for file in (picture("JPEG", exif=exif), picture("WEBP", exif=exif), picture("PNG", pnginfo=comments)):
        drawn = images.reencoded(file).png
        assert b"camera" not in drawn
        assert b"Alder" not in drawn
        assert opened(drawn).info == {}


def test_the_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    drawn = images.reencoded(picture("JPEG", size=(300, 120), exif=exif))
    assert (drawn.width, drawn.height) == (120, 300)


@pytest.mark.parametrize("size", [(4001, 10), (10, 4001), (60_000, 60_000)])
def test_too_many_pixels_are_refused_from_the_header(size: tuple[int, int]) -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
    with pytest.raises(ImageTooLarge):
        images.reencoded(b"\x89PNG\r\n\x1a\n" + header)
    with pytest.raises(ImageTooLarge):
        images.reencoded(b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 17, 8, *size[::-1], 3))
    canvas = b"".join((edge - 1).to_bytes(3, "little") for edge in size)
    with pytest.raises(ImageTooLarge):
        images.reencoded(b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + canvas)


def test_a_false_header_is_refused_before_decoding() -> None:
    # WebP has two sizes: that of the frame, and that of the canvas.
    inner = (16382 | 16382 << 14).to_bytes(4, "little")
    body = b"VP8X\x0a\0\0\0\0\0\0\0" + b"\x09\0\0" * 2 + b"VP8L\x10\0\0\0\x2f" + inner + b"\0" * 11
    with pytest.raises(ImageRejected):
        images.reencoded(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body)


def test_more_than_two_megabytes_are_refused() -> None:
    with pytest.raises(ImageTooLarge):
        images.reencoded(picture() + b"\0" * images.MAX_BYTES)


@pytest.mark.parametrize(
    "file",
    [
        *(b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"BM" + b"\0" * 60),
        *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\0", b"RIFF\0\0\0\0WEBP" + b"\0" * 30),
    ],
)
def test_other_files_are_refused(file: bytes) -> None:
    with pytest.raises(NotAnImage):
        images.reencoded(file)


@pytest.mark.parametrize("kind", KINDS)
def test_corrupt_files_are_refused_with_a_sentence(kind: str) -> None:
    whole, chance = picture(kind, size=(60, 40)), random.Random(kind)
    for number in range(300):
        broken = bytearray(whole[: chance.randrange(len(whole))] if number % 2 else whole)
        for _ in range(chance.randrange(12)):
            if broken:
                broken[chance.randrange(len(broken))] = chance.randrange(256)
        # Any other exception fails the test.
        with suppress(ImageRejected):
            assert opened(images.reencoded(bytes(broken)).png).format == "PNG"
