"""Recovery codes that could be read again from an encrypted seed are kept as hashes; each goes on to open once."""

import hashlib
import hmac
from typing import Any

from django.conf import settings
from django.db import migrations
from kit import crypto

from accounts.login.recovery_codes import hashed

COUNT, DIGITS = 10, 8  # as allauth made them


def _codes(data: dict[str, Any]) -> list[str]:
    if "migrated_codes" in data:
        return [crypto.decrypt(code, row="factor") for code in data["migrated_codes"]]
    seed = hmac.new(crypto.decrypt(data["seed"], row="factor").encode("ascii"), None, hashlib.sha1)
    found = []
    for number in range(COUNT):
        seed.update(f"{number:3},".encode())
        value = int.from_bytes(seed.digest()[: DIGITS // 2], "big") % 10**DIGITS
        if not data.get("used_mask", 0) & (1 << number):
            found.append(str(value).zfill(DIGITS))
    return found


def hash_them(apps: Any, _editor: Any) -> None:
    for row in apps.get_model("mfa", "Authenticator").objects.filter(type="recovery_codes"):
        if "hashes" not in row.data:
            viewed = {"viewed_at": row.data["viewed_at"]} if row.data.get("viewed_at") else {}
            row.data = hashed(_codes(row.data)) | viewed
            row.save(update_fields=["data"])


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_office_keys"),
        ("mfa", "0003_authenticator_type_uniq"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunPython(hash_them, migrations.RunPython.noop)]
