"""Finding lines by any part a person remembers."""

from __future__ import annotations

import re

from django.db.models import BooleanField, F, Func, Q, QuerySet, Value
from django.db.models.functions import Reverse

from lines.models import Line


class _HasWords(Func):
    """Whether a text has all these words or their beginnings, by the index line_by_words."""

    template = "to_tsvector('simple', %(expressions)s)"
    arg_joiner = ") @@ to_tsquery('simple', "
    output_field = BooleanField()


def matching(lines: QuerySet[Line], text: str) -> QuerySet[Line]:
    """Lines whose ICCID, IMEI or MSISDN starts or ends so, or whose notes have these words.

    Where there is none, lines that have it anywhere: slower, so only then.
    """
    digits = re.sub(r"[\s+.-]", "", text)
    words = re.findall(r"\w+", text)
    found = Q(pk=None)
    if words:
        tsquery = " & ".join(f"'{word}':*" for word in words)
        found |= Q(_HasWords(F("notes"), Value(tsquery)))
    if digits.isdecimal():
        lines = lines.alias(**{f"{name}_back": Reverse(name) for name in ("iccid", "imei", "msisdn")})
        for name in ("iccid", "imei", "msisdn"):
            known = Q() if name == "iccid" else ~Q(**{name: ""})  # as the partial indexes have it
            found |= known & Q(**{f"{name}__startswith": digits})
            found |= known & Q(**{f"{name}_back__startswith": digits[::-1]})
        found |= ~Q(msisdn="") & Q(msisdn__startswith=f"+{digits}")
    by_index = lines.filter(found)
    if by_index.exists():
        return by_index
    anywhere = Q(notes__icontains=text.strip())
    if digits.isdecimal():
        anywhere |= Q(iccid__contains=digits) | Q(imei__contains=digits) | Q(msisdn__contains=digits)
    return lines.filter(anywhere)
