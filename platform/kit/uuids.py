"""UUIDs as clients write them: with dashes, in capitals, in braces, as a URN. Inside, each is 32 hex."""

from __future__ import annotations

import re

_HEX = "[0-9A-Fa-f]"
ANY_FORM = f"(?:urn:uuid:)?{{?{_HEX}{{8}}-?{_HEX}{{4}}-?{_HEX}{{4}}-?{_HEX}{{4}}-?{_HEX}{{12}}}}?"
_WHOLE = re.compile(ANY_FORM, re.IGNORECASE)
_IN_BODY = re.compile(rf'("[a-z_]*uuid"\s*:\s*")({ANY_FORM})(?=")'.encode(), re.IGNORECASE)


def plain(text: str) -> str:
    """32 lower-case hex where this is a UUID in any form, else the text as it is."""
    if not _WHOLE.fullmatch(text):
        return text
    return text.lower().removeprefix("urn:uuid:").strip("{}").replace("-", "")


def plain_in_body(body: bytes) -> bytes:
    """A JSON body whose members that end in `uuid` have their UUIDs plain; all else is as it was."""
    if b'uuid"' not in body:
        return body
    return _IN_BODY.sub(lambda found: found[1] + plain(found[2].decode("ascii")).encode("ascii"), body)
