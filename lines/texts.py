"""Texts of messages, pure: what may be sent, and what a network makes of it on its way."""

from __future__ import annotations

import enum
import unicodedata

from kit.names import UNSEEN

# Characters that a message's own alphabet has not, and what networks and carriers put for them.
_PUT = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛ʼ′´`ˈ＇", "'"),
        **dict.fromkeys("“”„‟«»″＂", '"'),
        **dict.fromkeys("‐‑‒–—―−－", "-"),
        "…": "...",
        "•": "*",
        "·": "*",
        "€": "EUR",
        "™": "TM",
        "\r": "\n",
    }
)


class Likeness(enum.Enum):
    """Whether a message that a carrier lists is one of ours."""

    SAME = "same"
    MAYBE = "maybe"  # it can have been made of it, and of others too
    OTHER = "other"


def is_visible(text: str) -> bool:
    """Whether a reader would see anything of it."""
    return any(character not in UNSEEN and unicodedata.category(character)[0] not in "CZM" for character in text)


def as_delivered(text: str) -> str:
    """One form for all that networks make of a text: plain quotes and dashes, one kind of line end, no outer blanks."""
    plain = text.replace("\r\n", "\n").translate(_PUT)
    composed = unicodedata.normalize("NFKC", plain)
    kept = (" " if character.isspace() and character != "\n" else character for character in composed)
    return "".join(c for c in kept if c not in UNSEEN and unicodedata.category(c) != "Cf").strip()


def likeness(sent: str, listed: str) -> Likeness:
    """Whether `listed` is what became of `sent`."""
    ours, theirs = as_delivered(sent), as_delivered(listed)
    if ours == theirs:
        return Likeness.SAME
    if _bare(ours) == _bare(theirs):  # é as e
        return Likeness.SAME
    if theirs and ("?" in listed or "\ufffd" in listed) and _fits(ours, theirs):
        return Likeness.MAYBE
    if len(theirs) >= 10 and (_bare(ours).startswith(_bare(theirs)) or _bare(theirs).startswith(_bare(ours))):
        return Likeness.MAYBE  # cut, or with something behind it
    return Likeness.OTHER


def _bare(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _fits(ours: str, theirs: str) -> bool:
    """Whether question marks stand only where ours has a character that is not in every alphabet, or one of its own."""
    if len(ours) != len(theirs) or set(theirs) <= set("? \ufffd"):
        return False
    return all(
        a == b or (b in "?\ufffd" and not (a.isascii() and a.isalnum())) or _bare(a) == b
        for a, b in zip(ours, theirs, strict=True)
    )
