"""What can happen to people and accounts. Each command is one transaction and writes one event."""

from accounts.commands.brands import DomainTaken, Look, brand_account, change_logo, put_domain_live
from accounts.commands.events import Happened, record, record_many
from accounts.commands.opening import (
    LONGEST_NAME,
    AlreadyOwned,
    EmailTaken,
    NameTaken,
    ParentRefused,
    open_account,
    open_subaccount,
    rename_subaccount,
    sign_up,
    switch_subaccount,
)

__all__ = [
    "LONGEST_NAME",
    "AlreadyOwned",
    "DomainTaken",
    "EmailTaken",
    "Happened",
    "Look",
    "NameTaken",
    "ParentRefused",
    "brand_account",
    "change_logo",
    "open_account",
    "open_subaccount",
    "put_domain_live",
    "record",
    "record_many",
    "rename_subaccount",
    "sign_up",
    "switch_subaccount",
]
