"""The back office's desks about lines."""

from lines.admin import counters, differences, fleet, shop

__all__ = ["counters", "differences", "fleet", "shop"]
