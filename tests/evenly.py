"""What a page says, however its template breaks lines."""

from __future__ import annotations

import re


def evenly(html: str) -> str:
    """Each run of blanks and line breaks is one blank, and there is none before a sign or at the ends of an element."""
    html = re.sub(r"\s+", " ", html).replace(" >", ">")
    html = re.sub(r"(<(?:a|strong|span|td|th|dd|p)\b[^>]*>) ", r"\1", html)
    return re.sub(r" (?=[.,:;]|</(?:a|strong|span|td|th|dd|p)>)", "", html)
