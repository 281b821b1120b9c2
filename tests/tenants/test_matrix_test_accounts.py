"""Live and test: every call of the API with a test key, which reads and changes nothing that is live."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from api.routes import ENDPOINTS

from accounts.keys import make_key
from accounts.models import Account
from accounts.policy import OPERATOR, Scope
from billing.models import Entry, Wallet
from lines.models import Cap, Job, Line, LineState
from tests.tenants.matrix import API_VALUES, BODIES, MINE, call, chosen
from tests.tenants.tenant_people import World
from tests.tenants.tenant_table import Row
from tests.tenants.test_matrix import world  # noqa: F401 - the fixture of the module

pytestmark = pytest.mark.django_db
TABLES = {Line: "payer", LineState: "line__payer", Job: "account", Cap: "account", Entry: "account", Wallet: "account"}


def live(account: Account) -> list[Any]:
    return [list(model.objects.filter(**{whose: account}).order_by("pk").values()) for model, whose in TABLES.items()]  # type: ignore[attr-defined]


def test_no_call_with_a_test_key_reads_or_changes_what_is_live(world: World) -> None:  # noqa: F811
    account = world.acme.account
    key = make_key(account=account, name="test", scopes=[*Scope], days=30, is_test=True, per_second=200, by=OPERATOR)[1]
    world.callers["test key"] = {"bearer": key}
    before, iccids = live(account), set(Line.objects.filter(payer__is_test=False).values_list("iccid", flat=True))
    wrong = []
    for one in ENDPOINTS:
        row = Row(one.right, {name: API_VALUES.get(name, name) for name in one.values})
        ways = chosen(world, row, "owner")
        values = next((values for whose, values in ways if whose == MINE), ways[0][1])
        body = BODIES.get(one.name) or (msgspec.to_builtins(one.body) if one.body is not None else None)
        for verb in one.verbs:
            response, _ = call(world, "test key", account, verb, one.path.format(**values), body)
            well = {403, 404, 422} if one.values or one.side == "live" else {200, 403, 404, 409, 422}
            if response.status_code not in well or any(
                iccid in response.body for iccid in iccids - {values.get("iccid")}
            ):
                wrong.append(f"{verb} {one.path} {response.status_code} {response.body[:120]}")
            if live(account) != before:
                wrong.append(f"{verb} {one.path} changed what is live")
    assert not wrong, "\n".join(wrong)
