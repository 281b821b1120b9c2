"""The back office's desks about lines."""

from lines.admin import differences, fleet, shop

__all__ = ["differences", "fleet", "shop"]
