"""Doors for people."""

from accounts.views.entering import SignupView, at, brand_logo, brand_style, choose, stop_acting
from accounts.views.joining import invitation

__all__ = ["SignupView", "at", "brand_logo", "brand_style", "choose", "invitation", "stop_acting"]
