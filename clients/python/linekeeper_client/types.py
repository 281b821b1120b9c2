"""The objects of the API. Made by scripts/generate-clients from clients/openapi.json; not to be edited."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal, NotRequired, TypedDict


class TheAccount(TypedDict):
    "The caller's account. The balance is low when it is below its minimum or lasts under seven days."

    number: int
    name: str
    current_balance: Decimal | None
    minimum_balance: Decimal | None
    is_exist_balance_history: bool
    is_low_balance: bool | None
    is_allowed_discount: bool
    links: NotRequired[dict[str, str]]


class CurrentBalance(TypedDict):
    "What is available now: what was posted, less the usage that is not in the ledger yet."

    current_balance: Decimal
    minimum_balance: Decimal
    currency: str
    links: NotRequired[dict[str, str]]


class PageBalanceDay(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[BalanceDay]
    total: int
    links: Links


class BalanceDay(TypedDict):
    "What a day put to the balance and took from it, and what was available at its end."

    date: str
    credit: Decimal
    debit: Decimal
    balance: Decimal
    links: NotRequired[dict[str, str]]


class Links(TypedDict):
    "The addresses of the neighbours; none at an end."

    next: NotRequired[str | None]
    prev: NotRequired[str | None]


class PageCardPayment(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[CardPayment]
    total: int
    links: Links


class CardPayment(TypedDict):
    "What a card paid in. The transaction's id is the payment's, as the console's address of it has it."

    date: str
    amount: Decimal
    transaction_id: str
    last_credit_card_digits: str
    created_at: str
    updated_at: str
    links: NotRequired[dict[str, str]]


class PageSimCard(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[SimCard]
    total: int
    links: Links


class SimCard(TypedDict):
    "A line. Usage is of today and of the current cycle, in MB of 1,048,576 bytes."

    status: str
    status_id: int
    iccid: str
    account_name: str
    rate_plan: str
    billing_cycle: str
    daily_usage_mb: Decimal
    monthly_usage_mb: Decimal
    count_of_sessions: int | None
    sms_sent: int | None
    notes: str
    deactivation_date: str | None
    more: NotRequired[More]
    links: NotRequired[dict[str, str]]


class More(TypedDict):
    "What `fields` asks for of a line."

    imei: NotRequired[str]
    msisdn: NotRequired[str]
    country: NotRequired[str]
    carrier: NotRequired[str | None]
    tags: NotRequired[list[str] | None]
    custom_fields: NotRequired[dict[str, str | int | Decimal]]
    last_seen: NotRequired[str | None]
    read_at: NotRequired[str | None]


class FilterData(TypedDict):
    "What iot_sim_cards may be filtered by: status_id, rate_plan_id, account_uuid."

    statuses: list[Choice]
    rate_plans: list[Choice]
    accounts: list[AccountChoice]


class Choice(TypedDict):
    "Choice"

    id: int
    name: str


class AccountChoice(TypedDict):
    "AccountChoice"

    uuid: str
    name: str


class LineInFull(TypedDict):
    "A line with its device, its state in words, and when all this was read."

    card: SimCard
    imei: str
    msisdn: str
    why: str
    since: str | None
    reported: Literal["blocked", "off", "on", "unknown"] | None
    reported_word: str
    sms_usage: int | None
    voice_usage: int | None
    added_at: str
    last_seen: str | None
    read_at: str | None
    custom_fields: dict[str, str | int | Decimal]
    links: NotRequired[dict[str, str]]


class Activated(TypedDict):
    "The line is wanted on."

    ack: NotRequired[Literal["success"]]
    deactivation_date_removed: NotRequired[str]


class Ack(TypedDict):
    "The change is accepted."

    ack: NotRequired[Literal["success"]]


class LineChanges(TypedDict):
    "Lines as they are now, each that changed, and those that are yours no more."

    data: list[SimCard]
    gone: list[str]
    cursor: str
    has_more: bool


class PageNetwork(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[Network]
    total: int
    links: Links


class Network(TypedDict):
    "A network of a rate plan in a country."

    rate_plan_id: int
    country: str
    country_code: str
    network: str
    technologies: str


class PageAsked(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[Asked]
    total: int
    links: Links


class Asked(TypedDict):
    "A request for more SIM cards than the store sells at once."

    uuid: str
    quantity: int
    rate_plan_id: int | None
    state: str
    created_at: str
    answer: str
    answered_at: str | None
    links: NotRequired[dict[str, str]]


class DayUsed(TypedDict):
    "Bytes of a day in kB of 1,024."

    date: str
    usage_kb: Decimal


class PageCycleUsed(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[CycleUsed]
    total: int
    links: Links


class CycleUsed(TypedDict):
    "A cycle's usage in MB of 1,048,576 bytes, and what it cost with the line's fees in USD."

    billing_cycle: str
    start_date: str
    end_date: str
    usage_mb: Decimal
    cost: Decimal | None
    links: NotRequired[dict[str, str]]


class PageBillCycle(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[BillCycle]
    total: int
    links: Links


class BillCycle(TypedDict):
    "BillCycle"

    billing_cycle: str
    start_date: str
    end_date: str
    links: NotRequired[dict[str, str]]


class PageSession(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[Session]
    total: int
    links: Links


class Session(TypedDict):
    "A session, or, of carriers that tell none, a stay in a network as our looks saw it. kB of 1,024 bytes."

    iccid: str
    start_date: str
    end_date: str | None
    billing_cycle: str
    country_code: str | None
    duration_sec: int | None
    usage_kb: Decimal
    network: str
    radio: str
    is_session: bool
    links: NotRequired[dict[str, str]]


class PageDestination(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[Destination]
    total: int
    links: Links


class Destination(TypedDict):
    "What a line used in a country in a cycle."

    country_code: str | None
    usage_mb: Decimal
    last_seen: str | None
    links: NotRequired[dict[str, str]]


class PageImeiChange(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[ImeiChange]
    total: int
    links: Links


class ImeiChange(TypedDict):
    "A SIM that moved to another device."

    at: str
    before: str
    after: str
    links: NotRequired[dict[str, str]]


class DeviceSettings(TypedDict):
    "What the SIM is set to, as the carrier confirmed it; null: not known, or its carrier cannot set it."

    throttle_kbps: int | None
    imei_lock: bool | None
    data_limit_mb: Decimal | None
    device_id: str | None
    sim_notes: str | None
    end_consumer: str | None
    may_set: list[Literal["data_limit_mb", "device_id", "end_consumer", "imei_lock", "sim_notes", "throttle_kbps"]]
    links: NotRequired[dict[str, str]]


class Device(TypedDict):
    "What the carrier says of the device and of the SIM; null: not reported."

    asked_at: str | None
    imei: str | None
    msisdn: str | None
    imsi: str | None
    hardware: str | None
    network: str | None
    country_code: str | None
    radio: str | None
    static_ip: str | None
    carrier: dict[str, str]
    links: NotRequired[dict[str, str]]


class ConnectionReset(TypedDict):
    "What came of a reset."

    is_confirmed: bool
    says: str


class NameSharing(TypedDict):
    "Whether notes and tags of all the account's lines are sent to carriers that keep names and tags."

    follows: bool


class Message(TypedDict):
    "An SMS. `queued`: the carrier has not taken it yet, and nothing is charged. `in-doubt`: the carrier\u2019s answer was\n    lost and nothing more is done until sms/settle says whether the message was sent; nothing is charged yet."

    id: int
    iccid: str
    direction: Literal["from_device", "to_device"]
    text: str
    status: Literal["delivered", "in-doubt", "queued", "received", "refused", "sent", "undelivered"]
    why: str
    sent_at: str
    price: Decimal | None
    is_new: bool
    links: NotRequired[dict[str, str]]


class PageMessage(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[Message]
    total: int
    links: Links


class Marked(TypedDict):
    "How many of them were new."

    marked: int


class PagePlanOffered(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[PlanOffered]
    total: int
    links: Links


class PlanOffered(TypedDict):
    "A rate plan with its prices in force. USD; null: no price is set yet."

    id: int
    name: str
    price_per_mb: Decimal | None
    price_per_sms: Decimal | None
    price_per_day: Decimal | None
    links: NotRequired[dict[str, str]]


class PageTagUsed(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[TagUsed]
    total: int
    links: Links


class TagUsed(TypedDict):
    "TagUsed"

    name: str
    lines: int


class Tags(TypedDict):
    "All the tags of a line."

    tags: list[str]


class PageFieldShown(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[FieldShown]
    total: int
    links: Links


class FieldShown(TypedDict):
    "A field of the account's lines."

    uuid: str
    name: str
    kind: Literal["choice", "date", "number", "text"]
    choices: list[str]
    shown_to_subaccounts: bool
    lines: int | None


class FieldsOfLine(TypedDict):
    "What a line has in the account's own fields."

    custom_fields: dict[str, str | int | Decimal]


class JobShown(TypedDict):
    "An action on lines. `same`: it was so already. `refused`: it may not be done to the line now."

    uuid: str
    action: str
    state: Literal["cancelled", "done", "paused", "previewed", "running"]
    selection: str
    by: str
    total: int
    done: int
    same: int
    refused: int
    failed: int
    seconds_left: int | None
    created_at: str
    ended_at: str | None
    unknown_iccids: list[str]
    preview: NotRequired[Preview | None]
    links: NotRequired[dict[str, str]]


class Preview(TypedDict):
    "What would become of a job's lines if it began now."

    will: int
    same: int
    refused: list[Refused]
    cost: Decimal | None
    is_daily: bool
    dates_removed: int


class Refused(TypedDict):
    "Lines that an action may not be done to now."

    lines: int
    why: str


class PageJobShown(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[JobShown]
    total: int
    links: Links


class PageResult(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[Result]
    total: int
    links: Links


class Result(TypedDict):
    "What has become of one line of a job."

    iccid: str
    state: Literal["done", "failed", "refused", "same", "waiting"]
    why: str
    links: NotRequired[dict[str, str]]


class Undone(TypedDict):
    "The jobs that were begun."

    jobs: list[JobShown]


class PageLineUsage(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[LineUsage]
    total: int
    links: Links


class LineUsage(TypedDict):
    "What a line used on a day at one price (kB of 1,024), and what that and the day's fee cost. USD.\n\n    `country`: where it was used (ISO 3166-1 alpha-2); null: the carrier did not tell. `zone`: whose price it is; null:\n    the rate plan's default price. `included_kb`: of the usage what is included in the plan; beyond a pool of lines it\n    is the account's usage and in no line's amount."

    date: str
    iccid: str
    account_name: str
    rate_plan: str
    usage_kb: Decimal
    price_per_mb: Decimal
    data_cost: Decimal
    line_fee: Decimal
    amount: Decimal
    country: str | None
    zone: str | None
    included_kb: Decimal
    links: NotRequired[dict[str, str]]


class PagePlanPrice(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[PlanPrice]
    total: int
    links: Links


class PlanPrice(TypedDict):
    "A rate plan's prices from a moment on; null: from the beginning. USD.\n\n    `country`: an ISO 3166-1 alpha-2 code where a zone's price holds, of data alone; null: everywhere else.\n    `included_mb`: data that is included for a line and billing cycle, or, pooled, for all lines of the account on the\n    plan together; `price_per_mb` is then the price beyond it. null: none."

    rate_plan: str
    price_per_mb: Decimal
    price_per_sms: Decimal
    price_per_day: Decimal
    valid_from: str | None
    country: str | None
    zone: str | None
    price_per_month: Decimal
    activation_fee: Decimal
    included_mb: int | None
    is_pooled: bool
    links: NotRequired[dict[str, str]]


class UsageExportShown(TypedDict):
    "A file of what the fleet used. It is written by workers, and kept for a week from when it was asked for."

    uuid: str
    kind: Literal["days", "sessions"]
    format: Literal["csv", "ndjson"]
    start_date: str
    end_date: str
    selection: str
    state: Literal["done", "failed", "queued", "running"]
    percent: int
    rows: int
    size: int
    by: str
    created_at: str
    ended_at: str | None
    expires_at: str
    failed: str
    links: NotRequired[dict[str, str]]


class PageUsageExportShown(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[UsageExportShown]
    total: int
    links: Links


class SubAccountShown(TypedDict):
    "A sub-account and what its lines did this month (UTC). USD."

    number: int
    uuid: str
    name: str
    is_active: bool
    created_at: str
    lines: int
    active_lines: int
    usage_mb: Decimal
    cost: Decimal | None
    links: NotRequired[dict[str, str]]


class BalanceShown(TypedDict):
    "What a sub-account has with its account, and how it pays. USD."

    available: Decimal
    minimum: Decimal
    average_daily: Decimal
    color: Literal["green", "orange", "red"]
    credit_limit: Decimal | None
    price_list: str | None


class PageRuleShown(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[RuleShown]
    total: int
    links: Links


class RuleShown(TypedDict):
    "A rule, and in `sentence` what it does."

    uuid: str
    sentence: str
    is_on: bool
    created_at: str
    rule: RuleDraft
    links: NotRequired[dict[str, str]]


class RuleDraft(TypedDict):
    "When this happens, do that, then, for these lines. Who is told by mail is chosen in the console."

    name: str
    trigger: Literal["cost", "country", "imei", "silence", "sms", "usage"]
    action: NotRequired[Literal["deactivate", "plan", "tell", "throttle"]]
    limit: NotRequired[Decimal | None]
    unit: NotRequired[Literal["mb", "usd"] | None]
    period: NotRequired[Literal["day", "month"] | None]
    hours: NotRequired[int | None]
    word: NotRequired[str]
    countries: NotRequired[list[str]]
    then: NotRequired[Literal["", "hours", "next-day", "next-month"]]
    then_hours: NotRequired[int | None]
    kbps: NotRequired[int | None]
    to_rate_plan_id: NotRequired[int | None]
    account_uuid: NotRequired[str | None]
    rate_plan_id: NotRequired[int | None]
    tags: NotRequired[list[str]]
    custom_fields: NotRequired[dict[str, str]]
    only_iccids: NotRequired[list[str]]
    except_iccids: NotRequired[list[str]]
    is_shadow: NotRequired[bool]


class PageFired(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[Fired]
    total: int
    links: Links


class Fired(TypedDict):
    "A rule fired for a line."

    fired_at: str
    rule_uuid: str
    rule_name: str
    iccid: str | None
    because: str
    value: Decimal | None
    outcome: Literal["already-off", "deactivated", "dropped", "left", "over", "refused", "set", "shadow", "stands-by", "told", "waits"]
    follow_ups: list[FollowUpShown]
    links: NotRequired[dict[str, str]]


class FollowUpShown(TypedDict):
    "What is done later about the line."

    act: str
    due_at: str
    state: str


class PageCapState(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[CapState]
    total: int
    links: Links


class CapState(TypedDict):
    "A cap and how full it is, as counted last. A sub-account\u2019s key reads the caps over its own lines, and no USD."

    uuid: str
    of: Literal["account", "line", "plan", "subaccount", "tag"]
    name: str
    unit: Literal["mb", "usd"]
    period: Literal["day", "month"]
    action: Literal["notify", "stop"]
    limit: Decimal | None
    used: Decimal | None
    percent: int
    is_full: bool
    lines_stopped: int
    ends: str
    counted_at: str | None
    read_at: str | None
    links: NotRequired[dict[str, str]]


class PageWebhook(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[Webhook]
    total: int
    links: Links


class Webhook(TypedDict):
    "An address that hears of what happens."

    uuid: str
    url: str
    topics: list[Literal["balance", "carriers", "jobs", "keys", "lines", "notifications", "orders", "payments", "rules", "sms", "statements", "usage"]]
    is_on: bool
    created_at: str
    secret: NotRequired[str | None]
    links: NotRequired[dict[str, str]]


class WebhookMessage(TypedDict):
    "A message to a webhook."

    uuid: str
    topic: str
    created_at: str
    delivered_at: str | None
    failed_at: str | None
    status: int | None
    attempts: int
    why: str
    links: NotRequired[dict[str, str]]


class PageWebhookMessage(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[WebhookMessage]
    total: int
    links: Links


class Feed(TypedDict):
    "Events in the order in which they are told, and where to go on."

    data: list[HappenedEvent]
    cursor: str
    has_more: bool


class HappenedEvent(TypedDict):
    "Something that happened, in the account or a sub-account of it."

    id: str
    type: Literal["rule.fired", "follow_up.run", "follow_up.cancelled", "line.activated", "line.deactivated", "line.suspended", "line.confirmed", "line.failed", "line.refused", "line.added", "line.released", "line.plan_changed", "line.left_alone", "line.assigned", "imei.changed", "usage.held", "usage.released", "usage.taken_back", "usage.dismissed", "usage.threshold", "cap.reached", "cap.cleared", "bundle.threshold", "balance.low", "balance.good", "balance.red", "balance.recovered", "payment.succeeded", "payment.declined", "payment.failed", "payment.refund", "payment.dispute", "card.gone", "sms.sent", "sms.delivered", "sms.undelivered", "sms.received", "sms.refused", "sms.doubted", "sms.settled", "job.start", "job.finish", "job.cancel", "order.answered", "statement.asked", "statement.closed", "carrier.trouble", "carrier.recovered", "notification.sent", "api_key.made", "api_key.expiring", "api_key.revoked"]
    version: int
    timestamp: str
    at: str
    account_uuid: str
    data: dict[str, Any]


class TestAccount(TypedDict):
    "An account in which nothing is real: simulated lines, play money, a clock that its people turn."

    account_uuid: str
    name: str
    now: str
    ahead_seconds: int
    carrier: Literal["fails", "lags", "none", "refuses"]
    iccids: list[str]
    links: NotRequired[dict[str, str]]


class PageSubAccount(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[SubAccount]
    total: int
    links: Links


class SubAccount(TypedDict):
    "An account that holds lines which its parent pays for."

    number: int
    uuid: str
    name: str
    is_active: bool
    created_at: str
    links: NotRequired[dict[str, str]]


class Told(TypedDict):
    "Something that was done."

    id: int
    at: str
    who: str
    what: str
    about: str
    sub_account: str
    changes: list[Change]


class Change(TypedDict):
    "A value before and after."

    name: str
    before: str
    after: str


class PageKey(TypedDict):
    "A part of a list, and how long the whole is."

    data: list[Key]
    total: int
    links: Links


class Key(TypedDict):
    "A bearer key; what it is sent as is told only when it is made."

    id: int
    name: str
    hint: str
    scopes: list[Literal["audit:read", "keys:manage", "lines:activate", "lines:manage", "lines:read", "money:read", "subaccounts:manage", "subaccounts:read", "webhooks:manage"]]
    ranges: list[str]
    is_test: bool
    per_second: int
    created_at: str
    created_by: str
    expires_at: str
    last_used_at: str | None
    key: NotRequired[str | None]
    links: NotRequired[dict[str, str]]


class DeactivationDate(TypedDict):
    "When a line is to be deactivated: at 00:00 UTC of this day; null takes the date away."

    deactivation_date: str | None


class Notes(TypedDict):
    "Notes"

    notes: str


class NewSimCard(TypedDict):
    "A line to take out of stock."

    iccid: str
    rate_plan_id: int
    activate: bool
    notes: NotRequired[str]
    tags: NotRequired[list[str]]
    custom_fields: NotRequired[dict[str, str | int | Decimal | None]]
    code: NotRequired[str]


class NewOrder(TypedDict):
    "SIM cards to ask for, and who is to be answered."

    quantity: int
    contact: str
    email: str
    address: str
    phone: NotRequired[str]
    message: NotRequired[str]
    rate_plan_id: NotRequired[int | None]


class NewSettings(TypedDict):
    "What is to change; what is not given stays. A worker asks the carrier until it confirms."

    throttle_kbps: NotRequired[int | None]
    imei_lock: NotRequired[bool | None]
    data_limit_mb: NotRequired[Decimal | None]
    device_id: NotRequired[str | None]
    sim_notes: NotRequired[str | None]
    end_consumer: NotRequired[str | None]


class Text(TypedDict):
    "What the device is to get: 1 to 70 characters."

    text: str


class Read(TypedDict):
    "Messages by their ids."

    ids: list[int]


class Settled(TypedDict):
    "A message in doubt, and what you know of it."

    id: int
    was_sent: bool


class ToPlan(TypedDict):
    "ToPlan"

    rate_plan_id: int


class ToAccount(TypedDict):
    "ToAccount"

    account_uuid: str


class NewField(TypedDict):
    "A field to add. Its kind stays as it is."

    name: str
    kind: Literal["choice", "date", "number", "text"]
    choices: NotRequired[list[str]]
    shown_to_subaccounts: NotRequired[bool]


class ChangedField(TypedDict):
    "A field as it is to be. What lines have in it stays."

    name: str
    choices: NotRequired[list[str]]
    shown_to_subaccounts: NotRequired[bool]


class SetFields(TypedDict):
    "What a line is to have; what is not named stays."

    custom_fields: dict[str, str | int | Decimal | None]


class NewJob(TypedDict):
    "An action and its lines: by ICCID or by a filter, one of the two."

    action: Literal["activate", "assign", "deactivate", "deactivate-next-day", "deactivate-on", "keep", "plan", "reset-tags", "set-fields", "sms", "tag", "untag"]
    iccids: NotRequired[list[str] | None]
    filter: NotRequired[Filter | None]
    date: NotRequired[str | None]
    account_uuid: NotRequired[str | None]
    rate_plan_id: NotRequired[int | None]
    tags: NotRequired[list[str] | None]
    text: NotRequired[str | None]
    custom_fields: NotRequired[dict[str, str | int | Decimal | None] | None]
    dry_run: NotRequired[bool]
    expected_total: NotRequired[int | None]


class Filter(TypedDict):
    "Lines as iot_sim_cards lists them. All of them are asked for in so many words: an empty filter is refused."

    status_id: NotRequired[int | None]
    common_filter: NotRequired[str]
    rate_plan_id: NotRequired[int | None]
    account_uuid: NotRequired[str | None]
    imei: NotRequired[str]
    msisdn: NotRequired[str]
    country: NotRequired[str]
    carrier: NotRequired[str]
    tag: NotRequired[str]
    custom_fields: NotRequired[dict[str, str]]
    seen_from: NotRequired[str | None]
    seen_before: NotRequired[str | None]
    read_from: NotRequired[str | None]
    read_before: NotRequired[str | None]
    all: NotRequired[bool]


class NewUsageExport(TypedDict):
    "Which days, UTC, of which lines. Lines that left since are in it where `filter` is {\"all\": true}."

    kind: Literal["days", "sessions"]
    start_date: str
    end_date: str
    filter: Filter
    format: NotRequired[Literal["csv", "ndjson"]]


class NewSubAccount(TypedDict):
    "Its people are invited in the console."

    name: str


class SubAccountChange(TypedDict):
    "What is to change; what is not given stays. Switched off, its people are shut out and its lines stop."

    name: NotRequired[str | None]
    is_active: NotRequired[bool | None]


class NewCredit(TypedDict):
    "A credit, or with a minus a debit, and what it is for. The same key again is the same credit."

    amount: Decimal
    note: str
    key: str


class Switched(TypedDict):
    "Switched"

    is_on: bool


class CapDraft(TypedDict):
    "How much lines may use together. The whole account\u2019s where nothing else is named; name one thing at most."

    limit: Decimal
    unit: NotRequired[Literal["mb", "usd"]]
    period: NotRequired[Literal["day", "month"]]
    action: NotRequired[Literal["notify", "stop"]]
    account_uuid: NotRequired[str | None]
    tag: NotRequired[str | None]
    rate_plan_id: NotRequired[int | None]
    iccid: NotRequired[str | None]


class CapChange(TypedDict):
    "What is left out stays."

    limit: NotRequired[Decimal | None]
    action: NotRequired[Literal["notify", "stop"] | None]


class NewWebhook(TypedDict):
    "What it hears of, and where."

    url: str
    topics: list[Literal["balance", "carriers", "jobs", "keys", "lines", "notifications", "orders", "payments", "rules", "sms", "statements", "usage"]]


class WebhookOn(TypedDict):
    "WebhookOn"

    is_on: bool
    catch_up: NotRequired[bool]


class SecretOverlap(TypedDict):
    "SecretOverlap"

    overlap_hours: NotRequired[Literal[0, 24, 168]]


class Turn(TypedDict):
    "How far the clock is turned on: up to 31 days at a time, 400 in all."

    days: NotRequired[int]
    seconds: NotRequired[int]


class CarrierWanted(TypedDict):
    "What is to go wrong."

    carrier: Literal["fails", "lags", "none", "refuses"]


class PlayMoney(TypedDict):
    "How much the balance is to move."

    amount: Decimal


class MoreLines(TypedDict):
    "How many lines are made."

    count: NotRequired[int]


class Used(TypedDict):
    "How much the device uses."

    bytes: int


class FromDevice(TypedDict):
    "What the device sends."

    text: str


class OtherDevice(TypedDict):
    "In which device the SIM sits."

    imei: str


class NewKey(TypedDict):
    "What a key is to be for. A bearer key makes only keys that may do, last and reach no more than itself."

    name: str
    scopes: list[Literal["audit:read", "keys:manage", "lines:activate", "lines:manage", "lines:read", "money:read", "subaccounts:manage", "subaccounts:read", "webhooks:manage"]]
    days: NotRequired[Literal[7, 30, 90, 365]]
    ranges: NotRequired[list[str]]
    is_test: NotRequired[bool]
    per_second: NotRequired[int]


class Problem(TypedDict):
    "What went wrong (title), why (detail), and what to do."

    type: str
    title: str
    status: int
    detail: str
    what_to_do: str
    code: str
    field: str | None
    request_id: str
