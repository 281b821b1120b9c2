"""Fonts for names in any script: which characters can be printed, and a small font with just those."""

from __future__ import annotations

import io
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

NOTO = {  # the first word of a character's name in Unicode, and the font that has its script
    script: f"NotoSans{script.title()}[wght].ttf"
    for script in (
        "ARABIC", "ARMENIAN", "BENGALI", "DEVANAGARI", "ETHIOPIC", "GEORGIAN", "GUJARATI", "GURMUKHI", "HEBREW",
        "KANNADA", "KHMER", "LAO", "MALAYALAM", "MYANMAR", "ORIYA", "SINHALA", "TAMIL", "TELUGU", "THAI",
    )
}  # fmt: skip
OTHERS = ("NotoSans[wght].ttf", "NotoSansSymbols[wght].ttf", "NotoEmoji[wght].ttf")
EAST_ASIAN = ("notosanssc/NotoSansSC[wght].ttf", "notosanstc/NotoSansTC[wght].ttf", "notosansjp/NotoSansJP[wght].ttf")
KOREAN = "notosanskr/NotoSansKR[wght].ttf"
FROM_THE_RIGHT = ("ARABIC", "HEBREW")
IGNORED = "\u200c\u200d\ufe0f\n\t"  # joiners and styles: they shape what is beside them


def _path(font: str) -> Path:
    if "/" in font:
        return Path(str(files("justmytype_intl_cjk"))) / "fonts" / "ofl" / font
    return Path(str(files("manimgx_fonts"))) / font


@cache
def characters_of(path: Path) -> frozenset[int]:
    """What a font file can print."""
    from fontTools.ttLib import TTFont  # large, and most processes print nothing

    with TTFont(path, lazy=True) as opened:
        return frozenset(opened.getBestCmap())


def font_of(character: str) -> str:
    """The file that has a character; empty where none has."""
    script = unicodedata.name(character, "").split(" ")[0].split("-")[0]
    if script in NOTO:
        likely: tuple[str, ...] = (NOTO[script],)
    elif script == "HANGUL":
        likely = (KOREAN,)
    else:
        likely = (*OTHERS, *EAST_ASIAN) if ord(character) < 0x2E80 or ord(character) > 0x1F000 else EAST_ASIAN
    return next((font for font in likely if ord(character) in characters_of(_path(font))), "")


def fonts_for(text: str) -> dict[str, str]:
    """Which characters of a text each font is to print."""
    found: dict[str, str] = {}
    for character in dict.fromkeys(text):
        if character not in IGNORED and (font := font_of(character)):
            found[font] = found.get(font, "") + character
    return found


def runs_from_the_right(text: str) -> bool:
    """Whether it has letters of a script that does."""
    return any(unicodedata.name(character, "").startswith(FROM_THE_RIGHT) for character in text)


def unprintable(text: str) -> str:
    """The characters that no font has."""
    return "".join(
        character for character in dict.fromkeys(text) if character not in IGNORED and not font_of(character)
    )


def as_printed(text: str, usual: frozenset[int] = frozenset()) -> str:
    """One line as paper shows it: a character that no font has by its number, such as [U+14400], never an empty box.

    `usual`: what another font has. What breaks lines is a blank; what only turns or hides text is left out.
    """
    shown = []
    for character in text:
        kind = unicodedata.category(character)
        if character.isspace() or kind == "Cc":
            shown.append(" ")
        elif character in IGNORED or (kind != "Cf" and (ord(character) in usual or font_of(character))):
            shown.append(character)
        elif kind != "Cf":
            shown.append(f"[U+{ord(character):04X}]")
    return " ".join("".join(shown).split())


@lru_cache(maxsize=64)
def small_font(font: str, characters: str) -> bytes:
    """A TrueType font of regular weight with these characters and all that shaping makes of them."""
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    options = subset.Options(layout_features=["*"], notdef_outline=True, drop_tables=["STAT", "DSIG"])
    with TTFont(_path(font), lazy=True) as opened:
        cut = subset.Subsetter(options)
        taken_apart = unicodedata.normalize("NFKD", characters)  # as shaping does with some letters of Thai and Lao
        cut.populate(unicodes=sorted({*map(ord, characters + taken_apart + " ◌" + IGNORED)}))
        cut.subset(opened)
        if "fvar" in opened:
            opened = instancer.instantiateVariableFont(opened, {"wght": 400}, inplace=True)
        written = io.BytesIO()
        opened.save(written)
    return written.getvalue()
