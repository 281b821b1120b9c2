"""Carriers' stock against ours: what only one has, what drifts, and how each is settled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from simulator import Running, running

from accounts.models import Event
from accounts.policy import OPERATOR
from lines.commands.differences import CannotBeSettledSo, add_to_stock, dismiss, drive_again, find_differences
from lines.models import Difference, Drive, Line, LineState, RatePlan
from lines.work.clients import close_clients
from tests.fleets import Fleet
from tests.worlds import Story, operator, written


@pytest.fixture(scope="module")
def simulators() -> Iterator[Running]:
    with running(simbase=4, iotportal=1, quiet=True, clock="2026-11-20T12:00:00Z") as served:
        yield served


def test_unknown_missing_and_drifting_sims_are_found_settled_and_found_again(
    simulators: Running, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    close_clients()
    story = Story(simulators, monkeypatch, "2026-11-20T12:00")
    story.carrier("simbase", per_mb="0.01")
    story.account("acme", credit="100")
    first, second, unknown, other = simulators.iccids("simbase")
    story.lines("acme", "simbase", [first])
    more = ["--account", story.accounts["acme"], "--activate"]
    operator("import_lines", written(["8999999999999999999"]), "--carrier", "simbase", "--rate-plan", "simbase", *more)
    operator("import_lines", written([second]), "--carrier", "simbase", "--rate-plan", "simbase")
    simulators.event("status", iccid=first, status="disabled")
    fault = simulators.fault("error", carrier="simbase", verb="PATCH", status=409)
    story.at("2026-11-20T12:01").sync(compare=False)
    story.at("2026-11-20T13:00").sync(compare=False)
    found = operator("stock_differences")
    assert sorted((row["iccid"], row["kind"]) for row in found["first"]) == sorted(
        [
            (unknown, "unknown"),
            (other, "unknown"),
            ("8999999999999999999", "missing"),
            ("8999999999999999999", "drift"),
            (second, "drift"),  # in stock, and on at our cost
            (first, "drift"),
        ]
    )
    assert operator("stock_differences")["differences"] == found["differences"]
    rows = {(row.iccid, row.kind): row for row in Difference.objects.all()}
    with pytest.raises(CannotBeSettledSo):
        add_to_stock(differences=[rows[first, "drift"]], plan=RatePlan.objects.get(), by=OPERATOR)
    for _ in range(2):
        add_to_stock(differences=[rows[unknown, "unknown"]], plan=RatePlan.objects.get(), by=OPERATOR)
    assert Line.objects.get(iccid=unknown).account is None
    dismiss(differences=[rows["8999999999999999999", "missing"], rows[other, "unknown"]], by=OPERATOR)
    simulators.ask("DELETE", f"/faults/{fault}")
    drive_again(differences=[rows[second, "drift"], rows[first, "drift"]], by=OPERATOR)
    story.at("2026-11-20T14:00").sync(compare=False)
    assert story.word(second) == "disabled"
    story.at("2026-11-20T14:05").sync(compare=False)
    left = operator("stock_differences")["first"]
    # the one taken into stock runs there too, now that we look at it
    assert {(row["iccid"], row["kind"]) for row in left} == {(unknown, "drift"), ("8999999999999999999", "drift")}
    assert Event.objects.filter(verb="differences.settled").exists()
    close_clients()


def test_what_mends_itself_is_settled_by_itself(fleet: Fleet) -> None:
    line = fleet.line(None, "iotportal")
    LineState.objects.filter(pk=line.pk).update(reported=1, reported_word="ACTIVATED")
    for _ in range(2):
        assert find_differences(carrier=line.carrier, by_page=False) == 1
    LineState.objects.filter(pk=line.pk).update(reported=0)
    assert find_differences(carrier=line.carrier, by_page=False) == 0
    assert Difference.objects.get().settled_how == "It is so no longer"
    LineState.objects.filter(pk=line.pk).update(reported=1)
    assert find_differences(carrier=line.carrier, by_page=False) == 1
    drive_again(differences=list(Difference.objects.all()), by=OPERATOR)
    assert Drive.objects.filter(pk=line.pk).exists()
