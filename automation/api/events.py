"""The API's feed of events: the same objects that webhooks are sent, to be read on from where one was."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from kit.endpoints import Input, endpoint
from kit.errors import Invalid
from kit.paging import CursorTooOld

from accounts.policy import Right
from accounts.queries import Caller
from automation.kinds import BY_TYPE, TOPICS
from automation.queries import feed

GROUP = "Events"
Type = Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(BY_TYPE)}, description="What happened")]
TopicName = Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(TOPICS)}, description="What it is about")]


class HappenedEvent(msgspec.Struct):
    """Something that happened, in the account or a sub-account of it."""

    id: Annotated[str, msgspec.Meta(description="The same wherever and however often it is told")]
    type: Type
    version: Annotated[int, msgspec.Meta(description="Members are added without a new one")]
    timestamp: Annotated[str, msgspec.Meta(description="RFC 3339, as Standard Webhooks has it")]
    at: str
    account_uuid: Annotated[str, msgspec.Meta(description="The account or sub-account that it happened in")]
    data: Annotated[
        dict[str, Any],
        msgspec.Meta(description="`iccid` of a line, `by` whom, and its own"),
    ]


class Feed(msgspec.Struct):
    """Events in the order in which they are told, and where to go on."""

    data: list[HappenedEvent]
    cursor: Annotated[str, msgspec.Meta(description="Send it next time, also when `data` is empty")]
    has_more: bool


class FeedAsked(Input, kw_only=True):
    """From where, and which."""

    cursor: (
        Annotated[
            str,
            msgspec.Meta(max_length=20, description="From the answer before; none: from 90 days ago; now: what comes"),
        ]
        | None
    ) = None
    topic: TopicName | None = None
    type: Type | None = None
    per_page: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


SAMPLE = HappenedEvent(
    "evt_" + "0" * 32, "line.confirmed", 1, "2026-11-02T09:30:00Z", "2026-11-02 09:30:00", "0" * 32,
    {"account": "0" * 32, "subject": "line:8944500000000000017", "iccid": "8944500000000000017", "status": "Activated"},
)  # fmt: skip


@endpoint("events", right=Right.MANAGE_WEBHOOKS, sample=Feed([SAMPLE], "81", False))
def events(caller: Caller, asked: FeedAsked) -> Feed:
    """What happened, the earliest first; read on with the cursor"""
    for name, known in (("topic", TOPICS), ("type", BY_TYPE)):
        if (given := getattr(asked, name)) is not None and given not in known:
            raise Invalid(f"{name} is one of {', '.join(known)}", field=name)
    after = _place(asked.cursor)
    rows = feed.page(caller.account, after=after, topic=asked.topic, kind=asked.type, limit=asked.per_page + 1)
    has_more, rows = len(rows) > asked.per_page, rows[: asked.per_page]
    told = [msgspec.json.decode(row.body, type=HappenedEvent) for row in rows]
    return Feed(told, str(rows[-1].pk if rows else after), has_more)


def _place(cursor: str | None) -> int:
    """Raises Invalid, CursorTooOld."""
    if cursor is None:
        return 0
    if cursor == "now":
        return feed.newest()
    if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > 18:
        raise Invalid("The cursor is not one of ours; take it from the answer before", field="cursor")
    if feed.is_too_old(int(cursor)):
        raise CursorTooOld(
            "Events behind this cursor are over 90 days old and gone; read without one, and read lists anew"
        )
    return int(cursor)


ENDPOINTS = (events,)
