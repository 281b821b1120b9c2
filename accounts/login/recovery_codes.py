"""Recovery codes are kept as salted hashes alone, where allauth keeps a seed that every code can be read from again.

The codes themselves stand, encrypted, in the session that made them until its person has seen them once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Any

from allauth.core import context
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal import auth, flows
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from kit import crypto

FRESH = "recovery_codes"  # the session's key
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none looks like another
SHAPE = re.compile(r"[a-z0-9]{8,16}")
UNSEEN = "••••• •••••"


class HashedRecoveryCodes(auth.RecoveryCodes):  # type: ignore[misc]
    """In the place of allauth's own class (see `install`)."""

    instance: Authenticator
    codes: tuple[str, ...] = ()  # those that are shown now

    @classmethod
    def activate(cls, user: AbstractBaseUser) -> HashedRecoveryCodes:
        found = Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.RECOVERY_CODES).first()
        if found is None:
            codes = [_new_code() for _ in range(app_settings.RECOVERY_CODE_COUNT)]
            found = Authenticator(user=user, type=Authenticator.Type.RECOVERY_CODES, data=hashed(codes))
            found.save()
            context.request.session[FRESH] = crypto.encrypt(" ".join(codes), row=_row(found))
        return cls(found)

    @property
    def did_view(self) -> bool:
        """Whoever comes from another session sees none; new ones can be made."""
        return bool(self.instance.data.get("viewed_at")) or FRESH not in context.request.session

    def mark_as_viewed(self) -> None:
        self.codes = tuple(crypto.decrypt(context.request.session.pop(FRESH), row=_row(self.instance)).split())
        super().mark_as_viewed()

    def get_unused_codes(self) -> list[str]:
        """Those that are shown for the first time, else as many marks as there are codes left."""
        return list(self.codes) or [UNSEEN] * len(self.instance.data["hashes"])

    @transaction.atomic
    def validate_code(self, code: str) -> bool:
        """Each opens once. One slow hash whatever is given, and none where it has no code's shape."""
        plain = bare(code)
        if not SHAPE.fullmatch(plain):
            return False
        self.instance = Authenticator.objects.select_for_update().get(pk=self.instance.pk)
        data: dict[str, Any] = self.instance.data
        given = _digest(plain, salt=data["salt"], rounds=data["rounds"])
        left = [one for one in data["hashes"] if not hmac.compare_digest(one, given)]
        if len(left) == len(data["hashes"]):
            return False
        self.instance.data = data | {"hashes": left}
        self.instance.save(update_fields=["data"])
        return True


def install() -> None:
    """allauth names the class in two modules and offers no setting for it."""
    auth.RecoveryCodes = flows.RecoveryCodes = HashedRecoveryCodes


def hashed(codes: Iterable[str]) -> dict[str, Any]:
    """What is kept of a person's codes: PBKDF2-SHA256 of each, with one salt, so that a try costs one."""
    salt, rounds = secrets.token_hex(16), settings.RECOVERY_CODE_ROUNDS
    return {
        "salt": salt,
        "rounds": rounds,
        "hashes": [_digest(bare(code), salt=salt, rounds=rounds) for code in codes],
    }


def bare(code: str) -> str:
    """Without what people put between."""
    return re.sub(r"[\s-]", "", code).lower()


def _digest(code: str, *, salt: str, rounds: int) -> str:
    return hashlib.pbkdf2_hmac("sha256", code.encode(), bytes.fromhex(salt), rounds).hex()


def _new_code() -> str:
    """Ten characters: 49 bits."""
    text = "".join(secrets.choice(LETTERS) for _ in range(10))
    return f"{text[:5]}-{text[5:]}"


def _row(authenticator: Authenticator) -> str:
    return f"recovery codes:{authenticator.pk}"
