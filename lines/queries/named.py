"""What the keys of a breakdown are called, and how an address names them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kit.countries import countries, name_of

from accounts.models import Account
from accounts.queries import Viewer
from lines.models import Carrier, HolderDay, Line, RatePlan, Tag
from lines.queries.breakdown import NONE, By
from lines.queries.listing import OWN
from lines.queries.scope import lines_of

NONE_WORDS = {By.COUNTRY: "Not reported", By.TAG: "No tag"}
GONE = "Not found"
NOTHING = "0"  # a key that nothing has


@dataclass(frozen=True, slots=True)
class Named:
    """`slug` is what addresses have for the key; `note` stands beside the name. `iccid`: it is a line."""

    key: str
    label: str
    slug: str
    note: str = ""
    iccid: str = ""


def names_of(viewer: Viewer, by: By, keys: Iterable[str]) -> dict[str, Named]:
    """By key. The keys are those of this viewer's own breakdown."""
    wanted = [key for key in keys if key != NONE]
    found = {NONE: Named(NONE, NONE_WORDS.get(by, GONE), NONE)}
    match by:
        case By.SUBACCOUNT:
            own = viewer.account.payer_id
            for one in Account.objects.filter(pk__in=wanted):
                slug, note = (OWN, "own") if one.pk == own else (one.uuid.hex, "")
                found[str(one.pk)] = Named(str(one.pk), one.name, slug, note)
        case By.PLAN | By.CARRIER:
            model = RatePlan if by is By.PLAN else Carrier
            for pk, name in model.objects.filter(pk__in=wanted).values_list("pk", "name"):
                found[str(pk)] = Named(str(pk), name, str(pk))
        case By.COUNTRY:
            found |= {key: Named(key, name_of(key), key) for key in wanted}
        case By.TAG:
            found |= _tags(viewer, wanted)
        case By.LINE:
            found |= _lines(viewer, wanted)
    return found


def key_of(viewer: Viewer, by: By, slug: str) -> str:
    """The key behind what stands in an address; one that nothing has where it is not this viewer's."""
    match by:
        case By.SUBACCOUNT:
            if slug == OWN:
                return str(viewer.account.pk)
            one = Account.objects.filter(parent=viewer.account, uuid=slug).first() if _is_hex(slug) else None
            return str(one.pk) if one else NOTHING
        case By.LINE:
            line = lines_of(viewer).filter(iccid=slug.replace("\0", "")).first()
            return str(line.pk) if line else NOTHING
        case By.COUNTRY:
            return slug if slug == NONE or slug in countries() else NOTHING
        case By.TAG:
            return slug if slug == NONE or re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,18}){0,50}", slug) else NOTHING
        case _:
            return slug if _is_id(slug) and _had(viewer, by, int(slug)) else NOTHING


def _had(viewer: Viewer, by: By, pk: int) -> bool:
    """Whether the viewer's account has or had lines on this plan, or of this carrier: others' names are not told."""
    which = "plan" if by is By.PLAN else "plan__carrier"
    used = HolderDay.objects.filter(payer=viewer.account.payer_id, **{f"price__{which}": pk})
    return lines_of(viewer).filter(**{which: pk}).exists() or used.exists()


def _is_id(slug: str) -> bool:
    return slug.isascii() and slug.isdecimal() and len(slug) < 19


def _is_hex(slug: str) -> bool:
    return len(slug) == 32 and all(one in "0123456789abcdef" for one in slug)


def _tags(viewer: Viewer, keys: list[str]) -> dict[str, Named]:
    """A key is the ids of all the tags that a line has."""
    names = {str(pk): name for pk, name in Tag.objects.filter(account=viewer.account).values_list("pk", "name")}
    return {key: Named(key, " + ".join(names.get(one, GONE) for one in key.split(".")), key) for key in keys}


def _lines(viewer: Viewer, keys: list[str]) -> dict[str, Named]:
    """A line that has left keeps its ICCID here, and what its next holder wrote about it is not shown."""
    theirs = {line.pk: line.notes for line in lines_of(viewer).filter(pk__in=keys)}
    return {
        str(pk): Named(str(pk), iccid, iccid, theirs.get(pk, ""), iccid if pk in theirs else "")
        for pk, iccid in Line.objects.filter(pk__in=keys).values_list("pk", "iccid")
    }
