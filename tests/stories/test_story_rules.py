"""The tutorial's three rules, in numbers: each from the rule that is written to the carrier that is told."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from simulator import Running

from accounts.models import Account
from accounts.policy import Actor, ActorKind
from automation.commands.rules import Draft, add_rule
from automation.models import FollowUp, RuleFire
from automation.policy import Action, Then, Trigger
from lines.commands.looks import want_looks
from lines.models import Carrier, ChangedLines
from lines.work.devices import look
from tests.worlds import WORD, Story

MIA = Actor(ActorKind.PERSON, "mia@acme.example")


def rule(tale: Story, name: str, **facts: object) -> None:
    draft = Draft(**({"name": name, "trigger": Trigger.USAGE, "action": Action.DEACTIVATE} | facts))  # type: ignore[arg-type]
    add_rule(account=Account.objects.get(uuid=tale.accounts["acme"]), draft=draft, by=MIA)


def begun(tale: Story, carrier: str, iccids: list[str], per_mb: str) -> None:
    tale.carrier(carrier, per_mb=per_mb)
    tale.account("acme", credit="5000.00")
    tale.lines("acme", carrier, iccids)
    tale.sync()


def fired() -> list[tuple[str, str, str]]:
    rows = RuleFire.objects.order_by("pk").values_list("rule__name", "because", "outcome")
    return [(name, because, outcome) for name, because, outcome in rows]


BOTH = pytest.mark.parametrize("carrier", ["simbase", "iotportal"])
ON, OFF = ({kind: words[on] for kind, words in WORD.items()} for on in (True, False))


def looked(tale: Story) -> None:
    """Where the list of a carrier tells no IMEI, its lines are asked about; then the rules meet what was seen."""
    for carrier in Carrier.objects.all():
        want_looks(carrier_id=carrier.pk, line_ids=list(carrier.lines.order_by("pk").values_list("pk", flat=True)))
        look(carrier, patience=5.0, stop=lambda: False)
    tale.sync()


@BOTH
def test_512_mb_a_day_and_on_again_the_next_day(story: Callable[[str], Story], sim: Running, carrier: str) -> None:
    """300 MB by noon, 550 by four: off at the carrier in the same pass. 00:00: on. The next day counts from 0."""
    tale = story("2026-11-10T08:00")
    tracker, other = sim.iccids(carrier, 2)
    begun(tale, carrier, [tracker, other], "0.01")
    rule(tale, "512 MB a day", period="day", unit="mb", limit=Decimal(512), then=Then.NEXT_DAY)
    tale.at("2026-11-10T12:00")
    tale.uses(tracker, 300)
    tale.uses(other, 512)
    tale.sync()
    assert (tale.word(tracker), fired()) == (ON[carrier], [])
    tale.at("2026-11-10T16:00")
    tale.uses(tracker, 250)
    tale.sync()
    assert tale.word(tracker) == OFF[carrier]
    assert tale.word(other) == ON[carrier]  # 512 is not more than 512
    assert fired() == [("512 MB a day", "Used 550 MB on 10 November 2026, over 512 MB", "deactivated")]
    assert not ChangedLines.objects.exists()
    tale.at("2026-11-10T23:59")
    tale.sync()
    assert tale.word(tracker) == OFF[carrier]
    tale.at("2026-11-11T00:00")
    tale.sync()
    assert tale.word(tracker) == ON[carrier]
    tale.at("2026-11-11T12:00")
    tale.uses(tracker, 500)
    tale.sync()
    assert tale.word(tracker) == ON[carrier]
    assert len(fired()) == 1
    assert FollowUp.objects.get().state == "done"


@BOTH
def test_200_dollars_a_month_and_on_again_the_next_month(
    story: Callable[[str], Story], sim: Running, carrier: str
) -> None:
    """0.10 a MB: 1,500 MB are $150.00, 600 more make $210.00. On the 1st the line runs again."""
    tale = story("2026-11-03T08:00")
    router = sim.iccids(carrier, 1)[0]
    begun(tale, carrier, [router], "0.10")
    rule(tale, "$200 a month", period="month", unit="usd", limit=Decimal(200), then=Then.NEXT_MONTH)
    tale.at("2026-11-05T12:00")
    tale.uses(router, 1500)
    tale.sync()
    assert fired() == []
    tale.at("2026-11-20T12:00")
    tale.uses(router, 600)
    tale.sync()
    because = "Used $210.00 in the month from 1 November 2026, over $200.00"
    assert fired() == [("$200 a month", because, "deactivated")]
    assert tale.word(router) == OFF[carrier]
    tale.at("2026-11-30T23:59")
    tale.sync()
    assert tale.word(router) == OFF[carrier]
    tale.at("2026-12-01T00:00")
    tale.sync()
    assert tale.word(router) == ON[carrier]


@BOTH
def test_a_sim_in_another_device_is_off_for_good(story: Callable[[str], Story], sim: Running, carrier: str) -> None:
    tale = story("2026-11-10T08:00")
    card = sim.iccids(carrier, 1)[0]
    begun(tale, carrier, [card], "0.01")
    rule(tale, "Another device", trigger=Trigger.IMEI)
    tale.at("2026-11-10T09:00")
    tale.sync()
    looked(tale)
    assert (tale.word(card), fired()) == (ON[carrier], [])  # the first IMEI is not a change
    known = {row["iccid"]: row["imei"] for row in sim.fleet(carrier)}[card]
    other = "356789012345679"
    sim.event("imei", iccid=card, imei=other)
    tale.at("2026-11-10T10:00")
    tale.sync()
    looked(tale)
    assert tale.word(card) == OFF[carrier]
    assert fired() == [("Another device", f"IMEI changed from {known} to {other}", "deactivated")]
    tale.at("2026-12-24T00:00")
    tale.sync()
    assert tale.word(card) == OFF[carrier]


@BOTH
def test_of_a_sub_account_500_mb_a_day_and_the_device(
    story: Callable[[str], Story], sim: Running, carrier: str
) -> None:
    """Both rules look at the lines of sub-account Test alone: what others use and where they sit stops nothing."""
    tale = story("2026-11-10T08:00")
    own, theirs, moved = sim.iccids(carrier, 3)
    begun(tale, carrier, [own], "0.01")
    tale.account("test", parent="acme")
    tale.lines("test", carrier, [theirs, moved], payer="acme")
    tale.sync()
    holder = Account.objects.get(uuid=tale.accounts["test"])
    rule(tale, "500 MB a day", period="day", unit="mb", limit=Decimal(500), then=Then.NEXT_DAY, holder=holder)
    rule(tale, "Another device", trigger=Trigger.IMEI, holder=holder)
    looked(tale)
    tale.at("2026-11-10T12:00")
    for iccid in (own, theirs):
        tale.uses(iccid, 501)
        tale.uses(moved, 1)
    for iccid in (own, moved):
        sim.event("imei", iccid=iccid, imei="356789012345679")
    tale.sync()
    looked(tale)
    assert [tale.word(one) for one in (own, theirs, moved)] == [ON[carrier], OFF[carrier], OFF[carrier]]
    assert {name for name, _, outcome in fired() if outcome == "deactivated"} == {"500 MB a day", "Another device"}
    tale.at("2026-11-11T00:00")
    tale.sync()
    assert [tale.word(one) for one in (own, theirs, moved)] == [ON[carrier], ON[carrier], OFF[carrier]]
