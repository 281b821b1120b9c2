"""The back office's desks about lines."""

from lines.admin import fleet, shop

__all__ = ["fleet", "shop"]
