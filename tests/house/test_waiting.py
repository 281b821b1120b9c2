"""A sweep is rung for when it has work, at the moments at which it always was; one that has none is left alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from config import waiting
from config.settings.work import CELERY_BEAT_SCHEDULE
from config.sweeping import SweepingScheduler
from config.waiting import SILENCE, WORK, Waiting
from django.db import OperationalError, connection
from kit import clock

from accounts.commands import record, waiting_letters
from accounts.policy import OPERATOR, SYSTEM
from automation import tasks as rules
from automation.commands.rules import Draft, add_rule
from automation.commands.webhooks import add_webhook
from automation.models import FollowUp, RuleFire
from automation.policy import Act, Action, Outcome, Trigger
from automation.work import webhooks as sending
from billing.commands.notices import tell
from billing.commands.statements import ask_statement
from billing.models import Payment, Refund, WebhookEvent
from billing.policy import Decision, PaymentState
from billing.words import Told
from lines.carriers.base import Setting
from lines.commands import passes, sms
from lines.commands.changes import note_changed_lines
from lines.commands.jobs import start_job
from lines.commands.sandbox import make_sandbox
from lines.commands.settings import set_on_line
from lines.commands.usage_exports import ask_usage_export
from lines.commands.wishes import deactivate
from lines.models import Carrier, CarrierCost, Drive, FinalTotal, Line, LineState, Move, ReadingPass, SmsLook, ToldLine
from lines.policy import Action as JobAction
from lines.policy import ExportKind
from lines.queries.sought import Sought
from tests.fleets import ON, Fleet

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def fleet(db: None) -> Fleet:
    """An installation that has read all its carriers and has nothing to do."""
    fleet = Fleet()
    line = fleet.line(fleet.account())
    LineState.objects.filter(pk=line.pk).update(reported=ON.switch, confirmed_at=clock.now())
    quiet()
    return fleet


def quiet() -> None:
    Drive.objects.all().delete()
    for carrier in Carrier.objects.all():
        passes.finish_passes(carrier=carrier)
        ReadingPass.objects.create(carrier=carrier, finished_at=clock.now())
    rules.act()
    rules.send_webhooks()


def found() -> set[str]:
    return set(waiting._found())


def line_of(fleet: Fleet) -> Line:
    return Line.objects.select_related("carrier", "account", "payer").get()


def an_event(fleet: Fleet, verb: str) -> None:
    line = line_of(fleet)
    record(by=SYSTEM, verb=verb, account_id=line.account_id, subject=f"line:{line.iccid}", detail={})


def a_rule(trigger: Trigger, **more: Any) -> None:
    from tests.automation.ruled import MIA

    draft = Draft(name="a rule", trigger=trigger, action=Action.DEACTIVATE, **more)
    add_rule(account=Line.objects.get().account, draft=draft, by=MIA)  # type: ignore[arg-type]


def a_rule_and_an_event(fleet: Fleet, trigger: Trigger, verb: str, **more: Any) -> None:
    a_rule(trigger, **more)
    rules.act()
    an_event(fleet, verb)


def a_fire(outcome: Outcome, *, mail_due: bool = False) -> RuleFire:
    a_rule(Trigger.SILENCE, hours=5)
    rules.act()
    line = Line.objects.get()
    assert line.account is not None
    rule = line.account.rules.get()
    return RuleFire.objects.create(
        rule=rule,
        account=line.account,
        line=line,
        period="day:2099-01-01",
        because="",
        outcome=outcome,
        mail_due=mail_due,
    )


def test_every_sweep_that_is_asked_for_is_one_that_beat_rings() -> None:
    every = {entry["task"]: entry["schedule"] for entry in CELERY_BEAT_SCHEDULE.values()}
    assert {every.get(task) for task in WORK} <= {2.0, 5.0}
    assert len(set(SILENCE.values())) == len(WORK)
    assert max(SILENCE.values()) <= 180


def test_an_installation_with_nothing_to_do_is_left_alone(fleet: Fleet) -> None:
    assert found() == set()


READ = "lines.tasks.read_usage"
ACT, HOOKS = "automation.tasks.act", "automation.tasks.send_webhooks"


def drive(fleet: Fleet, due_at: dt.datetime | None = None) -> None:
    line = line_of(fleet)
    Drive.objects.create(line=line, carrier=line.carrier, due_at=due_at)


def a_chunk(due_at: dt.datetime | None = None) -> None:
    carrier = Carrier.objects.get(kind="simbase")
    [passes.plan_pass(carrier=carrier, by_page=True, planned_for=clock.now())]
    carrier.passes.latest("pk").chunks.update(due_at=due_at)


def a_move(fleet: Fleet) -> None:
    payer = line_of(fleet).payer
    assert payer is not None
    Move.objects.create(account=payer, carrier=line_of(fleet).carrier, began_by="Mia")


def a_follow_up(_: Fleet) -> None:
    fire = a_fire(Outcome.SET)
    FollowUp.objects.create(fire=fire, line=Line.objects.get(), act=Act.ACTIVATE, due_at=clock.now())


def a_delivery(_: Fleet) -> None:
    from automation.commands.webhooks import send_test

    account = Line.objects.get().account
    assert account is not None
    one = add_webhook(account=account, url="https://hooks.example.com/a", topics=["rules"], by=OPERATOR)
    sending.plan()
    send_test(account=account, endpoint=one, by=OPERATOR)


def a_payment(fleet: Fleet, *, is_refunded: bool = False) -> None:
    payment = Payment.objects.create(
        account=fleet.account(),
        amount=Decimal(5),
        state=PaymentState.SUCCEEDED if is_refunded else PaymentState.PENDING,
        card_id="pm_1",
        last4="4242",
        by="mia",
        ask_at=None if is_refunded else clock.now(),
        ended_at=clock.now() if is_refunded else None,
    )
    if is_refunded:
        Refund.objects.create(payment=payment, amount=Decimal(1), reason="asked", by="mia", state=Decision.OPEN)


def an_old_pass(_: Fleet) -> None:
    carrier = Carrier.objects.get(kind="simbase")
    carrier.passes.update(started_at=clock.now() - dt.timedelta(seconds=carrier.read_every))


def a_final(_: Fleet) -> None:
    line = Line.objects.get()
    FinalTotal.objects.create(
        line=line, carrier=Carrier.objects.get(pk=line.carrier_id), cycle=dt.date(2026, 10, 1), due_at=clock.now()
    )


def a_cost(fleet: Fleet) -> None:
    line = line_of(fleet)
    CarrierCost.objects.create(line=line, carrier=line.carrier, month=dt.date(2026, 10, 1), due_at=clock.now())


WORKS: list[tuple[str, Callable[[Fleet], object]]] = [
    ("automation.tasks.settle_test_accounts", lambda fleet: make_sandbox(account=fleet.account(), by=OPERATOR)),
    ("lines.tasks.plan_passes", an_old_pass),
    ("lines.tasks.plan_passes", lambda _: ReadingPass.objects.all().delete()),
    (READ, lambda _: a_chunk()),
    (READ, lambda _: a_chunk(clock.now() + 2 * HOUR)),
    (READ, a_final),
    (READ, a_cost),
    (
        "lines.tasks.read_told_lines",
        lambda fleet: ToldLine.objects.create(line=line_of(fleet), carrier=line_of(fleet).carrier),
    ),
    ("lines.tasks.drive_lines", lambda fleet: deactivate(line=line_of(fleet), by=OPERATOR)),
    ("lines.tasks.drive_lines", lambda fleet: drive(fleet, clock.now() + 2 * HOUR)),
    (
        "lines.tasks.drive_lines",
        lambda fleet: set_on_line(line=line_of(fleet), setting=Setting.THROTTLE, value="100", by=OPERATOR),
    ),
    ("lines.tasks.handle_messages", lambda fleet: sms.send_sms(line=line_of(fleet), text="reboot", by=OPERATOR)),
    (
        "lines.tasks.handle_messages",
        lambda fleet: SmsLook.objects.create(line=line_of(fleet), carrier=line_of(fleet).carrier, is_due=True),
    ),
    ("lines.tasks.move_lines", a_move),
    (
        "lines.tasks.work_jobs",
        lambda fleet: start_job(
            account=line_of(fleet).account,  # type: ignore[arg-type]
            lines=Line.objects.all(),
            action=JobAction.DEACTIVATE,
            selection="all",
            by=OPERATOR,
        ),
    ),
    (
        "lines.tasks.write_statements",
        lambda fleet: ask_statement(
            account=line_of(fleet).account,  # type: ignore[arg-type]
            month=clock.today().replace(day=1),
            format="csv",
            by=OPERATOR,
        ),
    ),
    (
        "lines.tasks.write_usage_exports",
        lambda fleet: ask_usage_export(
            account=line_of(fleet).account,  # type: ignore[arg-type]
            kind=ExportKind.DAYS,
            format="csv",
            start=clock.today(),
            end=clock.today(),
            sought=Sought(),
            said="all lines",
            sees_money=True,
            by=OPERATOR,
        ),
    ),
    (
        "accounts.tasks.mail_invitations",
        lambda _: waiting_letters.post(account=None, to="mia@acme.example", subject="hello", text="there"),
    ),
    (
        "billing.tasks.send_notices",
        lambda fleet: tell(account_id=line_of(fleet).account_id, key="k", told=Told("Hello", "there")),  # type: ignore[arg-type]
    ),
    ("billing.tasks.ask_stripe", a_payment),
    ("billing.tasks.ask_stripe", lambda fleet: a_payment(fleet, is_refunded=True)),
    (
        "billing.tasks.ask_stripe",
        lambda _: WebhookEvent.objects.create(stripe_id="evt_1", type="x", thing={}, happened_at=clock.now()),
    ),
    (ACT, lambda fleet: note_changed_lines(line_ids=[line_of(fleet).pk])),
    (ACT, a_follow_up),
    (ACT, lambda _: a_rule(Trigger.SILENCE, hours=5)),
    (ACT, lambda _: a_fire(Outcome.STANDS_BY)),
    (ACT, lambda _: a_fire(Outcome.TOLD, mail_due=True)),
    (ACT, lambda fleet: a_rule_and_an_event(fleet, Trigger.IMEI, "imei.changed")),
    (ACT, lambda fleet: a_rule_and_an_event(fleet, Trigger.SMS, "sms.received", word="alarm")),
    (HOOKS, lambda fleet: an_event(fleet, "balance.low")),
    (HOOKS, lambda fleet: (deactivate(line=line_of(fleet), by=OPERATOR), sending.plan())),
    (HOOKS, a_delivery),
]


@pytest.mark.parametrize(("task", "begin"), WORKS)
def test_what_is_due_is_rung_for(fleet: Fleet, task: str, begin: Callable[[Fleet], object]) -> None:
    begin(fleet)
    assert task in found()


def test_every_sweep_that_is_asked_for_has_work_here() -> None:
    assert {task for task, _ in WORKS} == set(WORK)


def test_what_is_due_later_is_rung_for_later(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    later = clock.now() + dt.timedelta(minutes=20)
    drive(fleet, later)
    a_chunk(later)
    assert found() == set()
    monkeypatch.setenv(clock.VARIABLE, later.isoformat())
    assert found() >= {"lines.tasks.drive_lines", READ}


class Answers:
    """A database that says what is due, and counts how often it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *due: str) -> None:
        self.due, self.asked, self.now = frozenset(due), 0, 1000.0
        monkeypatch.setattr(waiting, "_found", self._found)
        monkeypatch.setattr("config.waiting.time.monotonic", lambda: self.now)
        monkeypatch.setattr("config.waiting.connection.close", lambda: None)

    def _found(self) -> frozenset[str]:
        self.asked += 1
        return self.due


def test_one_question_is_for_all_whose_turn_it_is_and_silence_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(monkeypatch)
    one = Waiting()
    assert all(one.is_worth(task) for task in WORK)  # beat has just begun
    answers.now += 5
    assert not any(one.is_worth(task) for task in WORK)
    assert answers.asked == 1
    answers.due = frozenset([READ])
    answers.now += 5
    assert [task for task in WORK if one.is_worth(task)] == [READ]
    assert one.is_worth("billing.tasks.refill_balances")  # nobody asks for it: each of its bells is rung
    answers.due = frozenset()
    began, rung = answers.now, dict.fromkeys(WORK, 0)
    while answers.now < began + 2 * max(SILENCE.values()):
        answers.now += 5
        for task in WORK:
            rung[task] += one.is_worth(task)
    assert min(rung.values()) >= 2


def test_a_database_that_does_not_answer_has_every_bell_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OperationalError("the server went away")

    closed: list[int] = []
    monkeypatch.setattr(waiting, "prepared", gone)
    monkeypatch.setattr("config.waiting.connection.close", lambda: closed.append(1))
    assert waiting._found() == frozenset(WORK)
    assert closed == [1]


@pytest.mark.django_db(transaction=True)
def test_a_session_that_ended_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet()
    assert "lines.tasks.plan_passes" in waiting._found()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    from django.db import connections

    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()
    assert waiting._found() == frozenset(WORK)
    assert waiting._found() != frozenset(WORK)
    assert fleet.carriers


def test_beat_leaves_alone_what_has_no_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Celery("small", broker="redis://127.0.0.1:1/0", set_as_current=False)
    names = ("lines.tasks.drive_lines", "money.count")
    for name in names:
        small.task(lambda: None, name=name, shared=False)
    small.conf.beat_schedule = {name: {"task": name, "schedule": 5.0} for name in names}
    beat = SweepingScheduler(small, schedule_filename=str(tmp_path / "beat"))
    rung: list[str] = []
    answers = Answers(monkeypatch)
    try:
        monkeypatch.setattr(beat, "apply_async", lambda entry, **_named: rung.append(entry.name))
        monkeypatch.setattr(beat, "_heard", lambda _entry: True)
        for due in ((), (), ("lines.tasks.drive_lines",)):
            answers.now += 5
            answers.due = frozenset(due)
            for name in names:
                beat.apply_entry(beat.schedule[name])
        assert rung == [*names, "money.count", *names]
    finally:
        beat.close()


def test_beat_sleeps_until_its_turn_and_asks_in_no_circles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Celery("small", broker="redis://127.0.0.1:1/0", set_as_current=False)
    small.task(lambda: None, name="money.count", shared=False)
    small.conf.beat_schedule = {"money.count": {"task": "money.count", "schedule": 60.0}}
    beat = SweepingScheduler(small, schedule_filename=str(tmp_path / "beat"))
    try:
        monkeypatch.setattr(beat, "apply_entry", lambda entry, producer=None: None)
        beat.tick()
        left = 0.006  # seconds until its turn, which is less than Celery wakes too early
        monkeypatch.setattr(beat, "is_due", lambda _entry: (False, left))
        heap: Any = beat._heap
        monkeypatch.setattr(beat, "_heap", [heap[0]._replace(time=0)])
        assert beat.tick() == pytest.approx(left)
        assert beat.schedules_equal({}, None)
    finally:
        beat.close()
