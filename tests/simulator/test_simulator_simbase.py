"""Simbase: shapes, types and oddities as its document and the known facts give them."""

import httpx
import pytest
from simulator import Running, running

LIST_KEYS = [
    "usage_sms_mo", "usage_data", "usage_voice", "coverage", "iccid", "sim_state",
    "usage_sms_mt", "device_name", "tags", "ip_address", "last_update",
]  # fmt: skip
DETAIL_KEYS = [
    "iccid", "carrier", "country", "country_iso", "device_name", "msisdn", "sim_state", "plan_id", "lat", "lon",
    "radio", "apn", "imei", "hardware", "ip", "throttle", "tags", "last_update", "imei_lock", "location_updates",
    "sessions", "zero_sessions", "usage_sms_mo", "usage_sms_mt", "usage_data",
]  # fmt: skip
USAGE_KEYS = [
    "iccid", "month", "cost", "cost_data", "cost_month", "cost_netw", "cost_sms", "cost_voice", "lu_count",
    "session_count", "zero_sessions", "usage_data", "usage_sms_mo", "usage_sms_mt", "usage_voice",
]  # fmt: skip


def detail(client: httpx.Client, iccid: str) -> dict[str, object]:
    found: dict[str, object] = client.get(f"/simcards/{iccid}").json()
    return found


def test_a_call_without_the_key_is_refused(sim: Running) -> None:
    for headers in ({}, {"x-api-key": "wrong"}):
        assert httpx.get(f"{sim.simbase}/simcards", headers=headers).status_code == 401


def test_the_list_has_the_documents_fields_in_its_order(simbase: httpx.Client) -> None:
    page = simbase.get("/simcards").json()
    assert list(page) == ["total_records", "records", "total_pages", "page", "sims"]
    assert list(page["sims"][0]) == LIST_KEYS
    assert len(page["sims"][0]["last_update"]) == len("2022-03-23 18:00:45")


def test_the_pages_hold_every_sim_once(sim: Running, simbase: httpx.Client) -> None:
    pages = [simbase.get("/simcards", params={"pagesize": 5, "page": page}).json() for page in (1, 2, 3)]
    assert [page["records"] for page in pages] == [5, 5, 2]
    assert {page["total_pages"] for page in pages} == {3}
    assert [line["iccid"] for page in pages for line in page["sims"]] == sim.iccids("simbase")


def test_a_page_past_the_last_is_the_last(simbase: httpx.Client) -> None:
    page = simbase.get("/simcards", params={"pagesize": 5, "page": 99}).json()
    assert (page["page"], page["records"]) == (3, 2)


def test_a_page_has_at_most_250_sims() -> None:
    with running(simbase=600, iotportal=0) as sim:
        page = httpx.get(f"{sim.simbase}/simcards?pagesize=1000", headers={"x-api-key": sim.api_key}).json()
    assert (page["records"], page["total_pages"], page["total_records"]) == (250, 3, 600)


@pytest.mark.parametrize("query", ["pagesize=0", "pagesize=x", "page=-1", "page=²", "sim_state=on", "coverage=Mars"])
def test_a_query_without_sense_is_a_400(simbase: httpx.Client, query: str) -> None:
    assert simbase.get(f"/simcards?{query}").status_code == 400


def test_an_empty_fleet_has_one_empty_page() -> None:
    with running(simbase=0, iotportal=1) as sim:
        page = httpx.get(f"{sim.simbase}/simcards", headers={"x-api-key": sim.api_key}).json()
    assert page == {"total_records": 0, "records": 0, "total_pages": 1, "page": 1, "sims": []}


def test_filters_narrow_the_list_by_what_is_true_now(simbase: httpx.Client, one: str) -> None:
    def found(query: str) -> list[str]:
        return [line["iccid"] for line in simbase.get(f"/simcards?{query}").json()["sims"]]

    everything = found("")
    simbase.patch(f"/simcards/{one}", json={"sim_state": "disabled", "tags": ["Odd one"], "device_name": "Müller 7"})
    assert found("sim_state=disabled") == [one]
    assert found("sim_state=enabled") == [iccid for iccid in everything if iccid != one]
    assert found("tags=Nobody,Odd one") == [one]
    assert found("search=müller") == [one]
    assert found(f"search={one[4:]}") == [one]
    assert found("sim_state=enabled&tags=Odd one") == []
    simbase.patch(f"/simcards/{one}", json={"sim_state": "enabled"})
    assert found("sim_state=enabled") == everything


def test_the_plus_of_global_plus_may_be_written_raw_or_encoded(simbase: httpx.Client, one: str) -> None:
    simbase.patch(f"/simcards/{one}", json={"plan_id": "def-usd.globalplus-1"})
    for written in ("Global+", "Global%2B", "Global%20"):
        lines = simbase.get(f"/simcards?coverage={written}").json()["sims"]
        assert one in [line["iccid"] for line in lines]
        assert {line["coverage"] for line in lines} == {"Global+"}


def test_the_detail_says_ip_where_the_list_says_ip_address(simbase: httpx.Client, one: str) -> None:
    line = simbase.get("/simcards").json()["sims"][0]
    found = detail(simbase, one)
    assert list(found) == DETAIL_KEYS
    assert found["ip"] == line["ip_address"]
    assert isinstance(found["lat"], str)


def test_an_unknown_sim_is_a_404_in_json(simbase: httpx.Client, other: str) -> None:
    for path in ("/simcards/8912300000000000001", f"/simcards/{other}", "/nothing"):
        answer = simbase.get(path)
        assert answer.status_code == 404
        assert "message" in answer.json()


def test_bytes_show_in_list_detail_and_month(sim: Running, simbase: httpx.Client, one: str) -> None:
    sim.add_bytes(one, 1_234)
    assert simbase.get("/simcards").json()["sims"][0]["usage_data"] == 1_234
    assert detail(simbase, one)["usage_data"] == 1_234
    usage = simbase.get(f"/simcards/{one}/usage/2026-11").json()
    assert list(usage) == USAGE_KEYS
    assert usage["usage_data"] == 1_234


def test_a_silent_sim_keeps_last_months_total_with_last_months_time(
    sim: Running, simbase: httpx.Client, one: str
) -> None:
    sim.add_bytes(one, 700)
    sim.set_clock("2026-12-03T00:00:00Z")
    found = detail(simbase, one)
    assert (found["usage_data"], found["last_update"]) == (700, "2026-11-20 08:30:00")
    sim.add_bytes(one, 50)
    found = detail(simbase, one)
    assert (found["usage_data"], found["last_update"]) == (50, "2026-12-03 00:00:00")
    assert simbase.get(f"/simcards/{one}/usage/2026-11").json()["usage_data"] == 700


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "nonsense", "2026-12"])
def test_the_usage_of_a_month_that_is_none_or_not_yet_is_a_400(simbase: httpx.Client, one: str, month: str) -> None:
    assert simbase.get(f"/simcards/{one}/usage/{month}").status_code == 400


def test_an_edit_answers_with_all_that_can_be_edited(simbase: httpx.Client, one: str) -> None:
    wanted = {
        "device_name": "test SIM 22", "imei_lock": "on", "sim_state": "disabled", "throttle": "SPEED_100_KBPS",
        "tags": ["Division X"], "plan_id": "def-usd.us-1",
    }  # fmt: skip
    answer = simbase.patch(f"/simcards/{one}", json=wanted)
    assert answer.json() == {**wanted, "rateplan": "USA", "coverage": "USA"}
    found = detail(simbase, one)
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        {}, {"sim_state": "on"}, {"sim_state": "Blocked - enabled"}, {"sim_state": ["enabled"]}, {"throttle": "SLOW"},
        {"imei_lock": True}, {"plan_id": "x"}, {"tags": "a"}, {"tags": [1]}, {"device_name": 5}, {"iccid": "1"},
        {"device_name": "fine", "sim_state": "on"},
    ],
)  # fmt: skip
def test_a_bad_edit_is_a_400_and_changes_nothing(simbase: httpx.Client, one: str, wanted: dict[str, object]) -> None:
    before = detail(simbase, one)
    assert simbase.patch(f"/simcards/{one}", json=wanted).status_code == 400
    assert simbase.patch(f"/simcards/{one}", content=b"{,}").status_code == 400
    assert detail(simbase, one) == before


def test_a_blocked_sim_stays_blocked_whatever_its_owner_asks(sim: Running, simbase: httpx.Client, one: str) -> None:
    sim.event("status", iccid=one, blocked=True)
    assert detail(simbase, one)["sim_state"] == "Blocked - enabled"
    assert simbase.patch(f"/simcards/{one}", json={"sim_state": "disabled"}).json()["sim_state"] == "Blocked - disabled"
    sim.event("status", iccid=one, blocked=False)
    assert detail(simbase, one)["sim_state"] == "disabled"


def test_plans_write_numbers_as_texts(simbase: httpx.Client) -> None:
    plans = simbase.get("/plans").json()
    assert plans[0] == {
        "plan_id": "def-usd.eu-1", "name": "Europe", "currency": "USD", "day": "0.01", "mb": "0.005", "sms": "0.05",
        "sms_to_device": "0.02", "countries": "34",
    }  # fmt: skip
    assert [plan["name"] for plan in plans] == ["Europe", "USA", "Americas", "Oceania", "Global", "Global+"]


def test_the_balance_writes_numbers_as_numbers(sim: Running, simbase: httpx.Client) -> None:
    assert simbase.get("/balance").json() == {
        "balance": 256.9469, "currency": "USD", "currency_symbol": "$", "last_update": "2026-11-20 08:30:00",
        "auto_topup": True, "topup_threshold": 10, "topup_amount": 20,
    }  # fmt: skip
    sim.settings(balance={"balance": 1.5})
    assert simbase.get("/balance").json()["balance"] == 1.5


def test_messages_go_both_ways_newest_first(sim: Running, simbase: httpx.Client, one: str) -> None:
    sent = simbase.post(f"/simcards/{one}/sms", json={"message": "test"})
    assert sent.json() == {"sender": "55555", "message": "test", "time": "2026-11-20 08:30:00"}
    sim.advance(seconds=5)
    sim.event("sms", iccid=one, text="Connected")
    assert simbase.get(f"/simcards/{one}/sms").json() == {
        "count": 2,
        "messages": [
            {"message": "Connected", "direction": "in", "timestamp": "2026-11-20 08:30:05"},
            {"message": "test", "direction": "out", "timestamp": "2026-11-20 08:30:00"},
        ],
    }
    found = detail(simbase, one)
    # The counters belong to the month of the last data record, which this SIM never had.
    assert (found["usage_sms_mo"], found["usage_sms_mt"]) == (0, 0)
    sim.add_bytes(one, 1)
    found = detail(simbase, one)
    assert (found["usage_sms_mo"], found["usage_sms_mt"]) == (1, 1)


def test_a_message_to_a_sim_that_is_off_is_refused(simbase: httpx.Client, one: str) -> None:
    simbase.patch(f"/simcards/{one}", json={"sim_state": "disabled"})
    assert simbase.post(f"/simcards/{one}/sms", json={"message": "test"}).status_code == 400
    assert simbase.get(f"/simcards/{one}/sms").json()["count"] == 0


@pytest.mark.parametrize("body", [{}, {"message": ""}, {"message": 5}, {"message": "x" * 161}])
def test_a_message_without_a_text_of_fit_length_is_refused(
    simbase: httpx.Client, one: str, body: dict[str, object]
) -> None:
    assert simbase.post(f"/simcards/{one}/sms", json=body).status_code == 400


def test_a_sim_that_is_off_tries_in_vain() -> None:
    with running(simbase=60, iotportal=0, clock="2026-11-10") as sim:
        iccid = next(one["iccid"] for one in sim.fleet() if one["kind"] == "tracker")
        client = httpx.Client(base_url=sim.simbase, headers={"x-api-key": sim.api_key}, verify=False)
        before = detail(client, iccid)
        client.patch(f"/simcards/{iccid}", json={"sim_state": "disabled"})
        sim.advance(days=1)
        after = detail(client, iccid)
        client.close()
    assert after["usage_data"] == before["usage_data"]
    assert after["sessions"] == before["sessions"]
    assert int(str(after["zero_sessions"])) > int(str(before["zero_sessions"]))
    assert int(str(after["location_updates"])) >= int(str(before["location_updates"])) + 48


def test_calls_beyond_the_rate_wait_for_the_next_second(sim: Running, simbase: httpx.Client) -> None:
    sim.settings(simbase={"rate": "10/s"})
    answers = [simbase.get("/plans") for _ in range(14)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 1
    assert refused[0].headers["retry-after"] == "1"


def test_calls_beyond_the_day_wait_for_the_next_utc_day(sim: Running, simbase: httpx.Client) -> None:
    sim.settings(simbase={"rate": "3/day"})
    assert [simbase.get("/plans").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert simbase.get("/plans").headers["retry-after"] == str(15 * 3600 + 30 * 60)
    sim.advance(to="2026-11-21T00:00:00Z")
    assert simbase.get("/plans").status_code == 200
