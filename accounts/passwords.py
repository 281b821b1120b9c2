"""Passwords that anybody would try: a known word with digits around it, our own name, nothing but digits.

The list of known ones is Django's (the 20,000 most used in breaches); it is asked for what is left of a password when
letters stand for their look-alikes again and what was put around a word is taken off.
"""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

LOOK_ALIKES = str.maketrans("@4031!5$7", "aaoeiisst")
AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
CONTEXT = (
    "linekeeper",
    "simcard",
    "simcards",
    "iccid",
    "connectivity",
    "console",
    "roaming",
    "carrier",
    "keepgo",
    "demo",
)
SEASONS = ("spring", "summer", "autumn", "winter", "welcome", "password", "passwort", "letmein", "changeme")
LEAST = 4  # letters, of a word of the person's own


class EasyToGuess:
    """For AUTH_PASSWORD_VALIDATORS."""

    def __init__(self) -> None:
        self.common = CommonPasswordValidator().passwords

    def validate(self, password: str, user: Any = None) -> None:
        bare = AROUND.sub("", password.lower())
        plain = AROUND.sub("", AROUND.sub("", password.lower()).translate(LOOK_ALIKES))
        known = self.common | {*CONTEXT, *SEASONS, *_own_words(user)}
        if not plain or {bare, plain, password.lower()} & known or _is_of_words(plain, (*CONTEXT, *_own_words(user))):
            raise ValidationError(
                "This password is easy to guess. Use several words that do not belong together.", "password_easy"
            )

    def get_help_text(self) -> str:
        return "Not a known word with digits around it, and not our name or yours."


def _own_words(user: Any) -> list[str]:
    """Of the person's address and name, and of who sells."""
    texts = [str(getattr(user, name, "") or "") for name in ("email", "name")] + [settings.SELLER["name"]]
    return [word for text in texts for word in re.split(r"\W+", text.lower()) if len(word) >= LEAST]


def _is_of_words(text: str, words: tuple[str, ...]) -> bool:
    """Whether nothing is left when these are taken out."""
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    return not re.sub(r"[\W\d_]+", "", text)
