"""Keeps a few programs running: starts them again when they end by themselves, and gives up in words or waits."""

import subprocess
import time
from dataclasses import dataclass, field

from embedded.processes import CannotStart, Program, has_ended, start, stop, wait_until_ready

MOST_RESTARTS = 4
RESTART_WINDOW_SECONDS = 60.0
PAUSE_SECONDS = 5.0  # between two starts of what ended so often, where nobody is there to be told


@dataclass
class Child:
    """A program with its process, and when it was started again lately (monotonic seconds)."""

    program: Program
    process: subprocess.Popen[bytes]
    restarts: list[float] = field(default_factory=list)


class Supervisor:
    """The programs that this process started, in the order in which it did."""

    def __init__(self, *, stop_seconds: float, is_patient: bool = False) -> None:
        """`is_patient`: what was ready once is started again for ever, with pauses."""
        self.stop_seconds = stop_seconds
        self.is_patient = is_patient
        self.children: list[Child] = []

    def start(self, program: Program) -> Child:
        """Start one more program without waiting for it."""
        child = Child(program, start(program))
        self.children.append(child)
        return child

    def wait_until_ready(self, *, seconds: float) -> None:
        """Return when every program answers; raise CannotStart for the first that does not."""
        for child in self.children:
            wait_until_ready(child.program, child.process, seconds=seconds)

    def are_ready(self) -> bool:
        """Tell whether every program answers."""
        return all(child.program.is_ready(child.process.pid) for child in self.children)

    def restart_ended(self) -> list[str]:
        """Start again what ended by itself and return its names; raise CannotStart for what keeps ending."""
        ended = [child for child in self.children if has_ended(child.process) and self._may_start(child)]
        for child in ended:
            child.restarts.append(time.monotonic())
            stop(child.process, child.program.stop_signal, seconds=0)  # what it left behind
            child.process = start(child.program)
        return [child.program.name for child in ended]

    def _may_start(self, child: Child) -> bool:
        now = time.monotonic()
        child.restarts = [then for then in child.restarts if now - then < RESTART_WINDOW_SECONDS]
        if len(child.restarts) < MOST_RESTARTS:
            return True
        if not self.is_patient:
            raise CannotStart(f"{child.program.name} keeps ending; see {child.program.log}")
        return now - child.restarts[-1] >= PAUSE_SECONDS

    def stop_all(self) -> None:
        """Stop everything, the last started first."""
        while self.children:
            child = self.children[-1]
            stop(child.process, child.program.stop_signal, seconds=self.stop_seconds)
            self.children.pop()
