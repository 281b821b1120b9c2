"""The back office's desks about money."""

from billing.admin import money, payouts, tax

__all__ = ["money", "payouts", "tax"]
