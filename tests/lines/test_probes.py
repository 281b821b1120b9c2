"""What machines are told: health, readiness, figures; and what the logs say."""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import Any

import pytest
from console import vitals
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client, override_settings
from kit import broker, clock, kept, logs
from prometheus_client.parser import text_string_to_metric_families

from accounts.branding import hosts
from accounts.models import Brand
from accounts.policy import OPERATOR
from lines.commands.breakers import lift
from lines.models import Breaker, Drive, LineState, Quarantine, ReadingPass
from tests.evenly import evenly
from tests.fleets import Fleet

STRANGER: dict[str, Any] = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    kept.forget()


def asked(path: str, **given: Any) -> tuple[int, dict[str, Any]]:
    answer = Client().get(path, **given)
    return answer.status_code, json.loads(answer.content)


def read(fleet: Fleet, *, ago: float, lost: int = 0) -> None:
    began = clock.now() - dt.timedelta(seconds=ago)
    for carrier in fleet.carriers.values():
        ReadingPass.objects.create(carrier=carrier, started_at=began, finished_at=clock.now(), readings=1, lost=lost)


def figures() -> dict[str, dict[tuple[str, ...], float]]:
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {one.name: {tuple(s.labels.values()): s.value for s in one.samples} for one in families}


def test_health_is_good_while_carriers_are_read_and_bad_after_three_turns_without(fleet: Fleet) -> None:
    fleet.line(fleet.account())
    Drive.objects.all().delete()
    read(fleet, ago=100)
    assert asked("/healthz") == (200, {"status": "ok"})
    ReadingPass.objects.update(started_at=clock.now() - dt.timedelta(seconds=3 * 300 + 100))
    status, said = asked("/healthz")
    assert (status, said["status"]) == (503, "failing")
    assert "simbase" in said["problems"][0]
    assert asked("/readyz") == (200, {"status": "ok"})
    read(fleet, ago=10, lost=1)  # in part is not read
    assert asked("/healthz")[0] == 503
    read(fleet, ago=10)
    assert asked("/healthz")[0] == 200


def test_a_carrier_without_lines_is_missed_by_nobody(fleet: Fleet) -> None:
    for carrier in fleet.carriers.values():
        carrier.created_at = clock.now() - dt.timedelta(days=1)
        carrier.save()
    assert asked("/healthz")[0] == 200
    fleet.line(fleet.account())
    Drive.objects.all().delete()
    assert asked("/healthz")[0] == 503


def test_the_oldest_due_work_makes_health_bad(fleet: Fleet) -> None:
    fleet.line(fleet.account())
    read(fleet, ago=10)
    Drive.objects.update(since=clock.now() - dt.timedelta(minutes=14))
    assert asked("/healthz")[0] == 200
    Drive.objects.update(since=clock.now() - dt.timedelta(minutes=16))
    assert asked("/healthz") == (
        503,
        {"status": "failing", "problems": ["The oldest of 1 commands has been due for 960 s."]},
    )
    with pytest.raises(CommandError, match="960 s"):
        call_command("check_health")
    Drive.objects.update(due_at=clock.now() + dt.timedelta(minutes=5))
    assert asked("/healthz")[0] == 200


def test_an_unmigrated_or_absent_database_fails_both(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'lines'")
    for path in ("/healthz", "/readyz"):
        assert asked(path) == (
            503,
            {"status": "failing", "problems": ["The database is not migrated. Run manage.py migrate."]},
        )

    def gone(*_given: object) -> None:
        raise OperationalError("connection refused\n\tIs the server running?")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", gone)
        for path in ("/healthz", "/readyz"):
            status, said = asked(path)
            assert status == 503
            assert said["problems"] == ["The database does not answer: connection refused Is the server running?"]
        assert "linekeeper_up 0.0" in Client().get("/metrics").content.decode()


def test_strangers_are_told_whether_and_not_what(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "problems", lambda: ["The books are wrong."])
    told, untold = {"status": "failing", "problems": ["The books are wrong."]}, {"status": "failing"}
    assert asked("/healthz")[1] == told
    assert asked("/healthz", **STRANGER)[1] == untold
    assert asked("/healthz", HTTP_X_FORWARDED_FOR="127.0.0.1")[1] == untold  # a proxy on this machine
    assert Client().get("/metrics", **STRANGER).status_code == 404
    for header in ("X_FORWARDED_FOR", "X_FORWARDED_PROTO", "X_REAL_IP", "VIA", "FORWARDED"):  # whichever it sets
        assert Client().get("/metrics", headers={header.replace("_", "-"): "203.0.113.7"}).status_code == 404, header
    with override_settings(METRICS_TOKEN="a-long-token"):
        for given, status in (("Bearer a-long-token", 200), ("Bearer another", 404), ("a-long-token", 404)):
            assert Client().get("/metrics", HTTP_AUTHORIZATION=given, **STRANGER).status_code == status
        assert asked("/healthz", HTTP_AUTHORIZATION="Bearer a-long-token", **STRANGER)[1] == told


def test_probes_ask_for_no_host_no_session_and_no_tls(db: None) -> None:
    with override_settings(ALLOWED_HOSTS=["console.example.com"], SECURE_SSL_REDIRECT=True):
        answer = Client().get("/readyz", headers={"host": "10.0.0.5:8000"})
    assert (answer.status_code, answer.cookies, answer["Cache-Control"]) == (200, {}, "no-store")
    assert Client().post("/readyz").status_code in (403, 404)


def test_the_figures_say_how_carriers_work_and_the_database_are(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    read(fleet, ago=120)
    Drive.objects.update(since=clock.now() - dt.timedelta(seconds=50))
    Breaker.objects.create(carrier=line.carrier, kind="devices", open_until=clock.now(), failures=7)
    until = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)  # its times are real ones
    Breaker.objects.create(carrier=line.carrier, kind="messages", paused_until=until)
    Quarantine.objects.create(carrier=line.carrier, line=line, call="record", error="odd", digest="0", body=b"{}")
    assert Client().get("/accounts/login/").status_code == 200
    found = figures()
    assert found["linekeeper_up"] == {(): 1.0}
    assert 115 < found["linekeeper_reading_lag_seconds"][("simbase",)] < 200
    assert found["linekeeper_calls_left_today"] == {("simbase",): 5000.0}
    assert found["linekeeper_records_set_aside"] == {("simbase",): 1.0, ("iotportal",): 0.0}
    assert found["linekeeper_commands_pending"][("simbase",)] == 1.0
    assert found["linekeeper_breaker_open"][("simbase", "devices")] == 1.0
    assert sum(found["linekeeper_breaker_open"].values()) == 1.0
    assert found["linekeeper_calls_paused"][("simbase", "messages")] == 1.0
    assert found["linekeeper_work_due"][("commands",)] == 1.0
    assert 45 < found["linekeeper_work_oldest_due_seconds"][("commands",)] < 120
    assert found["linekeeper_database_connections"][("active",)] >= 1
    assert found["linekeeper_http_requests"]
    lift(carrier=line.carrier, by=OPERATOR)
    assert sum(figures()["linekeeper_breaker_open"].values()) == 0.0


def test_an_odd_record_is_shown_until_the_next_good_one(fleet: Fleet) -> None:
    from tests.console.console_people import client_of

    account = fleet.account()
    sub = fleet.account(parent=account)
    line = fleet.line(sub)
    row = Quarantine.objects.create(
        carrier=line.carrier, line=line, call="record", error="Expected `int`", digest="0", body=b"{}"
    )
    page = client_of(account).get(f"/lines/{line.iccid}/").content.decode()
    assert "can’t be read (Expected `int`)" in page
    assert "1 line can’t be read" in evenly(client_of(account).get("/").content.decode())
    theirs = client_of(sub).get(f"/lines/{line.iccid}/").content.decode()
    assert "can’t be read" in theirs
    assert "Expected" not in theirs
    LineState.objects.filter(line=line).update(read_at=row.at + dt.timedelta(seconds=1))
    assert "can’t be read" not in client_of(account).get(f"/lines/{line.iccid}/").content.decode()
    assert "can’t be read" not in client_of(account).get("/").content.decode()


def test_redis_that_does_not_answer_is_said_and_hurts_nobody(db: None) -> None:
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        assert not broker.answers()
        assert asked("/healthz")[0] == 200
        assert "linekeeper_broker_up 0.0" in Client().get("/metrics").content.decode()


def formatted(kind: type[logging.Formatter], error: Exception | None = None, **extra: Any) -> str:
    record = logging.LogRecord("lines", logging.ERROR, "x.py", 1, "%s went wrong", ("it",), None)
    if error is not None:
        try:
            raise error
        except type(error) as raised:
            record.exc_info = (type(raised), raised, raised.__traceback__)
    record.__dict__.update(extra)
    return kind().format(record)


def test_each_line_is_json_with_what_was_being_done() -> None:
    with logs.doing(request="abc"), logs.doing(carrier_call="def"):
        said = json.loads(formatted(logs.JsonFormatter, carrier="Simbase", secret="hidden"))
    assert said | {"at": ""} == {
        "at": "",
        "level": "ERROR",
        "logger": "lines",
        "message": "it went wrong",
        "request": "abc",
        "carrier_call": "def",
        "carrier": "Simbase",
    }
    assert "request" not in json.loads(formatted(logs.JsonFormatter))
    assert formatted(logs.LineFormatter) == "it went wrong"


def test_a_dead_database_is_one_line_and_our_own_faults_keep_their_trace() -> None:
    dead = OperationalError("connection failed:\n\tIs the server running?")
    for kind in (logs.LineFormatter, logs.JsonFormatter):
        line = formatted(kind, dead)
        assert "\n" not in line
        assert "Traceback" not in line
        assert "OperationalError: connection failed: Is the server running?" in line
        assert "Traceback" in formatted(kind, ValueError("ours"))


def test_a_request_has_an_id_of_its_own_or_the_one_that_it_came_with(db: None) -> None:
    assert len(Client().get("/accounts/login/")["X-Request-ID"]) == 16
    assert Client().get("/accounts/login/", headers={"x-request-id": "from-proxy-1"})["X-Request-ID"] == "from-proxy-1"
    odd = Client().get("/accounts/login/", headers={"x-request-id": 'a b"c'})["X-Request-ID"]
    assert len(odd) == 16
    handlers: Any = settings.LOGGING["handlers"]
    assert handlers["stderr"]["formatter"] == "line"


def test_the_version_is_told_to_this_machine_and_to_nobody_else(db: None) -> None:
    status, said = asked("/version")
    assert status == 200
    assert said["version"]
    assert said["migrations"]["lines"] == max(
        path.stem for path in (settings.BASE_DIR / "lines" / "migrations").glob("0*.py")
    )
    assert Client().get("/version", **STRANGER).status_code == 404


def test_a_certificate_is_for_our_own_hosts_and_domains_that_are_live(fleet: Fleet) -> None:
    account = fleet.account()
    Brand.objects.create(account=account, name="Acme", domain="sims.acme.example")
    hosts.forget()

    def ask(domain: str, **more: Any) -> int:
        return Client().get("/certificate", {"domain": domain}, **{"REMOTE_ADDR": "172.18.0.3", **more}).status_code

    with override_settings(ALLOWED_HOSTS=hosts.AllowedHosts(["console.example.com", ".example.org"])):
        assert ask("console.example.com") == 200
        assert ask("sims.acme.example") == 404  # the operator has not said yes
        Brand.objects.update(domain_live_at=clock.now())
        hosts.forget()
        assert ask("SIMS.acme.example") == 200
        assert ask("any.example.org") == ask("") == ask("other.example") == 404
        assert ask("console.example.com", HTTP_X_FORWARDED_FOR="203.0.113.7") == 404  # over Caddy, by anybody
    hosts.forget()
