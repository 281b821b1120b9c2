"""Auto-refill once a turn, in numbers that an owner could check: what it charges and what it says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.db import connections
from django.urls import reverse
from stripe_proxy import Running as Standin

from accounts.policy import OPERATOR
from billing import tasks
from billing.commands import adjust
from billing.models import AutoRefill, Notice
from billing.policy import Colour
from tests.tills import DECLINED, GOOD, SECURE, Till, link, standin_fixture, stripe_server_fixture, usd  # noqa: F401


@pytest.fixture
def tale(standin: Standin, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Till:
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T12:00:00+00:00")
    return Till(standin, monkeypatch).at("2026-11-20T12:00")


def spends_daily(tale: Till, amount: str, *, days: range) -> None:
    for day in days:
        tale.uses(amount, day=f"2026-11-{day:02}")


def missing(tale: Till) -> list[str]:
    return list(
        Notice.objects.filter(account=tale.account, subject__contains="missing").values_list("subject", flat=True)
    )


def bells(tale: Till, *, minutes: int, every: int = 1) -> None:
    for _ in range(minutes // every):
        tale.later(minutes=every)
        tale.ring()


def test_a_runaway_device_is_charged_for_once(tale: Till) -> None:
    """60.00, and 3,000.00 used in an hour: one charge of 50.00, -2,890.00, red; 2,895.00 missing, and one button."""
    tale.give_card()
    tale.credit("60")
    tale.turn_on()
    for minute in range(60):
        tale.uses("50", day="2026-11-20")
        tale.later(minutes=1)
        if minute % 4 == 0:
            tale.ring()
    tale.ring()
    assert (tale.states(), tale.available, tale.colour) == (["succeeded"], "-2890.00", Colour.RED)
    assert len(missing(tale)) == 1
    bells(tale, minutes=120, every=10)
    tale.at("2026-11-21T00:00")
    tale.ring()  # the average is 3,000 / 7 now, and so is the minimum
    tale.at("2026-11-24T12:00")
    tale.ring()
    assert tale.charged_at_stripe() == 1
    page = tale.client.get(reverse("billing")).content.decode()
    assert "Pay $3,318.58" in page  # 2,890.00 + 428.571429
    key = page.split('name="key" value="')[1].split('"')[0]
    for _ in range(2):  # the second click charges nothing more
        tale.client.post(reverse("add_funds"), {"choice": "other", "other": "3318.58", "key": key})
    assert (tale.charged_at_stripe(), tale.available) == (2, "428.58")
    assert tale.colour is not Colour.RED


def test_the_notice_of_a_runaway_names_the_sum_that_is_missing_and_leads_to_its_payment(tale: Till) -> None:
    tale.give_card()
    tale.credit("60")
    tale.turn_on()
    tale.uses("3000", day="2026-11-20")
    tale.ring()
    tale.later(minutes=2)
    tale.ring()
    assert missing(tale) == ["$2,895.00 missing: lines are suspended"]
    letter = next(one for one in mail.outbox if "2,895.00" in one.subject)
    assert "Pay the missing $2,895.00" in letter.body
    form = tale.client.get("/billing/add-funds/?amount=missing").content.decode()
    assert 'value="2895.00"' in form


def test_a_newcomers_first_day_charges_nothing(tale: Till) -> None:
    """60.00 paid and 20.00 used on day one: 40.00 at 2.86 a day lasts 12 days; no charge then or at midnight."""
    tale.give_card()
    tale.credit("60")
    tale.turn_on()
    tale.uses("20", day="2026-11-20")
    tale.ring()
    tale.at("2026-11-21T00:00")
    bells(tale, minutes=30, every=5)
    assert (tale.states(), tale.available, tale.colour) == ([], "40.00", Colour.GREEN)


def test_a_day_of_900_of_a_customer_of_10_a_day_is_charged_for_once(tale: Till) -> None:
    """100.00 left at 10.00 a day; a day of 900.00: one charge of 100.00 in those 24 hours, then -700.00 and red."""
    tale.credit("400")
    spends_daily(tale, "10", days=range(1, 20))
    tale.credit("-110")
    tale.give_card()
    tale.turn_on()
    assert (tale.refill.amount, tale.available, tale.colour) == (100, "100.00", Colour.GREEN)
    for _ in range(9):
        tale.uses("100", day="2026-11-20")
        tale.later(minutes=20)
        tale.ring()
    tale.at("2026-11-21T12:00")
    tale.ring()
    assert (tale.states(), tale.available) == (["succeeded"], "-700.00")
    assert len(missing(tale)) == 1


def test_a_turn_ends_when_the_balance_is_green_and_the_next_one_has_its_own_charge(tale: Till) -> None:
    """Low on the 20th, 50.00; low again that evening: nothing until 24 hours are over; then 50.00 again."""
    tale.give_card()
    tale.credit("20")
    tale.turn_on()
    tale.uses("16", day="2026-11-20")
    tale.ring()
    assert (tale.available, tale.refill.turn, tale.refill.turn_since) == ("54.00", 1, None)
    tale.at("2026-11-20T20:00").uses("50", day="2026-11-20")
    tale.ring()
    assert (tale.states(), tale.available, len(missing(tale))) == (["succeeded"], "4.00", 1)
    tale.at("2026-11-21T11:59")
    tale.ring()
    assert len(tale.states()) == 1
    tale.at("2026-11-21T12:01")
    tale.ring()
    assert (tale.states(), tale.available, tale.refill.turn) == (["succeeded"] * 2, "54.00", 2)


def test_an_owner_who_allows_three_charges_a_day_has_three_and_no_fourth(tale: Till) -> None:
    tale.give_card()
    tale.client.post(reverse("auto_refill"), {"do": "on", "ceiling": "", "per_day": "3"})
    page = tale.client.get(reverse("auto_refill")).content.decode()
    assert "At most 3 charges" in page
    assert "$150.00" in page
    tale.uses("3000", day="2026-11-20")
    bells(tale, minutes=30)
    assert (tale.states(), tale.available) == (["succeeded"] * 3, "-2850.00")


@pytest.mark.parametrize("per_day", ["0", "11", "x"])
def test_more_than_ten_charges_a_day_cannot_be_allowed(tale: Till, per_day: str) -> None:
    tale.give_card()
    page = tale.client.post(reverse("auto_refill"), {"do": "on", "per_day": per_day})
    assert page.status_code == 422
    assert not AutoRefill.objects.exists()


@pytest.mark.parametrize("how", ["refund", "dispute", "debit"])
def test_what_is_taken_back_is_not_fetched_again(tale: Till, how: str) -> None:
    """50.00 paid and taken back: 0.00, no charge, auto-refill paused and said, until its owner turns it on."""
    tale.give_card()
    tale.add("50")
    tale.turn_on()
    if how == "refund":
        tale.standin.call("POST", "/v1/refunds", {"payment_intent": tale.payment.stripe_id})
    elif how == "dispute":
        tale.standin.control("POST", "disputes", {"payment_intent": tale.payment.stripe_id})
    else:
        adjust(account=tale.account, amount=usd("-50"), reason="a mistake", by=OPERATOR)
    tale.deliver()
    bells(tale, minutes=60, every=10)
    assert (tale.states(), tale.available, tale.refill.state) == (["succeeded"], "0.00", "paused")
    assert tale.mails().count("Linekeeper: Auto-refill is paused") == 1
    assert "$50.00" in tale.refill.why_paused
    tale.give_card(GOOD)
    tale.ring()
    assert (len(tale.states()), tale.refill.state) == (1, "paused")  # a new card does not end this pause


def test_3d_secure_that_is_abandoned_stands_in_nobodys_way(tale: Till) -> None:
    """Auto-refill wants a confirmation at 12:00; at 12:15 it is cancelled, and a refill by hand goes through."""
    tale.give_card(SECURE)
    tale.turn_on()
    tale.ring()
    assert (tale.states(), tale.refill.state) == (["confirming"], "confirming")
    bells(tale, minutes=14)
    assert tale.states() == ["confirming"]
    bells(tale, minutes=6)
    assert (tale.states(), tale.refill.state, tale.refill.declined) == (["cancelled"], "retrying", 1)
    tale.give_card(GOOD)
    tale.ring()
    assert (tale.states(), tale.available) == (["cancelled", "succeeded"], "50.00")


def test_an_abandoned_refill_by_hand_keeps_auto_refill_out_for_a_quarter_of_an_hour_at_the_most(tale: Till) -> None:
    tale.give_card(SECURE)
    tale.add("25")
    tale.give_card(GOOD)
    tale.turn_on()
    tale.ring()
    assert tale.states() == ["confirming"]
    bells(tale, minutes=20)
    assert (tale.states(), tale.available) == (["cancelled", "succeeded"], "50.00")


def test_the_amount_of_the_5th_stays_under_a_ceiling_of_the_owners_own(tale: Till) -> None:
    """A ceiling of 60.00; 200.00 would be the amount on the 5th: it stays 50.00, is said, and still charges."""
    tale.give_card()
    tale.credit("320")
    tale.turn_on("60")
    spends_daily(tale, "20", days=range(21, 31))
    for day in range(1, 5):
        tale.uses("20", day=f"2026-12-{day:02}")
    tale.at("2026-12-05T00:01")
    tale.ring()
    assert (tale.refill.amount, tale.refill.ceiling) == (50, 60)
    assert Notice.objects.filter(subject="Auto-refill stays at $50.00").count() == 1
    tale.uses("30", day="2026-12-05")
    tale.later(minutes=2)
    tale.ring()
    assert tale.states() == ["succeeded"]
    bells(tale, minutes=60, every=20)
    assert tale.states() == ["succeeded"]


def test_a_ceiling_that_nobody_set_follows_the_amount_on_the_5th(tale: Till) -> None:
    tale.give_card()
    tale.credit("1000")
    tale.turn_on()
    assert (tale.refill.amount, tale.refill.ceiling) == (50, 200)  # 4 x 50
    for day in range(21, 31):
        tale.uses("60", day=f"2026-11-{day:02}")
    tale.at("2026-12-05T00:01")
    tale.ring()
    assert (tale.refill.amount, tale.refill.ceiling) == (500, 2000)  # 600 / 14 = 42.86 a day


def test_two_workers_and_a_clock_that_jumps_charge_once_a_turn(tale: Till) -> None:
    tale.give_card()
    tale.turn_on()

    def ring(_: int) -> None:
        try:
            tasks.refill_balances()
        finally:
            connections.close_all()

    tale.uses("500", day="2026-11-20")
    for jump in ("2026-11-20T12:00", "2027-11-20T12:00", "2026-11-20T12:05", "2026-11-22T12:00"):
        tale.at(jump)
        with ThreadPoolExecutor(2) as workers:
            list(workers.map(ring, range(2)))
    assert (tale.charged_at_stripe(), tale.available) == (1, "-450.00")


@pytest.mark.parametrize("fault", ["broken-after", "lost"])
def test_an_answer_of_500_is_looked_up_and_never_charged_twice(tale: Till, fault: str) -> None:
    """Stripe charged and answered 500, and repeats that for the key: the list of payments has it, within a minute."""
    tale.give_card()
    tale.turn_on()
    tale.standin.fail_next(fault)
    tale.ring()
    assert tale.states() == ["pending"]
    bells(tale, minutes=1)
    assert (tale.states(), tale.available, tale.charged_at_stripe()) == (["succeeded"], "50.00", 1)


def test_a_500_that_charged_nothing_locks_nobody_for_longer_than_minutes(tale: Till) -> None:
    """The key keeps its 500; after minutes it is given up, and ten minutes later another attempt charges 50.00."""
    tale.give_card()
    tale.turn_on()
    tale.standin.fail_next("broken")
    tale.ring()
    assert tale.client.post(reverse("add_funds"), {"choice": "25"}).status_code != 302
    bells(tale, minutes=8)
    assert (tale.states(), tale.refill.state, tale.refill.declined) == (["failed"], "retrying", 0)
    assert tale.add("25").status_code == 302  # by hand at once
    assert tale.states() == ["failed", "succeeded"]
    tale.uses("22", day="2026-11-20")
    bells(tale, minutes=12)
    assert (tale.states(), tale.available) == (["failed", "succeeded", "succeeded"], "53.00")
    assert tale.charged_at_stripe() == 2


def test_a_provider_that_is_down_for_hours_is_waited_for_and_charges_once(tale: Till, settings: object) -> None:
    tale.give_card()
    tale.turn_on()
    up = tale.standin.url
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    bells(tale, minutes=180, every=10)
    assert tale.states() == ["pending"]
    settings.STRIPE_API_BASE = up  # type: ignore[attr-defined]
    bells(tale, minutes=30)
    assert (tale.states(), tale.available) == (["failed", "succeeded"], "50.00")
    assert tale.charged_at_stripe() == 1


def test_a_declined_card_and_a_new_one_after_the_pause(tale: Till) -> None:
    """Declined at 0, 1, 7 and 31 hours, each said; a good card two days later is charged at once, and once."""
    tale.give_card(DECLINED)
    tale.turn_on()
    for hours in (0, 1, 6, 24):
        tale.later(hours=hours)
        tale.ring()
    assert (tale.states(), tale.refill.state) == (["declined"] * 4, "needs card")
    assert "auto-refill starts again by itself" in Notice.objects.latest("id").text
    tale.later(days=2)
    tale.give_card(GOOD)
    assert (tale.refill.state, tale.refill.declined) == ("on", 0)
    bells(tale, minutes=20)
    assert (tale.states()[4:], tale.available) == (["succeeded"], "50.00")


def test_the_page_says_before_it_is_turned_on_what_is_charged_when_and_how_much_a_month(tale: Till) -> None:
    tale.give_card()
    tale.credit("100")
    page = " ".join(tale.client.get(reverse("auto_refill")).content.decode().split())
    for said in (
        "$50.00 to the card ending in 4242, when usage or fees turn the balance orange or red",
        "Once until the balance is green again, and once in any 24 hours",
        "At most $200.00 a month",
        "A refund, a dispute or a debit never causes a charge",
        '<td class="number">$500.00</td>',  # ten charges a day
    ):
        assert said in page, said
    assert "charged at once" not in page.split("<form")[0]
