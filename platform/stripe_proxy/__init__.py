"""A stand-in for Stripe on loopback: localstripe's objects, and what Stripe documents beyond them.

It stands alone: the product reaches it as it reaches Stripe, by keys and a base URL.
"""

from .running import Running, running

__all__ = ["Running", "running"]
