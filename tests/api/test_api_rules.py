"""Rules, what they did, sub-accounts, the audit log and devices by API."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from kit import clock

from accounts.commands import Happened, record_many
from accounts.models import Account, Event
from accounts.policy import OPERATOR, SYSTEM
from automation.models import Rule, RuleFire
from lines.commands.resale import Plus, add_price_list, charge_by
from lines.commands.settings import SPEEDS
from lines.models import Line, Sighting
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import MB, Fleet

RULE = {"name": "512 MB a day", "trigger": "usage", "limit": 512, "unit": "mb", "period": "day", "then": "next-day"}


def test_a_rule_is_added_read_changed_switched_and_deleted(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    made = client.post("rules", RULE).json()
    assert (made["is_on"], made["rule"]["limit"], made["rule"]["then"]) == (True, 512, "next-day")
    path = f"rules/{made['uuid']}"
    assert client.get(path).json() == made
    changed = client.put(path, made["rule"] | {"limit": 600.5, "period": "month"}).json()
    assert (changed["rule"]["limit"], changed["rule"]["period"]) == (600.5, "month")
    assert client.put(f"{path}/switch", {"is_on": False}).json()["is_on"] is False
    assert [one["uuid"] for one in client.get("rules").json()["data"]] == [made["uuid"]]
    assert client.write("DELETE", path).json() == {"ack": "success"}
    assert client.get(path).status_code == 404
    assert client.get("rules").json()["total"] == 0
    assert set(Event.objects.filter(verb__startswith="rule.").values_list("actor_kind", flat=True)) == {"key"}


def test_a_rule_that_makes_no_sense_is_refused(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    other = fleet.account()
    for change, status in (
        ({"limit": None}, 422), ({"limit": -1}, 422), ({"limit": "many"}, 422), ({"trigger": "weather"}, 422),
        ({"name": ""}, 422), ({"action": "tell"}, 422), ({"then": "hours"}, 422), ({"only_iccids": ["12"]}, 422),
        ({"account_uuid": other.uuid.hex}, 404), ({"rate_plan_id": 2**31 - 1}, 404),
        ({"action": "throttle"}, 422), ({"action": "plan"}, 422), ({"to_rate_plan_id": 2**31 - 1}, 404),
        ({"trigger": "country"}, 422), ({"trigger": "country", "countries": ["XX"]}, 422),
    ):  # fmt: skip
        assert client.post("rules", RULE | change).status_code == status, change
    assert Rule.objects.count() == 0


def test_a_rule_may_slow_lines_that_leave_their_countries(client: KeepgoClient, account: Account) -> None:
    slow = {"name": "abroad", "trigger": "country", "countries": ["FR", "DE"], "action": "throttle", "kbps": SPEEDS[0]}
    made = client.post("rules", slow).json()
    assert (made["rule"]["action"], made["rule"]["kbps"], made["rule"]["countries"]) == (
        "throttle", SPEEDS[0], ["DE", "FR"],
    )  # fmt: skip
    assert client.put(f"rules/{made['uuid']}", made["rule"]).json()["rule"] == made["rule"]


def test_a_rule_may_be_about_lines_with_a_value_in_a_custom_field(client: KeepgoClient) -> None:
    client.post("custom_fields", {"name": "Depot", "kind": "choice", "choices": ["Berlin", "Porto"]})
    made = client.post("rules", RULE | {"custom_fields": {"depot": "porto"}}).json()
    assert made["rule"]["custom_fields"] == {"Depot": "Porto"}
    assert client.put(f"rules/{made['uuid']}", made["rule"]).json()["rule"] == made["rule"]
    (field,) = client.get("custom_fields").json()["data"]
    assert client.write("DELETE", f"custom_fields/{field['uuid']}").status_code == 409
    for wrong, status in (({"Depot": "Rome"}, 422), ({"Yard": "Berlin"}, 404), ({"Depot": "Berlin", "Yard": "x"}, 422)):
        assert client.post("rules", RULE | {"custom_fields": wrong}).status_code == status


def test_rules_are_an_accounts_own(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    made = client.post("rules", RULE).json()["uuid"]
    other = fleet.account()
    Account.objects.filter(pk=other.pk).update(is_professional=True)
    stranger, sub = client_of(other), client_of(fleet.account(parent=account))
    for one in (stranger, sub):
        assert one.get(f"rules/{made}").status_code == 404
        assert one.write("DELETE", f"rules/{made}").status_code == 404
        assert one.put(f"rules/{made}/switch", {"is_on": False}).status_code == 404
    assert sub.get("rule_activity").status_code == 404
    assert Rule.objects.get().is_on


def test_what_rules_did(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    made = client.post("rules", RULE).json()["uuid"]
    for line in fleet.lines(account, 3):
        RuleFire.objects.create(
            rule=Rule.objects.get(), account=account, line=line, period="day:2026-11-20", value=513,
            because="used 513 MB", outcome="deactivated",
        )  # fmt: skip
    found = client.get("rule_activity", per_page=2, rule_uuid=made, outcome="deactivated").json()
    assert (found["total"], len(found["data"]), found["data"][0]["value"]) == (3, 2, 513)
    rest = client.http.get(found["links"]["next"], headers=client.headers()).json()
    assert rest["data"][0]["iccid"] == Line.objects.order_by("pk")[0].iccid
    assert client.get("rule_activity", outcome="left").json()["total"] == 0
    assert client.get("rule_activity", start_date="2026-02-30").status_code == 422


def test_subaccounts_are_added_renamed_and_switched(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    made = client.post("accounts", {"name": "City Bikes"}).json()
    assert (made["name"], made["lines"], made["cost"]) == ("City Bikes", 0, 0)
    path = f"accounts/{made['uuid']}"
    assert client.post("accounts", {"name": "city bikes"}).status_code in (200, 409)
    line = fleet.line(Account.objects.get(name="City Bikes"))
    off = client.put(path, {"name": "Bikes", "is_active": False}).json()
    assert (off["name"], off["is_active"], off["lines"], off["active_lines"]) == ("Bikes", False, 1, 0)
    assert client.put(path, {"is_active": True}).json()["active_lines"] == 1
    assert client.get(f"sim_card/{line.iccid}").json()["card"]["account_name"] == "Bikes"
    other = fleet.account()
    Account.objects.filter(pk=other.pk).update(is_professional=True)
    for stranger in (client_of(other), client_of(Account.objects.get(name="Bikes"))):
        assert stranger.put(path, {"name": "mine"}).status_code == 404
        assert stranger.get(path).status_code == 404


def test_a_subaccount_is_credited_once_and_shows_its_balance(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    sub, other = fleet.account(parent=account), fleet.account()
    Account.objects.filter(pk=other.pk).update(is_professional=True)
    path = f"accounts/{sub.uuid.hex}"
    assert client.get(f"{path}/balance").status_code == 404  # its account pays
    made = add_price_list(account=account, name="Retail", plus=Plus(Decimal(20)), by=OPERATOR)
    charge_by(subaccount=sub, price_list=made, since=clock.today(), credit_limit=None, by=OPERATOR)
    assert client.get(f"{path}/balance").json()["color"] == "red"
    credit = {"amount": 25, "note": "paid", "key": "transfer-1"}
    for note in ("paid", "paid, sent again"):
        assert client.post(f"{path}/credits", credit | {"note": note}).json()["available"] == 25
    assert client.get(f"{path}/balance").json() == {
        "available": 25, "minimum": 5, "average_daily": 0, "color": "green", "credit_limit": None,
        "price_list": "Retail",
    }  # fmt: skip
    assert client.post(f"{path}/credits", credit | {"amount": 26}).status_code == 422
    assert client.post(f"{path}/credits", credit | {"amount": 0, "key": "2"}).status_code == 422
    for stranger in (client_of(other), client_of(sub)):
        assert stranger.get(f"{path}/balance").status_code == 404
        assert stranger.post(f"{path}/credits", credit | {"key": "3"}).status_code == 404


def test_the_audit_log(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    sub, other = fleet.account(parent=account), fleet.account()
    line = fleet.line(sub)
    client.put(f"sim_card/{line.iccid}/notes", {"notes": "Van 7"})
    record_many(by=SYSTEM, verb="balance.red", things=[Happened(other.pk, "", {})])
    found = client.get("audit_log", per_page=1).json()
    assert len(found) == 1
    assert (found[0]["about"], found[0]["sub_account"]) == (line.iccid, sub.name)
    assert found[0]["changes"][0]["after"] == "Van 7"
    older = client.get("audit_log", before_id=found[0]["id"]).json()
    assert all(one["id"] < found[0]["id"] for one in older)
    assert client.get("audit_log", q=line.iccid, by="key").json() == found
    assert other.name not in client.get("audit_log", per_page=1000).content.decode()
    assert client_of(sub).get("audit_log").status_code == 404
    assert client.get("audit_log", start_date="2026-02-30").status_code == 422


def test_sessions_destinations_and_devices(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line, sub = fleet.line(account), fleet.account(parent=account)
    today = clock.today()
    start = dt.datetime.combine(today, dt.time(9, 30), dt.UTC)
    for number, country in enumerate(("DE", "FR", "")):
        Sighting.objects.create(
            line=line, account=account, payer=account, cycle=today.replace(day=1), country=country, used=number * MB,
            started_at=start, ended_at=start + dt.timedelta(minutes=15), is_session=True, sessions=1,
        )  # fmt: skip
    Sighting.objects.create(
        line=line, account=sub, payer=fleet.account(), cycle=today.replace(day=1), started_at=start, used=99 * MB,
        is_session=True, country="XX",
    )  # fmt: skip
    path = f"sim_card/{line.iccid}"
    sessions = client.get(f"{path}/sessions", billing_cycle=f"{today:%Y-%m}", page=1, per_page=2).json()
    assert (sessions["total"], sessions["data"][1]["country_code"]) == (3, "FR")
    assert {"iccid", "start_date", "end_date", "billing_cycle", "country_code", "duration_sec", "usage_kb"} <= set(
        sessions["data"][1]
    )
    assert (sessions["data"][1]["duration_sec"], sessions["data"][1]["usage_kb"]) == (900, 1024)
    log = client.get(f"{path}/destination_log").json()["data"]
    assert [(one["country_code"], one["usage_mb"]) for one in log] == [(None, 2), ("FR", 1)]
    record_many(
        by=SYSTEM, verb="imei.changed",
        things=[Happened(account.pk, f"line:{line.iccid}", {"before": "1" * 15, "after": "2" * 15})],
    )  # fmt: skip
    (change,) = client.get(f"{path}/imei_history").json()["data"]
    assert (change["before"], change["after"]) == ("1" * 15, "2" * 15)
    assert client.get(f"{path}/sessions", billing_cycle="2020-01").json()["total"] == 0


def test_settings_of_a_sim(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    path = f"sim_card/{line.iccid}/settings"
    may = client.get(path).json()["may_set"]
    assert client.put(path, {}).status_code == 422
    answer = client.put(path, {"imei_lock": True})
    assert answer.status_code == (200 if "imei_lock" in may else 409)
    assert client.put(path, {"throttle_kbps": 7}).status_code in (409, 422)


def test_one_line_in_full(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    client.post(f"sim_card/{line.iccid}/deactivate")
    found = client.get(f"sim_card/{line.iccid}").json()
    assert found["card"] == client.get("iot_sim_cards").json()["data"][0]
    assert found["why"].startswith(f"Switched off by API key {client.user_uuid[:8]}")
