"""What a demo of 500 lines that nobody looks at costs: processor and memory of all its processes.

    python -m tests.rigs.idle [--seconds 60] [--settle 120] [--report]

It starts the demo in a folder of its own, lets it settle, and measures: ticks of the processor from /proc/PID/stat, and
PSS from /proc/PID/smaps_rollup, which counts what processes share once. It prints one JSON document, and exits 1
where it is more than 6 % of one core or 700 MB.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.rigs import report
from tests.rigs.installation import line_of, ours, set_up_environment, told
from tests.rigs.plants import plant, plants_of

ROOT = Path(__file__).resolve().parents[2]
MOST_OF_A_CORE = 6.0  # percent
MOST_MEMORY = 700.0  # MB
# The first that a command line has says what a process is.
NAMES = (
    ("config worker", "worker"),
    ("config beat", "beat"),
    ("granian", "web server"),
    ("simulator", "simulator"),
    ("stripe_proxy", "payments' stand-in"),
    ("embedded.keeper", "keeper"),
    ("embedded.demo", "demo"),
    ("redis-server", "Redis"),
    ("postgres", "PostgreSQL"),
)


@contextmanager
def demo(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo as `make demo` starts it, on free ports."""
    ports = []
    for _ in range(3):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(str(probe.getsockname()[1]))
    set_up_environment(folder)
    environment = {**os.environ, **dict(zip(("PORT", "SIMULATOR_PORT", "STRIPE_PORT"), ports, strict=True))}
    command = [sys.executable, "-m", "embedded.demo"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if "Ctrl-C" in line:
                    break
            else:
                raise RuntimeError(f"the demo does not come up: {''.join(said)}")
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(90)
            except subprocess.TimeoutExpired:
                process.kill()


def family(folder: Path) -> dict[int, tuple[str, psutil.Process]]:
    """All processes of the demo, sessions of its database among them, by id."""
    found: dict[int, tuple[str, psutil.Process]] = {}
    for one in list(ours(folder)):
        for process in (one, *_children(one)):
            line = line_of(process)
            found[process.pid] = next((name for word, name in NAMES if word in line), line[:40]), process
    return found


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def pss(pid: int) -> float:
    """MB of a process, what it shares counted in parts; 0 where it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024


def ticks(process: psutil.Process) -> float:
    """Seconds of the processor that a process and its ended children took; 0 where it has ended."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def measured(folder: Path, seconds: float) -> dict[str, Any]:
    """Percent of one core and MB, by what it is."""
    core: dict[str, float] = {}
    memory: dict[str, float] = {}
    for name, process in family(folder).values():
        core[name] = core.get(name, 0.0) - ticks(process)
    began = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    now = family(folder)
    for pid, (name, process) in now.items():  # what one that ended had taken is its parent's now
        core[name] = core.get(name, 0.0) + ticks(process)
        memory[name] = memory.get(name, 0.0) + pss(pid)
    core = {name: core[name] / took * 100 for name in memory}
    return {
        "processes": len(now),
        "core_percent": round(sum(core.values()), 2),
        "pss_mb": round(sum(memory.values()), 1),
        "load": round(os.getloadavg()[0], 1),
        "by_kind": {
            name: {"core_percent": round(core[name], 2), "pss_mb": round(memory[name], 1)}
            for name in sorted(memory, key=lambda name: -memory[name])
        },
    }


def page(result: dict[str, Any]) -> str:
    rows = "\n".join(f"| {name} | {one['core_percent']} | {one['pss_mb']} |" for name, one in result["by_kind"].items())
    return (
        f"A demo of 500 lines that nobody looks at, {result['processes']} processes, over {result['seconds']:.0f} s:"
        f" {result['core_percent']} % of one core (at most {MOST_OF_A_CORE:.0f}), {result['pss_mb']} MB of PSS (at most"
        f" {MOST_MEMORY:.0f}).\nThe machine's load was {result['load']}: work costs more where others have its caches."
        f"\n\n| what | % of one core | MB |\n|---|---|---|\n{rows}\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--settle", type=float, default=300, help="seconds first: what a start costs is not measured")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--plant", default="", choices=plants_of("idle"), help="a fault that must be caught")
    chosen = parser.parse_args()
    plant(chosen.plant)
    with tempfile.TemporaryDirectory(prefix="linekeeper-idle-", ignore_cleanup_errors=True) as above:
        folder = Path(above) / "data"
        with demo(folder):
            time.sleep(chosen.settle)
            result = measured(folder, chosen.seconds) | {"seconds": chosen.seconds}
    result["ok"] = result["core_percent"] <= MOST_OF_A_CORE and result["pss_mb"] <= MOST_MEMORY
    told(result)
    if chosen.report:
        report.write("make idle", page(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
