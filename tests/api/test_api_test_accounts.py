"""Test accounts by the API: made with a live key, lived in with a test key, and never reached by the other."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F
from kit import clock

from accounts.models import Account, Event
from accounts.policy import Scope
from automation.commands.sandbox import settle_due
from automation.models import RuleFire
from automation.work.rules import check_events, check_rest, check_returned, follow_up
from billing.commands.notices import claim_notice
from billing.commands.statements import close_statements
from billing.models import Entry, Notice, Wallet
from billing.queries import colour_changes
from lines.books import check_books
from lines.commands.sandbox import MOST_LINES
from lines.models import Drive, Line, LineState, OnSpan, Sandbox
from lines.queries.margin import margins
from lines.work.sync import enforce_all, keep_days
from tests.api.keepgo_client import client_of
from tests.api.test_api_keys import Bearer, made
from tests.fleets import Fleet

pytestmark = pytest.mark.django_db
MB = 1_048_576


@pytest.fixture
def test(account: Account) -> Bearer:
    return Bearer(account, made(account, *Scope, is_test=True)[1])


@pytest.fixture
def iccid(test: Bearer) -> str:
    """Of a line that is on."""
    found: str = test.call("GET", "test_account").json()["iccids"][0]
    assert test.call("POST", f"sim_card/{found}/activation_ready").status_code == 200
    return found


def card(test: Bearer, iccid: str) -> dict[str, Any]:
    answer: dict[str, Any] = test.call("GET", f"sim_card/{iccid}").json()["card"]
    return answer


def balance(test: Bearer) -> Decimal:
    return Decimal(str(test.call("GET", "current_balance").json()["current_balance"]))


def use(test: Bearer, iccid: str, used: int) -> Any:
    return test.call("POST", f"test_account/lines/{iccid}/usage", {"bytes": used})


def turn(test: Bearer, **by: int) -> dict[str, Any]:
    answer = test.call("POST", "test_account/clock", by)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def all_of(account: Account) -> dict[str, list[Any]]:
    """Everything that a turned clock could have touched of an account."""
    return {
        "wallet": list(Wallet.objects.filter(account=account).values()),
        "ledger": list(Entry.objects.filter(account=account).order_by("pk").values()),
        "states": list(LineState.objects.filter(line__payer=account).order_by("pk").values()),
        "lines": list(Line.objects.filter(payer=account).order_by("pk").values()),
        "fires": list(RuleFire.objects.filter(account=account).values()),
        "events": list(Event.objects.filter(account=account).exclude(verb="test_account.made").values("pk", "verb")),
    }


def test_a_line_is_activated_used_and_charged_without_a_sim(test: Bearer, account: Account, iccid: str) -> None:
    assert card(test, iccid)["status"] == "Activated"
    answer = use(test, iccid, 100 * MB)
    assert (answer.status_code, answer["X-Sample-Data"]) == (200, "true")
    assert balance(test) == Decimal("100") - Decimal("1.00") - Decimal("0.03")
    assert not Entry.objects.filter(account=account).exclude(kind="adjustment").exists()


def test_a_balance_that_turns_stops_and_starts_lines(test: Bearer, iccid: str) -> None:
    assert test.call("POST", "test_account/balance", {"amount": -96}).status_code == 200
    assert card(test, iccid)["status"] == "Suspended"
    assert test.call("POST", "test_account/balance", {"amount": 50}).status_code == 200
    assert card(test, iccid)["status"] == "Activated"


def test_days_go_by_and_are_charged(test: Bearer, iccid: str) -> None:
    """$0.03 a day for one line: the day on which it came on, and thirty more."""
    use(test, iccid, 10 * MB)
    before = turn(test, seconds=1)
    after = turn(test, days=30)
    assert after["ahead_seconds"] - before["ahead_seconds"] == 30 * 86_400
    assert balance(test) == Decimal("100") - Decimal("0.10") - 31 * Decimal("0.03")
    use(test, iccid, 5 * MB)
    assert card(test, iccid)["monthly_usage_mb"] == 5  # a new month: the carrier counts anew
    payer = Account.objects.get(is_test=True)
    assert Entry.objects.filter(account=payer, kind="usage").count() == 30
    assert [check for check in check_books()["checks"] if not check["ok"]] == []


def test_a_turned_clock_touches_nothing_live(test: Bearer, fleet: Fleet, account: Account, iccid: str) -> None:
    line = fleet.line(account)
    for counter in (0, 50 * MB):
        fleet.read(line, f"{clock.now():%Y-%m-%dT%H:%M}", counter)
    enforce_all()
    live = all_of(account)
    use(test, iccid, 3_000 * MB)
    turn(test, days=31)
    turn(test, days=20)
    assert all_of(account) == live
    sandbox = Sandbox.objects.get()
    theirs = all_of(sandbox.account)
    keep_days()
    enforce_all()
    assert colour_changes(today=clock.today()) == []
    assert all_of(sandbox.account)["states"] == theirs["states"]
    assert all_of(sandbox.account)["wallet"] == theirs["wallet"]


def test_live_and_test_never_meet(test: Bearer, fleet: Fleet, account: Account, iccid: str) -> None:
    line = fleet.line(account)
    live = Bearer(account, made(account, *Scope, name="live")[1])
    assert line.iccid not in test.call("GET", "iot_sim_cards").content.decode()
    assert test.call("GET", f"sim_card/{line.iccid}").status_code == 404
    assert test.call("POST", f"test_account/lines/{line.iccid}/usage", {"bytes": 1}).status_code == 404
    assert iccid not in live.call("GET", "iot_sim_cards").content.decode()
    assert live.call("GET", f"sim_card/{iccid}").status_code == 404
    for path in (f"lines/{iccid}/usage", f"lines/{line.iccid}/usage"):
        answer = live.call("POST", f"test_account/{path}", {"bytes": 1})
        assert (answer.status_code, b"api_test_" in answer.content) == (403, True)
    assert test.call("POST", "test_account").status_code == 403
    own = Account.objects.get(live=account)
    assert Bearer(own, live.headers["Authorization"].removeprefix("Bearer ")).call("GET", "").status_code == 401
    signed = client_of(own)
    assert signed.get("iot_sim_cards").json()["total"] == 2
    assert signed.get(f"sim_card/{line.iccid}").status_code == 404


def test_another_accounts_test_account_is_not_there(test: Bearer, fleet: Fleet, iccid: str) -> None:
    other = fleet.account()
    stranger = Bearer(other, made(other, *Scope, is_test=True)[1])
    assert stranger.call("GET", f"sim_card/{iccid}").status_code == 404
    assert use(stranger, iccid, 1).status_code == 404
    assert stranger.call("GET", "test_account").json()["iccids"] != []


def test_it_is_made_once_and_closed_for_good(account: Account) -> None:
    live = Bearer(account, made(account, *Scope)[1])
    assert live.call("GET", "test_account").status_code == 404
    first = live.call("POST", "test_account").json()
    assert live.call("POST", "test_account").json() == first
    assert live.call("GET", "test_account").json()["account_uuid"] == first["account_uuid"]
    signed = client_of(Account.objects.get(live=account))
    assert signed.get("iot_sim_cards").status_code == 200
    assert [live.call("DELETE", "test_account").status_code for _ in range(2)] == [200, 200]
    assert (live.call("GET", "test_account").status_code, signed.get("iot_sim_cards").status_code) == (404, 401)
    for _ in range(4):
        assert live.call("POST", "test_account").json()["account_uuid"] != first["account_uuid"]
        assert live.call("DELETE", "test_account").status_code == 200
    assert live.call("POST", "test_account").status_code == 429


def test_the_carrier_does_what_it_is_asked_to_do_wrong(test: Bearer, iccid: str) -> None:
    assert test.call("POST", "test_account/carrier", {"carrier": "refuses"}).json()["carrier"] == "refuses"
    test.call("POST", f"sim_card/{iccid}/deactivate")
    state = LineState.objects.select_related("line__drive").get(line__iccid=iccid)
    assert (state.reported_word, state.line.drive.is_refused) == ("on", True)
    test.call("POST", "test_account/carrier", {"carrier": "lags"})
    turn(test, seconds=3_600)
    assert LineState.objects.get(line__iccid=iccid).reported_word == "on"
    turn(test, seconds=900)
    turn(test, seconds=3_600)
    assert LineState.objects.get(line__iccid=iccid).reported_word == "off"
    test.call("POST", "test_account/carrier", {"carrier": "fails"})
    test.call("POST", f"sim_card/{iccid}/activation_ready")
    assert "does not answer" in LineState.objects.get(line__iccid=iccid).line.drive.last_error
    test.call("POST", "test_account/carrier", {"carrier": "none"})
    turn(test, seconds=3_600)
    assert card(test, iccid)["status"] == "Activated"


def test_messages_go_and_come(test: Bearer, iccid: str) -> None:
    sent = test.call("POST", f"sim_card/{iccid}/sms", {"text": "reboot"})
    assert sent.status_code == 200, sent.content
    assert test.call("POST", f"test_account/lines/{iccid}/sms", {"text": "done"}).status_code == 200
    found = test.call("GET", f"sim_card/{iccid}/sms").json()["data"]
    assert {(one["direction"], one["text"], one["status"]) for one in found} == {
        ("to_device", "reboot", "delivered"),
        ("from_device", "done", "received"),
    }
    assert balance(test) == Decimal("100") - Decimal("0.05") - Decimal("0.03")


def test_rules_fire_and_undo_by_its_clock(test: Bearer, iccid: str) -> None:
    rule = {
        "name": "5 MB",
        "trigger": "usage",
        "period": "day",
        "unit": "mb",
        "limit": 5,
        "action": "deactivate",
        "then": "next-day",
    }
    made_rule = test.call("POST", "rules", rule)
    assert made_rule.status_code == 200, made_rule.content
    use(test, iccid, 6 * MB)
    assert card(test, iccid)["status"] == "Deactivated"
    turn(test, days=1)
    assert card(test, iccid)["status"] == "Activated"
    assert RuleFire.objects.count() == 1


def test_rules_about_devices_and_messages_fire_within_the_call_by_its_clock(
    test: Bearer, iccid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(clock.VARIABLE, clock.real().isoformat())
    turn(test, days=3)
    for rule in (
        {"name": "moved", "trigger": "imei", "action": "deactivate", "then": "hours", "then_hours": 2},
        {"name": "help", "trigger": "sms", "word": "help", "action": "deactivate"},
    ):
        assert test.call("POST", "rules", rule).status_code == 200
    for imei in ("352099001761481", "490154203237518"):
        test.call("POST", f"test_account/lines/{iccid}/imei", {"imei": imei})
    assert card(test, iccid)["status"] == "Deactivated"
    fire = RuleFire.objects.get()
    assert fire.fired_at == clock.real() + dt.timedelta(days=3)
    assert (check_events(), follow_up(), check_rest()) == (0, 0, 0)  # the workers' clock is another one
    turn(test, seconds=7_199)
    assert card(test, iccid)["status"] == "Deactivated"
    Sandbox.objects.update(ahead=F("ahead") + dt.timedelta(seconds=60))
    assert settle_due() == 1  # nobody called: what rules planned is due by its clock
    assert card(test, iccid)["status"] == "Activated"
    test.call("POST", f"test_account/lines/{iccid}/sms", {"text": "please HELP me"})
    assert RuleFire.objects.filter(rule__name="help").count() == 1
    turn(test, days=1)  # a line that a rule has just turned rests before the next turns it
    assert card(test, iccid)["status"] == "Deactivated"
    assert RuleFire.objects.count() == 2


def test_a_rule_that_stands_by_ends_with_its_day(test: Bearer, iccid: str) -> None:
    use(test, iccid, 6 * MB)
    assert test.call("POST", f"sim_card/{iccid}/deactivate").status_code == 200
    rule = {"name": "5", "trigger": "usage", "period": "day", "unit": "mb", "limit": 5, "action": "deactivate"}
    assert test.call("POST", "rules", rule).status_code == 200
    assert RuleFire.objects.get().outcome == "stands-by"
    check_returned()
    turn(test, days=1)
    assert RuleFire.objects.get().outcome == "already-off"
    test.call("POST", f"sim_card/{iccid}/activation_ready")
    assert card(test, iccid)["status"] == "Activated"


def test_a_month_closes_by_its_clock(
    test: Bearer, account: Account, iccid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(clock.VARIABLE, clock.real().isoformat())
    use(test, iccid, 10 * MB)
    closed, today = Event.objects.filter(verb="statement.closed"), clock.today()
    closes = (today.replace(day=28) + dt.timedelta(days=4)).replace(day=4)  # 72 hours after the month's end
    turn(test, days=(closes - today).days - 1 - 5 * (today.day < 6))
    assert not closed.exists()
    turn(test, days=1 + 5 * (today.day < 6))
    (event,) = closed
    assert event.account is not None
    assert (event.account.live, event.subject, event.at.date()) == (account, f"statement:{today:%Y-%m}", closes)
    turn(test, seconds=1)
    assert close_statements(today=closes) == 0  # the workers leave it to its clock
    assert closed.count() == 1


def test_refusals_are_marked_as_answers_are(test: Bearer, account: Account) -> None:
    for verb, path in (("GET", "sim_card/8944500000000000017"), ("GET", "nothing"), ("POST", "test_account")):
        answer = test.call(verb, path)
        assert (answer.status_code in (403, 404), answer["X-Sample-Data"]) == (True, "true"), path
    assert test.call("POST", "test_account/balance", {"amount": "much"})["X-Sample-Data"] == "true"
    live = Bearer(account, made(account, *Scope, name="live")[1])
    for path in ("sim_card/8944500000000000017", "nothing", "test_account/lines"):
        assert "X-Sample-Data" not in live.call("GET", path)


def test_another_device_is_told(test: Bearer, iccid: str) -> None:
    for imei in ("352099001761481", "490154203237518"):
        assert test.call("POST", f"test_account/lines/{iccid}/imei", {"imei": imei}).status_code == 200
    assert Event.objects.filter(verb="imei.changed", subject=f"line:{iccid}").count() == 1


def test_nothing_of_it_is_money(test: Bearer, fleet: Fleet, account: Account, iccid: str) -> None:
    use(test, iccid, 1_000 * MB)
    test.call("POST", "test_account/balance", {"amount": -95})
    payer = Account.objects.get(live=account)
    assert Wallet.objects.get(account=payer).is_red
    assert [one.name for one in margins(by="account", month=clock.month())] == []
    assert Notice.objects.filter(account=payer).exists()
    assert claim_notice() is None
    assert test.call("POST", "orders", {"quantity": 20}).status_code in (403, 404, 422)
    assert [check for check in check_books()["checks"] if not check["ok"]] == []


def test_a_closed_test_account_owes_nothing_more(test: Bearer, account: Account, iccid: str) -> None:
    test.call("POST", "test_account/carrier", {"carrier": "fails"})
    live = Bearer(account, made(account, *Scope, name="live")[1])
    assert live.call("DELETE", "test_account").status_code == 200
    state = LineState.objects.get(line__iccid=iccid)
    assert (state.reported_word, OnSpan.objects.filter(ended_at=None).count(), Drive.objects.count()) == ("off", 0, 0)


def test_a_greedy_tester_has_a_share(test: Bearer) -> None:
    assert test.call("POST", "test_account/lines", {"count": MOST_LINES - 2}).status_code == 200
    answer = test.call("POST", "test_account/lines", {"count": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "too-many-lines")
    assert test.call("POST", "test_account/clock", {"days": 31, "seconds": 1}).status_code == 422


def test_what_waits_is_done_by_workers(test: Bearer, iccid: str) -> None:
    test.call("POST", "test_account/carrier", {"carrier": "fails"})
    test.call("POST", f"sim_card/{iccid}/deactivate")
    test.call("POST", "test_account/carrier", {"carrier": "none"})
    sandbox = Sandbox.objects.get()
    line = Line.objects.get(iccid=iccid)
    line.drive.due_at = None
    line.drive.save()
    assert settle_due() == 1
    assert LineState.objects.get(line=line).reported_word == "off"
    assert settle_due() == 0
    assert sandbox.account.is_test


def test_a_basic_accounts_calls_are_answered_in_its_test_account(fleet: Fleet) -> None:
    account = fleet.account()
    client = client_of(account)
    line = fleet.line(account)
    found = client.get("iot_sim_cards")
    assert (found["X-Sample-Data"], found.json()["total"], line.iccid in found.content.decode()) == ("true", 2, False)
    iccid = found.json()["data"][0]["iccid"]
    before = all_of(account)
    assert client.post(f"sim_card/{iccid}/activation_ready", {}).status_code == 200
    assert client.get(f"sim_card/{iccid}").json()["card"]["status"] == "Activated"
    assert all_of(account) == before


def test_a_sub_accounts_test_account_is_of_its_accounts(fleet: Fleet) -> None:
    account = fleet.account()
    one, two = (client_of(fleet.account(parent=account)) for _ in range(2))
    cards = [client.get("iot_sim_cards").json() for client in (one, two)]
    assert [found["total"] for found in cards] == [2, 2]
    assert cards[0]["data"][0]["iccid"] != cards[1]["data"][0]["iccid"]
    assert one.get("current_balance").status_code == 404
    assert one.post("test_account/clock", {"days": 1}).status_code == 404
    assert Sandbox.objects.count() == 1
