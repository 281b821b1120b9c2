"""The back office's desks about lines."""

from lines.admin import counters, differences, fleet, moves, shop, zones

__all__ = ["counters", "differences", "fleet", "moves", "shop", "zones"]
