"""Onomondo's two shapes: the document's bare arrays, and the newer objects with pages."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from lines.carriers import open_client
from lines.carriers.fields import Unreadable
from lines.carriers.onomondo import PAGE_SIZE, found_in, stock_in, used_in

ICCID, OTHER = "8945730000000000017", "8945730000000000025"
DAY = dt.date(2026, 11, 5)


def sim(iccid: str = ICCID, number: str = "1") -> dict[str, Any]:
    return {"id": number, "iccid": iccid, "activated": True, "label": "van"}


def raw(told: object) -> bytes:
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    ("told", "after", "cursor"),
    [
        ([sim()], 0, ""),
        ([sim()] * PAGE_SIZE, 1000, "2000"),
        ({"sims": [sim()], "pagination": {"has_more": False}}, 0, ""),
        ({"sims": [sim()], "pagination": {"has_more": True, "next_page": "MDAy"}}, 0, "page:MDAy"),
        ({"count": 1, "limit": 20, "offset": 0, "total": 1, "sims": [sim()]}, 0, ""),
        ({"count": 1, "limit": 1, "offset": 0, "total": 3, "sims": [sim()]}, 0, "1"),
        ({"count": 0, "limit": 1, "offset": 3, "total": 9, "sims": []}, 3, ""),
    ],
)
def test_a_list_goes_on_as_it_says(told: object, after: int, cursor: str) -> None:
    found = stock_in(raw(told), after=after)
    assert found.cursor == cursor
    assert {card.iccid for card in found.cards} <= {ICCID}


def test_a_bad_sim_of_a_newer_list_costs_itself() -> None:
    found = stock_in(raw({"sims": [sim(), {"iccid": OTHER}], "pagination": {}}), after=0)
    assert ([card.iccid for card in found.cards], [odd.iccid for odd in found.odd]) == ([ICCID], [OTHER])


def test_a_page_is_asked_for_by_its_name_or_by_how_many_came(monkeypatch: pytest.MonkeyPatch) -> None:
    client, asked = open_client("onomondo", url="http://127.0.0.1:9", secrets={"api_key": "k" * 16}), []
    monkeypatch.setattr(client, "ask", lambda call, _: asked.append(call.params))
    for cursor in ("", "1000", "page:MDAy"):
        client.read_stock(cursor)
    limit = {"limit": PAGE_SIZE}
    assert asked == [limit | {"offset": 0}, limit | {"offset": 1000}, limit | {"next_page": "MDAy"}]
    client.close()


@pytest.mark.parametrize("told", [[sim(OTHER, "2"), sim()], {"sims": [sim(OTHER, "2"), sim()]}])
def test_a_sim_is_found_in_either_shape(told: object) -> None:
    found = found_in(raw(told), iccid=ICCID)
    assert found is not None
    assert found.id == "1"
    assert found_in(raw({"sims": []}), iccid=ICCID) is None


def test_records_are_read_in_either_shape_page_by_page() -> None:
    one = found_in(raw([sim()]), iccid=ICCID)
    assert one is not None
    older = {"sim_id": "1", "bytes": 5, "timestamp": "2026-11-05T12:00:00.000Z"}
    newer = {"iccid": ICCID, "bytes": 7, "time": "2026-11-05 12:00:00", "bill_id": "b"}
    assert used_in(raw({"usage": [older]}), sim=one) == ([(DAY, 5)], "")
    told = {"usage": [newer], "pagination": {"has_more": True, "next_page": "p2"}}
    assert used_in(raw(told), sim=one) == ([(DAY, 7)], "p2")
    wrong = (
        {"usage": [{**newer, "iccid": OTHER}]},
        {"usage": [{**older, "sim_id": "2"}]},
        {"usage": [{"bytes": 5, "time": "2026-11-05"}]},
        {"usage": [{"iccid": ICCID, "bytes": 5}]},
        {"usage": [newer], "pagination": {"has_more": True}},
        {"usage": [newer], "pagination": {"has_more": True, "next_page": "p1"}},
    )
    for body in wrong:
        with pytest.raises(Unreadable):
            used_in(raw(body), sim=one, page="p1")
