"""ICCIDs of carriers whose own scheme has hexadecimal letters: found, paged and asked for as any other."""

from __future__ import annotations

import pytest

from accounts.models import Account
from accounts.policy import OPERATOR
from automation.models import Rule, RuleFire
from automation.policy import Action, Outcome, Trigger
from lines.api.mirror import Place
from lines.commands.stock import import_lines
from lines.models import Line
from tests.api.keepgo_client import KeepgoClient
from tests.fleets import Fleet

pytestmark = pytest.mark.django_db

ICCIDS = ["89457300000000A1B2C3", "89457300000000A1B2C4", "89457300000000FFEE01"]


@pytest.fixture
def lines(fleet: Fleet, account: Account) -> list[Line]:
    import_lines(
        rows=list(enumerate(ICCIDS, 2)), unchecked=True, carrier=fleet.carriers["simbase"],
        plan=fleet.plans["simbase"], account=account, active=True, by=OPERATOR,
    )  # fmt: skip
    return list(Line.objects.order_by("iccid"))


@pytest.mark.usefixtures("lines")
def test_every_page_of_a_list_and_of_what_changed_is_reached(client: KeepgoClient) -> None:
    cursor, found = "", []
    for _ in ICCIDS:
        page = client.get("line_changes", per_page=1, **({"changed_since": cursor} if cursor else {})).json()
        found += [row["iccid"] for row in page["data"]]
        cursor = page["cursor"]
    assert (found, page["has_more"]) == (ICCIDS, False)
    place = Place("s", 0, 0, 1, 0, "89457300000000G1B2C3")
    assert client.get("line_changes", changed_since=str(place)).json()["field"] == "changed_since"
    for part in ("A1B2C3", "a1b2c3", "89457300000000a1b2c3"):
        (row,) = client.get("iot_sim_cards", common_filter=part).json()["data"]
        assert row["iccid"] == ICCIDS[0]


def test_what_a_rule_did_to_one_is_found(client: KeepgoClient, lines: list[Line], account: Account) -> None:
    rule = Rule.objects.create(account=account, name="Swap", trigger=Trigger.IMEI, action=Action.TELL, limit=None)
    for line in lines[1:]:
        RuleFire.objects.create(
            rule=rule, account=account, line=line, period="imei:1", because="-", outcome=Outcome.TOLD
        )
    for asked in (ICCIDS[1], "A1B2C4", "a1b2c4"):
        (row,) = client.get("rule_activity", iccid=asked).json()["data"]
        assert row["iccid"] == ICCIDS[1]
    assert client.get("rule_activity", iccid="A1B2G4").status_code == 422
