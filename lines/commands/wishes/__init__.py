"""What we want of lines: by their balance, a person, a rule. A worker drives the carrier until it agrees."""

from lines.commands.wishes.balance import enforce, lock_lines
from lines.commands.wishes.changing import change_wishes
from lines.commands.wishes.notes import LONGEST_NOTES, edit_notes, plain_notes
from lines.commands.wishes.orders import (
    activate,
    activate_lines,
    deactivate,
    deactivate_due,
    deactivate_lines,
    deactivate_lines_next_day,
    deactivate_lines_on,
    deactivate_next_day,
    deactivate_on,
    keep_active,
    keep_lines_active,
    next_day,
)
from lines.commands.wishes.refusals import (
    AlreadyDeactivated,
    CapFull,
    HolderOff,
    InsufficientBalance,
    InsufficientWallet,
    LineInStock,
)
from lines.commands.wishes.standings import facts_of, ready_standing, set_many, standing
from lines.commands.wishes.wallets import Enforced

__all__ = [
    "LONGEST_NOTES",
    "AlreadyDeactivated",
    "CapFull",
    "Enforced",
    "HolderOff",
    "InsufficientBalance",
    "InsufficientWallet",
    "LineInStock",
    "activate",
    "activate_lines",
    "change_wishes",
    "deactivate",
    "deactivate_due",
    "deactivate_lines",
    "deactivate_lines_next_day",
    "deactivate_lines_on",
    "deactivate_next_day",
    "deactivate_on",
    "edit_notes",
    "enforce",
    "facts_of",
    "keep_active",
    "keep_lines_active",
    "lock_lines",
    "next_day",
    "plain_notes",
    "ready_standing",
    "set_many",
    "standing",
]
