"""The tables of lines, by noun."""

from lines.models.books import BooksCheck
from lines.models.changes import ChangedLines
from lines.models.devices import LineDevice, LineSecret, LineSetting, Sighting
from lines.models.differences import Difference
from lines.models.jobs import Job, JobItem
from lines.models.lines import (
    ICCID,
    Breaker,
    BulkEdit,
    Carrier,
    CarrierHealth,
    Chunk,
    Drive,
    FinalTotal,
    HolderDay,
    Leased,
    Line,
    LineCycle,
    LineDay,
    LineState,
    Price,
    Quarantine,
    RatePlan,
    ReadingPass,
)
from lines.models.lists import IccidList
from lines.models.offers import PlanOffer, PrivatePlan
from lines.models.shop import Coverage, Order
from lines.models.sms import SmsLook, SmsMessage
from lines.models.spans import OnSpan
from lines.models.tags import LineTag, Tag

__all__ = [
    "ICCID",
    "BooksCheck",
    "Breaker",
    "BulkEdit",
    "Carrier",
    "CarrierHealth",
    "ChangedLines",
    "Chunk",
    "Coverage",
    "Difference",
    "Drive",
    "FinalTotal",
    "HolderDay",
    "IccidList",
    "Job",
    "JobItem",
    "Leased",
    "Line",
    "LineCycle",
    "LineDay",
    "LineDevice",
    "LineSecret",
    "LineSetting",
    "LineState",
    "LineTag",
    "OnSpan",
    "Order",
    "PlanOffer",
    "Price",
    "PrivatePlan",
    "Quarantine",
    "RatePlan",
    "ReadingPass",
    "Sighting",
    "SmsLook",
    "SmsMessage",
    "Tag",
]
