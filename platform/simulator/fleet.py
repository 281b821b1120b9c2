"""The cards of a carrier, made up from a seed and an index when they are asked for."""

from functools import lru_cache, partial
from typing import Literal, NamedTuple, get_args

from .devices import Kind, Pattern, kind_of, pattern_of
from .digits import imei, imeisv, luhn_sum, mix
from .instants import DAY, parse

Carrier = Literal[
    "simbase", "iotportal", "onence", "emnify", "hologram", "onomondo", "soracom", "keepgo", "supersim", "simbase2",
    "kore",
]  # fmt: skip
CARRIERS: tuple[Carrier, ...] = get_args(Carrier)  # in this order: a fleet follows from its place in it
OTHERS: tuple[Carrier, ...] = CARRIERS[2:]  # those that only tests ask for

# How each says that a SIM is on, and off.
WORDS: dict[Carrier, tuple[str, str]] = {
    "simbase": ("enabled", "disabled"),
    "iotportal": ("ACTIVATED", "INVENTORY"),
    "onence": ("Enabled", "Disabled"),
    "emnify": ("Activated", "Suspended"),
    "hologram": ("LIVE", "PAUSED-USER"),
    "onomondo": ("activated", "deactivated"),
    "soracom": ("active", "inactive"),
    "keepgo": ("Activated", "Deactivated"),
    "supersim": ("active", "inactive"),
    "simbase2": ("enabled", "disabled"),
    "kore": ("active", "inactive"),
}
# 89 (telecoms), country, issuer of those whose cards have nineteen digits.
_ISSUERS = {
    "onence": "8988280",
    "emnify": "8988303",
    "hologram": "8944500",
    "onomondo": "8945730",
    "soracom": "8942310",
    "keepgo": "8997250",
    "supersim": "8988307",
    "simbase2": "8944539",
    "kore": "8988308",
}
MOST_SIMS = 10_000_000
_FIRST_ACTIVATION = parse("2023-01-01")


class Plan(NamedTuple):
    """A Simbase rate plan; prices in USD as the carrier writes them."""

    plan_id: str
    name: str
    mb: str
    countries: str
    day: str = "0.01"
    sms: str = "0.05"
    sms_to_device: str = "0.02"
    currency: str = "USD"


PLANS = {
    plan.plan_id: plan
    for plan in (
        Plan("def-usd.eu-1", "Europe", "0.005", "34"),
        Plan("def-usd.us-1", "USA", "0.01", "1"),
        Plan("def-usd.americas-1", "Americas", "0.02", "19"),
        Plan("def-usd.oceania-1", "Oceania", "0.02", "2"),
        Plan("def-usd.global-1", "Global", "0.03", "100"),
        Plan("def-usd.globalplus-1", "Global+", "0.10", "160"),
    )
}
_PLAN_IDS = tuple(PLANS)


class Place(NamedTuple):
    """Where a device was last seen."""

    network: str
    country: str
    iso: str
    lat: float
    lon: float


_PLACES = {
    "Europe": Place("KPN", "Netherlands", "NL", 52.3702, 4.8952),
    "USA": Place("AT&T", "United States", "US", 38.8988, -77.0373),
    "Americas": Place("Telcel", "Mexico", "MX", 19.4326, -99.1332),
    "Oceania": Place("Telstra", "Australia", "AU", -33.8688, 151.2093),
    "Global": Place("Vodafone", "Germany", "DE", 50.1109, 8.6821),
    "Global+": Place("NTT Docomo", "Japan", "JP", 35.6762, 139.6503),
}


class Card:
    """One SIM as it left the factory: every number follows from seed, carrier and index."""

    __slots__ = ("activated", "carrier", "iccid", "index", "kind", "pattern", "roll")

    def __init__(self, carrier: Carrier, index: int, iccid: str, roll: int) -> None:
        self.carrier = carrier
        self.index = index
        self.iccid = iccid
        self.roll = roll
        self.activated = _FIRST_ACTIVATION + (roll >> 34) % 365 * DAY + (roll >> 12) % DAY
        self.kind: Kind = kind_of(roll)
        self.pattern: Pattern = pattern_of(roll, self.kind, self.activated)

    @property
    def created(self) -> int:
        """When the carrier made the card, some weeks before the first use."""
        return self.activated - 20 * DAY - (self.roll >> 20) % (30 * DAY)

    @property
    def imei(self) -> str:
        serial = self.index * 7 + (self.roll >> 50)
        if self.carrier == "iotportal":
            return imeisv(self.kind.tac, serial, self.roll >> 57)
        return imei(self.kind.tac, serial)

    @property
    def imsi(self) -> str:
        return f"20408{(self.roll >> 3) % 1000:03d}{self.index:07d}"

    @property
    def msisdn(self) -> str | None:
        """Every SIM has a number; a Simbase SIM only when one was ordered (here every second)."""
        if self.carrier != "simbase":
            return f"319704{self.index:07d}"
        return f"+1484{self.index:07d}" if self.roll & 512 else None

    @property
    def device_name(self) -> str:
        return f"{self.kind.name} {self.index + 1}"

    @property
    def tags(self) -> tuple[str, ...]:
        return (self.kind.name.capitalize(),)

    @property
    def plan_id(self) -> str:
        return _PLAN_IDS[(self.roll >> 16) % len(_PLAN_IDS)]

    @property
    def fixed_ip(self) -> str | None:
        """Two of three SIMs have a static address."""
        if (self.roll >> 30) % 3 == 0:
            return None
        number = self.index + 2
        return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

    def place(self, coverage: str) -> Place:
        """A spot near the capital of the coverage, the same each time."""
        spot = _PLACES[coverage]
        east, north = (self.roll >> 4) % 10_000 / 40_000, (self.roll >> 24) % 10_000 / 40_000
        return spot._replace(lat=round(spot.lat + north, 7), lon=round(spot.lon + east, 7))


# A page is 250 cards in a row, so most of the check digit's work is the same for all of them.
_sum_of_start = lru_cache(maxsize=1024)(partial(luhn_sum, double_last=False))
_SUM_OF_LAST_THREE = tuple(luhn_sum(f"{number:03d}", double_last=True) for number in range(1000))


class Fleet:
    """The cards of one carrier: index to ICCID and back, without a list of them."""

    def __init__(self, carrier: Carrier, count: int, seed: int) -> None:
        if not 0 <= count <= MOST_SIMS:
            raise ValueError(f"a fleet has 0 to {MOST_SIMS:,} SIMs")
        self.carrier = carrier
        self.count = count
        self._salt = mix(mix(seed) ^ CARRIERS.index(carrier))
        batch = f"{self._salt % 10_000:04d}"
        # 89 (telecoms), country, issuer: Simbase's sample has nineteen digits, the Portal's nineteen or twenty.
        self._short = _ISSUERS.get(carrier, "8944538" if carrier == "simbase" else "8931088") + batch
        self._long = "89310441" + batch

    def card(self, index: int) -> Card:
        """The card of an index from 0 to count - 1."""
        roll = mix(self._salt + index)
        long = self.carrier == "iotportal" and roll & 1024
        thousands, rest = divmod(index, 1000)
        body = f"{self._long if long else self._short}{thousands:04d}"
        check = -(_sum_of_start(body) + _SUM_OF_LAST_THREE[rest]) % 10
        return Card(self.carrier, index, f"{body}{rest:03d}{check}", roll)

    def find(self, iccid: str) -> Card | None:
        """The card of an ICCID, or None when it is not of this fleet."""
        if len(iccid) not in (19, 20) or not (iccid.isascii() and iccid.isdigit()):
            return None
        index = int(iccid[-8:-1])
        if index >= self.count:
            return None
        card = self.card(index)
        return card if card.iccid == iccid else None
