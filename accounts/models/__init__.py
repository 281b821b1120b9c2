"""Who: people, accounts, who belongs to which, keys, and what was done by whom."""

from accounts.models.brand import COLOUR, Brand, BrandLogo
from accounts.models.data import AccountExport, AccountExportPart, Erasure, FilePart, WrittenFile
from accounts.models.events import Event, GoneLinks
from accounts.models.keys import ApiCredential, ApiDay, ApiKey, IdempotentAnswer, OfficeKey, SignedWrite
from accounts.models.letters import PostedLetter
from accounts.models.logins import LoginGuess, OfficePass, WaitingLetter
from accounts.models.people import Account, Membership, User, UserManager
from accounts.models.staff import Invitation, OwnershipOffer

__all__ = [
    "COLOUR",
    "Account",
    "AccountExport",
    "AccountExportPart",
    "ApiCredential",
    "ApiDay",
    "ApiKey",
    "Brand",
    "BrandLogo",
    "Erasure",
    "Event",
    "FilePart",
    "GoneLinks",
    "IdempotentAnswer",
    "Invitation",
    "LoginGuess",
    "Membership",
    "OfficeKey",
    "OfficePass",
    "OwnershipOffer",
    "PostedLetter",
    "SignedWrite",
    "User",
    "UserManager",
    "WaitingLetter",
    "WrittenFile",
]
