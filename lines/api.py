"""The API's calls about lines (observed API: iot_sim_cards, sim_card/...), and ours in the same style."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated

import msgspec
from kit import clock
from kit.endpoints import Ack, endpoint, kilobytes, megabytes, moment
from kit.errors import Invalid, NotFound, Refusal
from kit.paging import FARTHEST, Page, Paging, keyed, listed

from accounts.policy import Right
from accounts.queries import Caller
from lines.commands import wishes
from lines.models import Line
from lines.policy import Status, cycle_end, cycle_start
from lines.queries import cards
from lines.queries.listing import plans_of, subaccounts_of
from lines.queries.scope import LineShown, lines_of
from lines.queries.usage import usage_of

ICCID = "8944500000000000017"  # the samples'
StatusId = Annotated[int, msgspec.Meta(ge=1, le=4)]
Id = Annotated[int, msgspec.Meta(ge=1, le=FARTHEST)]
Month = Annotated[str, msgspec.Meta(pattern="^20[0-9]{2}-(0[1-9]|1[0-2])$", description="Year and month: 2026-11")]
Day = Annotated[str, msgspec.Meta(pattern="^20[0-9]{2}-[0-9]{2}-[0-9]{2}$", description="A day, UTC: 2026-11-20")]
Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]


Midnight = Annotated[
    str, msgspec.Meta(pattern="^20[0-9]{2}-[0-9]{2}-[0-9]{2}( 00:00:00)?$", description="2026-12-01, UTC")
]


class SimCard(msgspec.Struct):
    """A line. Usage is of today and of the current cycle, in MB of 1,048,576 bytes."""

    status: str
    status_id: StatusId
    iccid: str
    account_name: str
    rate_plan: str
    billing_cycle: str
    daily_usage_mb: Decimal
    monthly_usage_mb: Decimal
    count_of_sessions: Annotated[int | None, msgspec.Meta(description="null: not known")]
    sms_sent: int
    notes: str
    deactivation_date: str | None


class Cards(Paging):
    """Which lines: of a status, with an ICCID or notes like this, of a rate plan, of a sub-account."""

    status_id: Annotated[StatusId | None, msgspec.Meta(description="One of sim_card_filter_data's statuses")] = None
    common_filter: Annotated[str, msgspec.Meta(max_length=200, description="A part of the ICCID or of the notes")] = ""
    rate_plan_id: Id | None = None
    account_uuid: Hex | None = None


def _card(line: LineShown, caller: Caller) -> SimCard:
    return SimCard(
        status=line.status.word,
        status_id=int(line.status),
        iccid=line.iccid,
        account_name=line.holder or caller.account.name,
        rate_plan=line.plan,
        billing_cycle=f"{line.cycle_start:%Y-%m}",
        daily_usage_mb=megabytes(line.today_bytes),
        monthly_usage_mb=megabytes(line.month_bytes),
        count_of_sessions=None,
        sms_sent=line.sms_sent,
        notes=line.notes,
        deactivation_date=moment(line.deactivation_date),
    )


_SAMPLE_CARDS = [
    SimCard(
        status="Activated",
        status_id=1,
        iccid=ICCID,
        account_name="Sample account",
        rate_plan="Sample plan",
        billing_cycle="2026-11",
        daily_usage_mb=Decimal("1.500000"),
        monthly_usage_mb=Decimal("34.250000"),
        count_of_sessions=None,
        sms_sent=2,
        notes="Sample tracker 1",
        deactivation_date=None,
    ),
    SimCard(
        status="Deactivated",
        status_id=2,
        iccid="8944500000000000025",
        account_name="Sample account",
        rate_plan="Sample plan",
        billing_cycle="2026-11",
        daily_usage_mb=Decimal("0.000000"),
        monthly_usage_mb=Decimal("0.000000"),
        count_of_sessions=None,
        sms_sent=0,
        notes="Sample tracker 2",
        deactivation_date=None,
    ),
]


@endpoint("iot_sim_cards", right=Right.SEE_LINES, sample=_SAMPLE_CARDS)
def iot_sim_cards(caller: Caller, asked: Cards) -> Page[SimCard]:
    """The account's lines by ICCID, those of its sub-accounts too"""
    sought = cards.Sought(asked.status_id, asked.common_filter.strip(), asked.rate_plan_id, asked.account_uuid or "")
    today = clock.today()
    page = keyed(
        asked,
        fetch=lambda key, back, offset, limit: cards.lines_by_key(
            caller, sought, key, back, offset, limit, today=today
        ),
        key=lambda line: line.iccid,
        count=lambda: cards.count_lines(caller, sought),
    )
    return Page([_card(line, caller) for line in page.data], page.total, page.links)


class Choice(msgspec.Struct):
    id: int
    name: str


class AccountChoice(msgspec.Struct):
    uuid: str
    name: str


class FilterData(msgspec.Struct):
    """What iot_sim_cards may be filtered by: status_id, rate_plan_id, account_uuid."""

    statuses: list[Choice]
    rate_plans: list[Choice]
    accounts: list[AccountChoice]


_STATUSES = [Choice(int(status), status.word) for status in Status]


@endpoint(
    "sim_card_filter_data",
    right=Right.SEE_LINES,
    sample=FilterData(_STATUSES, [Choice(1, "Sample plan")], [AccountChoice("0" * 32, "Sample account")]),
)
def sim_card_filter_data(caller: Caller) -> FilterData:
    """The choices of the lists' filters"""
    return FilterData(
        statuses=_STATUSES,
        rate_plans=[Choice(plan.pk, plan.name) for plan in plans_of(caller)],
        accounts=[
            AccountChoice(account.uuid.hex, account.name) for account in [caller.account, *subaccounts_of(caller)]
        ],
    )


def _line(caller: Caller, iccid: str) -> Line:
    line = lines_of(caller).select_related("carrier").filter(iccid=iccid).first()
    if line is None:
        raise NotFound("No such line is yours; iot_sim_cards lists those that are")
    return line


@endpoint("sim_card/{iccid}/activation_ready", "POST", right=Right.ACTIVATE_LINES, sample=Ack())
def activation_ready(caller: Caller, iccid: str) -> Ack:
    """Activates a line at once; needs an available balance of the minimum or more"""
    try:
        wishes.activate(line=_line(caller, iccid), by=caller.actor)
    except wishes.InsufficientBalance:
        if caller.may(Right.SEE_MONEY):
            raise
        raise Refusal("Your provider does not allow this line to be activated now; ask there") from None
    return Ack()


@endpoint("sim_card/{iccid}/deactivate", "POST", right=Right.MANAGE_LINES, sample=Ack())
def deactivate(caller: Caller, iccid: str) -> Ack:
    """Deactivates a line at once"""
    wishes.deactivate(line=_line(caller, iccid), by=caller.actor)
    return Ack()


class DeactivationDate(msgspec.Struct):
    """When a line is to be deactivated: at 00:00 UTC of this day; null takes the date away."""

    deactivation_date: Midnight | None


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        raise Invalid(f"{text[:10]} is not a day of the calendar; write it like 2026-12-01") from None


@endpoint("sim_card/{iccid}/deactivation_date", "PUT", "POST", right=Right.MANAGE_LINES, sample=Ack())
def deactivation_date(caller: Caller, iccid: str, asked: DeactivationDate) -> Ack:
    """Sets the day at whose beginning a line is deactivated, or takes it away"""
    line = _line(caller, iccid)
    if asked.deactivation_date is None:
        wishes.keep_active(line=line, by=caller.actor)
    else:
        wishes.deactivate_on(line=line, date=_date(asked.deactivation_date), by=caller.actor)
    return Ack()


class Notes(msgspec.Struct):
    notes: Annotated[str, msgspec.Meta(max_length=wishes.LONGEST_NOTES)]


@endpoint("sim_card/{iccid}/notes", "PUT", "POST", right=Right.ACTIVATE_LINES, sample=Ack())
def notes(caller: Caller, iccid: str, asked: Notes) -> Ack:
    """Changes a line's notes"""
    wishes.edit_notes(line=_line(caller, iccid), notes=asked.notes, by=caller.actor)
    return Ack()


class OfCycle(msgspec.Struct):
    billing_cycle: Annotated[Month | None, msgspec.Meta(description="From bill_cycle_list; default: current")] = None


class DayUsed(msgspec.Struct):
    """Bytes of a day in kB of 1,024."""

    date: str
    usage_kb: Decimal


@endpoint(
    "sim_card/{iccid}/daily_statistics",
    right=Right.SEE_LINES,
    sample=[DayUsed("2026-11-01", Decimal("1536.000000")), DayUsed("2026-11-02", Decimal("812.500000"))],
)
def daily_statistics(caller: Caller, iccid: str, asked: OfCycle) -> list[DayUsed]:
    """What a line used on each day of a cycle that has begun"""
    line, today = _line(caller, iccid), clock.today()
    start = cycle_start(today, line.carrier.cycle_day)
    if asked.billing_cycle is not None:
        start = dt.date.fromisoformat(f"{asked.billing_cycle}-{line.carrier.cycle_day:02}")
    used = cards.days_in_cycle(caller, line, start)
    length = (min(cycle_end(start), today) - start).days + 1
    days = [start + dt.timedelta(days=number) for number in range(length)]
    return [DayUsed(day.isoformat(), kilobytes(used.get(day, 0))) for day in days]


class CycleUsed(msgspec.Struct):
    """A cycle's usage in MB of 1,048,576 bytes, and what it cost with the line's fees in USD."""

    billing_cycle: str
    start_date: str
    end_date: str
    usage_mb: Decimal
    cost: Annotated[Decimal | None, msgspec.Meta(description="null for a sub-account")]


@endpoint(
    "sim_card/{iccid}/usage_summary",
    right=Right.SEE_LINES,
    sample=[CycleUsed("2026-11", "2026-11-01", "2026-11-30", Decimal("34.250000"), Decimal("0.342500"))],
)
def usage_summary(caller: Caller, iccid: str, asked: Paging) -> Page[CycleUsed]:
    """What a line used in each of the last twelve cycles, the current first"""
    line, today = _line(caller, iccid), clock.today()
    usage = usage_of(caller, iccid, cycle=cycle_start(today, line.carrier.cycle_day), today=today)
    return listed(
        asked,
        [
            CycleUsed(
                f"{month.start:%Y-%m}",
                month.start.isoformat(),
                cycle_end(month.start).isoformat(),
                megabytes(month.used),
                month.cost,
            )
            for month in reversed(usage.months)
        ],
    )


class BillCycle(msgspec.Struct):
    billing_cycle: str
    start_date: str
    end_date: str


@endpoint(
    "sim_card/{iccid}/bill_cycle_list",
    right=Right.SEE_LINES,
    sample=[BillCycle("2026-11", "2026-11-01", "2026-11-30")],
)
def bill_cycle_list(caller: Caller, iccid: str, asked: Paging) -> Page[BillCycle]:
    """The cycles that daily_statistics knows of a line, the current first"""
    starts = cards.cycles_of(caller, _line(caller, iccid), today=clock.today())
    return listed(
        asked, [BillCycle(f"{start:%Y-%m}", start.isoformat(), cycle_end(start).isoformat()) for start in starts]
    )


class Days(Paging):
    """From a day to another, both counted, at most 31; by default the current month."""

    start_date: Day | None = None
    end_date: Day | None = None

    def range(self, today: dt.date) -> tuple[dt.date, dt.date]:
        """Raises Invalid."""
        last = _date(self.end_date) if self.end_date else today
        first = _date(self.start_date) if self.start_date else last.replace(day=1)
        if not dt.timedelta(0) <= last - first <= dt.timedelta(days=30):
            raise Invalid("The days run backwards or are over 31; give start_date and an end_date in the 30 days after")
        return first, last


class LineUsage(msgspec.Struct):
    """What a line used on a day at one price (kB of 1,024), and what that and the day's fee cost. USD."""

    date: str
    iccid: str
    account_name: str
    rate_plan: str
    usage_kb: Decimal
    price_per_mb: Decimal
    data_cost: Decimal
    line_fee: Decimal
    amount: Decimal


@endpoint(
    "balance_usages",
    right=Right.SEE_MONEY,
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
        )
    ],
)
def balance_usages(caller: Caller, asked: Days) -> Page[LineUsage]:
    """What each line cost on each day, the latest day first"""
    payer = caller.account
    first, last = asked.range(clock.today())

    def fetch(key: str | None, back: bool, offset: int, limit: int) -> list[cards.LineCharge]:
        return cards.charges_by_key(payer, first, last, _place(key), back, offset, limit)

    page = keyed(asked, fetch=fetch, key=lambda row: row.key, count=lambda: cards.count_charges(payer, first, last))
    return Page([_line_usage(row) for row in page.data], page.total, page.links)


def _place(key: str | None) -> tuple[dt.date, int] | None:
    if key is None:
        return None
    day, _, number = key.partition(":")
    if not number.isdecimal() or len(number) > 18:
        raise Invalid("The cursor is not one of ours; take it from a page's links")
    return _date(day), int(number)


def _line_usage(row: cards.LineCharge) -> LineUsage:
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
    )


class PlanPrice(msgspec.Struct):
    """A rate plan's prices from a moment on; null: from the beginning. USD."""

    rate_plan: str
    price_per_mb: Decimal
    price_per_sms: Decimal
    price_per_day: Decimal
    valid_from: str | None


@endpoint(
    "prices",
    right=Right.SEE_MONEY,
    sample=[PlanPrice("Sample plan", Decimal("0.010000"), Decimal("0.050000"), Decimal("0.000000"), None)],
)
def prices(caller: Caller, asked: Paging) -> Page[PlanPrice]:
    """What the account's rate plans cost now, and what is announced; a plan has one price in every country"""
    return listed(
        asked,
        [
            PlanPrice(plan.name, price.per_mb, price.per_sms, price.per_day, moment(price.valid_from))
            for plan, price in cards.prices_of(caller, now=clock.now())
        ],
    )


ENDPOINTS = (
    iot_sim_cards,
    sim_card_filter_data,
    activation_ready,
    deactivate,
    deactivation_date,
    notes,
    daily_statistics,
    usage_summary,
    bill_cycle_list,
    balance_usages,
    prices,
)
