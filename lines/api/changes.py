"""What a line is put under: its rate plan, its holder, its tags."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar

import msgspec
from django.db.models import Count
from kit import clock
from kit.endpoints import Ack, Input, Linked, endpoint
from kit.errors import NotFound, Refusal
from kit.paging import Page, Paging, listed

from accounts.policy import Right
from accounts.queries import Caller
from lines.api.asked import Hex, Id, holder_of, line_of, plan_of
from lines.commands import holders, plans
from lines.commands import tags as tagging
from lines.commands.daily import refusal_of
from lines.models import LineTag, Tag
from lines.policy import Verdict
from lines.policy.budget import Costly
from lines.queries.plans import plans_for
from lines.queries.shop import prices_at

GROUP = "Plans, sub-accounts, tags"
TagName = Annotated[str, msgspec.Meta(min_length=1, max_length=tagging.LONGEST_TAG)]


class PlanOffered(Linked):
    """A rate plan with its prices in force. USD; null: no price is set yet."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "lines": "iot_sim_cards?rate_plan_id={id}",
        "prices": "prices",
    }

    id: int
    name: str
    price_per_mb: Decimal | None
    price_per_sms: Decimal | None
    price_per_day: Decimal | None


@endpoint(
    "rate_plans",
    right=Right.SEE_MONEY,
    sample=[PlanOffered(1, "Sample plan", Decimal("0.010000"), Decimal("0.050000"), Decimal("0.000000"))],
)
def rate_plans(caller: Caller, asked: Paging) -> Page[PlanOffered]:
    """The rate plans that you may take, by name; a line may change to one of its own carrier's"""
    prices = prices_at(clock.now())
    return listed(
        asked,
        [
            PlanOffered(plan.pk, plan.name, *((price.rate, price.per_sms, price.per_day) if price else (None,) * 3))
            for plan in plans_for(caller.account).order_by("name")
            for price in [prices.get(plan.pk)]
        ],
    )


class ToPlan(Input):
    rate_plan_id: Id


@endpoint("sim_card/{iccid}/rate_plan", "PUT", "POST", right=Right.MANAGE_LINES, sample=Ack(), body=ToPlan(1))
def rate_plan(caller: Caller, iccid: str, asked: ToPlan) -> Ack:
    """Puts a line on another rate plan of its carrier; what is read from now on is at its prices"""
    line, plan = line_of(caller, iccid), plan_of(caller, asked.rate_plan_id)
    verdict = plans.change_plan_of_lines(line_ids=[line.pk], plan=plan, by=caller.actor)[line.pk]
    if verdict is Verdict.NOT_OFFERED:
        raise NotFound("There is no such rate plan; rate_plans lists them")
    if verdict is Verdict.OTHER_CARRIER:
        raise Refusal(f"The plan {plan.name} is another carrier's; choose one of this line's carrier")
    if verdict in (Verdict.UNCONFIRMED, Verdict.OVER_DAY):
        raise refusal_of(verdict=verdict, kind=Costly.SETTING)
    return Ack()


class ToAccount(Input):
    account_uuid: Annotated[Hex, msgspec.Meta(description="A sub-account's, or the account's own to take it back")]


@endpoint("sim_card/{iccid}/account", "PUT", "POST", right=Right.MANAGE_LINES, sample=Ack(), body=ToAccount("0" * 32))
def account_of_line(caller: Caller, iccid: str, asked: ToAccount) -> Ack:
    """Gives a line to a sub-account, or back to the account itself; the account goes on paying for it"""
    line, holder = line_of(caller, iccid), holder_of(caller, asked.account_uuid)
    holders.assign(line_ids=[line.pk], holder=holder, by=caller.actor)
    return Ack()


class TagUsed(msgspec.Struct):
    name: str
    lines: int


@endpoint("tags", right=Right.MANAGE_LINES, sample=[TagUsed("Berlin", 12)])
def tags(caller: Caller, asked: Paging) -> Page[TagUsed]:
    """The account's tags by name, each with how many lines have it"""
    found = Tag.objects.filter(account=caller.account).annotate(used=Count("lines")).order_by("name")
    return listed(asked, [TagUsed(tag.name, tag.used) for tag in found])


class Tags(Input):
    """All the tags of a line."""

    tags: Annotated[list[TagName], msgspec.Meta(max_length=tagging.MOST_AT_ONCE)]


@endpoint("sim_card/{iccid}/tags", right=Right.MANAGE_LINES, sample=Tags(["Berlin", "van"]))
def tags_of_line(caller: Caller, iccid: str) -> Tags:
    """A line's tags"""
    return _tags(caller, iccid)


@endpoint(
    "sim_card/{iccid}/tags",
    "PUT",
    "POST",
    right=Right.MANAGE_LINES,
    sample=Tags(["Berlin", "van"]),
    body=Tags(["Berlin", "van"]),
)
def set_tags(caller: Caller, iccid: str, asked: Tags) -> Tags:
    """Gives a line these tags and no others"""
    tagging.set_tags(line=line_of(caller, iccid), names=tagging.tag_names(given=asked.tags), by=caller.actor)
    return _tags(caller, iccid)


def _tags(caller: Caller, iccid: str) -> Tags:
    found = LineTag.objects.filter(line=line_of(caller, iccid), tag__account=caller.account)
    return Tags(list(found.order_by("tag__name").values_list("tag__name", flat=True)))


ENDPOINTS = (rate_plans, rate_plan, account_of_line, tags, tags_of_line, set_tags)
