"""Lists of ICCIDs that people paste or upload."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from kit import clock
from kit.errors import Invalid
from kit.identifiers import NotAnIccid, all_spellings, iccids_in, read_iccid, sim_key
from kit.tables import Column

from accounts.models import Account
from lines.models import IccidList, LineFile

ICCIDS = Column(
    "iccid",
    (
        "icc", "icc id", "iccids", "iccid number", "sim", "sims", "sim card", "sim card number", "sim number", "sim no",
        "sim id", "simcard", "simnummer", "sim nummer", "sim kartennummer", "kartennummer", "numéro de sim",
        "numéro sim", "carte sim", "número de sim", "número sim", "numero sim", "номер sim", "sim卡号",
    ),
    required=True,
)  # fmt: skip
MOST = 100_000  # ICCIDs in a list
KEPT = dt.timedelta(days=30)
MOST_LISTS = 20  # of an account; who gives one more loses the one that was not used for the longest time
FILES_KEPT = dt.timedelta(days=1)
MOST_FILES = 5  # of an account, which wait to be confirmed


@dataclass(slots=True)
class Found:
    """The ICCIDs of a text, each SIM once; and each row that has none, with why."""

    iccids: list[str] = field(default_factory=list)
    unread: list[tuple[int, str]] = field(default_factory=list)


def iccids_of(*, rows: Iterable[tuple[int, str]]) -> Found:
    """From rows of text: one is an ICCID, or has some among other words. A heading in the first row is passed over."""
    sims: dict[str, str] = {}
    found = Found()
    is_first = True
    for number, row in rows:
        if not row.strip():
            continue
        here = iccids_in(row)
        sims |= {sim_key(iccid): iccid for iccid in here if sim_key(iccid) not in sims}
        if not here and not (is_first and not any(map(str.isdigit, row))):
            found.unread.append((number, _why(row)))
        is_first = False
    found.iccids = list(sims.values())
    return found


def _why(row: str) -> str:
    try:
        return read_iccid(row)
    except NotAnIccid as bad:
        return bad.message


@transaction.atomic
def keep_list(*, account: Account, iccids: Sequence[str]) -> IccidList:
    """Keeps ICCIDs as a list to filter by. Harmless twice. Raises Invalid."""
    sims = {sim_key(iccid): iccid for iccid in iccids}
    if not sims:
        raise Invalid("No ICCIDs found. Enter one ICCID per line.")
    if len(sims) > MOST:
        raise Invalid(f"A list has at most {MOST:,} ICCIDs; this one has {len(sims):,}.")
    digest = hashlib.sha256("\n".join(sims).encode()).digest()
    kept, _ = IccidList.objects.update_or_create(
        account=account,
        digest=digest,
        defaults={"used_at": clock.now()},
        create_defaults={"iccids": all_spellings(sims.values()), "total": len(sims)},
    )
    used = IccidList.objects.filter(account=account).order_by("-used_at", "-pk").values_list("pk", flat=True)
    IccidList.objects.filter(pk__in=list(used[MOST_LISTS:])).delete()
    return kept


@transaction.atomic
def keep_file(*, account: Account, content: bytes) -> LineFile:
    """Keeps a file that somebody has looked at until they confirm it; an account has a few at once."""
    kept = LineFile.objects.create(account=account, content=content)
    newest = LineFile.objects.filter(account=account).order_by("-pk").values("pk")[:MOST_FILES]
    LineFile.objects.filter(account=account).exclude(pk__in=list(newest.values_list("pk", flat=True))).delete()
    return kept


def drop_old_files() -> int:
    """Files that nobody confirmed."""
    return LineFile.objects.filter(created_at__lt=clock.now() - FILES_KEPT).delete()[0]


def drop_old_lists() -> int:
    """Lists that nobody gave for a month."""
    return IccidList.objects.filter(used_at__lt=clock.now() - KEPT).delete()[0]
