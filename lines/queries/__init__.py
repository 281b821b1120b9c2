"""Reads about lines for screens."""

from lines.queries.costs import LineCost, costs_between, costs_of_day, count_costs, pools_between, sms_between
from lines.queries.fleet import Fleet, Group, fleet_of, top_lines
from lines.queries.listing import (
    COUNTED,
    OWN,
    SIZES,
    STOPPED_STATUS,
    WAITING,
    Asked,
    Listing,
    Pasted,
    carriers_of,
    chosen_lines,
    count_lines,
    list_lines,
    pasted,
    plans_beside,
    plans_of,
    subaccounts_of,
    tags_of,
)
from lines.queries.order import SORTS
from lines.queries.scope import lines_of
from lines.queries.shown import LineShown, line_of, lines_again
from lines.queries.usage import UsageOfLine, Used, usage_of

__all__ = [
    "COUNTED",
    "OWN",
    "SIZES",
    "SORTS",
    "STOPPED_STATUS",
    "WAITING",
    "Asked",
    "Fleet",
    "Group",
    "LineCost",
    "LineShown",
    "Listing",
    "Pasted",
    "UsageOfLine",
    "Used",
    "carriers_of",
    "chosen_lines",
    "costs_between",
    "costs_of_day",
    "count_costs",
    "count_lines",
    "fleet_of",
    "line_of",
    "lines_again",
    "lines_of",
    "list_lines",
    "pasted",
    "plans_beside",
    "plans_of",
    "pools_between",
    "sms_between",
    "subaccounts_of",
    "tags_of",
    "top_lines",
    "usage_of",
]
