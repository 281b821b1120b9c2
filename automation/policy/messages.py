"""Whether a message has the words that a rule waits for."""

from __future__ import annotations

import re
import unicodedata


def says(text: str, word: str) -> bool:
    """Whether a message has this word or these words, not as a part of another.

    In any case, composed or not, full-width or not, ss for ß; in scripts that put no spaces between words, wherever it
    stands.
    """
    text, word = _folded(text), _folded(word)
    at = text.find(word) if word else -1
    while at >= 0:
        end = at + len(word)
        before, after = text[at - 1 : at], text[end : end + 1]
        if not _is_one_word(before, word[0]) and not _is_one_word(word[-1], after):
            return True
        at = text.find(word, at + 1)
    return False


def _folded(text: str) -> str:
    """As it is compared: compatible characters as one, no case, one space for several, nothing that is not seen."""
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(one for one in whole if unicodedata.category(one) != "Cf").split())


# Letters of scripts that are written without spaces between words.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u2e80-\u2fdf\u3005-\u3007"
    "\u3021-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff"
    "\U0001b000-\U0001b16f\U00020000-\U0003fffd]"
)


def _is_one_word(one: str, other: str) -> bool:
    """Whether two neighbours belong to one word. A mark belongs to the letter that it stands on, in every script."""
    if not one or not other:
        return False
    if unicodedata.category(other).startswith("M"):
        return True
    letters = all(unicodedata.category(each)[0] in "LMN" or each == "_" for each in (one, other))
    return letters and not UNSPACED.match(one) and not UNSPACED.match(other)
