"""Names of people and companies, in any script: which may be written, and which look like another."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import pycountry
from confusable_homoglyphs.confusables import confusables_data

from kit.errors import Invalid

MOST_MARKS = 4  # combining marks in a row; real writing has at most three or four
JOINERS = "\u200c\u200d"  # Persian and Indian words need them, and so do emoji of several parts
EMOJI_STYLE = "\ufe0f"
# Letters and marks that show nothing: Unicode's Default_Ignorable_Code_Point where it is no format character.
UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | frozenset(
    map(chr, (*range(0xFE00, 0xFE0F), *range(0xE0100, 0xE01F0)))
)
ENDINGS = (
    "com net org info biz edu gov mil int app dev shop store xyz online site top link click live cloud pro tech page"
    " web website blog mobi name club vip win bid icu fun space work email support help pay bank example test invalid"
    " localhost onion eu uk"
)
_ENDINGS = frozenset(ENDINGS.split())
_ADDRESS = re.compile(r"(?i)[a-z][a-z0-9+.-]*://|\bwww\.|\bmailto:|\S@\S+\.|\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b")
_DOTTED = re.compile(r"[\w-]+(?:\.[\w-]+)+")


def checked_name(text: str, *, longest: int, what: str = "name") -> str:
    """The name in one line, composed. Raises Invalid.

    Names stand in subjects of mails to strangers and beside others' names: none has characters that nobody sees or that
    turn the direction of what follows, none is an address.
    """
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not name:
        raise Invalid(f"Enter the {what}.")
    if len(name) > longest:
        raise Invalid(f"Use at most {longest} characters for the {what}; this one has {len(name)}.")
    for at, character in enumerate(name):
        if _is_hidden(name, at, character):
            raise Invalid(
                f"The {what} has a character that can’t be seen (U+{ord(character):04X})."
                " Delete it, or type the name anew."
            )
    if not any(unicodedata.category(character)[0] in "LN" for character in name):
        raise Invalid(f"The {what} needs a letter or a digit.")
    if any(all(map(unicodedata.combining, name[at : at + MOST_MARKS + 1])) for at in range(len(name) - MOST_MARKS)):
        raise Invalid(f"The {what} has too many marks on one letter.")
    return name


def _is_hidden(name: str, at: int, character: str) -> bool:
    if character in JOINERS or character == EMOJI_STYLE:
        before, after = name[at - 1 : at] if at else "", name[at + 1 : at + 2]
        return not before or before.isascii() or (character in JOINERS and (not after or not _joins(before)))
    return character in UNSEEN or unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")


def _joins(character: str) -> bool:
    """Whether joiners have something to do behind this one: letters of joining scripts, marks, symbols as emoji are."""
    name = unicodedata.name(character, "")
    return unicodedata.category(character)[0] in "MS" or not name.startswith(
        ("LATIN", "GREEK", "CYRILLIC", "HANGUL", "CJK")
    )


def refuse_address(name: str, *, what: str = "name") -> str:
    """For names that stand in mails to strangers: programs make a link of whatever looks like an address.

    Raises Invalid.
    """
    plain = unicodedata.normalize("NFKC", name).replace("。", ".")
    if _ADDRESS.search(plain) or any(_is_host(found) for found in _DOTTED.findall(plain)):
        raise Invalid(f"The {what} can’t be a web or email address. Use the name alone.")
    return name


def _is_host(dotted: str) -> bool:
    """Whether mail programs would make a link of it: `evil.example`, and not `Co.KG` or `B.V`."""
    *labels, ending = dotted.lower().split(".")
    if ending in _ENDINGS:
        return len(labels[-1]) > 1
    return pycountry.countries.get(alpha_2=ending.upper()) is not None and (len(labels) > 1 or len(labels[0]) > 2)


@cache
def _prototypes() -> dict[str, str]:
    """Each character that looks like another: the other one."""
    found = {}
    for character, alike in confusables_data.items():
        if len(alike) != 1:
            continue  # many look like this one: it is the prototype itself
        other = alike[0]["c"]
        back = confusables_data.get(other, [])
        if len(back) != 1 or other < character:
            found[character] = other
    return found


def skeleton(name: str) -> str:
    """The same for names that look alike (Unicode TR39), whatever scripts they mix and however they are capitalised."""
    prototypes = _prototypes()
    decomposed = unicodedata.normalize("NFKD", name)
    visible = (c for c in decomposed if c not in UNSEEN and unicodedata.category(c) not in ("Cf", "Zs"))
    first = "".join(prototypes.get(c, c) for c in visible)
    second = "".join(prototypes.get(c, c) for c in unicodedata.normalize("NFKD", first.casefold()))
    return second.casefold().replace("i", "l")


def look_alike(one: str, other: str) -> bool:
    """Whether people could take one name for the other."""
    return one.casefold() == other.casefold() or skeleton(one) == skeleton(other)
