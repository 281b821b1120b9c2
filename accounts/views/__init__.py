"""Doors for people."""

from accounts.views.entering import SignupView, at, brand_logo, brand_style, choose
from accounts.views.joining import invitation

__all__ = ["SignupView", "at", "brand_logo", "brand_style", "choose", "invitation"]
