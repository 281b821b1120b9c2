"""Money in, in numbers that an owner could check: Stripe, auto-refill, and the lines that follow the balance."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections, transaction
from stripe_proxy import Running as Standin

from billing import tasks
from billing.commands import Charge, charge_usage, lock_wallets, seal_days
from billing.models import Entry
from billing.policy import Colour
from lines.books import check_books
from lines.commands.wishes import enforce
from lines.models import Carrier, Line, LineDay, LineState, Price, RatePlan
from lines.policy import Wanted, Why
from tests.fleets import sum_day_rows
from tests.tills import DECLINED, GOOD, SECURE, Till, link, standin_fixture, stripe_server_fixture, usd  # noqa: F401


@pytest.fixture
def tale(standin: Standin, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Till:
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T12:00:00+00:00")
    return Till(standin, monkeypatch).at("2026-11-20T12:00")


def line_of(till: Till) -> LineState:
    """A line that is suspended because nothing is on the balance, in a fleet of one."""
    carrier = Carrier.objects.create(name="simbase", kind="simbase", url="http://127.0.0.1:9", secrets="x")
    plan = RatePlan.objects.create(name="World", carrier=carrier)
    Price.objects.create(plan=plan, per_mb=usd("0.01"))
    line = Line.objects.create(
        iccid="8944538415800000001", carrier=carrier, plan=plan, account=till.account, payer=till.account
    )
    return LineState.objects.create(line=line, wanted=Wanted.SUSPENDED, why=Why.BALANCE)


def wanted(state: LineState) -> str:
    enforce()
    state.refresh_from_db()
    return state.get_wanted_display()


def test_a_webhook_twice_and_out_of_order_credits_once(tale: Till) -> None:
    """Red at 0.00; 50.00 by 3-D Secure. Stripe tells four things, backwards and twice: 50.00 and one invoice."""
    state = line_of(tale)
    tale.give_card(SECURE)
    assert wanted(state) == "Suspended"
    tale.standin.confirm(link(tale.add("50")))
    news = tale.standin.events()
    for event in [*reversed(news), *news]:
        assert tale.webhook(event).status_code == 200
    assert tale.ledger() == [("top-up", "50.00")]
    assert (tale.available, tale.colour, tale.invoices()) == ("50.00", Colour.GREEN, [1])
    assert wanted(state) == "Active"


def test_a_card_declined_four_times_then_replaced(tale: Till) -> None:
    """12:00, 13:00, 19:00 and 19:00 of the next day: declined; then a pause, until the owner has a card that works."""
    state = line_of(tale)
    tale.give_card(DECLINED)
    tale.turn_on()
    seen = []
    for moment in ("20T12:00", "20T12:59", "20T13:00", "20T18:59", "20T19:00", "21T18:59", "21T19:00", "25T00:00"):
        tale.at(f"2026-11-{moment}")
        tale.ring()
        seen.append((len(tale.states()), tale.refill.state))
    assert seen == [
        (1, "retrying"), (1, "retrying"), (2, "retrying"), (2, "retrying"), (3, "retrying"), (3, "retrying"),
        (4, "needs card"), (4, "needs card"),
    ]  # fmt: skip
    assert (len(tale.mails()), tale.available, wanted(state)) == (4, "0.00", "Suspended")
    tale.give_card(GOOD)  # ends the pause by itself
    tale.ring()
    assert (tale.available, tale.refill.state, wanted(state)) == ("50.00", "on", "Active")
    assert tale.charged_at_stripe() == 1


def test_3d_secure_waits_for_the_owner_and_lines_come_back_when_they_confirm(tale: Till) -> None:
    """6.00 less 1.50 is red; auto-refill wants 50.00, the bank wants the owner; ten minutes later: 54.50."""
    state = line_of(tale)
    tale.give_card(SECURE)
    tale.credit("6")
    tale.turn_on()
    assert wanted(state) == "Active"
    tale.uses("1.50", day="2026-11-20")
    tale.ring()
    assert (tale.states(), wanted(state)) == (["confirming"], "Suspended")
    tale.later(minutes=10)
    tale.ring()
    assert tale.mails() == [
        "Linekeeper: 1 line is starting again",
        "Linekeeper: Confirm a $50.00 charge with your bank",
    ]  # that the line was suspended is mailed when the hour of the first turn is over
    bank = tale.client.post(f"/billing/payments/{tale.payment.uuid.hex}/confirm/")
    back = tale.standin.confirm(link(bank))
    tale.client.get(back.removeprefix("http://testserver"))
    assert (tale.states(), tale.available, wanted(state)) == (["succeeded"], "54.50", "Active")


def test_a_refill_while_a_worker_charges_usage_loses_neither(tale: Till) -> None:
    """40 charges of 0.25 and five refills of 20.00 at once: 100.00 - 10.00 = 90.00, and the books add up."""
    state = line_of(tale)
    tale.give_card()

    def work() -> None:
        try:
            for number in range(40):
                with transaction.atomic():
                    lock_wallets(account_ids=[tale.account.pk])
                    day = tale.now.date()
                    charge_usage(charges=[Charge(tale.account.pk, day, usd("0.25"))])
                    LineDay.objects.update_or_create(
                        line=state.line,
                        day=day,
                        payer=tale.account,
                        price=Price.objects.get(),
                        defaults={
                            "account": tale.account,
                            "cycle": day.replace(day=1),
                            "used": (number + 1) * 25 * 1_048_576,
                            "cost": usd("0.25") * (number + 1),
                        },
                    )
                time.sleep(0.005)
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    for _ in range(5):
        tale.add("20")
        tale.deliver()
    worker.join()
    assert tale.available == "90.00"
    tale.at("2026-11-21T00:10")
    seal_days(before=tale.now.date())
    assert sorted(tale.ledger()) == [("top-up", "20.00")] * 5 + [("usage", "-10.00")]
    sum_day_rows()
    failed = [check for check in check_books()["checks"] if not check["ok"]]
    assert [check["name"] for check in failed] in ([], ["bytes_are_what_the_counter_moved"])  # no counter moved here


def test_a_refund_after_the_money_is_spent_leaves_a_debt(tale: Till) -> None:
    """100.00 in, 80.00 used, 100.00 refunded: -80.00, red, and a refill of 84.99 is not enough; of 85.00 it is."""
    state = line_of(tale)
    tale.give_card()
    tale.add("100")
    assert wanted(state) == "Active"
    tale.uses("80", day="2026-11-20")
    tale.standin.call("POST", "/v1/refunds", {"payment_intent": tale.payment.stripe_id})
    tale.deliver()
    assert (tale.available, tale.colour, wanted(state)) == ("-80.00", Colour.RED, "Suspended")
    tale.add("84.99")
    assert (tale.available, wanted(state)) == ("4.99", "Suspended")
    tale.credit("0.01")
    assert (tale.available, wanted(state)) == ("5.00", "Active")
    assert list(Entry.objects.values_list("kind", flat=True).order_by("id")) == [
        "top-up", "refund", "top-up", "adjustment",
    ]  # fmt: skip


def test_a_month_of_auto_refill(tale: Till) -> None:
    """20.00 a day from 1 to 20 December with refills of 200.00, fixed at 10 x 20.00: never red, 7 days at the least."""
    tale.give_card()
    tale.at("2026-12-01T09:00")
    tale.credit("320")
    for day in range(24, 31):
        tale.uses("20", day=f"2026-11-{day}")
    tale.turn_on()
    assert tale.refill.amount == 200
    colours: list[Any] = []
    for day in range(1, 21):
        tale.at(f"2026-12-{day:02}T23:00")
        tale.uses("20", day=f"2026-12-{day:02}")
        tale.ring()
        colours.append(tale.colour)
    assert set(colours) == {Colour.GREEN}
    refills = len(tale.states())
    assert tale.available == f"{200 - 20 - 20 * 20 + 200 * refills:.2f}"
    assert refills == 2
    tasks.refill_balances()
    assert len(tale.states()) == refills


def test_eight_bells_at_once_charge_once_a_turn_and_stay_under_the_ceiling(tale: Till) -> None:
    """A ceiling of 100.00: on three days the balance is low and eight workers see it: 50.00, 50.00, and no more."""
    tale.give_card()
    tale.turn_on("100")

    def ring(_: int) -> None:
        try:
            tasks.refill_balances()
        finally:
            connections.close_all()

    seen = []
    for _ in range(3):
        with ThreadPoolExecutor(8) as workers:
            list(workers.map(ring, range(8)))
        seen.append((tale.states(), tale.available))
        tale.uses("49", day=tale.now.date().isoformat())
        tale.later(days=1, minutes=1)
    twice = ["succeeded", "succeeded"]
    assert seen == [(["succeeded"], "50.00"), (twice, "51.00"), (twice, "2.00")]
    assert tale.charged_at_stripe() == 2
