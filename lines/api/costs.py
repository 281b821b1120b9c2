"""What lines cost (observed API: balance_usages, prices). USD."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from kit import clock
from kit.endpoints import Linked, endpoint, kilobytes, moment
from kit.errors import Invalid
from kit.paging import Page, Paging, keyed, listed

from accounts.policy import Right
from accounts.queries import Caller
from lines.api.asked import ICCID, Day, day_of
from lines.queries import cards as lists

GROUP = "Costs"


class Days(Paging):
    """From a day to another, both counted, at most 31; by default the current month."""

    start_date: Day | None = None
    end_date: Day | None = None

    def range(self, today: dt.date) -> tuple[dt.date, dt.date]:
        """Raises Invalid."""
        last = day_of(self.end_date) if self.end_date else today
        first = day_of(self.start_date) if self.start_date else last.replace(day=1)
        if not dt.timedelta(0) <= last - first <= dt.timedelta(days=30):
            raise Invalid("The days run backwards or are over 31; give start_date and an end_date in the 30 days after")
        return first, last


class LineUsage(Linked):
    """What a line used on a day at one price (kB of 1,024), and what that and the day's fee cost. USD.

    `country`: where it was used (ISO 3166-1 alpha-2); null: the carrier did not tell. `zone`: whose price it is; null:
    the rate plan's default price. `included_kb`: of the usage what is included in the plan; beyond a pool of lines it
    is the account's usage and in no line's amount.
    """

    LINKS: ClassVar[Mapping[str, str]] = {
        "line": "sim_card/{iccid}",
    }

    date: str
    iccid: str
    account_name: str
    rate_plan: str
    usage_kb: Decimal
    price_per_mb: Decimal
    data_cost: Decimal
    line_fee: Decimal
    amount: Decimal
    country: str | None
    zone: str | None
    included_kb: Decimal


@endpoint(
    "balance_usages",
    right=Right.SEE_MONEY,
    is_observed=True,
    sample=[
        LineUsage(
            date="2026-11-02",
            iccid=ICCID,
            account_name="Sample account",
            rate_plan="Sample plan",
            usage_kb=Decimal("1536.000000"),
            price_per_mb=Decimal("0.010000"),
            data_cost=Decimal("0.015000"),
            line_fee=Decimal("0.000000"),
            amount=Decimal("0.015000"),
            country="DE",
            zone=None,
            included_kb=Decimal("0.000000"),
        )
    ],
)
def balance_usages(caller: Caller, asked: Days) -> Page[LineUsage]:
    """What each line cost on each day, the latest day first"""
    payer = caller.account
    first, last = asked.range(clock.today())

    def fetch(key: str | None, back: bool, offset: int, limit: int) -> list[lists.LineCharge]:
        return lists.charges_by_key(payer, first, last, _place(key), back, offset, limit)

    page = keyed(asked, fetch=fetch, key=lambda row: row.key, count=lambda: lists.count_charges(payer, first, last))
    return Page([_line_usage(row) for row in page.data], page.total, page.links)


def _place(key: str | None) -> tuple[dt.date, int] | None:
    if key is None:
        return None
    day, _, number = key.partition(":")
    if not number.isdecimal() or len(number) > 18:
        raise Invalid("The cursor is not one of ours; take it from a page's links")
    return day_of(day), int(number)


def _line_usage(row: lists.LineCharge) -> LineUsage:
    return LineUsage(
        date=row.day.isoformat(),
        iccid=row.iccid,
        account_name=row.holder,
        rate_plan=row.plan,
        usage_kb=kilobytes(row.used),
        price_per_mb=row.per_mb,
        data_cost=row.cost,
        line_fee=row.fee,
        amount=row.cost + row.fee,
        country=row.country,
        zone=row.zone,
        included_kb=kilobytes(row.included),
    )


class PlanPrice(Linked):
    """A rate plan's prices from a moment on; null: from the beginning. USD.

    `country`: an ISO 3166-1 alpha-2 code where a zone's price holds, of data alone; null: everywhere else.
    `included_mb`: data that is included for a line and billing cycle, or, pooled, for all lines of the account on the
    plan together; `price_per_mb` is then the price beyond it. null: none.
    """

    LINKS: ClassVar[Mapping[str, str]] = {
        "rate_plans": "rate_plans",
    }

    rate_plan: str
    price_per_mb: Decimal
    price_per_sms: Decimal
    price_per_day: Decimal
    valid_from: str | None
    country: str | None
    zone: str | None
    price_per_month: Decimal
    activation_fee: Decimal
    included_mb: int | None
    is_pooled: bool


@endpoint(
    "prices",
    right=Right.SEE_MONEY,
    is_observed=True,
    sample=[
        PlanPrice(
            "Sample plan",
            Decimal("0.010000"),
            Decimal("0.050000"),
            Decimal("0.000000"),
            None,
            None,
            None,
            Decimal("2.000000"),
            Decimal("0.000000"),
            500,
            is_pooled=False,
        )
    ],
)
def prices(caller: Caller, asked: Paging) -> Page[PlanPrice]:
    """What the account's rate plans cost now, and what is announced, in each country that has a price of its own"""
    return listed(
        asked,
        [
            PlanPrice(
                plan.name,
                price.rate,
                price.per_sms,
                price.per_day,
                moment(price.valid_from) if price.valid_from else None,
                price.country or None,
                price.zone.name if price.zone else None,
                price.per_month,
                price.activation,
                price.included_mb,
                is_pooled=price.is_pooled,
            )
            for plan, price in lists.prices_of(caller, now=clock.now())
        ],
    )


ENDPOINTS = (balance_usages, prices)
