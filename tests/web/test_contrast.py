"""Contrast of the color tokens in both color schemes, for every hue (WCAG 2.2, 1.4.3: text needs 4.5 to 1)."""

import re
from math import cos, radians, sin
from pathlib import Path

import pytest

import portico

STYLES = (Path(portico.__file__).parent / "static/portico/portico.css").read_text()
OKLCH = r"(oklch\((?:[^()]|\([^()]*\))*\))"
TOKEN = re.compile(rf"--([\w-]+): light-dark\({OKLCH}, {OKLCH}\);")
HUES = range(0, 360, 15)
NEEDED = 4.5
GROUNDS = ("ground", "surface", "sunken", "raised")
PAIRS = (
    *((ink, ground) for ink in ("text", "text-2", "text-3", "accent", "good", "wait", "bad") for ground in GROUNDS),
    *((name, f"{name}-soft") for name in ("accent", "good", "wait", "bad")),
    *(("on-accent", ground) for ground in ("accent", "accent-hover")),
    *(("on-fill", ground) for ground in ("good-fill", "bad-fill")),
)
# The portal has its own ground: a token may be set more than once.
COLORS: dict[str, list[tuple[str, str]]] = {}
for name, *colors in TOKEN.findall(STYLES):
    COLORS.setdefault(name, []).append((colors[0], colors[1]))


def luminance(color: str, hue: int) -> float:
    """Returns the relative luminance of an oklch color (https://www.w3.org/TR/css-color-4/#color-conversion-code)."""
    lightness, chroma, angle = map(float, color[6:-1].replace("var(--brand-hue)", str(hue)).split())
    a, b = chroma * cos(radians(angle)), chroma * sin(radians(angle))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    red, green, blue = (min(max(each, 0.0), 1.0) for each in (red, green, blue))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_has_enough_contrast(ink: str, ground: str, scheme: str) -> None:
    number = ["light", "dark"].index(scheme)
    found = {
        (hue, round(ratio, 2))
        for hue in HUES
        for text in COLORS[ink]
        for behind in COLORS[ground]
        if (ratio := contrast(luminance(text[number], hue), luminance(behind[number], hue))) < NEEDED
    }
    assert found == set()
