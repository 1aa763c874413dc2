"""Image files for uploads."""

import io

from PIL import Image


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 120), mode: str = "RGB", **saving: object) -> bytes:
    """Returns an image that compresses badly, as a file of this format."""
    written = io.BytesIO()
    Image.effect_mandelbrot(size, (-2, -1, 1, 1), 20).convert(mode).save(written, kind, **saving)
    return written.getvalue()
