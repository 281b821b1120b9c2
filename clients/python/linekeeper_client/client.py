"""The client: the calls of the document, and the events as a stream."""

from __future__ import annotations

from collections.abc import Iterator

from linekeeper_client.calls import Calls
from linekeeper_client.types import HappenedEvent


class Linekeeper(Calls):
    """The API of one account."""

    def tail(self, cursor: str | None = "now", *, every: float = 5.0) -> Iterator[tuple[str, HappenedEvent]]:
        """Events as they are told, each with the cursor to go on behind its page; without end."""
        while True:
            page = self.events(cursor=cursor)
            cursor = page["cursor"]
            for event in page["data"]:
                yield cursor, event
            if not page["has_more"]:
                self._sleep(every)
