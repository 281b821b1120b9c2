"""Doors for people."""

from accounts.views.entering import SignupView, at, brand_logo, brand_style, choose, stop_acting
from accounts.views.joining import invitation
from accounts.views.office import first_factor_by_link, office_pass

__all__ = [
    "SignupView",
    "at",
    "brand_logo",
    "brand_style",
    "choose",
    "first_factor_by_link",
    "invitation",
    "office_pass",
    "stop_acting",
]
