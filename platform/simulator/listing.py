"""Which Simbase SIMs a list call is about."""

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from .answers import Refusal
from .fleet import PLANS
from .history import UNTOUCHED
from .sim import Sim
from .world import World

LARGEST_PAGE = 250
_MOST_KNOWN = 8
_COVERAGES = frozenset(plan.name for plan in PLANS.values())


class Filters(NamedTuple):
    """The filters of a list call; several words in one are an OR, several filters an AND."""

    states: frozenset[str]
    coverages: frozenset[str]
    tags: frozenset[str]
    search: str

    @classmethod
    def of(cls, query: dict[str, str]) -> "Filters":
        """Read them from a query; raises a 400 for a state or coverage that there is not."""
        states, coverages = _words(query.get("sim_state")), _words(query.get("coverage"))
        # Clients write Global+ raw, and some encode that plus as a space.
        coverages = frozenset("Global+" if word == "Global " else word.strip() for word in coverages)
        states = frozenset(word.strip() for word in states)
        if not states <= {"enabled", "disabled"}:
            raise Refusal(400, "sim_state is neither enabled nor disabled")
        if not coverages <= _COVERAGES:
            raise Refusal(400, "coverage is not one of " + ", ".join(sorted(_COVERAGES)))
        tags = frozenset(word.strip() for word in _words(query.get("tags")))
        return cls(states, coverages, tags, query.get("search", "").strip().casefold())


def _words(text: str | None) -> frozenset[str]:
    return frozenset(word for word in (text or "").split(",") if word.strip())


def matching(world: World, filters: Filters, at: int) -> Sequence[int]:
    """The indexes of the SIMs that match, in fleet order."""
    if not any(filters):
        return range(world.fleets["simbase"].count)
    key = (filters, world.version)
    if world.found is not None and world.found[0] == key and world.last_status_at <= at:
        return world.found[1]
    histories = world.histories["simbase"]
    untouched = [index for index in _as_delivered(world, filters) if index not in histories]
    touched = [index for index in histories if _matches(world.sim_at("simbase", index), filters, at)]
    found = array("I", sorted(untouched + touched) if touched else untouched)
    world.found = (key, found)
    return found


def _as_delivered(world: World, filters: Filters) -> Sequence[int]:
    """Those that would match if nothing had happened to any. It asks every card once, then remembers."""
    fleet, stock = world.fleets["simbase"], world.settings.stock_percent
    if not stock and not any(filters[1:]):
        return range(fleet.count if "enabled" in filters.states else 0)
    known = world.delivered.get(filters)
    if known is None:
        cards = (Sim(fleet.card(index), UNTOUCHED, world.settings) for index in range(fleet.count))
        known = array("I", (sim.card.index for sim in cards if _matches(sim, filters, 0)))
        # Searches come from people; without a bound a curious one would fill the memory.
        if len(world.delivered) >= _MOST_KNOWN:
            world.delivered.clear()
        world.delivered[filters] = known
    return known


def _matches(sim: Sim, filters: Filters, at: int) -> bool:
    if filters.states and sim.status(at).word not in filters.states:
        return False
    if filters.coverages and sim.plan().name not in filters.coverages:
        return False
    if filters.tags and filters.tags.isdisjoint(sim.tags()):
        return False
    if not filters.search:
        return True
    texts = (sim.device_name().casefold(), sim.card.fixed_ip or "dynamic", sim.card.iccid)
    return any(filters.search in text for text in texts)
