"""Colours that can be read: contrast as WCAG 2 counts it, and what a given colour becomes in each theme. Pure."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import lru_cache

AA = 4.5  # contrast of text with what is behind it
WHITE, INK = "#ffffff", "#10182b"
LIGHT_GROUNDS = ("#ffffff", "#f6f7f8", "#f3f5f8")  # surface, page and hover of static/console.css
DARK_GROUNDS = ("#1c1f24", "#15171b", "#23272e")

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Tone:
    """A colour as text on this theme's grounds, a soft ground for it, and the text on a button filled with it."""

    accent: str
    soft: str
    on_accent: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A filled ground with its text, and a shade of it behind the page that one is on."""

    ground: str
    ink: str
    here: str


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black and white)."""
    high, low = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (high + 0.05) / (low + 0.05)


@lru_cache(maxsize=1000)  # every page of a white label asks
def light_tone(colour: str) -> Tone:
    """The colour, darkened as far as text on the light theme's grounds needs it."""
    accent = _moved(colour, LIGHT_GROUNDS, step=-0.01)
    return Tone(accent, _mixed(accent, LIGHT_GROUNDS[0], 0.1), WHITE)


@lru_cache(maxsize=1000)
def dark_tone(colour: str) -> Tone:
    """The colour, lightened as far as text on the dark theme's grounds needs it."""
    accent = _moved(colour, DARK_GROUNDS, step=0.01)
    return Tone(accent, _mixed(accent, DARK_GROUNDS[0], 0.15), INK)


@lru_cache(maxsize=1000)
def bar(colour: str) -> Bar:
    """The colour as it is, with white or dark text, whichever is read better; one of the two always can be."""
    ink = max(WHITE, "#000000", key=lambda text: contrast(text, colour))
    for part in (0.16, 0.12, 0.08, 0.04):
        here = _mixed(ink, colour, part)
        if contrast(ink, here) >= AA:
            return Bar(colour, ink, here)
    return Bar(colour, ink, colour)


def _moved(colour: str, grounds: tuple[str, ...], *, step: float) -> str:
    """The nearest lightness at which the colour can be read on all grounds and on its own soft ground."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    part = 0.1 if step < 0 else 0.15
    while True:
        tried = _hex(colorsys.hls_to_rgb(hue, min(1.0, max(0.0, lightness)), saturation))
        behind = (*grounds, _mixed(tried, grounds[0], part))
        if min(contrast(tried, ground) for ground in behind) >= AA or not 0 <= lightness <= 1:
            return tried
        lightness += step


def _mixed(colour: str, ground: str, part: float) -> str:
    red, green, blue = (part * one + (1 - part) * other for one, other in zip(_rgb(colour), _rgb(ground), strict=True))
    return _hex((red, green, blue))


def _rgb(colour: str) -> Rgb:
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def _hex(rgb: Rgb) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in rgb)


def _luminance(rgb: Rgb) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
