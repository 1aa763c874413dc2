"""Files that hold a picture."""

import io

from PIL import Image


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 120), mode: str = "RGB", **saving: object) -> bytes:
    """A picture with enough in it to be compressed badly."""
    written = io.BytesIO()
    Image.effect_mandelbrot(size, (-2, -1, 1, 1), 20).convert(mode).save(written, kind, **saving)
    return written.getvalue()
