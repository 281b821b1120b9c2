"""The secrets that this app keeps, for `rotate_keys`."""

from __future__ import annotations

from kit.rotation import Sealed

FIELDS = [
    Sealed("automation.WebhookEndpoint", name, lambda row: f"webhook:{row.uuid.hex}")
    for name in ("secret", "former_secret")
]
