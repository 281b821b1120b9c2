"""Mailed links as a browser opens them: what stands behind the # is handed over in a form."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.test import Client

PATTERN = r"https?://[^/\s]+/accounts/open/{kind}/#\S+"


def link_in(text: str, kind: str) -> str:
    """The one link of this kind in a mail."""
    (found,) = set(re.findall(PATTERN.format(kind=kind), text))
    return str(found)


def opened(client: Client, link: str) -> str:
    """The path of the page that the link leads to, whose session has what opens it from then on."""
    address, _, token = link.partition("#")
    path = urlsplit(address).path
    assert b"open_link" in client.get(path).content
    answer = client.post(path, {"link": token})
    assert token not in answer.headers["Location"]
    return str(answer.headers["Location"])
