"""Secrets at rest: Fernet with key rotation (the first key encrypts, every key decrypts)."""

from __future__ import annotations

import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class CannotDecrypt(Exception):
    """No configured key opens this secret."""


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])


def encrypt(text: str) -> str:
    """ASCII text that only `decrypt` opens."""
    return _box().encrypt(text.encode()).decode("ascii")


def decrypt(token: str) -> str:
    """Raises CannotDecrypt when the keys have changed without rotation."""
    try:
        return _box().decrypt(token.encode("ascii")).decode()
    except InvalidToken:
        raise CannotDecrypt("none of ENCRYPTION_KEYS opens this secret; add the key that made it") from None


def new_hex() -> str:
    """32 lower-case hex characters: user UUIDs and shared keys."""
    return secrets.token_hex(16)
