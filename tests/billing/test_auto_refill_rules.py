"""Auto-refill: its amount, its table, its attempts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from kit.drawing import diagram

from accounts.models import Event
from billing import queries, tasks
from billing.commands import payments, refills
from billing.models import AutoRefill, Notice, Payment
from billing.policy import (
    KEEPS_WATCH,
    OPEN_PAYMENT,
    PAYMENT_MOVES,
    REFILL_MOVES,
    Charged,
    Colour,
    Held,
    PaymentState,
    RefillNews,
    RefillState,
    amount_is_due,
    default_ceiling,
    fits_ceiling,
    held_by,
    refill_amount,
    retry_at,
)
from tests.tills import DECLINED, GOOD, SECURE, Till, link, standin_fixture, stripe_server_fixture, till_fixture  # noqa: F401

# The rules themselves


@pytest.mark.parametrize(
    ("ten_days", "charged"),
    [("0", 50), ("5.00", 50), ("50.00", 50), ("50.01", 100), ("100.00", 100), ("287.30", 300), ("612.00", 500)],
)
def test_the_amount_is_ten_average_days_rounded_up(ten_days: str, charged: int) -> None:
    assert refill_amount(Decimal(ten_days) / 10) == charged


@pytest.mark.parametrize(
    ("fixed", "today", "due"),
    [
        ("2026-11-20", "2026-12-04", False),
        ("2026-11-20", "2026-12-05", True),
        ("2026-11-03", "2026-11-05", True),
        ("2026-11-05", "2026-11-05", False),
        ("2026-10-04", "2026-11-01", True),
        ("2026-12-31", "2027-01-05", True),
        ("2026-11-30", "2027-03-01", True),
    ],
)
def test_the_amount_is_fixed_on_the_fifth_or_as_soon_after_as_we_are_there(fixed: str, today: str, due: bool) -> None:
    assert amount_is_due(dt.date.fromisoformat(fixed), dt.date.fromisoformat(today)) is due


def test_a_declined_card_is_tried_after_1_6_and_24_hours() -> None:
    now = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
    waits = [moment and (moment - now).total_seconds() / 3600 for moment in (retry_at(n, now) for n in (1, 2, 3, 4))]
    assert waits == [1, 6, 24, None]


def test_the_ceiling_is_never_passed() -> None:
    assert fits_ceiling(Decimal(50), Decimal(50), Decimal(100))
    assert not fits_ceiling(Decimal(50), Decimal("50.01"), Decimal(100))
    assert fits_ceiling(Decimal(500), Decimal(10_000), None)


def test_both_state_tables_are_total() -> None:
    assert set(PAYMENT_MOVES) == set(PaymentState)
    assert set(REFILL_MOVES) == set(RefillState)
    for state in RefillState:
        assert set(REFILL_MOVES[state]) == set(RefillNews), state
    assert all(PaymentState.SUCCEEDED in moves for state, moves in PAYMENT_MOVES.items() if state != "succeeded")
    assert PAYMENT_MOVES[PaymentState.SUCCEEDED] == frozenset()
    assert not any(moves & OPEN_PAYMENT for state, moves in PAYMENT_MOVES.items() if state not in OPEN_PAYMENT)
    assert all(REFILL_MOVES[state][RefillNews.TURNED_OFF] is RefillState.OFF for state in RefillState)
    assert all(REFILL_MOVES[RefillState.OFF][news] is RefillState.OFF for news in RefillNews if news != "turned on")
    assert all(REFILL_MOVES[state][RefillNews.TAKEN_BACK] is RefillState.PAUSED for state in KEEPS_WATCH)
    left = {news for news, state in REFILL_MOVES[RefillState.PAUSED].items() if state is not RefillState.PAUSED}
    assert left == {RefillNews.TURNED_ON, RefillNews.TURNED_OFF}  # nothing but its owner ends a pause
    declined = {news for news, state in REFILL_MOVES[RefillState.NEEDS_CARD].items() if state is RefillState.ON}
    assert declined == {RefillNews.TURNED_ON, RefillNews.NEW_CARD}  # and a new card one that a card caused
    assert (
        frozenset({RefillState.OFF, RefillState.NEEDS_CARD, RefillState.PAUSED}) == frozenset(RefillState) - KEEPS_WATCH
    )


def test_the_diagram_of_the_docs_is_drawn_from_the_table() -> None:
    docs = (Path(__file__).resolve().parents[2] / "docs" / "auto-refill.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{diagram(REFILL_MOVES, first=RefillState.OFF)}\n```" in docs


@pytest.mark.parametrize(
    ("in_turn", "in_day", "in_month", "per_day", "ceiling", "held"),
    [
        (0, 0, "0", 1, "200", None),
        (1, 1, "50", 1, "200", Held.TURN),
        (0, 1, "50", 1, "200", Held.DAY),
        (1, 1, "50", 3, "200", None),
        (3, 3, "150", 3, None, Held.TURN),
        (0, 3, "150", 3, None, Held.DAY),
        (0, 0, "150", 1, "200", None),
        (0, 0, "150.01", 1, "200", Held.CEILING),
        (9, 9, "450", 10, None, None),
    ],
)
def test_a_charge_is_held_by_its_turn_its_day_and_the_ceiling(
    in_turn: int, in_day: int, in_month: str, per_day: int, ceiling: str | None, held: Held | None
) -> None:
    charged = Charged(in_turn=in_turn, in_day=in_day, in_month=Decimal(in_month))
    limit = None if ceiling is None else Decimal(ceiling)
    assert held_by(charged, amount=Decimal(50), per_day=per_day, ceiling=limit) == held


@pytest.mark.parametrize(
    ("amount", "average", "ceiling"),
    [("50", "0", "200"), ("100", "10", "500"), ("400", "40", "1900"), ("500", "100", "4650"), ("500", "43.02", "2050")],
)
def test_the_ceiling_that_follows_the_amount(amount: str, average: str, ceiling: str) -> None:
    """The larger of four refills and 46.5 average days, up to the next 50."""
    assert default_ceiling(Decimal(amount), Decimal(average)) == Decimal(ceiling)


@pytest.mark.parametrize(
    ("average", "own", "amount"), [("20", "60", 50), ("20", "150", 100), ("20", "200", 200), ("100", "450", 400)]
)
def test_an_amount_stays_at_the_largest_step_under_a_ceiling_of_the_owners_own(
    average: str, own: str, amount: int
) -> None:
    assert refill_amount(Decimal(average), at_most=Decimal(own)) == amount


# Turning it on and off


def test_turning_it_on_asks_for_a_card_if_there_is_none(till: Till) -> None:
    page = till.client.get(reverse("auto_refill")).content.decode()
    assert "First, a card" in page
    assert 'name="after" value="auto-refill"' in page
    assert "needs a saved card" in till.turn_on().content.decode() or not AutoRefill.objects.exists()
    assert not AutoRefill.objects.exists()


def test_turning_it_on_fixes_the_first_amount_at_once(till: Till) -> None:
    till.give_card()
    till.credit("1000")
    till.uses("201.11", day="2026-11-19")  # 28.73 a day: divided by seven days at the least
    till.turn_on()
    assert (till.refill.state, till.refill.amount, till.refill.fixed_on) == ("on", 300, dt.date(2026, 11, 20))
    assert "287.30" in till.client.get(reverse("auto_refill")).content.decode()


def test_with_it_on_balance_and_refill_leave_the_header_and_come_back(till: Till) -> None:
    def header() -> str:
        return till.client.get(reverse("home")).content.decode().split("<main")[0]

    till.give_card()
    till.credit("100")
    assert 'id="balance"' in header()
    assert ">Refill</a>" in header()
    till.turn_on()
    assert 'id="balance"' not in header()
    assert ">Refill</a>" not in header()
    assert "Turn auto-refill off" in till.client.get(reverse("payment_method")).content.decode()
    till.client.post(reverse("auto_refill"), {"do": "off"})
    assert 'id="balance"' in header()


def test_on_and_off_are_harmless_twice_and_recorded_once(till: Till) -> None:
    till.give_card()
    till.credit("100")
    till.turn_on()
    till.turn_on()
    for _ in range(2):
        till.client.post(reverse("auto_refill"), {"do": "off"})
    verbs = Event.objects.filter(verb__startswith="auto-refill").values_list("verb", flat=True).order_by("id")
    assert list(verbs) == ["auto-refill.on", "auto-refill.off"]


IMPOSSIBLE = [
    ("49.99", "One refill is $50.00"),
    ("0", "One refill"),
    ("-1", "One refill"),
    ("1.234", "2 decimals"),
    ("x", "not an amount"),
]


@pytest.mark.parametrize(("ceiling", "says"), IMPOSSIBLE)
def test_a_ceiling_that_cannot_be_is_refused(till: Till, ceiling: str, says: str) -> None:
    till.give_card()
    till.credit("100")
    page = till.turn_on(ceiling)
    assert page.status_code == 422
    assert says in page.content.decode()
    assert not AutoRefill.objects.exists()


# Attempts


def test_it_charges_once_when_the_balance_turns_low(till: Till) -> None:
    till.give_card()
    till.credit("20")
    till.turn_on()
    tasks.refill_balances()
    assert till.states() == []  # green
    till.uses("16", day="2026-11-20")
    assert till.colour is Colour.RED
    tasks.refill_balances()
    tasks.refill_balances()
    assert (till.states(), till.available, till.colour) == (["succeeded"], "54.00", Colour.GREEN)
    assert till.refill.state == "on"


def test_orange_is_low_enough(till: Till) -> None:
    till.give_card()
    till.credit("19.30")
    till.turn_on()
    till.uses("7.35", day="2026-11-19")  # 11.95 left at 1.05 a day
    assert till.colour is Colour.ORANGE
    tasks.refill_balances()
    assert till.states() == ["succeeded"]


def test_declined_it_is_tried_again_and_pauses_after_the_fourth(till: Till) -> None:
    till.give_card(DECLINED)
    till.turn_on()
    for hours, state in ((0, "retrying"), (1, "retrying"), (6, "retrying"), (24, "needs card")):
        till.later(hours=hours, minutes=-1 if hours else 0)
        tasks.refill_balances()
        till.later(minutes=1 if hours else 0)
        tasks.refill_balances()
        tasks.refill_balances()
        assert till.refill.state == state
    till.later(hours=100)
    till.ring()
    assert till.states() == ["declined"] * 4
    assert till.refill.is_paused
    assert till.refill.why_paused == "the card's bank declined it"
    assert till.mails() == ["Linekeeper: Auto-refill: the card ending in 0341 was declined"] * 3 + [
        "Linekeeper: Auto-refill is paused"
    ]
    page = " ".join(till.client.get(reverse("auto_refill")).content.decode().split())
    assert "Auto-refill is paused" in page
    till.turn_on()
    assert (till.refill.state, till.refill.declined) == ("on", 0)


def test_a_new_card_is_charged_at_once(till: Till) -> None:
    till.give_card(DECLINED)
    till.turn_on()
    tasks.refill_balances()
    assert till.refill.state == "retrying"
    till.give_card(GOOD)
    tasks.refill_balances()
    assert (till.states(), till.refill.state, till.available) == (["declined", "succeeded"], "on", "50.00")


def test_a_refill_by_hand_ends_the_retrying(till: Till) -> None:
    till.give_card(DECLINED)
    till.turn_on()
    tasks.refill_balances()
    till.credit("100")
    till.later(hours=2)
    tasks.refill_balances()
    assert (till.states(), till.refill.state) == (["declined"], "on")


def test_a_card_that_wants_its_owner_waits_and_says_so(till: Till) -> None:
    till.give_card(SECURE)
    till.turn_on()
    till.ring()
    till.deliver()
    till.later(minutes=14)
    till.ring()
    assert (till.states(), till.refill.state) == (["confirming"], "confirming")
    assert till.mails() == ["Linekeeper: Confirm a $50.00 charge with your bank"]
    assert "bank wants you to confirm" in till.client.get(reverse("auto_refill")).content.decode()
    bank = till.client.post(reverse("confirm_payment", args=[till.payment.uuid.hex]))
    back = till.standin.confirm(link(bank))
    till.client.get(back.removeprefix("http://testserver"))
    till.deliver()
    assert (till.states(), till.refill.state, till.available) == (["succeeded"], "on", "50.00")


def test_a_confirmation_that_fails_is_a_decline(till: Till) -> None:
    till.give_card(SECURE)
    till.turn_on()
    tasks.refill_balances()
    bank = till.client.post(reverse("confirm_payment", args=[till.payment.uuid.hex]))
    till.standin.confirm(link(bank), succeed=False)
    till.deliver()
    assert (till.states(), till.refill.state, till.refill.declined) == (["declined"], "retrying", 1)


def test_cancelling_its_payment_pauses_it(till: Till) -> None:
    till.give_card(SECURE)
    till.turn_on()
    tasks.refill_balances()
    till.client.post(reverse("cancel_payment", args=[till.payment.uuid.hex]))
    tasks.refill_balances()
    assert (till.states(), till.refill.state) == (["cancelled"], "paused")


def test_an_expired_card_counts_as_a_decline_without_asking_stripe(till: Till) -> None:
    till.give_card()
    till.turn_on()
    till.at("2032-01-01T00:00")
    tasks.refill_balances()
    assert (till.states(), till.refill.state) == ([], "retrying")
    assert Notice.objects.filter(text__contains="expired in 12/2031").count() == 1


def test_the_ceiling_stops_it_and_is_said_once(till: Till) -> None:
    till.give_card()
    till.turn_on("120")
    for _ in range(3):
        tasks.refill_balances()
        till.uses("46", day=till.now.date().isoformat())
        till.later(days=1, minutes=1)
    tasks.refill_balances()
    tasks.refill_balances()
    assert till.states() == ["succeeded"] * 2
    assert Notice.objects.filter(subject="Auto-refill reached its monthly limit").count() == 1
    till.at("2026-12-01T00:01")
    tasks.refill_balances()
    assert till.states() == ["succeeded"] * 3


def test_the_amount_follows_the_usage_on_the_fifth(till: Till) -> None:
    till.give_card()
    till.credit("1000")
    till.turn_on()
    assert till.refill.amount == 50
    till.uses("150.30", day="2026-11-20")
    till.at("2026-12-04T23:59")
    tasks.refill_balances()
    assert till.refill.amount == 50
    till.at("2026-12-05T00:00")
    tasks.refill_balances()
    tasks.refill_balances()
    assert (till.refill.amount, till.refill.fixed_on) == (Decimal(200), dt.date(2026, 12, 5))  # 150.30 / 15 x 10
    assert Notice.objects.filter(subject="Auto-refill now charges $200.00").count() == 1


def test_turned_off_while_an_attempt_is_open_what_was_charged_is_credited(till: Till) -> None:
    till.give_card()
    till.turn_on()
    till.standin.fail_next("lost")
    tasks.refill_balances()
    assert (till.states(), till.refill.state) == (["pending"], "charging")
    till.client.post(reverse("auto_refill"), {"do": "off"})
    till.deliver()
    assert (till.states(), till.refill.state, till.available) == (["succeeded"], "off", "50.00")


def test_the_database_holds_one_open_payment_and_possible_states(till: Till) -> None:
    till.give_card(SECURE)
    till.add("50")
    row = Payment.objects.values("account_id", "amount", "state", "card_id", "last4", "by").get()
    with pytest.raises(IntegrityError, match="account_has_one_open_payment"), transaction.atomic():
        Payment.objects.create(**row)
    for change in ({"amount": 0}, {"state": "succeeded"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Payment.objects.create(**row | {"is_auto": True} | change)


def test_what_is_not_due_begins_nothing(till: Till) -> None:
    assert payments.begin_auto_refill(account_id=till.account.pk) is None
    till.give_card()
    till.credit("100")
    till.turn_on()
    assert payments.begin_auto_refill(account_id=till.account.pk) is None
    assert refills.fix_amount(account_id=till.account.pk, today=till.now.date()) is None


def test_stripe_away_leaves_an_attempt_open_and_no_second_one_starts(till: Till, settings: Any) -> None:
    till.give_card()
    till.turn_on()
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    tasks.refill_balances()
    tasks.refill_balances()
    assert till.states() == ["pending"]
    settings.STRIPE_API_BASE = till.standin.url
    till.later(minutes=5)
    till.ring()
    assert (till.states(), till.charged_at_stripe()) == (["succeeded"], 1)


def test_accounts_that_wait_for_something_keep_nobody_else_from_being_refilled(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Till(till.standin, monkeypatch, name="bolt").at("2026-11-20T12:00")
    for one in (till, other):
        one.give_card()
        one.turn_on("50" if one is till else "")
    tasks.refill_balances()
    for one in (till, other):
        one.uses("60", day="2026-11-20")
    found = {tuple(queries.accounts_to_refill(now=till.now, limit=1)) for _ in range(40)}
    assert found == {(till.account.pk,), (other.account.pk,)}


def test_a_refill_that_is_confirmed_next_month_counts_to_the_month_in_which_the_card_is_charged(till: Till) -> None:
    till.give_card(SECURE)
    till.turn_on("50")
    till.at("2026-11-30T23:50")
    tasks.refill_balances()
    till.at("2026-12-01T00:04")
    bank = till.client.post(reverse("confirm_payment", args=[till.payment.uuid.hex]))
    till.client.get(till.standin.confirm(link(bank)).removeprefix("http://testserver"))
    assert (till.states(), till.available) == (["succeeded"], "50.00")
    till.uses("48", day="2026-12-01")
    till.at("2026-12-02T00:05")
    tasks.refill_balances()
    assert till.states() == ["succeeded"]
    assert Notice.objects.filter(subject="Auto-refill reached its monthly limit").count() == 1
