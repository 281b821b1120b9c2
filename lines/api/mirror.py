"""A copy of the list of lines, kept up to date by what changed: nothing is missed, whatever happens meanwhile."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec
from kit import clock, paging
from kit.endpoints import Input, endpoint
from kit.errors import Invalid
from kit.identifiers import ICCID_LONGEST, ICCID_PATTERN
from kit.paging import CursorTooOld, Natural

from accounts.policy import Right
from accounts.queries import Caller
from lines.api.asked import ICCID
from lines.api.cards import SAMPLE_CARD, Fields, SimCard, card_shown, with_more
from lines.queries import mirror
from lines.queries.cards import cards_by_id

GROUP = "Lines"
REACH = dt.timedelta(days=90)
Number = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class Place(msgspec.Struct, array_like=True, frozen=True):
    """A place in a round of changes: `since` is where the round reads on from, `upto` where the next one does."""

    server: str
    since: Number
    since_at: Natural
    upto: Number
    upto_at: Natural
    key: Annotated[str, msgspec.Meta(pattern=f"^({ICCID_PATTERN})?$", max_length=ICCID_LONGEST)]

    def __str__(self) -> str:
        return paging.written(self)

    @classmethod
    def read(cls, text: str) -> Place:
        """Raises Invalid."""
        try:
            return paging.read(text, cls)
        except ValueError:
            raise Invalid(
                "The cursor is not one of ours; take it from the answer before", field="changed_since"
            ) from None


class ChangesAsked(Input, kw_only=True):
    """From where, and how much."""

    changed_since: (
        Annotated[
            str, msgspec.Meta(max_length=300, description="`cursor` of the answer before; none: every line, to begin")
        ]
        | None
    ) = None
    fields: Fields = ""
    per_page: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class LineChanges(msgspec.Struct):
    """Lines as they are now, each that changed, and those that are yours no more."""

    data: list[SimCard]
    gone: Annotated[list[str], msgspec.Meta(description="ICCIDs of lines that left the account since")]
    cursor: Annotated[str, msgspec.Meta(description="Send it next time, also when nothing changed")]
    has_more: Annotated[bool, msgspec.Meta(description="false: that is all for now")]


@endpoint("line_changes", right=Right.SEE_LINES, sample=LineChanges([SAMPLE_CARD], [ICCID[:-2] + "25"], "W10", False))
def line_changes(caller: Caller, asked: ChangesAsked) -> LineChanges:
    """What a copy of the list is to take over: lines that changed since, and those that left"""
    place = _place(asked.changed_since)
    found = mirror.changes_of(caller, since=place.since, key=place.key, limit=asked.per_page)
    cards = [card_shown(card, caller) for card in cards_by_id(caller, found.changed, clock.today())]
    if found.last is not None:
        following = msgspec.structs.replace(place, key=found.last)
    else:
        following = Place(place.server, place.upto, place.upto_at, 0, 0, "")
    return LineChanges(with_more(caller, cards, asked.fields), found.gone, str(following), found.last is not None)


def _place(cursor: str | None) -> Place:
    """Where to read; a round is given its end before anything of it is read. Raises Invalid, CursorTooOld."""
    upto, server = mirror.mark()
    now = int(clock.now().timestamp())
    place = Place(server, 0, now, 0, 0, "") if cursor is None else Place.read(cursor)
    if place.server != server:
        raise CursorTooOld("The database is another one than this cursor is of; read without one, from the start")
    if now - place.since_at > REACH.total_seconds():
        raise CursorTooOld("This cursor is over 90 days old; read without one, from the start")
    return place if place.upto else msgspec.structs.replace(place, upto=upto, upto_at=now)


ENDPOINTS = (line_changes,)
