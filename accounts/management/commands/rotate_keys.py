"""rotate_keys: every secret at rest under the first of ENCRYPTION_KEYS, bound to its row."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from kit import crypto, rotation
from kit.operator import OperatorCommand

from accounts.commands import record
from accounts.policy import OPERATOR


class Command(OperatorCommand):
    help = (
        "Encrypt every secret anew under the first of ENCRYPTION_KEYS and say whether the others may go. Harmless twice"
        " and while everything runs. Exits 1 while a secret is left that only another key opens."
    )

    def answer(self, **_options: Any) -> dict[str, Any]:
        told = rotation.rotate()
        first, *others = (crypto.key_id(key) for key in settings.ENCRYPTION_KEYS)
        record(by=OPERATOR, verb="keys.rotated", detail={"key": first, "secrets": sum(told.done.values())})
        return {
            "key": first,
            "encrypted_anew": told.done,
            "cannot_be_opened": told.lost,
            "left": told.left,
            "other_keys": others,
            "other_keys_may_go": told.old_keys_may_go,
        }

    def exit_code(self, answer: dict[str, Any]) -> int:
        return 0 if answer["other_keys_may_go"] else 1
