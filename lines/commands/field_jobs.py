"""Custom fields that a job sets: the same values on all its lines, or on each what it had before another job."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from kit.errors import Invalid, NotFound

from accounts.models import Account
from lines.commands.fields import read_values
from lines.models import FieldValue, Job, JobItem
from lines.policy import OF_FIELDS, Action, Item
from lines.policy.fields import MOST_FIELDS

Values = Mapping[int, str]  # by the fields' ids, as they are kept; empty for what is to go


def values_asked(*, given: object, account: Account) -> dict[str, str]:
    """What a job is to set, given by the fields' names, as the job keeps it. Raises Invalid."""
    if not isinstance(given, dict) or not given:
        raise Invalid("Give at least one custom field and its value", field="custom_fields")
    if len(given) > MOST_FIELDS:
        raise Invalid(f"An account has at most {MOST_FIELDS} fields", field="custom_fields")
    return {str(pk): value for pk, value in read_values(account=account, given=given).items()}


def job_undone(*, key: object, account: Account) -> Job:
    """The job of this UUID, which set fields of the account's lines. Raises NotFound."""
    found = Job.objects.filter(account=account, uuid=str(key), action__in=OF_FIELDS).first()
    if found is None:
        raise NotFound("There is no such job of yours that set fields")
    return found


def wanted_by(*, job: Job, line_ids: Sequence[int]) -> dict[int, Values]:
    """What each of these lines is to have."""
    if job.action == Action.FIELDS:
        return dict.fromkeys(line_ids, _read(job.parameters["fields"]))
    before = JobItem.objects.filter(
        job__account=job.account_id, job__uuid=job.parameters["job"], state=Item.DONE, line__in=line_ids
    ).values_list("line", "before")
    had = {line_id: _read(json.loads(kept)) for line_id, kept in before if kept}
    return {line_id: had.get(line_id, {}) for line_id in line_ids}


def had_before(*, wanted: Mapping[int, Values]) -> dict[int, str]:
    """Of lines that are to have these values: what each has instead, to be kept with the job."""
    asked = {pk for values in wanted.values() for pk in values}
    has: dict[int, dict[int, str]] = defaultdict(dict)
    rows = FieldValue.objects.filter(line__in=wanted, field__in=asked)
    for line_id, field_id, value in rows.values_list("line_id", "field_id", "value"):
        has[line_id][field_id] = value
    return {
        line_id: json.dumps(changed) for line_id, values in wanted.items() if (changed := _other(values, has[line_id]))
    }


def _other(wanted: Values, has: Values) -> dict[str, str]:
    return {str(pk): has.get(pk, "") for pk, value in sorted(wanted.items()) if has.get(pk, "") != value}


def _read(kept: Mapping[str, Any]) -> dict[int, str]:
    return {int(pk): str(value) for pk, value in kept.items()}
