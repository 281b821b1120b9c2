"""Secrets at rest: AES-256-GCM, each bound to its row, under keys that can be put in front and retired.

ENCRYPTION_KEYS are keys as Fernet writes them; the first one encrypts, each decrypts. What was written before secrets
were bound is Fernet's and still opens; `rotate_keys` binds it, and afterwards UNBOUND_SECRETS=0 refuses it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

BOUND = "v2"
NONCE = 12  # bytes, random: far fewer secrets are written than make two alike


class CannotDecrypt(Exception):
    """No configured key opens this secret."""


def encrypt(text: str, *, row: str = "") -> str:
    """ASCII text that only `decrypt` opens, and only for this row; without one, anywhere (see `rotate_keys`)."""
    key: str = settings.ENCRYPTION_KEYS[0]
    if not row:
        return Fernet(key).encrypt(text.encode()).decode("ascii")
    nonce = secrets.token_bytes(NONCE)
    sealed = nonce + _box(key).encrypt(nonce, text.encode(), row.encode())
    return f"{BOUND}.{key_id(key)}.{base64.urlsafe_b64encode(sealed).decode('ascii')}"


def decrypt(token: str, *, row: str = "") -> str:
    """Raises CannotDecrypt when the keys have changed without rotation, or where the secret is another row's."""
    version, _, rest = token.partition(".")
    opened = _bound(rest, row) if version == BOUND else _unbound(token)
    if opened is None:
        raise CannotDecrypt("none of ENCRYPTION_KEYS opens this secret; add the key that made it")
    return opened


def is_current(token: str) -> bool:
    """Whether it is bound to its row, under the key that encrypts now."""
    return token.startswith(f"{BOUND}.{key_id(settings.ENCRYPTION_KEYS[0])}.")


def key_id(key: str) -> str:
    """What a key is called where it may be read: nothing of it can be found from this."""
    return hashlib.sha256(b"linekeeper key id:" + key.encode()).hexdigest()[:8]


def _bound(rest: str, row: str) -> str | None:
    name, _, text = rest.partition(".")
    for key in settings.ENCRYPTION_KEYS:
        if key_id(key) == name:
            try:
                sealed = base64.urlsafe_b64decode(text)
                return _box(key).decrypt(sealed[:NONCE], sealed[NONCE:], row.encode()).decode()
            except (InvalidTag, ValueError):
                return None
    return None


def _unbound(token: str) -> str | None:
    if not settings.UNBOUND_SECRETS:
        return None
    for key in settings.ENCRYPTION_KEYS:
        try:
            return Fernet(key).decrypt(token.encode()).decode()
        except InvalidToken:
            continue
    return None


@functools.lru_cache(maxsize=16)
def _box(key: str) -> AESGCM:
    """A key of its own for this use, so that it never meets Fernet's."""
    made = HKDF(hashes.SHA256(), 32, salt=None, info=b"linekeeper secrets at rest v2")
    return AESGCM(made.derive(base64.urlsafe_b64decode(key)))


def new_hex() -> str:
    """32 lower-case hex characters: user UUIDs and shared keys."""
    return secrets.token_hex(16)
