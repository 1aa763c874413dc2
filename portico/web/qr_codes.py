"""QR codes as inline SVG, which the Content-Security-Policy allows."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

# Modules of quiet zone. The standard asks for four; two are enough on the white card around it.
BORDER = 2


def svg(text: str, *, label: str) -> SafeString:
    """Returns the code as SVG: one stroke for each horizontal run of dark modules."""
    import qrcode  # noqa: PLC0415 - only the page for a new authenticator needs it

    code = qrcode.QRCode(border=BORDER)
    code.add_data(text)
    code.make()
    rows = code.get_matrix()
    strokes = [f"M{start} {y}.5h{length}" for y, row in enumerate(rows) for start, length in _runs(row)]
    return format_html(
        '<svg class="qr" role="img" aria-label="{}" viewBox="0 0 {} {}"><path stroke="#000" d="{}"/></svg>',
        *(label, len(rows), len(rows), "".join(strokes)),
    )


def _runs(row: list[bool]) -> list[tuple[int, int]]:
    """Returns start and length of each run of dark modules in a row."""
    found: list[tuple[int, int]] = []
    for x, dark in enumerate(row):
        if dark and found and sum(found[-1]) == x:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif dark:
            found.append((x, 1))
    return found
