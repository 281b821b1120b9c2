"""One row that nothing can be done with stops nobody else, in any sweep of money."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection, transaction
from kit import clock

from accounts.models import Account
from accounts.policy import OPERATOR
from billing import tasks
from billing.commands import Charge, adjust, charge_usage, lock_wallets, seal_days
from billing.commands.notices import tell_low
from billing.models import AutoRefill, Entry, Statement, Wallet, WebhookEvent
from lines import tasks as lines_tasks
from lines.work.sync import enforce_all
from tests.tills import Till, standin_fixture, stripe_server_fixture, till_fixture  # noqa: F401

TODAY = dt.date(2026, 11, 20)


def poison(table: str, column: str, value: object, *, on: str = "INSERT OR UPDATE") -> None:
    """The database refuses whatever is done to one row of this table."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE FUNCTION poisoned_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF NEW.{column}::text = '{value}' THEN RAISE numeric_value_out_of_range; END IF; RETURN NEW; END $$"
        )
        cursor.execute(f"CREATE TRIGGER poison BEFORE {on} ON {table} FOR EACH ROW EXECUTE FUNCTION poisoned_{table}()")


@pytest.fixture
def three(open_one: Callable[..., Account]) -> list[Account]:
    """The one in the middle is poisoned by each test."""
    return [open_one() for _ in range(3)]


def spend(account: Account, amount: str, day: dt.date) -> None:
    with transaction.atomic():
        lock_wallets(account_ids=[account.pk])
        charge_usage(charges=[Charge(account.pk, day, Decimal(amount))])


def credit(account: Account, amount: str) -> None:
    adjust(account=account, amount=Decimal(amount), reason="a test", by=OPERATOR)


def test_sealing(three: list[Account]) -> None:
    for account in three:
        spend(account, "1", TODAY - dt.timedelta(days=1))
    poison("billing_entry", "account_id", three[1].pk)
    assert [seal_days(before=TODAY) for _ in range(2)] == [2, 0]
    assert set(Entry.objects.values_list("account_id", flat=True)) == {three[0].pk, three[2].pk}


def test_colours(three: list[Account]) -> None:
    for account in three:
        credit(account, "50")
    poison("billing_wallet", "account_id", three[1].pk, on="UPDATE")
    enforce_all()
    assert set(Wallet.objects.filter(is_red=False).values_list("account_id", flat=True)) == {three[0].pk, three[2].pk}


def test_keeping_the_books_goes_on_to_colours_whatever_fails_before(
    three: list[Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> int:
        raise RuntimeError("fees cannot be charged")

    monkeypatch.setattr("lines.work.sync.charge_fees", broken)
    spend(three[0], "1", TODAY - dt.timedelta(days=1))
    credit(three[1], "50")
    lines_tasks.keep_books()
    assert Entry.objects.filter(kind="usage").count() == 1
    assert not Wallet.objects.get(account=three[1]).is_red


def test_low_balances(three: list[Account]) -> None:
    for account in three:
        credit(account, "45")
        spend(account, "35", TODAY - dt.timedelta(days=2))
    poison("billing_notice", "account_id", three[1].pk)
    assert tell_low(today=TODAY) == 2


def test_refills(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [till, *(Till(till.standin, monkeypatch, name=name).at("2026-11-20T12:00") for name in ("bolt", "core"))]
    for one in others:
        one.give_card()
        one.turn_on()
    poison("billing_payment", "account_id", others[1].account.pk)
    tasks.refill_balances()
    assert [one.states() for one in others] == [["succeeded"], [], ["succeeded"]]


def test_amounts_of_the_5th(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [till, *(Till(till.standin, monkeypatch, name=name).at("2026-11-20T12:00") for name in ("bolt", "core"))]
    for one in others:
        one.give_card()
        one.credit("100")
        one.turn_on()
    poison("billing_autorefill", "account_id", others[1].account.pk)
    till.at("2026-12-05T00:01")
    tasks.refill_balances()
    fixed = AutoRefill.objects.order_by("account_id").values_list("fixed_on", flat=True)
    assert list(fixed) == [dt.date(2026, 12, 5), dt.date(2026, 11, 20), dt.date(2026, 12, 5)]


def test_statements(three: list[Account], monkeypatch: pytest.MonkeyPatch) -> None:
    for account in three:
        credit(account, "5")
        Statement.objects.create(account=account, month=TODAY.replace(day=1), format="csv", by="x")
    poison("billing_statementpart", "statement_id", Statement.objects.get(account=three[1]).pk)
    for _ in range(3):
        try:
            with transaction.atomic():
                lines_tasks.write_statements()
        except Exception:  # noqa: BLE001 - the task's own end
            Statement.objects.filter(account=three[1]).update(started_at=clock.now(), attempts=1)
    assert Statement.objects.filter(done_at__isnull=False).count() == 2


def test_events_of_payments(till: Till) -> None:
    till.give_card()
    till.add("50")
    till.standin.call("POST", "/v1/refunds", {"payment_intent": till.payment.stripe_id})
    odd = {"id": "re_1", "object": "refund", "payment_intent": 7}
    for number, thing in enumerate([odd, {"payment_intent": till.payment.stripe_id}]):
        WebhookEvent.objects.create(stripe_id=f"evt_{number}", type="refund.created", thing=thing, happened_at=till.now)
    till.later(minutes=1)
    tasks.ask_stripe()
    assert till.ledger() == [("top-up", "50.00"), ("refund", "-50.00")]
