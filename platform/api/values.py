"""Values of the caller's own to begin with, so that a call can be tried at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.keys import keys_of
from accounts.models import Account
from accounts.queries import Caller
from automation.models import WebhookDelivery
from automation.queries.activity import rules_of
from automation.queries.outbox import endpoints_of
from lines.api.asked import ICCID
from lines.policy import OrderState
from lines.queries.caps import caps_of
from lines.queries.fields import fields_of
from lines.queries.jobs import jobs_of
from lines.queries.plans import plans_for
from lines.queries.scope import lines_of
from lines.queries.shop import orders_of
from lines.queries.usage_exports import usage_exports_of


def _iccid(caller: Caller) -> str:
    return lines_of(caller).order_by("iccid").values_list("iccid", flat=True).first() or ICCID


def _job(caller: Caller) -> str:
    job = jobs_of(caller).first()
    return job.uuid.hex if job else "0" * 32


def _order(caller: Caller) -> str:
    order = orders_of(caller.account).filter(state=OrderState.OPEN).first()
    return order.uuid.hex if order else "0" * 32


def _plan(caller: Caller) -> int:
    """Of the first line, as a line changes only among its carrier's."""
    of_line = lines_of(caller).order_by("iccid").values_list("plan", flat=True).first()
    return of_line or plans_for(caller.account).order_by("pk").values_list("pk", flat=True).first() or 1


def _subaccount(caller: Caller) -> str:
    found = Account.objects.filter(parent=caller.account).order_by("pk").first()
    return found.uuid.hex if found else "0" * 32


def _rule(caller: Caller) -> str:
    return next((rule.uuid.hex for rule in rules_of(caller.account)), "0" * 32)


def _cap(caller: Caller) -> str:
    return next((row.cap.uuid.hex for row in caps_of(caller.account)), "0" * 32)


def _field(caller: Caller) -> str:
    return next((field.uuid.hex for field in fields_of(caller)), "0" * 32)


def _export(caller: Caller) -> str:
    return next((export.uuid.hex for export in usage_exports_of(caller.account)), "0" * 32)


def _webhook(caller: Caller) -> str:
    return next((row.endpoint.uuid.hex for row in endpoints_of(caller.account)), "0" * 32)


def _message(caller: Caller) -> str:
    of = WebhookDelivery.objects.filter(endpoint__uuid=_webhook(caller), endpoint__account=caller.account)
    newest = of.order_by("-pk").first()
    return newest.uuid.hex if newest else "0" * 32


def _key(caller: Caller) -> str:
    newest = keys_of(caller.account).first()
    return str(newest.pk) if newest else "1"


IN_PATH: dict[str, Callable[[Caller], str]] = {
    "iccid": _iccid,
    "job": _job,
    "account": _subaccount,
    "rule": _rule,
    "cap": _cap,
    "field": _field,
    "usage_export": _export,
    "webhook": _webhook,
    "message": _message,
    "order": _order,
    "api_key": _key,
}
IN_BODY: dict[str, Callable[[Caller], Any]] = {
    "iccids": lambda caller: [_iccid(caller)],
    "rate_plan_id": _plan,
    "account_uuid": lambda caller: caller.account.uuid.hex,
}


def own_path(name: str, caller: Caller) -> str:
    """Of the caller's own, or, where there is none, the samples'."""
    return IN_PATH[name](caller)


def own_body(sample: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """The sample with the caller's own values where it has any; what is not set is left out."""
    given = {name: value for name, value in sample.items() if value is not None}
    return {name: IN_BODY[name](caller) if name in IN_BODY else value for name, value in given.items()}
