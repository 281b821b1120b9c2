"""The secrets that this app keeps, for `rotate_keys`."""

from __future__ import annotations

from kit.rotation import Sealed

FIELDS = [
    Sealed("accounts.ApiCredential", "shared_key", lambda row: f"credential:{row.user_uuid}"),
    Sealed("accounts.ApiCredential", "former_key", lambda row: f"credential:{row.user_uuid}"),
    Sealed("accounts.IdempotentAnswer", "body", lambda row: f"answer:{row.account_id}:{row.key}", is_bytes=True),
    Sealed("accounts.Brand", "apn_password", lambda row: f"brand:{row.key.hex}"),
    Sealed("accounts.PostedLetter", "text", lambda row: f"letter:{row.key.hex}"),
    Sealed("mfa.Authenticator", "data", lambda _row: "factor", inside=("secret", "seed")),
]
