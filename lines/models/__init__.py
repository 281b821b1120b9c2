"""The tables of lines, by noun."""

from lines.models.apns import BrandApn
from lines.models.books import BooksCheck
from lines.models.budget import AskedOfDay, CallsOfDay, DoneOfDay
from lines.models.bundles import Bundle, BundleTold, Overage
from lines.models.caps import Cap, CapHold
from lines.models.carriers import AddressChange, Breaker, Carrier, CarrierFunds, CarrierHealth, FormerSecrets
from lines.models.changes import ChangedLines, LineChange
from lines.models.costs import CarrierCost
from lines.models.counts import LineCount
from lines.models.devices import LineDevice, LineSecret, LineSetting, NameSharing, Sighting
from lines.models.differences import Difference
from lines.models.drives import BulkEdit, Drive
from lines.models.fields import CustomField, FieldValue
from lines.models.holds import RuleHold
from lines.models.jobs import Job, JobItem
from lines.models.leased import Leased
from lines.models.lines import ICCID, Line, LineState
from lines.models.lists import IccidList, LineFile
from lines.models.moves import ImportedDay, Move, MoveDay, MoveLine
from lines.models.notes import NotesLeft
from lines.models.offers import PlanOffer, PrivatePlan
from lines.models.passes import Chunk, FinalTotal, Quarantine, ReadingPass
from lines.models.plans import Price, RatePlan
from lines.models.readings import (
    BoundaryUse,
    CycleDay,
    HeldMovement,
    KeptReading,
    LineHolding,
    LinePlan,
    Opening,
    OpeningDay,
    Rebase,
    RebaseRequest,
)
from lines.models.resale import HolderCut, ListPrice, PriceList, ResaleDay, ResaleSeen, ResaleTerms
from lines.models.sandbox import Sandbox, SandboxSim
from lines.models.shop import Coverage, Order
from lines.models.sms import SmsLook, SmsMessage
from lines.models.spans import OnSpan
from lines.models.stock import ClaimCode, ClaimGuess, ClaimSecret, LineProof, Reservation
from lines.models.tags import LineTag, Tag
from lines.models.usage import HolderDay, LineCycle, LineDay
from lines.models.usage_exports import UsageExport, UsageExportPart
from lines.models.watched import WatchedLine
from lines.models.webhooks import CarrierWebhook, ToldLine, WebhookCall
from lines.models.zones import LineCountry, Zone, ZoneCountry

__all__ = [
    "ICCID",
    "AddressChange",
    "AskedOfDay",
    "BooksCheck",
    "BoundaryUse",
    "BrandApn",
    "Breaker",
    "BulkEdit",
    "Bundle",
    "BundleTold",
    "CallsOfDay",
    "Cap",
    "CapHold",
    "Carrier",
    "CarrierCost",
    "CarrierFunds",
    "CarrierHealth",
    "CarrierWebhook",
    "ChangedLines",
    "Chunk",
    "ClaimCode",
    "ClaimGuess",
    "ClaimSecret",
    "Coverage",
    "CustomField",
    "CycleDay",
    "Difference",
    "DoneOfDay",
    "Drive",
    "FieldValue",
    "FinalTotal",
    "FormerSecrets",
    "HeldMovement",
    "HolderCut",
    "HolderDay",
    "IccidList",
    "ImportedDay",
    "Job",
    "JobItem",
    "KeptReading",
    "Leased",
    "Line",
    "LineChange",
    "LineCount",
    "LineCountry",
    "LineCycle",
    "LineDay",
    "LineDevice",
    "LineFile",
    "LineHolding",
    "LinePlan",
    "LineProof",
    "LineSecret",
    "LineSetting",
    "LineState",
    "LineTag",
    "ListPrice",
    "Move",
    "MoveDay",
    "MoveLine",
    "NameSharing",
    "NotesLeft",
    "OnSpan",
    "Opening",
    "OpeningDay",
    "Order",
    "Overage",
    "PlanOffer",
    "Price",
    "PriceList",
    "PrivatePlan",
    "Quarantine",
    "RatePlan",
    "ReadingPass",
    "Rebase",
    "RebaseRequest",
    "ResaleDay",
    "ResaleSeen",
    "ResaleTerms",
    "Reservation",
    "RuleHold",
    "Sandbox",
    "SandboxSim",
    "Sighting",
    "SmsLook",
    "SmsMessage",
    "Tag",
    "ToldLine",
    "UsageExport",
    "UsageExportPart",
    "WatchedLine",
    "WebhookCall",
    "Zone",
    "ZoneCountry",
]
