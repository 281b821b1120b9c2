"""Passwords that anybody would try: a known word with digits around it, our own name, nothing but digits.

The list of known ones is Django's and zxcvbn's (together the 40,000 most used in breaches); it is asked for what is
left of a password when letters stand for their look-alikes again and what was put around a word is taken off. Where the
installation names a list of all breached passwords (BREACHED_PASSWORDS_URL), that is asked as well: it is told the
first five characters of a hash, which hundreds of passwords share.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import re
from typing import Any

import httpx
from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

log = logging.getLogger(__name__)

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

    def validate(self, password: str, user: Any = None) -> None:
        bare = AROUND.sub("", password.lower())
        plain = AROUND.sub("", AROUND.sub("", password.lower()).translate(LOOK_ALIKES))
        said = {bare, plain, password.lower()}
        own = {*CONTEXT, *SEASONS, *_own_words(user)}
        if not plain or said & own or said & breached() or _is_of_words(plain, (*CONTEXT, *_own_words(user))):
            raise ValidationError(
                "This password is easy to guess. Use several words that do not belong together.", "password_easy"
            )

    def get_help_text(self) -> str:
        return "Not a known word with digits around it, and not our name or yours."


class Breached:
    """For AUTH_PASSWORD_VALIDATORS: asks a list of all breached passwords, where the installation names one."""

    def validate(self, password: str, user: Any = None) -> None:  # noqa: ARG002 - as Django calls it
        if settings.BREACHED_PASSWORDS_URL and _is_listed(password):
            raise ValidationError(
                "This password was found in a breach of another site. Use one that you have never used.",
                "password_breached",
            )

    def get_help_text(self) -> str:
        return ""


def _is_listed(password: str) -> bool:
    """A list that does not answer keeps nobody out: the one that we bring was asked before."""
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    try:
        answer = httpx.get(
            f"{settings.BREACHED_PASSWORDS_URL.rstrip('/')}/{digest[:5]}", headers={"Add-Padding": "true"}, timeout=3
        )
        answer.raise_for_status()
    except httpx.HTTPError as error:
        log.warning("The list of breached passwords does not answer: %s", type(error).__name__)
        return False
    found = dict(line.strip().partition(":")[::2] for line in answer.text.splitlines())
    return found.get(digest[5:], "0") != "0"  # padding has a count of 0


@functools.cache
def breached() -> frozenset[str]:
    """In lower case."""
    return frozenset(CommonPasswordValidator().passwords) | frozenset(FREQUENCY_LISTS["passwords"])


def _own_words(user: Any) -> list[str]:
    """Of the person's address and name, and of who sells."""
    texts = [str(getattr(user, name, "") or "") for name in ("email", "name")] + [settings.SELLER["name"]]
    return [word for text in texts for word in re.split(r"\W+", text.lower()) if len(word) >= LEAST]


def _is_of_words(text: str, words: tuple[str, ...]) -> bool:
    """Whether nothing is left when these are taken out."""
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    return not re.sub(r"[\W\d_]+", "", text)
