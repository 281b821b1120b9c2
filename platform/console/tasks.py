"""When files of whole accounts are written; the rows are the work."""

from __future__ import annotations

import tempfile
from pathlib import Path

from celery import shared_task

from accounts.commands import exports
from accounts.policy import SYSTEM
from console import account_data


@shared_task(soft_time_limit=270, time_limit=285)
def write_account_exports() -> int:
    """Writes one file that was asked for, and drops those of over a week ago. Says how many rows it has."""
    exports.drop_old_exports()
    export = exports.claim_export()
    if export is None:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path, counts = account_data.export(export.account, Path(folder), by=SYSTEM)
        exports.finish_export(export_id=export.pk, path=path, rows=sum(counts.values()))
    return sum(counts.values())
