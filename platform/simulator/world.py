"""The whole simulated world: both fleets, their histories, the clock, the faults and the calls."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from . import clock as clocks
from .calls import Calls
from .faults import Faults
from .fleet import CARRIERS, Card, Carrier, Fleet
from .history import UNTOUCHED, History, ImeiChange, Settings, Sms, StatusChange
from .limits import Limit
from .ringing import Rings
from .sim import OPEN_WORDS, Sim
from .store import Store

_history_of = msgspec.json.Decoder(History)
_settings_of = msgspec.json.Decoder(Settings)


class World:
    """Everything behind the HTTP. One process, one thread: no locks."""

    def __init__(self, start: Settings, store: Store, kept_calls: int = 10_000) -> None:
        self.start = msgspec.json.encode(start)
        self.store = store
        self.calls = Calls(kept_calls)
        self.faults = Faults(store)
        self.limits: dict[Carrier, Limit] = {carrier: Limit() for carrier in CARRIERS}
        self.tokens: dict[str, float] = {}
        self.jobs: dict[str, bytes] = dict(store.shelf("job"))
        self.job_waiting = asyncio.Event()
        self.rings = Rings()
        self.version = 0
        saved = dict(store.shelf("settings"))
        self.goes_on = "all" in saved
        self.start = saved.get("start", self.start)
        self.settings = _settings_of.decode(saved.get("all", self.start))
        self._make_fleets()
        if not self.goes_on:
            self._save_start()
        self._load()

    def _make_fleets(self) -> None:
        seed = self.settings.seed
        self.fleets: dict[Carrier, Fleet] = {
            carrier: Fleet(carrier, self.settings.count_of(carrier), seed) for carrier in CARRIERS
        }
        self.histories: dict[Carrier, dict[int, History]] = {carrier: {} for carrier in CARRIERS}
        self.sms_owner: dict[int, tuple[Carrier, int]] = {}
        self.last_status_at = 0
        self.found: tuple[object, Sequence[int]] | None = None
        self.delivered: dict[object, Sequence[int]] = {}

    def _load(self) -> None:
        for iccid, body in self.store.shelf("sim"):
            card = next(filter(None, (fleet.find(iccid) for fleet in self.fleets.values())), None)
            if card:
                self._keep(card, _history_of.decode(body))

    def _keep(self, card: Card, history: History) -> None:
        self.histories[card.carrier][card.index] = history
        for message in history.messages:
            self.sms_owner[message.sms_id] = (card.carrier, card.index)
        if history.statuses:
            self.last_status_at = max(self.last_status_at, history.statuses[-1].at)

    def _save_start(self) -> None:
        self.store.put("settings", "start", self.start)
        self.save_settings()

    def reset(self) -> None:
        """Back to the first start: every event, fault, call and token is forgotten."""
        self.store.clear()
        self.settings = _settings_of.decode(self.start)
        if self.settings.clock.mode == "running":
            self.settings.clock.anchor = clocks.machine_time()
        self._make_fleets()
        self._save_start()
        self.calls.clear()
        self.faults.clear()
        self.tokens.clear()
        self.jobs.clear()
        self.rings.clear()
        for limit in self.limits.values():
            limit.clear()

    # Time and settings

    def now(self) -> int:
        """The instant that the fleet's clock shows."""
        return clocks.now(self.settings.clock)

    def save_settings(self) -> None:
        """Write the settings down; whatever was computed from them is stale."""
        self.version += 1
        self.store.put("settings", "all", msgspec.json.encode(self.settings))

    # SIMs

    def sim_at(self, carrier: Carrier, index: int) -> Sim:
        """The SIM of an index."""
        return Sim(self.fleets[carrier].card(index), self.histories[carrier].get(index, UNTOUCHED), self.settings)

    def find(self, iccid: str, carrier: Carrier | None = None) -> Sim | None:
        """The SIM of an ICCID, at one carrier or at any."""
        for fleet in self.fleets.values():
            if carrier in (None, fleet.carrier) and (card := fleet.find(iccid)):
                history = self.histories[fleet.carrier].get(card.index, UNTOUCHED)
                return Sim(card, history, self.settings)
        return None

    def sims(self, carrier: Carrier | None = None, offset: int = 0, limit: int | None = None) -> Iterator[Sim]:
        """A stretch of the SIMs in index order, Simbase's first."""
        left = limit
        for fleet in self.fleets.values():
            if carrier not in (None, fleet.carrier):
                continue
            stop = fleet.count if left is None else min(fleet.count, offset + left)
            for index in range(min(offset, fleet.count), stop):
                yield self.sim_at(fleet.carrier, index)
            if left is not None:
                left -= max(0, stop - offset)
            offset = max(0, offset - fleet.count)

    def write(self, changes: Iterable[tuple[Sim, History]]) -> None:
        """Store new histories, all or none, and from then on answer with them."""
        changed = list(changes)
        bodies = ((sim.card.iccid, msgspec.json.encode(history)) for sim, history in changed)
        if len(changed) == 1:
            self.store.put("sim", *next(bodies))
        else:
            self.store.put_all("sim", bodies)
        for sim, history in changed:
            self._keep(sim.card, history)
        self.version += 1

    def change(self, sim: Sim, how: Callable[[Sim], History]) -> Sim:
        """Apply one change to one SIM and return it as it is then."""
        history = how(sim)
        self.write([(sim, history)])
        return Sim(sim.card, history, self.settings)

    def add_sms(self, sim: Sim, direction: str, text: str, now: int) -> Sms:
        """A message to or from a device. One to a device that is not open later still waits: see `delivered`."""
        self.settings.last_sms += 1
        self.save_settings()
        delay = self.settings.of(sim.card.carrier).sms_delay if direction == "mt" else 0
        message = Sms(self.settings.last_sms, now, "mt" if direction == "mt" else "mo", text, now + delay)
        self.write([(sim, msgspec.structs.replace(sim.history, messages=(*sim.history.messages, message)))])
        return message

    # Tokens

    def new_token(self) -> str:
        """A token for the IoT Portal; it lives in machine time and is forgotten at a restart."""
        token = secrets.token_urlsafe(32)
        self.tokens[token] = time.monotonic() + self.settings.token_seconds
        return token

    def knows_token(self, token: str) -> bool:
        """Whether a token is still good."""
        return self.tokens.get(token, 0.0) > time.monotonic()


def with_status(sim: Sim, word: str, at: int, opened: bool | None = None) -> History:
    """The SIM's history with another status from `at` on; a word that is not known does not let it send."""
    change = StatusChange(at, word, word in OPEN_WORDS if opened is None else opened)
    changes = sorted((*sim.history.statuses, change), key=lambda one: one.at)
    return msgspec.structs.replace(sim.history, statuses=tuple(changes))


def with_imei(sim: Sim, imei: str, at: int) -> History:
    """The SIM's history with another device from `at` on; an IMEI lock switches the SIM off."""
    changes = sorted((*sim.history.imeis, ImeiChange(at, imei)), key=lambda one: one.at)
    changed = msgspec.structs.replace(sim.history, imeis=tuple(changes))
    locked = sim.history.edits.get("imei_lock") == "on" and sim.status(at).word == "enabled"
    if not locked or sim.imei(at).imei == imei:
        return changed
    return with_status(Sim(sim.card, changed, sim.settings), "disabled", at)
