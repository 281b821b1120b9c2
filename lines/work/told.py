"""Reading the lines of which carriers have told by calling us, before their turn."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from kit import clock
from kit.bells import Bell, ring

from lines.carriers.base import CarrierFailure, Reading, Unreachable
from lines.commands import webhooks
from lines.models import Carrier
from lines.policy.looks import told_in
from lines.work.reading import LINES_AT_ONCE, Read, Reader


class ToldReader(Reader):
    """Reads what a carrier has told of, as far as a share of its calls goes: the passes go on beside it."""

    def run_told(self, *, seconds: float) -> Read:
        """Reads as many lines as these seconds allow. One that gets no answer is left to the next pass."""
        limits = self.carrier.pace, self.carrier.calls_per_day
        allowed = told_in(per_second=limits[0], per_day=limits[1], seconds=seconds)
        left = int(allowed + random.random())  # noqa: S311 - spreading load, not a secret
        with ThreadPoolExecutor(max_workers=LINES_AT_ONCE, thread_name_prefix="told") as pool:
            while left > 0 and not self.stop():
                lines = webhooks.claim_told(carrier=self.carrier, limit=min(left, LINES_AT_ONCE))
                if not lines:
                    break
                left -= len(lines)
                asked_at = clock.now()
                answers = list(pool.map(lambda line, at=asked_at: self._read_line(line, at), lines))
                readings = [replace(one, asked_at=asked_at) for one in answers if isinstance(one, Reading)]
                for line, answer in zip(lines, answers, strict=True):
                    if isinstance(answer, CarrierFailure):
                        self.read.note(answer)
                        self._keep_malformed(f"line {line.iccid}", answer, line.iccid)
                self._apply(readings, asked_at, failed=len(lines) - len(readings))
                webhooks.told_read(line_ids=[line.pk for line in lines], read_at=asked_at)
                self.read.turned += ring(Bell.PAGE_APPLIED)
                if not readings and any(isinstance(one, Unreachable) for one in answers):
                    break
        return self.read


def read_told(carrier: Carrier, *, patience: float, stop: Callable[[], bool], seconds: float) -> Read:
    """Reads the lines of a carrier that it has told of, as many as these seconds allow."""
    return ToldReader(carrier, patience=patience, stop=stop).run_told(seconds=seconds)
