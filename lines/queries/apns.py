"""Which APN a person is shown for a line: their white label's for its carrier, its one for all, or the carrier's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kit import crypto

from accounts.branding.identity import brand_of, brand_password
from accounts.models import Account, Brand
from lines.models import BrandApn, Carrier, Line
from lines.queries.devices import DeviceShown


@dataclass(frozen=True, slots=True)
class Apn:
    name: str
    user: str = ""
    password: str = ""
    setup_text: str = ""  # how to set a device up, where the white label says it


def opened(row: BrandApn) -> Apn:
    password = crypto.decrypt(row.apn_password, row=row.row_name) if row.apn_password else ""
    return Apn(row.apn, row.apn_user, password, row.setup_text)


def apn_for(account: Account, *, line: Line, device: DeviceShown) -> Apn:
    """What an account's people type into a device of this line; without a name where nobody knows it."""
    brand = brand_of(account) or (brand_of(account.parent) if account.parent else None)
    if brand is not None:
        row = BrandApn.objects.select_related("brand").filter(brand=brand, carrier=line.carrier_id).first()
        own = opened(row) if row is not None else Apn("")
        text = own.setup_text or brand.apn_text
        if own.name:
            return replace(own, setup_text=text)
        if brand.apn:
            return Apn(brand.apn, brand.apn_user, brand_password(brand), text)
        return Apn(device.apn, device.apn_user, device.apn_password, text)
    return Apn(device.apn, device.apn_user, device.apn_password)


def apns_of(brand: Brand | None) -> dict[int, Apn]:
    """A white label's own, by carrier."""
    if brand is None:
        return {}
    return {row.carrier_id: opened(row) for row in BrandApn.objects.select_related("brand").filter(brand=brand)}


def carriers_of(account: Account) -> Sequence[Carrier]:
    """Those on which an account pays for lines, itself or through its parent."""
    payers = [account.pk, account.parent_id] if account.parent_id else [account.pk]
    return list(Carrier.objects.filter(pk__in=Line.objects.filter(payer__in=payers).values("carrier")).order_by("name"))
