"""The back office's desks about lines."""

from lines.admin import costs, counters, differences, fleet, moves, shop, zones

__all__ = ["costs", "counters", "differences", "fleet", "moves", "shop", "zones"]
