"""The back office's desks about money."""

from billing.admin import money, tax

__all__ = ["money", "tax"]
