"""Lists of ICCIDs that people paste or upload."""

from __future__ import annotations

import datetime as dt
import hashlib
import re

from django.db import transaction
from kit import clock
from kit.errors import Invalid

from accounts.models import Account
from lines.models import IccidList

MOST = 100_000  # ICCIDs in a list
KEPT = dt.timedelta(days=30)


def iccids_in(*, text: str) -> list[str]:
    """Every ICCID of a text, once, in its order: one in a line may have spaces or dashes between its digits."""
    found: dict[str, None] = {}
    for line in text.splitlines():
        whole = re.sub(r"[\s-]", "", line)
        found |= dict.fromkeys([whole] if re.fullmatch(r"[0-9]{19,20}", whole) else _numbers(line))
    return list(found)


def _numbers(line: str) -> list[str]:
    return re.findall(r"(?<![0-9])[0-9]{19,20}(?![0-9])", line)


@transaction.atomic
def keep_list(*, account: Account, text: str) -> IccidList:
    """Keeps the ICCIDs of a text as a list to filter by. Harmless twice. Raises Invalid."""
    iccids = iccids_in(text=text)
    if not iccids:
        raise Invalid("There is no ICCID in this: give numbers of 19 or 20 digits, one in a line")
    if len(iccids) > MOST:
        raise Invalid(f"These are {len(iccids):,} ICCIDs; a list has at most {MOST:,}")
    digest = hashlib.sha256("\n".join(iccids).encode()).digest()
    kept, _ = IccidList.objects.update_or_create(
        account=account,
        digest=digest,
        defaults={"used_at": clock.now()},
        create_defaults={"iccids": iccids, "total": len(iccids)},
    )
    return kept


def drop_old_lists() -> int:
    """Lists that nobody gave for a month."""
    return IccidList.objects.filter(used_at__lt=clock.now() - KEPT).delete()[0]
