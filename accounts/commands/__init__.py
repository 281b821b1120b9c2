"""What can happen to people and accounts. Each command is one transaction and writes one event."""

from accounts.commands.events import Happened, record, record_many
from accounts.commands.opening import LONGEST_NAME, AlreadyOwned, EmailTaken, ParentRefused, open_account, sign_up

__all__ = [
    "LONGEST_NAME",
    "AlreadyOwned",
    "EmailTaken",
    "Happened",
    "ParentRefused",
    "open_account",
    "record",
    "record_many",
    "sign_up",
]
