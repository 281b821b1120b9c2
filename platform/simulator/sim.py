"""One SIM: its card, what happened to it, and what its counters show."""

from typing import NamedTuple

from .devices import Pattern
from .fleet import PLANS, WORDS, Card, Plan
from .history import History, ImeiChange, LateReset, Settings, Sms, StatusChange
from .instants import HOUR, MINUTE, month_of, month_start

OPEN_WORDS = frozenset({"TEST_READY", *(on for on, _ in WORDS.values())})
_END_OF_TIME = 1 << 60
_FIRST_STATUS = {
    (carrier, stock): StatusChange(0, words[stock], not stock)
    for carrier, words in WORDS.items()
    for stock in (False, True)
}


class Span(NamedTuple):
    """start <= time < end"""

    start: int
    end: int


class Count(NamedTuple):
    """What a counter shows: the month it belongs to, what it counted, and the last record in it."""

    month: int
    span: Span
    seen: int
    last_record: int
    bytes: int


class Sim:
    """A card together with its history under the fleet's settings. Cheap: made for each question and thrown away."""

    __slots__ = ("_spans", "card", "history", "settings")

    def __init__(self, card: Card, history: History, settings: Settings) -> None:
        self.card = card
        self.history = history
        self.settings = settings
        self._spans: list[Span] | None = None

    # What it is

    def first_status(self) -> StatusChange:
        """The status that the card was delivered with."""
        stock = (self.card.roll >> 48) % 100 < self.settings.stock_percent
        return _FIRST_STATUS[self.card.carrier, stock]

    def status(self, at: int) -> StatusChange:
        """The status in force at an instant."""
        found = None
        for change in self.history.statuses:
            if change.at > at:
                break
            found = change
        return found or self.first_status()

    def imei(self, at: int) -> ImeiChange:
        """The device that the card sits in at an instant."""
        found = ImeiChange(self.card.activated, self.card.imei)
        for change in self.history.imeis:
            if change.at > at:
                break
            found = change
        return found

    def plan(self) -> Plan:
        """The Simbase plan it is on."""
        return PLANS[self.history.edits.get("plan_id", self.card.plan_id)]

    def device_name(self) -> str:
        """What the customer calls it."""
        return str(self.history.edits.get("device_name", self.card.device_name))

    def tags(self) -> tuple[str, ...]:
        """The customer's tags."""
        return tuple(self.history.edits.get("tags", self.card.tags))

    # When it sends

    def spans(self, opened: bool = True) -> list[Span]:
        """When the device ran and the network let it through (or, with False, turned it away)."""
        if opened and self._spans is not None:
            return self._spans
        spans = _spans(self, opened)
        if opened:
            self._spans = spans
        return spans

    def quiet(self, at: int) -> bool:
        """Whether the device's own usage is switched off: its own switch wins over the fleet's."""
        for changes in (self.history.quiets, self.settings.quiets):
            for change in reversed(changes):
                if change.at <= at:
                    return change.quiet
        return False

    def bytes_between(self, start: int, end: int, seen: int) -> int:
        """The bytes of the records at start <= time < end that show at `seen`."""
        pattern = self.card.pattern
        total = 0
        for span in self.spans():
            low, high = max(start, span.start), min(end, span.end)
            if low < high:
                total += pattern.bytes_between(low, high)
        for extra in self.history.extras:
            if start <= extra.at < end and extra.seen <= seen:
                total += extra.bytes
        return total

    def last_record(self, end: int, seen: int) -> int:
        """The instant of the last record before `end`; with none at all, of the card's making."""
        last = self.card.created
        for span in reversed(self.spans()):
            found = self.card.pattern.last_record(span.start, min(end, span.end))
            if found is not None:
                last = found
                break
        for extra in self.history.extras:
            if last < extra.at < end and extra.seen <= seen:
                last = extra.at
        return last

    # What its counters show

    def view(self, at: int) -> int:
        """The instant whose figures the carrier shows at `at`: earlier, when it reports with a lag."""
        lag = self.history.lag
        return at - (self.settings.of(self.card.carrier).lag if lag is None else lag)

    def late_reset(self, month: int) -> LateReset | None:
        """How late the counter started again with the month, if it did: the SIM's own word, then its carrier's."""
        resets = self.history.resets + self.settings.of(self.card.carrier).resets
        if not resets:
            return None
        exact = [reset for reset in resets if reset.month == month]
        general = [reset for reset in resets if reset.month is None]
        return next(iter(exact + general), None)

    def counter(self, at: int) -> Count:
        """The counter as the carrier shows it at an instant."""
        seen = self.view(at)
        if self.card.carrier == "simbase":
            return _simbase_counter(self, seen)
        month, span = _cycle(self, seen, self.settings.cycle_day if self.card.carrier == "iotportal" else 1)
        return Count(
            month, span, seen, self.last_record(span.end, seen), max(0, self.bytes_between(span.start, span.end, seen))
        )

    def month_bytes(self, month: int, at: int) -> int:
        """The true bytes of a calendar month as they stand at an instant."""
        return self.bytes_between(month_start(month), min(month_start(month + 1), at + 1), at)

    def cycle_bytes(self, month: int, at: int) -> int:
        """The bytes of a cycle as the carrier divides time: by its cycle day, and by when its counter really reset."""
        day = self.settings.cycle_day if self.card.carrier == "iotportal" else 1
        return self.bytes_between(_start(self, month, day), min(_start(self, month + 1, day), at + 1), at)

    # Sessions and messages

    def sessions(self, span: Span, seen: int) -> int:
        """The sessions with data that were opened in a span."""
        own = sum(_sessions(self.card.pattern, piece, span) for piece in self.spans())
        return own + sum(e.sessions for e in self.history.extras if span.start <= e.at < span.end and e.seen <= seen)

    def zero_sessions(self, span: Span, seen: int) -> int:
        """The sessions without data in a span: those that a SIM which is switched off tries in vain."""
        own = sum(_sessions(self.card.pattern, piece, span) for piece in self.spans(opened=False))
        return own + sum(
            e.zero_sessions for e in self.history.extras if span.start <= e.at < span.end and e.seen <= seen
        )

    def location_updates(self, span: Span) -> int:
        """One every twelve hours, and one every half hour while the network turns the device away."""
        start, end = max(span.start, self.card.activated), span.end
        if start >= end:
            return 0
        away = sum(max(0, min(end, s.end) - max(start, s.start)) for s in self.spans(opened=False))
        return (end - start) // (12 * HOUR) + away // (30 * MINUTE)

    def messages(self, span: Span, direction: str) -> list[Sms]:
        """The messages of one direction in a span."""
        return [m for m in self.history.messages if m.direction == direction and span.start <= m.at < span.end]


def _spans(sim: Sim, opened: bool) -> list[Span]:
    history, since = sim.history, sim.card.activated
    if not history.statuses and not history.quiets and not sim.settings.quiets:
        return [Span(since, _END_OF_TIME)] if sim.first_status().open == opened else []
    instants = [change.at for change in history.statuses]
    instants += [change.at for change in history.quiets + sim.settings.quiets]
    edges = sorted({since, *(at for at in instants if at > since)})
    spans: list[Span] = []
    for start, end in zip(edges, [*edges[1:], _END_OF_TIME], strict=True):
        if sim.status(start).open == opened and not sim.quiet(start):
            spans.append(Span(start, end))
    return spans


def _sessions(pattern: Pattern, piece: Span, span: Span) -> int:
    low, high = max(piece.start, span.start), min(piece.end, span.end)
    return pattern.sessions_between(low, high) if low < high else 0


def _start(sim: Sim, month: int, cycle_day: int) -> int:
    """The instant that the counter of a month counts from."""
    late = sim.late_reset(month)
    return month_start(month, cycle_day) + (late.late if late and late.mode == "carry" else 0)


def _cycle(sim: Sim, seen: int, cycle_day: int) -> tuple[int, Span]:
    """The month and span that a counter covers, seen at an instant."""
    month = month_of(seen, cycle_day)
    late = sim.late_reset(month)
    boundary = month_start(month, cycle_day)
    if late and seen < boundary + late.late:
        end = seen + 1 if late.mode == "carry" else boundary
        return month - 1, Span(_start(sim, month - 1, cycle_day), end)
    return month, Span(_start(sim, month, cycle_day), seen + 1)


def _simbase_counter(sim: Sim, seen: int) -> Count:
    """Simbase's total belongs to the month of the last record, so a silent SIM keeps an old month's total."""
    month, span = _cycle(sim, seen, 1)
    last = sim.last_record(span.end, seen)
    if last < month_start(month):
        month = month_of(last)
        span = Span(_start(sim, month, 1), min(span.end, month_start(month + 1)))
    return Count(month, span, seen, last, max(0, sim.bytes_between(span.start, span.end, seen)))
