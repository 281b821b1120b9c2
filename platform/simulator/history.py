"""What happened to a SIM or to a whole carrier: the only things that are stored."""

from typing import Any, Literal

import msgspec

from .clock import Clock
from .fleet import Carrier


class StatusChange(msgspec.Struct, frozen=True, array_like=True):
    """From `at` on the carrier says `word`; `open` tells whether the SIM may send."""

    at: int
    word: str
    open: bool


class ImeiChange(msgspec.Struct, frozen=True, array_like=True):
    """From `at` on the card sits in the device with this IMEI."""

    at: int
    imei: str


class QuietChange(msgspec.Struct, frozen=True, array_like=True):
    """From `at` on the device's own usage is off (or on again)."""

    at: int
    quiet: bool


class Extra(msgspec.Struct, frozen=True, array_like=True):
    """Exact usage by request: it belongs to the month of `at` and shows from `seen` on; a correction is negative."""

    at: int
    seen: int
    bytes: int
    sessions: int = 0
    zero_sessions: int = 0


class Sms(msgspec.Struct, frozen=True, array_like=True):
    """A short message: `mt` to the device, `mo` from it; `delivered` is when it arrived, None when it never does."""

    sms_id: int
    at: int
    direction: Literal["mt", "mo"]
    text: str
    delivered: int | None


ResetMode = Literal["carry", "held"]


class LateReset(msgspec.Struct, frozen=True):
    """The counter that should start again with `month` (None: with every month) does so `late` milliseconds later.

    `carry`: until then it goes on counting, and what it counts belongs to the old cycle.
    `held`: until then it shows the old cycle's end, and nothing is lost.
    """

    month: int | None
    late: int
    mode: ResetMode


class History(msgspec.Struct, omit_defaults=True):
    """Everything that happened to one SIM. Tuples are replaced, never changed, so an untouched SIM costs nothing."""

    statuses: tuple[StatusChange, ...] = ()
    imeis: tuple[ImeiChange, ...] = ()
    quiets: tuple[QuietChange, ...] = ()
    extras: tuple[Extra, ...] = ()
    messages: tuple[Sms, ...] = ()
    resets: tuple[LateReset, ...] = ()
    lag: int | None = None
    edits: dict[str, Any] = {}


UNTOUCHED = History()


class Rate(msgspec.Struct):
    """Calls allowed in a second and in a UTC day of the fleet's clock; None is no limit."""

    second: int | None = None
    day: int | None = None


class CarrierSettings(msgspec.Struct):
    """What one carrier does the same way for all its SIMs."""

    rate: Rate = msgspec.field(default_factory=Rate)
    lag: int = 0
    status_delay: int = 0
    sms_delay: int = 5_000
    resets: tuple[LateReset, ...] = ()


class Balance(msgspec.Struct):
    """The money on the Simbase account."""

    balance: float = 256.9469
    auto_topup: bool = True
    topup_threshold: int | float = 10
    topup_amount: int | float = 20
    updated: int = 0


class Settings(msgspec.Struct):
    """The whole simulator's settings, stored as one document."""

    seed: int = 1
    simbase_count: int = 250
    iotportal_count: int = 250
    stock_percent: int = 0
    quiets: tuple[QuietChange, ...] = ()
    clock: Clock = msgspec.field(default_factory=Clock)
    simbase: CarrierSettings = msgspec.field(default_factory=CarrierSettings)
    iotportal: CarrierSettings = msgspec.field(default_factory=CarrierSettings)
    others: dict[Carrier, int] = {}
    other: CarrierSettings = msgspec.field(default_factory=CarrierSettings)
    balance: Balance = msgspec.field(default_factory=Balance)
    api_key: str = "simbase-demo-key"
    client_id: str = "iotportal-demo-client"
    secret_key: str = "iotportal-demo-secret"  # noqa: S105 - the demo's public example, not a secret
    api_token: str = "iotportal-demo-token"  # noqa: S105 - the same
    token_seconds: float = 3600
    edit_allowed: bool = False
    bulk_seconds: float = 0.2
    cycle_day: int = 1
    last_sms: int = 0

    def of(self, carrier: Carrier) -> CarrierSettings:
        """The settings of one carrier."""
        found = {"simbase": self.simbase, "iotportal": self.iotportal}
        return found.get(carrier, self.other)

    def count_of(self, carrier: Carrier) -> int:
        """The SIMs of one carrier."""
        found = {"simbase": self.simbase_count, "iotportal": self.iotportal_count}
        return found.get(carrier, self.others.get(carrier, 0))
