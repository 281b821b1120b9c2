"""Countries in a rule's sentence."""

from __future__ import annotations

from kit.countries import name_of

MOST_NAMED = 5  # in a sentence; of more the codes are read more easily


def listed(codes: list[str]) -> str:
    """Germany, France."""
    return ", ".join(map(name_of, codes) if len(codes) <= MOST_NAMED else codes)
