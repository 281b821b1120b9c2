"""A white label's APN for the lines of one carrier."""

from __future__ import annotations

from django.db import transaction
from kit import crypto
from kit.errors import Invalid

from accounts.commands import record
from accounts.models import Brand
from accounts.policy import Actor
from lines.commands.tuning import checked_apn, checked_apn_text
from lines.models import BrandApn, Carrier

LONGEST_SETUP = 1000  # characters


@transaction.atomic
def set_brand_apn(
    *, brand: Brand, carrier: Carrier, apn: str, user: str = "", password: str = "", setup_text: str = "", by: Actor
) -> BrandApn | None:
    """Shows this APN and this set-up text on lines of that carrier; none of both takes it away. Harmless twice.

    Raises Invalid.
    """
    brand = Brand.objects.select_for_update(of=("self",)).select_related("account").get(pk=brand.pk)
    apn, user, password = checked_apn(text=apn), checked_apn_text(text=user), checked_apn_text(text=password)
    if not apn and (user or password):
        raise Invalid(f"A user name or password for {carrier.name} needs an APN")
    setup_text = setup_text.replace("\r\n", "\n").strip()
    if len(setup_text) > LONGEST_SETUP:
        raise Invalid(f"A set-up text has up to {LONGEST_SETUP:,} characters")
    row = BrandApn.objects.filter(brand=brand, carrier=carrier).first() or BrandApn(brand=brand, carrier=carrier)
    kept = crypto.decrypt(row.apn_password, row=row.row_name) if row.apn_password else ""
    before, says = row.apn, bool(apn or setup_text)
    if (row.apn, row.apn_user, kept, row.setup_text) == (apn, user, password, setup_text):
        return row if says else None
    is_other_text = row.setup_text != setup_text
    row.apn, row.apn_user, row.setup_text = apn, user, setup_text
    row.apn_password = crypto.encrypt(password, row=row.row_name) if password else ""
    if says:
        row.save()
    else:
        row.delete()
    account = brand.account
    detail = {"apn": [before, apn], "carrier": carrier.name} | ({"setup_text": "changed"} if is_other_text else {})
    record(by=by, verb="brand.changed", account_id=account.pk, subject=f"account:{account.uuid.hex}", detail=detail)
    return row if says else None
