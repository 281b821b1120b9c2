"""The pages of rules: written, tried, switched, deleted; what they did; and whose they are."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from django.test import Client
from kit.sheets import undefused
from kombu.exceptions import OperationalError

from accounts.models import Membership, User
from accounts.policy import Role
from accounts.queries import owner_of
from automation.models import FollowUp, Rule, RuleFire
from automation.policy import Trigger
from automation.work import rules
from lines.models import LineSetting
from tests.automation.ruled import Ruled, wish
from tests.evenly import evenly
from tests.responses import ClientResponse, streamed_content

RULES, NEW, ACTIVITY = "/automation/rules/", "/automation/rules/new/", "/automation/activity/"
FILLED = {
    "name": "512 MB a day",
    "trigger": "usage",
    "limit": "512",
    "unit": "mb",
    "period": "day",
    "action": "deactivate",
    "then": "next-day",
}


@pytest.fixture
def client(ruled: Ruled) -> Client:
    client = Client()
    client.force_login(owner_of(ruled.account))
    return client


@pytest.fixture(autouse=True)
def no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("automation.tasks.act.delay", lambda: None)


def send(client: Client, do: str = "save", path: str = NEW, **changes: object) -> ClientResponse:
    return client.post(path, FILLED | {"do": do} | changes)


def test_a_rule_is_saved_once_and_without_redis_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise OperationalError

    monkeypatch.setattr("automation.tasks.act.delay", fails)
    for _ in range(2):  # a second click
        assert send(client).status_code == 302
    assert Rule.objects.count() == 1
    send(client, name="another")
    assert Rule.objects.count() == 2


def test_an_empty_page_teaches_and_offers_the_tutorials_examples(client: Client) -> None:
    page = client.get(RULES).content.decode()
    assert "No rules yet" in page
    assert "?like=monthly" in page
    form = client.get(NEW, {"like": "monthly"}).content.decode()
    assert "When a line uses more than $200.00 in a month, it is deactivated at once and activated again" in form


def test_a_rule_is_written_changed_switched_and_deleted(client: Client, ruled: Ruled) -> None:
    assert send(client).status_code == 302
    rule = Rule.objects.get()
    assert (rule.limit, rule.period, rule.then, rule.is_on) == (Decimal(512), "day", "next-day", True)
    page = client.get(RULES).content.decode()
    assert "When a line uses more than 512 MB in a day" in page
    edit = f"{RULES}{rule.uuid.hex}/"
    assert 'value="512"' in client.get(edit).content.decode()
    send(client, path=edit, limit="600.5", name="600 MB")
    rule.refresh_from_db()
    assert (rule.limit, rule.name) == (Decimal("600.5"), "600 MB")
    client.post(f"{edit}switch/", {"on": "0"})
    rule.refresh_from_db()
    assert not rule.is_on
    client.post(f"{edit}delete/")
    assert "600 MB" not in client.get(RULES, follow=True).content.decode().replace("“600 MB”", "")
    assert client.get(edit).status_code == 404


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"limit": "0"}, "Give a number over 0"),
        ({"limit": "-5"}, "Give a number over 0"),
        ({"limit": "abc"}, "is not an amount"),
        ({"limit": ""}, "Give a number over 0"),
        ({"name": ""}, "This field is required"),
        ({"action": ""}, "This field is required"),
        ({"action": "tell"}, "Choose who is told"),
        ({"holder": "f" * 32}, "Select a valid choice"),
        ({"only_iccids": "123"}, "ICCIDs have 18 to 22 digits"),
        ({"only_iccids": "8944000000000000000"}, "Not among your lines"),
        ({"then": "hours", "then_hours": "0"}, "Give whole hours"),
    ],
)
def test_bad_input_is_refused_at_its_field_and_what_was_written_stays(
    client: Client, changes: dict[str, str], problem: str
) -> None:
    answer = send(client, **changes)
    assert answer.status_code == 422
    assert problem in answer.content.decode()
    assert not Rule.objects.exists()
    if "name" not in changes:
        assert "512 MB a day" in answer.content.decode()


def test_the_number_of_lines_in_scope_and_the_words_follow_the_form(client: Client, ruled: Ruled) -> None:
    harbour = ruled.fleet.account(parent=ruled.account)
    ruled.fleet.lines(ruled.account, 3)
    ruled.fleet.lines(harbour, 2)
    ruled.fleet.lines(ruled.fleet.account(), 4)
    htmx = {"HX-Request": "true"}
    whole = client.post(NEW, FILLED | {"do": "preview"}, headers=htmx).content.decode()
    assert "<strong>5 lines</strong>" in whole
    assert "<form" not in whole
    part = client.post(NEW, FILLED | {"do": "preview", "holder": harbour.uuid.hex, "limit": "x"}, headers=htmx)
    assert "<strong>2 lines</strong>" in part.content.decode()
    assert "not whole yet" in part.content.decode()


def test_a_rule_is_tried_on_the_last_thirty_days(client: Client, ruled: Ruled) -> None:
    """0.01 a MB. 700 MB on the 1st, 400 on the 2nd, 612 on the 20th: it would have fired twice and saved 2.88."""
    line = ruled.line()
    stranger = ruled.line(ruled.fleet.account())
    for day, megabytes in ((1, 700), (2, 400), (20, 612)):
        ruled.clock(f"2026-11-{day:02}T12:00")
        ruled.reads(line, megabytes)
        ruled.reads(stranger, megabytes)
    page = evenly(send(client, "try").content.decode())
    assert "<strong>2 times</strong>" in page
    assert "<strong>1 line</strong>" in page
    assert "<strong>$2.88</strong>" in page  # (700 - 512 + 612 - 512) x 0.01
    assert stranger.iccid[:4] + "</span>" in page
    assert f"/lines/{line.iccid}/" in page
    assert f"/lines/{stranger.iccid}/" not in page
    assert not Rule.objects.exists()


def test_activity_says_why_and_what_follows_and_is_filtered(client: Client, ruled: Ruled) -> None:
    first, second = ruled.line(), ruled.line()
    rule = ruled.daily()
    ruled.uses(first, 600)
    ruled.at("2026-11-21T00:00")
    ruled.clock("2026-11-21T10:00")
    ruled.uses(second, 700)
    page = client.get(ACTIVITY).content.decode()
    assert "Used 600 MB on 20 November 2026, over 512 MB" in page
    assert "Activate at" in page
    for query, seen in (
        ({"line": first.iccid[-6:]}, {first.iccid}),
        ({"rule": rule.uuid.hex}, {first.iccid, second.iccid}),
        ({"rule": "0" * 32}, set()),
        ({"outcome": "shadow"}, set()),
        ({"from": "2026-11-21"}, {second.iccid}),
        ({"to": "2026-11-20"}, {first.iccid}),
        ({"from": "never", "before": "x", "line": "'"}, {first.iccid, second.iccid}),
    ):
        found = client.get(ACTIVITY, query, follow=True).content.decode()
        assert {line.iccid for line in (first, second) if f"/lines/{line.iccid}/" in found} == seen, query
    answer = client.get("/automation/activity.csv", {"line": first.iccid})
    rows = list(csv.reader(io.StringIO(streamed_content(answer).decode("utf-8-sig"))))
    assert [undefused(row[2]) for row in rows] == ["ICCID", first.iccid]
    assert rows[1][6:9] == ["Activate", "2026-11-21 00:00:00", "done"]


def test_a_cell_of_the_csv_is_never_a_formula(client: Client, ruled: Ruled) -> None:
    line = ruled.line()
    ruled.daily(name="=HYPERLINK(1)")
    ruled.uses(line, 600)
    answer = client.get("/automation/activity.csv")
    assert b"'=HYPERLINK(1)" in streamed_content(answer)


def test_a_follow_up_is_cancelled_or_run_from_the_page_and_the_second_click_is_told(
    client: Client, ruled: Ruled
) -> None:
    line = ruled.line()
    ruled.daily()
    ruled.uses(line, 600)
    number = FollowUp.objects.get().pk
    client.post(f"/automation/follow-ups/{number}/run/", {"next": ACTIVITY})
    assert wish(line)[0] == "ACTIVE"
    again = client.post(f"/automation/follow-ups/{number}/cancel/", {"next": "https://evil.example/"}, follow=True)
    assert again.redirect_chain[0][0] == ACTIVITY
    assert "has ended already" in again.content.decode()


def test_to_strangers_and_to_those_without_the_right_none_of_it_exists(client: Client, ruled: Ruled) -> None:
    line = ruled.line()
    rule = ruled.daily(name="CANARY")
    ruled.uses(line, 600)
    follow_up = FollowUp.objects.get()
    changes = [f"{RULES}{rule.uuid.hex}/", f"{RULES}{rule.uuid.hex}/switch/", f"{RULES}{rule.uuid.hex}/delete/"]
    changes += [f"/automation/follow-ups/{follow_up.pk}/{act}/" for act in ("run", "cancel")]
    subaccount = ruled.fleet.account(parent=ruled.account)
    stranger = ruled.fleet.account()
    for account, sees in ((stranger, 200), (subaccount, 404)):
        other = Client()
        other.force_login(owner_of(account))
        for path in (RULES, ACTIVITY, "/automation/activity.csv"):
            answer = other.get(path)
            assert answer.status_code == sees
            body = streamed_content(answer) if answer.streaming else answer.content
            assert b"CANARY" not in body
        for path in changes:
            assert other.post(path, FILLED).status_code == 404, path
    viewer, place = (
        Client(),
        Membership.objects.create(
            account=ruled.account, user=User.objects.create_user("viewer@acme.example"), role=Role.VIEWER
        ),
    )
    viewer.force_login(place.user)
    assert "CANARY" in viewer.get(RULES).content.decode()
    assert "Delete" not in viewer.get(RULES).content.decode()
    for path in [NEW, *changes]:
        assert viewer.post(path, FILLED).status_code == 404, path
    follow_up.refresh_from_db()
    assert follow_up.state == "open"


def test_a_try_out_of_other_triggers_answers_too(client: Client, ruled: Ruled) -> None:
    line = ruled.line()
    for day in (1, 10):
        ruled.clock(f"2026-11-{day:02}T12:00")
        ruled.reads(line, 600)
    ruled.clock("2026-11-20T12:00")
    for changes, said in (
        ({"trigger": "silence", "hours": "48"}, "<strong>2 times</strong>"),  # the 2nd to 9th, the 11th to 19th
        ({"trigger": "cost", "limit": "5"}, "<strong>2 times</strong>"),
        ({"trigger": "imei"}, "would not have fired"),
        ({"trigger": "sms", "word": "stop"}, "would not have fired"),
        ({"period": "month", "unit": "usd", "limit": "7"}, "<strong>$5.00</strong>"),
    ):
        assert said in evenly(send(client, "try", **changes).content.decode()), changes


def test_the_owner_reads_what_a_shadow_would_have_done(client: Client, ruled: Ruled) -> None:
    line = ruled.line()
    ruled.daily(is_shadow=True, trigger=Trigger.USAGE)
    ruled.uses(line, 600)
    rules.check_rest()
    assert "Recorded only" in client.get(ACTIVITY).content.decode()
    assert RuleFire.objects.count() == 1


def test_the_page_of_an_imei_rule_turns_the_carriers_own_lock_on(client: Client, ruled: Ruled) -> None:
    ruled.line()
    other = ruled.line(kind="iotportal")
    filled = {"name": "Another device", "trigger": "imei", "action": "deactivate"}
    page = client.post(NEW, filled | {"do": "preview"}).content.decode()
    assert "Turn on the carrier’s IMEI lock for 1 line" in page
    assert "Simbase’s own" not in page or "IMEI lock acts at once" in page
    answer = client.post(NEW, {"trigger": "imei", "do": "lock"})  # the rule need not be whole
    assert "IMEI lock requested for 1 line." in answer.content.decode()
    row = LineSetting.objects.get()
    assert (row.name, row.wanted, row.line_id != other.pk) == ("imei_lock", "on", True)
    assert not Rule.objects.exists()
    assert "IMEI lock for" not in client.post(NEW, filled | {"do": "preview"}).content.decode()
