"""Accounts with sub-accounts: the parent pays for all of its family, and nobody pays for a stranger."""

from __future__ import annotations

from collections.abc import Callable

from simulator import Running

from lines.models import LineDay
from tests.worlds import Story, operator


def test_parents_pay_for_their_sub_accounts_and_for_nobody_else(story: Callable[[str], Story], sim: Running) -> None:
    tale = story("2026-11-28T00:00")
    simbase, portal = sim.iccids("simbase"), sim.iccids("iotportal")
    tale.carrier("simbase", per_mb="0.01")
    tale.carrier("iotportal", per_mb="0.03")
    for name, credit in (("acme", "30.00"), ("bolt", "20.00"), ("cord", "5.50")):
        tale.account(name, credit=credit)
    tale.account("acme-north", parent="acme")
    tale.account("acme-south", parent="acme")
    tale.account("bolt-labs", parent="bolt")
    tale.lines("acme", "simbase", simbase[:1])
    tale.lines("acme-north", "simbase", simbase[1:2], payer="acme")
    tale.lines("acme-south", "iotportal", portal[:1], payer="acme")
    tale.lines("bolt-labs", "iotportal", portal[1:3], payer="bolt")
    tale.lines("cord", "simbase", simbase[2:])
    tale.lines("cord", "iotportal", portal[3:])
    tale.sync()
    usage = {
        "2026-11-28T12:00": [10, 20, 30, 40, 1, 2, 3, 4],
        "2026-11-29T12:00": [0, 0, 5, 0, 100, 0, 0, 1],
        "2026-11-30T23:59": [7, 0, 0, 0, 0, 9, 0, 0],
        "2026-12-01T00:05": [1, 1, 1, 1, 1, 1, 1, 1],
        "2026-12-01T12:00": [1, 1, 0, 0, 0, 0, 50, 0],
        "2026-12-02T00:10": [0, 0, 0, 0, 0, 0, 0, 0],
    }
    for time, megabytes in usage.items():
        tale.at(time)
        for iccid, number in zip(simbase + portal, megabytes, strict=True):
            tale.uses(iccid, number)
        tale.sync()
    # acme: (10+20+7+1+1+1+1) x 0.01 + (1+100+1) x 0.03
    assert tale.balance("acme")["available"] == f"{30 - 0.41 - 3.06:.6f}"
    # bolt: (2+3+9+1+1+50) x 0.03
    assert tale.balance("bolt")["available"] == f"{20 - 1.98:.6f}"
    # cord: 30+40+5+1+1 at 0.01, 4+1+1 at 0.03: 4.55, below the minimum
    assert tale.balance("cord")["available"] == f"{5.5 - 0.77 - 0.18:.6f}"
    assert [tale.balance(name)["colour"] for name in ("acme", "bolt", "cord")] == ["green", "green", "red"]
    assert [tale.word(iccid) for iccid in simbase] == ["enabled", "enabled", "disabled", "disabled"]
    assert [tale.word(iccid) for iccid in portal] == ["ACTIVATED", "ACTIVATED", "ACTIVATED", "DEACTIVATED"]
    holders = {row.account.name for row in LineDay.objects.filter(payer__name="acme")}
    assert holders == {"acme", "acme-north", "acme-south"}


def test_a_red_parent_suspends_its_sub_accounts_lines_and_its_credit_brings_them_back(
    story: Callable[[str], Story], sim: Running
) -> None:
    tale = story("2026-11-10T00:00")
    own, lent, other = sim.iccids("simbase", 3)
    tale.carrier("simbase", per_mb="0.01")
    tale.account("acme", credit="6.00")
    tale.account("acme-north", parent="acme")
    tale.account("bolt", credit="6.00")
    tale.lines("acme", "simbase", [own])
    tale.lines("acme-north", "simbase", [lent], payer="acme")
    tale.lines("bolt", "simbase", [other])
    tale.sync()
    tale.at("2026-11-10T12:00").uses(lent, 150)
    assert tale.sync()["suspended"] == 2
    assert [tale.word(iccid) for iccid in (own, lent, other)] == ["disabled", "disabled", "enabled"]
    tale.credit("acme", "1.00")
    assert tale.sync()["confirmed"] == 2
    assert [tale.word(iccid) for iccid in (own, lent, other)] == ["enabled"] * 3


def test_a_sub_account_has_no_balance_of_its_own(story: Callable[[str], Story]) -> None:
    import pytest
    from django.core.management.base import CommandError

    tale = story("2026-11-10T00:00")
    tale.account("acme", credit="6.00")
    uuid = tale.account("acme-north", parent="acme")
    with pytest.raises(CommandError, match="sub-account"):
        operator("credit", uuid, "5", "--note", "no")
    with pytest.raises(CommandError, match="sub-account"):
        operator("balance", uuid)
