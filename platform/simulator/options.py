"""What a simulator is started with."""

import argparse
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from . import clock as clocks
from .clock import Clock
from .fleet import OTHERS
from .history import CarrierSettings, LateReset, QuietChange, Rate, Settings
from .instants import SECOND, parse
from .limits import parse_rate
from .store import Store
from .world import World


@dataclass(frozen=True)
class Options:
    """The start of a fleet. With a state file that exists, the file's fleet and clock go on and these are ignored."""

    sims: int = 500
    simbase: int | None = None
    iotportal: int | None = None
    others: int = 0
    seed: int = 1
    state: str = ":memory:"
    clock: str = "real"
    speed: float | None = None
    rate: str = "demo"
    quiet: bool = False
    stock: int = 0
    lag: float = 0
    late_reset: float = 0
    status_delay: float = 0
    sms_delay: float = 5
    token_seconds: float = 3600
    cycle_day: int = 1
    allow_edit: bool = False
    api_key: str = "simbase-demo-key"
    kept_calls: int = 10_000

    def settings(self) -> Settings:
        """The settings of a first start."""
        if not 1 <= self.cycle_day <= 28:
            raise ValueError("the cycle day is 1 to 28")
        if self.speed is not None and self.speed < 0:
            raise ValueError("time does not run backwards")
        if not 0 <= self.stock <= 100:
            raise ValueError("the stock is 0 to 100 percent")
        simbase = self.simbase if self.simbase is not None else self.sims - self.sims // 2
        iotportal = self.iotportal if self.iotportal is not None else self.sims // 2
        return Settings(
            seed=self.seed,
            simbase_count=simbase,
            iotportal_count=iotportal,
            others=dict.fromkeys(OTHERS, self.others) if self.others else {},
            other=self._carrier(Rate(), "carry"),
            stock_percent=self.stock,
            quiets=(QuietChange(0, True),) if self.quiet else (),
            clock=self._clock(),
            simbase=self._carrier(parse_rate(self.rate), "held"),
            iotportal=self._carrier(Rate(), "carry"),
            api_key=self.api_key,
            token_seconds=self.token_seconds,
            edit_allowed=self.allow_edit,
            cycle_day=self.cycle_day,
        )

    def _carrier(self, rate: Rate, mode: str) -> CarrierSettings:
        late = int(self.late_reset * SECOND)
        return CarrierSettings(
            rate=rate,
            lag=int(self.lag * SECOND),
            status_delay=int(self.status_delay * SECOND),
            sms_delay=int(self.sms_delay * SECOND),
            resets=(LateReset(None, late, "held" if mode == "held" else "carry"),) if late else (),
        )

    def _clock(self) -> Clock:
        if self.clock == "real":
            return Clock() if self.speed in (None, 1) else clocks.running(clocks.machine_time(), self.speed or 0.0)
        at = parse(self.clock)
        return clocks.running(at, self.speed) if self.speed else clocks.frozen(at)

    def world(self) -> World:
        """The world that these options start, or that their state file goes on with."""
        return World(self.settings(), Store(self.state), self.kept_calls)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    d = Options()
    cli = argparse.ArgumentParser(prog="simulator", description="Simbase and IoT Portal over one simulated fleet.")
    add = cli.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=8400)
    add("--fd", type=int, help="a listening socket of our parent, instead of host and port")
    add("--sims", type=int, default=d.sims, help="SIMs in all, half at each carrier")
    add("--simbase", type=int, help="SIMs at Simbase")
    add("--iotportal", type=int, help="SIMs at IoT Portal")
    add("--others", type=int, default=d.others, help="SIMs at each of the other carriers")
    add("--seed", type=int, default=d.seed)
    add("--state", default=d.state, help="SQLite file; one that exists goes on where it stopped")
    add("--clock", default=d.clock, help="real, or an ISO time to start at")
    add("--speed", type=float, help="simulated seconds a second; without it a clock set to a time stands still")
    add("--rate", default=d.rate, help="Simbase's limit: off, demo (10/s), document, low, or such as 10/s,5000/day")
    add("--quiet", action="store_true", help="no usage but what the control API adds")
    add("--stock", type=int, default=d.stock, help="percent of the SIMs that start disabled / in INVENTORY")
    add("--lag", type=float, default=d.lag, help="seconds that the counters are behind")
    add("--late-reset", type=float, default=d.late_reset, help="seconds that every month's reset is late")
    add("--status-delay", type=float, default=d.status_delay, help="seconds until a status change takes effect")
    add("--sms-delay", type=float, default=d.sms_delay, help="seconds until a message is delivered")
    add("--token-seconds", type=float, default=d.token_seconds, help="life of an IoT Portal token")
    add("--cycle-day", type=int, default=d.cycle_day, help="IoT Portal's cycle day")
    add("--allow-edit", action="store_true", help="open EditDevice and BulkEditDevice")
    add("--api-key", default=d.api_key, help="Simbase's key")
    add("--kept-calls", type=int, default=d.kept_calls, help="how many calls the log keeps")
    return cli


def from_command_line(arguments: Sequence[str] | None = None) -> tuple[socket.socket, Options]:
    """The listening socket to serve on, ours or our parent's, and the options; OSError where the port is taken."""
    given = vars(parser().parse_args(arguments))
    host, port, fd = given.pop("host"), given.pop("port"), given.pop("fd")
    if fd is None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        fd = socket.create_server((host, port), family=family).detach()
    # Made from its number it says TCP, and only then asyncio turns Nagle's delay off: 40 ms an answer.
    return socket.socket(fileno=fd), Options(**given)
