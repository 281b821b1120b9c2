"""The API's calls about rules and what they did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import msgspec
from kit.endpoints import Ack, Input, Linked, endpoint, moment
from kit.errors import NotFound
from kit.identifiers import ICCID_LONGEST
from kit.paging import Page, Paging, listed, newest

from accounts.policy import Right
from accounts.queries import Caller
from automation import words
from automation.commands import rules as commands
from automation.models import Rule, RuleFire
from automation.policy import LONGEST_NAME, LONGEST_WORD, MOST_HOURS, Action, Then, Trigger
from automation.queries import activity as queries
from lines.api.asked import ICCID, Day, Hex, IccidText, Id, day_of, field_named, holder_of, known_plan_of, plan_of
from lines.queries.scope import iccids_kept

GROUP = "Automation"
MOST_ICCIDS = 1_000
Hours = Annotated[int, msgspec.Meta(ge=1, le=MOST_HOURS)]
Iccids = Annotated[list[IccidText], msgspec.Meta(max_length=MOST_ICCIDS)]
Country = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
Word = Annotated[str, msgspec.Meta(max_length=LONGEST_WORD)]
OutcomeWord = Literal[
    "deactivated", "told", "set", "refused", "shadow", "already-off", "stands-by", "over", "waits", "dropped", "left"
]


class RuleDraft(Input):
    """When this happens, do that, then, for these lines. Who is told by mail is chosen in the console."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
    trigger: Literal["usage", "imei", "silence", "country", "sms", "cost"]
    action: Literal["deactivate", "throttle", "plan", "tell"] = "deactivate"
    limit: Annotated[Decimal | None, msgspec.Meta(description="More than so many MB or USD; usage and cost")] = None
    unit: Annotated[Literal["mb", "usd"] | None, msgspec.Meta(description="Of a usage rule's limit")] = None
    period: Annotated[Literal["day", "month"] | None, msgspec.Meta(description="Usage and cost")] = None
    hours: Annotated[Hours | None, msgspec.Meta(description="Without data; silence")] = None
    word: Annotated[Word, msgspec.Meta(description="In a message; sms")] = ""
    countries: Annotated[list[Country], msgspec.Meta(max_length=250, description="Where lines may be; country")] = []
    then: Annotated[
        Literal["", "next-day", "next-month", "hours"],
        msgspec.Meta(description="When a line is put back as it was: on, at its speed, on its plan"),
    ] = ""
    then_hours: Hours | None = None
    kbps: Annotated[int | None, msgspec.Meta(description="To what a line is slowed; throttle")] = None
    to_rate_plan_id: Annotated[Id | None, msgspec.Meta(description="Which plan a line is put on; plan")] = None
    account_uuid: Annotated[Hex | None, msgspec.Meta(description="Only lines that this account holds")] = None
    rate_plan_id: Id | None = None
    tags: Annotated[list[str], msgspec.Meta(max_length=100, description="Only lines with one of these")] = []
    custom_fields: Annotated[
        dict[str, str], msgspec.Meta(max_length=1, description="Only lines that have this in a custom field")
    ] = {}
    only_iccids: Iccids = []
    except_iccids: Iccids = []
    is_shadow: Annotated[bool, msgspec.Meta(description="It records what it would do, and does nothing")] = False

    def draft(self, caller: Caller, tells: list[int]) -> commands.Draft:
        """Raises NotFound."""
        name, value = next(iter(self.custom_fields.items()), ("", ""))
        return commands.Draft(
            name=self.name,
            trigger=Trigger(self.trigger),
            action=Action(self.action),
            period=self.period or "",
            unit=self.unit or "",
            limit=self.limit,
            hours=self.hours,
            word=self.word,
            countries=self.countries,
            holder=holder_of(caller, self.account_uuid) if self.account_uuid else None,
            plan=known_plan_of(caller, self.rate_plan_id) if self.rate_plan_id else None,
            tags=self.tags,
            of_field=field_named(caller, name) if name else None,
            field_value=value,
            only_iccids=iccids_kept(caller.account, self.only_iccids),
            except_iccids=iccids_kept(caller.account, self.except_iccids),
            then=Then(self.then),
            then_hours=self.then_hours,
            kbps=self.kbps,
            to_plan=plan_of(caller, self.to_rate_plan_id) if self.to_rate_plan_id else None,
            tells=list(caller.account.memberships.filter(pk__in=tells)),
            is_shadow=self.is_shadow,
        )


class RuleShown(Linked):
    """A rule, and in `sentence` what it does."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "self": "rules/{uuid}",
        "activity": "rule_activity?rule_uuid={uuid}",
    }

    uuid: str
    sentence: str
    is_on: bool
    created_at: str
    rule: RuleDraft


_DRAFT = RuleDraft("512 MB a day", "usage", limit=Decimal(512), unit="mb", period="day", then="next-day")
_SAMPLE = RuleShown(
    "0" * 32,
    "When a line uses more than 512 MB in a day, deactivate it; activate it at the start of the next day",
    True,
    "2026-11-01 09:30:00",
    _DRAFT,
)


def _rule(row: Rule) -> RuleShown:
    return RuleShown(
        uuid=row.uuid.hex,
        sentence=words.sentence(row),
        is_on=row.is_on,
        created_at=moment(row.created_at),
        rule=RuleDraft(
            name=row.name,
            trigger=row.trigger,  # type: ignore[arg-type]
            action=row.action,  # type: ignore[arg-type]
            limit=row.limit,
            unit=row.unit or None,  # type: ignore[arg-type]
            period=row.period or None,  # type: ignore[arg-type]
            hours=row.hours,
            word=row.word,
            countries=row.countries,
            then=row.then,  # type: ignore[arg-type]
            then_hours=row.then_hours,
            kbps=row.kbps,
            to_rate_plan_id=row.to_plan_id,
            account_uuid=row.holder.uuid.hex if row.holder else None,
            rate_plan_id=row.plan_id,
            tags=row.tags,
            custom_fields={row.field.name: row.field_value} if row.field else {},
            only_iccids=row.only_iccids,
            except_iccids=row.except_iccids,
            is_shadow=row.is_shadow,
        ),
    )


def _own(caller: Caller, uuid: str) -> Rule:
    found = queries.rule_of(caller.account, uuid)
    if found is None:
        raise NotFound("No such rule is yours; rules lists them")
    return found


@endpoint("rules", right=Right.SEE_AUDIT, sample=[_SAMPLE])
def rules(caller: Caller, asked: Paging) -> Page[RuleShown]:
    """The account's rules by name"""
    return listed(asked, [_rule(row) for row in queries.rules_of(caller.account)])


@endpoint("rules", "POST", right=Right.MANAGE_LINES, sample=_SAMPLE, body=_DRAFT)
def add_rule(caller: Caller, asked: RuleDraft) -> RuleShown:
    """Adds a rule; it acts at once, and soonest on what happens from now on"""
    return _rule(commands.add_rule(account=caller.account, draft=asked.draft(caller, []), by=caller.actor))


@endpoint("rules/{rule}", right=Right.SEE_AUDIT, sample=_SAMPLE)
def rule(caller: Caller, rule: str) -> RuleShown:
    """One rule"""
    return _rule(_own(caller, rule))


@endpoint("rules/{rule}", "PUT", right=Right.MANAGE_LINES, sample=_SAMPLE, body=_DRAFT)
def change_rule(caller: Caller, rule: str, asked: RuleDraft) -> RuleShown:
    """Writes a rule anew; what it did stays, and who is told stays"""
    found = _own(caller, rule)
    draft = asked.draft(caller, list(found.tells.values_list("pk", flat=True)))
    return _rule(commands.change_rule(account=caller.account, rule=found, draft=draft, by=caller.actor))


class Switched(Input):
    is_on: bool


@endpoint("rules/{rule}/switch", "PUT", "POST", right=Right.MANAGE_LINES, sample=_SAMPLE, body=Switched(True))
def switch_rule(caller: Caller, rule: str, asked: Switched) -> RuleShown:
    """Switches a rule off or on; off undoes nothing, and its open follow-ups still run"""
    found = _own(caller, rule)
    commands.switch_rule(account=caller.account, rule=found, on=asked.is_on, by=caller.actor)
    return _rule(_own(caller, rule))


@endpoint("rules/{rule}", "DELETE", right=Right.MANAGE_LINES, sample=Ack())
def delete_rule(caller: Caller, rule: str) -> Ack:
    """Deletes a rule; its activity stays, and its open follow-ups still run"""
    commands.delete_rule(account=caller.account, rule=_own(caller, rule), by=caller.actor)
    return Ack()


class FollowUpShown(msgspec.Struct):
    """What is done later about the line."""

    act: str
    due_at: str
    state: str


class Fired(Linked):
    """A rule fired for a line."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "line": "sim_card/{iccid}",
        "rule": "rules/{rule_uuid}",
    }

    fired_at: str
    rule_uuid: str
    rule_name: str
    iccid: Annotated[str | None, msgspec.Meta(description="null: it is about the account's cost")]
    because: str
    value: Annotated[Decimal | None, msgspec.Meta(description="What fired it: MB, USD or hours")]
    outcome: OutcomeWord
    follow_ups: list[FollowUpShown]


class Activity(Paging):
    """Which activity; days are UTC and both count."""

    rule_uuid: Hex | None = None
    iccid: Annotated[
        str,
        msgspec.Meta(
            pattern="^[0-9A-Fa-f]*$", max_length=ICCID_LONGEST, description="The ICCID, or how it begins or ends"
        ),
    ] = ""
    outcome: OutcomeWord | None = None
    start_date: Day | None = None
    end_date: Day | None = None


_FIRED = Fired(
    fired_at="2026-11-02 17:04:10",
    rule_uuid="0" * 32,
    rule_name="512 MB a day",
    iccid=ICCID,
    because="Used 513.2 MB on 2 November, over 512 MB",
    value=Decimal("513.200000"),
    outcome="deactivated",
    follow_ups=[FollowUpShown("activate", "2026-11-03 00:00:00", "open")],
)


@endpoint("rule_activity", right=Right.SEE_AUDIT, sample=[_FIRED])
def rule_activity(caller: Caller, asked: Activity) -> Page[Fired]:
    """What rules did, the latest first"""
    sought = queries.AskedActivity(
        line=asked.iccid.upper(),
        rule=asked.rule_uuid or "",
        outcome=asked.outcome or "",
        start=_day(asked.start_date),
        end=_day(asked.end_date),
    )
    page = newest(asked, queries.activity_of(caller.account, sought))
    return Page([_fired(row) for row in page.data], page.total, page.links)


def _day(text: str | None) -> dt.date | None:
    return day_of(text) if text else None


def _fired(row: RuleFire) -> Fired:
    return Fired(
        fired_at=moment(row.fired_at),
        rule_uuid=row.rule.uuid.hex,
        rule_name=row.rule.name,
        iccid=row.line.iccid if row.line else None,
        because=row.because,
        value=row.value,
        outcome=row.outcome,  # type: ignore[arg-type]
        follow_ups=[FollowUpShown(one.act, moment(one.due_at), one.state) for one in row.follow_ups.all()],
    )


ENDPOINTS = (rules, add_rule, rule, change_rule, switch_rule, delete_rule, rule_activity)
