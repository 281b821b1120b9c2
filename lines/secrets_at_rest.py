"""The secrets that this app keeps, for `rotate_keys`."""

from __future__ import annotations

from kit.rotation import Sealed

FIELDS = [
    Sealed("lines.BrandApn", "apn_password", lambda row: row.row_name),
    Sealed("lines.Carrier", "secrets", lambda row: f"carrier:{row.pk}"),
    Sealed("lines.Carrier", "apn_password", lambda row: f"carrier:{row.pk}"),
    Sealed("lines.FormerSecrets", "secrets", lambda row: f"carrier:{row.pk}"),
    Sealed("lines.CarrierWebhook", "secret", lambda row: f"carrier:{row.pk}"),
    Sealed("lines.LineSecret", "codes", lambda row: f"line:{row.pk}"),
    Sealed("lines.ClaimSecret", "secret", lambda _row: "claims"),
]
