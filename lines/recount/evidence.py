"""What a stranger computes one line's bill from: its kept readings, and its plans and prices with their dates."""

from __future__ import annotations

import csv
import datetime as dt
from typing import TextIO

from lines.recount import source
from lines.recount.audit import ASKED_BEFORE
from lines.recount.bulk import NO_CYCLE
from lines.recount.calendars import BEGINNING
from lines.recount.replay import beginning_of
from lines.recount.rules import Dated

READINGS = ("number", "asked at", "bytes", "cycle", "final total")
PLANS = ("since", "rate plan", "price", "per MB", "per day", "country")
PLACES = ("since", "country", "known after")


def write_evidence(iccid: str, readings: TextIO, plans: TextIO, places: TextIO) -> tuple[int, int, int]:
    """Writes the three files of a line that there is, in UTC and USD; says how many rows they have."""
    line = source.facts(after=0, limit=1, since=BEGINNING, iccid=iccid)[0]
    begins = beginning_of(line)
    kept = source.readings([line], since=begins if begins == BEGINNING else begins - ASKED_BEFORE)
    told = kept.told
    rows = csv.writer(readings, lineterminator="\n")
    rows.writerow(READINGS)
    for n in range(len(told)):
        cycle = "" if told.cycle[n] == NO_CYCLE else source.as_date(told.cycle[n]).isoformat()
        at = source.EPOCH + int(told.at[n]) * source.MICROSECOND
        rows.writerow([int(kept.page[n]), _utc(at), int(told.counter[n]), cycle, "yes" if told.is_final[n] else ""])
    dated = _prices(line, source.market())
    rows = csv.writer(plans, lineterminator="\n")
    rows.writerow(PLANS)
    rows.writerows(dated)
    seen = [place for whose in line.places.values() for place in whose]
    rows = csv.writer(places, lineterminator="\n")
    rows.writerow(PLACES)
    rows.writerows((_utc(one.since), one.country, one.after) for one in seen)
    return len(told), len(dated), len(seen)


def _prices(line: source.LineFacts, market: source.Market) -> list[tuple[str, str, int, str, str, str]]:
    """A row for each moment at which another plan or price began for the line, and after it those of countries."""
    plans = Dated(line.plans)
    moments = {moment for moment, _ in line.plans}
    for plan in {plan for _, plan in line.plans}:
        prices = market.prices.get(plan)
        moments |= {moment for moment in prices.moments if moment >= plans.moments[0]} if prices else set()
    found: list[tuple[str, str, int, str, str, str]] = []
    last = 0
    for moment in sorted(moments):
        plan_then = plans.at(moment)
        price = market.prices[plan_then].at(moment) if plan_then in market.prices else None
        if price is not None and last != price.number:
            last = price.number
            for country, one in [("", price), *sorted(price.abroad.items())]:
                name, sums = market.plan_of_price[one.number], (f"{one.per_mb:f}", f"{one.per_day:f}")
                found.append((_utc(moment), name, one.number, *sums, country))
    return found


def _utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
