"""Jobs: running ones in turn, a set of lines at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import OperationalError

from lines.commands import jobs
from lines.queries.jobs import running_jobs

log = logging.getLogger(__name__)


def run_jobs(*, stop: Callable[[], bool]) -> int:
    """Works on all running jobs, one set of lines of each in turn, so that a large one holds up no small one.

    Says for how many lines. What another worker holds is left to it.
    """
    worked = 0
    while not stop():
        lines = sum(_one_turn(job_id) for job_id in running_jobs())
        if not lines:
            break
        worked += lines
    return worked


def _one_turn(job_id: int) -> int:
    try:
        lines = jobs.work_chunk(job_id=job_id)
        if not lines:
            jobs.finish_job(job_id=job_id)
    except OperationalError as error:
        log.warning("job %s is tried again later: %s", job_id, error)
        return 0
    return lines
