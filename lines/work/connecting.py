"""What a carrier says it has: looked at before its credentials are kept, and brought into inventory page by page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from kit import clock
from kit.errors import Invalid

from accounts.policy import Actor
from lines import carriers
from lines.carriers.base import Card, CarrierClient, CarrierFailure, Odd, Refused, Stock
from lines.carriers.wire import Unauthorized
from lines.commands.carriers import checked_secrets
from lines.commands.stock import Imported, import_lines
from lines.commands.tuning import api_address
from lines.models import Carrier, RatePlan
from lines.work.clients import client_for
from lines.work.trying import NOBODYS, TIMEOUT

PATIENCE = 5.0  # seconds
MOST_PAGES = 50  # of an import: a person waits for it; a larger fleet comes by the file that the carrier exports


@dataclass(frozen=True, slots=True)
class Seen:
    """What one page of a carrier's SIMs was understood to say. `lists`: False where it has no list."""

    cards: tuple[Card, ...] = ()
    odd: tuple[Odd, ...] = ()
    has_more: bool = False
    total: int | None = None
    lists: bool = True

    def __str__(self) -> str:
        if not self.lists:
            return "The carrier accepted the credentials. SIMs aren’t listed by this carrier. Import them from a file."
        words = Counter(card.status.word if card.status else "no status" for card in self.cards)
        count = f"{self.total:,} SIMs" if self.total is not None else f"{len(self.cards):,} SIMs"
        states = ", ".join(f"{word} {number:,}" for word, number in words.most_common(5))
        more = " on the first page" if self.has_more and self.total is None else ""
        odd = f" {len(self.odd):,} could not be read: {self.odd[0].why}." if self.odd else ""
        plans = sorted({card.plan for card in self.cards if card.plan})
        named = f" Carrier plans: {', '.join(plans[:10])}." if plans else ""
        return f"{count}{more}{f': {states}' if states else ''}.{named}{odd}"


@contextmanager
def asking(carrier: str, what_stays: str) -> Iterator[None]:
    """How a carrier fails, as one sentence for a person. Raises Invalid."""
    try:
        yield
    except Unauthorized:
        raise Invalid(f"{carrier} did not accept the credentials. {what_stays}".strip()) from None
    except CarrierFailure as failure:
        raise Invalid(f"{failure} {what_stays}".strip()) from None


def try_connection(*, kind: str, url: str, secrets: Mapping[str, str], by: Actor) -> Seen:
    """Reads one page of a carrier that is not known yet. Raises Invalid where it does not answer as it should."""
    given = checked_secrets(kind=kind, secrets=secrets)
    address = api_address(url=url, by=by)
    title = carriers.CLIENTS[kind].title
    with asking(title, "Nothing is kept."):
        client = carriers.open_client(kind, url=address, secrets=given, timeout=TIMEOUT)
        try:
            return _first(client)
        finally:
            client.close()


def look_at(carrier: Carrier) -> Seen:
    """Reads one page of a carrier, through its own gate. Raises Invalid."""
    with asking(carrier.name, ""):
        return _first(client_for(carrier, patience=PATIENCE))


def _first(client: CarrierClient) -> Seen:
    if not (client.abilities.lists_stock or client.abilities.lists_lines):
        try:
            client.get_status(NOBODYS)
        except Unauthorized:
            raise
        except Refused:
            pass  # it knows who asks, and has no such SIM
        return Seen(lists=False)
    page = next(every_page(client))
    return Seen(page.cards, page.odd, bool(page.cursor), page.total)


def every_page(client: CarrierClient) -> Iterator[Stock]:
    """A carrier's SIMs, in its pages. Raises CarrierFailure."""
    cursor = ""
    while True:
        page = client.read_stock(cursor) if client.abilities.lists_stock else _of_list(client, int(cursor or "1"))
        yield page
        if not page.cursor or page.cursor == cursor:
            return
        cursor = page.cursor


def _of_list(client: CarrierClient, number: int) -> Stock:
    """The SIMs of a page that tells usage as well."""
    page = client.read_page(number, now=clock.now())
    cards = tuple(Card(reading.iccid, reading.status) for reading in page.readings)
    return Stock(cards, str(number + 1) if cards and page.number == number < page.total_pages else "", page.odd)


def import_stock(*, carrier: Carrier, plan: RatePlan, on_plan: str, by: Actor) -> tuple[Imported, Sequence[Odd], bool]:
    """Brings the carrier's SIMs into inventory on a rate plan: all, or those that it has on a plan of that name.

    What could not be read, and whether there are more pages. Harmless twice. Raises Invalid.
    """
    client = client_for(carrier, patience=PATIENCE)
    if not (client.abilities.lists_stock or client.abilities.lists_lines):
        raise Invalid(f"{client.title} doesn’t list its SIMs. Import them from a file.")
    cards, odd, has_more = list[Card](), list[Odd](), False
    with asking(carrier.name, "Nothing was imported."):
        for page in islice(every_page(client), MOST_PAGES):
            cards += page.cards
            odd += page.odd
            has_more = bool(page.cursor)
    wanted = {card.iccid: None for card in cards if on_plan in ("", card.plan)}
    done = import_lines(rows=enumerate(wanted, 1), carrier=carrier, plan=plan, account=None, active=False, by=by)
    return done, odd, has_more
