"""Doors for people."""

from accounts.views.entering import SignupView, at, brand_logo, brand_style, choose, stop_acting
from accounts.views.joining import invitation
from accounts.views.links import ConfirmView, former_link, open_link
from accounts.views.office import first_factor_by_link, office_pass

__all__ = [
    "ConfirmView",
    "SignupView",
    "at",
    "brand_logo",
    "brand_style",
    "choose",
    "first_factor_by_link",
    "former_link",
    "invitation",
    "office_pass",
    "open_link",
    "stop_acting",
]
