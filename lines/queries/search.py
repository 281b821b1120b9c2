"""Finding lines by any part a person remembers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat, Reverse
from kit import walls
from kit.identifiers import NotAnIccid, read_iccid, read_imei, read_msisdn, spellings
from kit.sql import array

from lines.models import Line

FEW = 10_000  # so many hits are taken by their ids; more are frequent enough to be met on the way
SMALL = 100_000  # only a fleet up to this size is read through for what no index finds


class HasWords(Func):
    """Whether a text has all these words or their beginnings, by the indexes line_by_words and sms_by_words."""

    template = "to_tsvector('simple', %(expressions)s)"
    arg_joiner = ") @@ to_tsquery('simple', "
    output_field = BooleanField()

    @classmethod
    def of(cls, field: str | Combinable, words: Sequence[str]) -> HasWords:
        text = F(field) if isinstance(field, str) else field
        return cls(text, Value(" & ".join(f"'{word}':*" for word in words)))


class IsOneOf(Func):
    """Whether a number is one of these, which travel as one parameter: a thousand of them take longer to be planned
    than to be found."""

    template = "%(expressions)s::bigint[])"
    arg_joiner = " = ANY ("
    output_field = BooleanField()

    @classmethod
    def of(cls, field: str, ids: Sequence[int]) -> IsOneOf:
        return cls(F(field), Value(array(ids)))


def matching(lines: QuerySet[Line], text: str, *, by_iccid: bool = False) -> QuerySet[Line]:
    """Lines whose ICCID, IMEI or MSISDN starts or ends so, or whose notes have these words.

    Where there is none and the fleet is not large, lines that have it anywhere. `by_iccid`: a page in that order is
    wanted, so frequent hits are met on the way along its index.
    """
    found = by_index(lines, text)
    ids = _few(found)
    if ids:
        frequent = _having(lines, text, notes=Concat("notes", Value(""))) if by_iccid else found  # no index has this
        return frequent if len(ids) > FEW else lines.filter(IsOneOf.of("pk", ids))
    if lines.order_by().values("pk")[: SMALL + 1].count() > SMALL:
        return lines.none()
    anywhere = Q(notes__icontains=text.strip())
    for digits in _numbers(text):
        anywhere |= Q(iccid__contains=digits) | Q(imei__contains=digits) | Q(msisdn__contains=digits)
    return lines.filter(anywhere)


def by_index(lines: QuerySet[Line], text: str) -> QuerySet[Line]:
    """What the indexes find, each condition by one of its own."""
    return _having(lines, text, notes="notes")


def _having(lines: QuerySet[Line], text: str, *, notes: str | Combinable) -> QuerySet[Line]:
    conditions = []
    if words := re.findall(r"\w+", text):
        conditions.append(Q(HasWords.of(notes, words)))
    if numbers := _numbers(text):
        lines = lines.alias(**{f"{name}_back": Reverse(name) for name in ("iccid", "imei", "msisdn")})
    for digits in numbers:
        for name in ("iccid", "imei", "msisdn"):
            known = Q() if name == "iccid" else ~Q(**{name: ""})  # as the partial indexes have it
            conditions.append(known & Q(**{f"{name}__startswith": digits}))
            conditions.append(known & Q(**{f"{name}_back__startswith": digits[::-1]}))
        conditions.append(~Q(msisdn="") & Q(msisdn__startswith=f"+{digits}"))
    if not conditions:
        return lines.none()
    found = Q()
    for condition in conditions:
        found |= condition
    return lines.filter(found)


def _few(found: QuerySet[Line]) -> list[int]:
    """The ids of at most FEW + 1 hits. The CTE is planned as if all were wanted: by the indexes.

    With a plain LIMIT the planner gambles on meeting a hit soon and reads a million lines for one. And behind the wall
    no index serves a text: its operators might tell of rows that the wall hides, so each line would be read. Ids alone
    are found without it, and whoever shows something of them reads them behind it.
    """
    try:
        sql, parameters = found.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return []
    with walls.lifted(), connection.cursor() as cursor:
        cursor.execute(f"WITH hit AS MATERIALIZED ({sql}) SELECT pk FROM hit LIMIT {FEW + 1}", parameters)
        return [row[0] for row in cursor.fetchall()]


def _numbers(text: str) -> list[str]:
    """The numbers that the text may mean, without what people put between digits: an ICCID in each of its spellings,
    a phone number, an IMEI, or a part of one; none where it is no number."""
    found: list[str] = []
    try:
        found += spellings(read_iccid(text))
    except NotAnIccid:
        bare = re.sub(r"[\s+.-]", "", text)
        part = bare.upper() if re.fullmatch("[0-9A-Fa-f]*[0-9][0-9A-Fa-f]*", bare) else None
        whole = (part, read_msisdn(text), read_imei(text))
        found += (one for one in whole if one)
    return list(dict.fromkeys(found))
