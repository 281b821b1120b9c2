"""Which Simbase SIMs a list call is about."""

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from .answers import Refusal
from .fleet import PLANS
from .world import World

LARGEST_PAGE = 250
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
    count = world.fleets["simbase"].count
    if not any(filters):
        return range(count)
    key = (filters, world.version)
    if world.found is not None and world.found[0] == key and world.last_status_at <= at:
        return world.found[1]
    found = array("I", (index for index in range(count) if _matches(world, index, filters, at)))
    world.found = (key, found)
    return found


def _matches(world: World, index: int, filters: Filters, at: int) -> bool:
    sim = world.sim_at("simbase", index)
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
