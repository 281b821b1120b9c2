"""A method for each call. Made by scripts/generate-clients from clients/openapi.json; not to be edited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from linekeeper_client.transport import Transport, quoted
from linekeeper_client.types import (
    Ack,
    Activated,
    Asked,
    BalanceDay,
    BalanceShown,
    BillCycle,
    CapChange,
    CapDraft,
    CapState,
    CardPayment,
    CarrierWanted,
    ChangedField,
    ConnectionReset,
    CurrentBalance,
    CycleUsed,
    DayUsed,
    DeactivationDate,
    Destination,
    Device,
    DeviceSettings,
    Feed,
    FieldShown,
    FieldsOfLine,
    FilterData,
    Fired,
    FromDevice,
    ImeiChange,
    JobShown,
    Key,
    LineChanges,
    LineInFull,
    LineUsage,
    Marked,
    Message,
    MoreLines,
    NameSharing,
    Network,
    NewCredit,
    NewField,
    NewJob,
    NewKey,
    NewOrder,
    NewSettings,
    NewSimCard,
    NewSubAccount,
    NewUsageExport,
    NewWebhook,
    Notes,
    OtherDevice,
    PageAsked,
    PageBalanceDay,
    PageBillCycle,
    PageCapState,
    PageCardPayment,
    PageCycleUsed,
    PageDestination,
    PageFieldShown,
    PageFired,
    PageImeiChange,
    PageJobShown,
    PageKey,
    PageLineUsage,
    PageMessage,
    PageNetwork,
    PagePlanOffered,
    PagePlanPrice,
    PageResult,
    PageRuleShown,
    PageSession,
    PageSimCard,
    PageSubAccount,
    PageTagUsed,
    PageUsageExportShown,
    PageWebhook,
    PageWebhookMessage,
    PlanOffered,
    PlanPrice,
    PlayMoney,
    Read,
    Result,
    RuleDraft,
    RuleShown,
    SecretOverlap,
    Session,
    SetFields,
    Settled,
    SimCard,
    SubAccount,
    SubAccountChange,
    SubAccountShown,
    Switched,
    TagUsed,
    Tags,
    TestAccount,
    Text,
    TheAccount,
    ToAccount,
    ToPlan,
    Told,
    Turn,
    Undone,
    UsageExportShown,
    Used,
    Webhook,
    WebhookMessage,
    WebhookOn,
)


class Calls(Transport):
    """The API of one account."""

    def account(self) -> TheAccount:
        "The account itself; there are no discounts here, so none is ever allowed"
        found: TheAccount = self.call("GET", "")
        return found

    def current_balance(self) -> CurrentBalance:
        "The available balance"
        found: CurrentBalance = self.call("GET", "current_balance")
        return found

    def balance_history(self, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageBalanceDay:
        "Debits and credits, a row for each day on which the balance moved, the latest first"
        found: PageBalanceDay = self.call("GET", "balance_history", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_balance_history(self, *, per_page: int | None = None) -> Iterator[BalanceDay]:
        "Every row of all pages. Debits and credits, a row for each day on which the balance moved, the latest first"
        yield from self.pages("balance_history", {"per_page": per_page})

    def balance_payments(self, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageCardPayment:
        "The payments by card that succeeded, the latest first"
        found: PageCardPayment = self.call("GET", "balance_payments", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_balance_payments(self, *, per_page: int | None = None) -> Iterator[CardPayment]:
        "Every row of all pages. The payments by card that succeeded, the latest first"
        yield from self.pages("balance_payments", {"per_page": per_page})

    def iot_sim_cards(self, *, status_id: int | None = None, common_filter: str | None = None, rate_plan_id: int | None = None, account_uuid: str | None = None, imei: str | None = None, msisdn: str | None = None, country: str | None = None, carrier: str | None = None, tag: str | None = None, custom_fields: dict[str, str] | None = None, seen_from: str | None = None, seen_before: str | None = None, read_from: str | None = None, read_before: str | None = None, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None, sort: Literal["iccid", "-iccid", "imei", "-imei", "msisdn", "-msisdn", "country", "-country", "carrier", "-carrier", "tags", "-tags", "last_seen", "-last_seen", "read_at", "-read_at"] | str | None = None, fields: str | None = None) -> PageSimCard:
        "The account's lines by ICCID, or by what `sort` says; those of its sub-accounts too"
        found: PageSimCard = self.call("GET", "iot_sim_cards", query={"status_id": status_id, "common_filter": common_filter, "rate_plan_id": rate_plan_id, "account_uuid": account_uuid, "imei": imei, "msisdn": msisdn, "country": country, "carrier": carrier, "tag": tag, "custom_fields": custom_fields, "seen_from": seen_from, "seen_before": seen_before, "read_from": read_from, "read_before": read_before, "offset": offset, "page": page, "cursor": cursor, "per_page": per_page, "sort": sort, "fields": fields})
        return found

    def all_iot_sim_cards(self, *, status_id: int | None = None, common_filter: str | None = None, rate_plan_id: int | None = None, account_uuid: str | None = None, imei: str | None = None, msisdn: str | None = None, country: str | None = None, carrier: str | None = None, tag: str | None = None, custom_fields: dict[str, str] | None = None, seen_from: str | None = None, seen_before: str | None = None, read_from: str | None = None, read_before: str | None = None, per_page: int | None = None, sort: Literal["iccid", "-iccid", "imei", "-imei", "msisdn", "-msisdn", "country", "-country", "carrier", "-carrier", "tags", "-tags", "last_seen", "-last_seen", "read_at", "-read_at"] | str | None = None, fields: str | None = None) -> Iterator[SimCard]:
        "Every row of all pages. The account's lines by ICCID, or by what `sort` says; those of its sub-accounts too"
        yield from self.pages("iot_sim_cards", {"status_id": status_id, "common_filter": common_filter, "rate_plan_id": rate_plan_id, "account_uuid": account_uuid, "imei": imei, "msisdn": msisdn, "country": country, "carrier": carrier, "tag": tag, "custom_fields": custom_fields, "seen_from": seen_from, "seen_before": seen_before, "read_from": read_from, "read_before": read_before, "per_page": per_page, "sort": sort, "fields": fields})

    def add_sim_card(self, body: NewSimCard, *, idempotency_key: str | None = None) -> SimCard:
        "Adds a line out of stock that is reserved for you, or by its card's code; one that is yours already stays"
        found: SimCard = self.call("POST", "iot_sim_cards", body=body, idempotency_key=idempotency_key)
        return found

    def sim_card_filter_data(self) -> FilterData:
        "The choices of the lists' filters"
        found: FilterData = self.call("GET", "sim_card_filter_data")
        return found

    def sim_card(self, iccid: str) -> LineInFull:
        "One line in full, with why it is as it is"
        found: LineInFull = self.call("GET", f"sim_card/{quoted(iccid)}")
        return found

    def activation_ready(self, iccid: str, *, idempotency_key: str | None = None) -> Activated:
        "Activates a line at once, and removes its deactivation date; needs an available balance of the minimum or more"
        found: Activated = self.call("POST", f"sim_card/{quoted(iccid)}/activation_ready", idempotency_key=idempotency_key)
        return found

    def deactivate(self, iccid: str, *, idempotency_key: str | None = None) -> Ack:
        "Deactivates a line at once"
        found: Ack = self.call("POST", f"sim_card/{quoted(iccid)}/deactivate", idempotency_key=idempotency_key)
        return found

    def deactivation_date(self, iccid: str, body: DeactivationDate, *, idempotency_key: str | None = None) -> Ack:
        "Sets the day at whose beginning a line is deactivated, or takes it away"
        found: Ack = self.call("PUT", f"sim_card/{quoted(iccid)}/deactivation_date", body=body, idempotency_key=idempotency_key)
        return found

    def notes(self, iccid: str, body: Notes, *, idempotency_key: str | None = None) -> Ack:
        "Changes a line's notes"
        found: Ack = self.call("PUT", f"sim_card/{quoted(iccid)}/notes", body=body, idempotency_key=idempotency_key)
        return found

    def line_changes(self, *, changed_since: str | None = None, fields: str | None = None, per_page: int | None = None) -> LineChanges:
        "What a copy of the list is to take over: lines that changed since, and those that left"
        found: LineChanges = self.call("GET", "line_changes", query={"changed_since": changed_since, "fields": fields, "per_page": per_page})
        return found

    def coverage(self, *, country_code: str | None = None, rate_plan_id: int | None = None, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageNetwork:
        "The networks of each rate plan that you may take, by country; their prices are in rate_plans"
        found: PageNetwork = self.call("GET", "coverage", query={"country_code": country_code, "rate_plan_id": rate_plan_id, "offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_coverage(self, *, country_code: str | None = None, rate_plan_id: int | None = None, per_page: int | None = None) -> Iterator[Network]:
        "Every row of all pages. The networks of each rate plan that you may take, by country; their prices are in rate_plans"
        yield from self.pages("coverage", {"country_code": country_code, "rate_plan_id": rate_plan_id, "per_page": per_page})

    def orders(self, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageAsked:
        "The account's requests for SIM cards, the newest first"
        found: PageAsked = self.call("GET", "orders", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_orders(self, *, per_page: int | None = None) -> Iterator[Asked]:
        "Every row of all pages. The account's requests for SIM cards, the newest first"
        yield from self.pages("orders", {"per_page": per_page})

    def place_order(self, body: NewOrder, *, idempotency_key: str | None = None) -> Asked:
        "Asks for SIM cards, more than the store sells at once; with an Idempotency-Key a lost answer asks once"
        found: Asked = self.call("POST", "orders", body=body, idempotency_key=idempotency_key)
        return found

    def withdraw_order(self, order: str, *, idempotency_key: str | None = None) -> Asked:
        "Takes a request back that nobody has answered; twice is once"
        found: Asked = self.call("POST", f"orders/{quoted(order)}/withdraw", idempotency_key=idempotency_key)
        return found

    def daily_statistics(self, iccid: str, *, billing_cycle: str | None = None) -> list[DayUsed]:
        "What a line used on each day of a cycle that has begun"
        found: list[DayUsed] = self.call("GET", f"sim_card/{quoted(iccid)}/daily_statistics", query={"billing_cycle": billing_cycle})
        return found

    def usage_summary(self, iccid: str, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageCycleUsed:
        "What a line used in each of the last twelve cycles, the current first"
        found: PageCycleUsed = self.call("GET", f"sim_card/{quoted(iccid)}/usage_summary", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_usage_summary(self, iccid: str, *, per_page: int | None = None) -> Iterator[CycleUsed]:
        "Every row of all pages. What a line used in each of the last twelve cycles, the current first"
        yield from self.pages(f"sim_card/{quoted(iccid)}/usage_summary", {"per_page": per_page})

    def bill_cycle_list(self, iccid: str, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageBillCycle:
        "The cycles that daily_statistics knows of a line, the current first"
        found: PageBillCycle = self.call("GET", f"sim_card/{quoted(iccid)}/bill_cycle_list", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_bill_cycle_list(self, iccid: str, *, per_page: int | None = None) -> Iterator[BillCycle]:
        "Every row of all pages. The cycles that daily_statistics knows of a line, the current first"
        yield from self.pages(f"sim_card/{quoted(iccid)}/bill_cycle_list", {"per_page": per_page})

    def sessions(self, iccid: str, *, billing_cycle: str | None = None, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageSession:
        "A line's sessions as far as its carrier tells them, the latest seen first"
        found: PageSession = self.call("GET", f"sim_card/{quoted(iccid)}/sessions", query={"billing_cycle": billing_cycle, "offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_sessions(self, iccid: str, *, billing_cycle: str | None = None, per_page: int | None = None) -> Iterator[Session]:
        "Every row of all pages. A line's sessions as far as its carrier tells them, the latest seen first"
        yield from self.pages(f"sim_card/{quoted(iccid)}/sessions", {"billing_cycle": billing_cycle, "per_page": per_page})

    def destination_log(self, iccid: str, *, billing_cycle: str | None = None, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageDestination:
        "The countries of a cycle, each with its MB; together they are what the line used in the cycle"
        found: PageDestination = self.call("GET", f"sim_card/{quoted(iccid)}/destination_log", query={"billing_cycle": billing_cycle, "offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_destination_log(self, iccid: str, *, billing_cycle: str | None = None, per_page: int | None = None) -> Iterator[Destination]:
        "Every row of all pages. The countries of a cycle, each with its MB; together they are what the line used in the cycle"
        yield from self.pages(f"sim_card/{quoted(iccid)}/destination_log", {"billing_cycle": billing_cycle, "per_page": per_page})

    def imei_history(self, iccid: str, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageImeiChange:
        "The changes of device, the latest first; the first IMEI that was seen is none"
        found: PageImeiChange = self.call("GET", f"sim_card/{quoted(iccid)}/imei_history", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_imei_history(self, iccid: str, *, per_page: int | None = None) -> Iterator[ImeiChange]:
        "Every row of all pages. The changes of device, the latest first; the first IMEI that was seen is none"
        yield from self.pages(f"sim_card/{quoted(iccid)}/imei_history", {"per_page": per_page})

    def settings_of_line(self, iccid: str) -> DeviceSettings:
        "What is set on a line's SIM besides on and off"
        found: DeviceSettings = self.call("GET", f"sim_card/{quoted(iccid)}/settings")
        return found

    def change_settings(self, iccid: str, body: NewSettings, *, idempotency_key: str | None = None) -> Ack:
        "Sets the SIM's throttle, IMEI lock, limit at its carrier, or what its carrier calls it"
        found: Ack = self.call("PUT", f"sim_card/{quoted(iccid)}/settings", body=body, idempotency_key=idempotency_key)
        return found

    def device(self, iccid: str) -> Device:
        "The device behind a line, and what its carrier says of the SIM"
        found: Device = self.call("GET", f"sim_card/{quoted(iccid)}/device")
        return found

    def reset_connection(self, iccid: str, *, idempotency_key: str | None = None) -> ConnectionReset:
        "Ends the running session of a line\u2019s device, which then connects again; the carrier is asked at once"
        found: ConnectionReset = self.call("POST", f"sim_card/{quoted(iccid)}/reset_connection", idempotency_key=idempotency_key)
        return found

    def name_sharing(self) -> NameSharing:
        "Whether carriers' names and tags follow the account's notes and tags"
        found: NameSharing = self.call("GET", "carrier_names")
        return found

    def change_name_sharing(self, body: NameSharing, *, idempotency_key: str | None = None) -> Ack:
        "Keeps carriers' names and tags in step with notes and tags from now on, or no longer"
        found: Ack = self.call("PUT", "carrier_names", body=body, idempotency_key=idempotency_key)
        return found

    def send_sms(self, iccid: str, body: Text, *, idempotency_key: str | None = None) -> Message:
        "Sends a message to an Activated line's device; charged once, when the carrier takes it"
        found: Message = self.call("POST", f"sim_card/{quoted(iccid)}/sms", body=body, idempotency_key=idempotency_key)
        return found

    def sms_of_line(self, iccid: str, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageMessage:
        "A line's messages to and from its device, the newest first"
        found: PageMessage = self.call("GET", f"sim_card/{quoted(iccid)}/sms", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_sms_of_line(self, iccid: str, *, per_page: int | None = None) -> Iterator[Message]:
        "Every row of all pages. A line's messages to and from its device, the newest first"
        yield from self.pages(f"sim_card/{quoted(iccid)}/sms", {"per_page": per_page})

    def sms(self, *, which: Literal["doubtful", "failed", "in", "out", "unread"] | None = None, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageMessage:
        "All messages of the account's lines, the newest first"
        found: PageMessage = self.call("GET", "sms", query={"which": which, "offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_sms(self, *, which: Literal["doubtful", "failed", "in", "out", "unread"] | None = None, per_page: int | None = None) -> Iterator[Message]:
        "Every row of all pages. All messages of the account's lines, the newest first"
        yield from self.pages("sms", {"which": which, "per_page": per_page})

    def read_sms(self, body: Read, *, idempotency_key: str | None = None) -> Marked:
        "Marks messages from devices as read; ids that are not yours are left alone"
        found: Marked = self.call("POST", "sms/read", body=body, idempotency_key=idempotency_key)
        return found

    def settle_sms(self, body: Settled, *, idempotency_key: str | None = None) -> Message:
        "Says whether a message in doubt was sent; then it is charged once, else it is sent again"
        found: Message = self.call("POST", "sms/settle", body=body, idempotency_key=idempotency_key)
        return found

    def rate_plans(self, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PagePlanOffered:
        "The rate plans that you may take, by name; a line may change to one of its own carrier's"
        found: PagePlanOffered = self.call("GET", "rate_plans", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_rate_plans(self, *, per_page: int | None = None) -> Iterator[PlanOffered]:
        "Every row of all pages. The rate plans that you may take, by name; a line may change to one of its own carrier's"
        yield from self.pages("rate_plans", {"per_page": per_page})

    def rate_plan(self, iccid: str, body: ToPlan, *, idempotency_key: str | None = None) -> Ack:
        "Puts a line on another rate plan of its carrier; what is read from now on is at its prices"
        found: Ack = self.call("PUT", f"sim_card/{quoted(iccid)}/rate_plan", body=body, idempotency_key=idempotency_key)
        return found

    def account_of_line(self, iccid: str, body: ToAccount, *, idempotency_key: str | None = None) -> Ack:
        "Gives a line to a sub-account, or back to the account itself; the account goes on paying for it"
        found: Ack = self.call("PUT", f"sim_card/{quoted(iccid)}/account", body=body, idempotency_key=idempotency_key)
        return found

    def tags(self, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageTagUsed:
        "The account's tags by name, each with how many lines have it"
        found: PageTagUsed = self.call("GET", "tags", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_tags(self, *, per_page: int | None = None) -> Iterator[TagUsed]:
        "Every row of all pages. The account's tags by name, each with how many lines have it"
        yield from self.pages("tags", {"per_page": per_page})

    def tags_of_line(self, iccid: str) -> Tags:
        "A line's tags"
        found: Tags = self.call("GET", f"sim_card/{quoted(iccid)}/tags")
        return found

    def set_tags(self, iccid: str, body: Tags, *, idempotency_key: str | None = None) -> Tags:
        "Gives a line these tags and no others"
        found: Tags = self.call("PUT", f"sim_card/{quoted(iccid)}/tags", body=body, idempotency_key=idempotency_key)
        return found

    def custom_fields(self, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageFieldShown:
        "The account's custom fields by name; a sub-account gets those that are shown to it"
        found: PageFieldShown = self.call("GET", "custom_fields", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_custom_fields(self, *, per_page: int | None = None) -> Iterator[FieldShown]:
        "Every row of all pages. The account's custom fields by name; a sub-account gets those that are shown to it"
        yield from self.pages("custom_fields", {"per_page": per_page})

    def add_custom_field(self, body: NewField, *, idempotency_key: str | None = None) -> FieldShown:
        "Adds a field to the account's lines"
        found: FieldShown = self.call("POST", "custom_fields", body=body, idempotency_key=idempotency_key)
        return found

    def custom_field(self, field: str) -> FieldShown:
        "One custom field; a sub-account gets one that is shown to it"
        found: FieldShown = self.call("GET", f"custom_fields/{quoted(field)}")
        return found

    def change_custom_field(self, field: str, body: ChangedField, *, idempotency_key: str | None = None) -> FieldShown:
        "Renames a field, changes its choices, or whether sub-accounts see it; a choice that lines have must stay"
        found: FieldShown = self.call("PUT", f"custom_fields/{quoted(field)}", body=body, idempotency_key=idempotency_key)
        return found

    def remove_custom_field(self, field: str, *, idempotency_key: str | None = None) -> Ack:
        "Removes a field with what all lines have in it; refused while a rule is narrowed by it"
        found: Ack = self.call("DELETE", f"custom_fields/{quoted(field)}", idempotency_key=idempotency_key)
        return found

    def custom_fields_of_line(self, iccid: str) -> FieldsOfLine:
        "What a line has in the account's custom fields"
        found: FieldsOfLine = self.call("GET", f"sim_card/{quoted(iccid)}/custom_fields")
        return found

    def set_custom_fields(self, iccid: str, body: SetFields, *, idempotency_key: str | None = None) -> FieldsOfLine:
        "Sets what a line has in some of the account's custom fields; the others stay as they are"
        found: FieldsOfLine = self.call("PUT", f"sim_card/{quoted(iccid)}/custom_fields", body=body, idempotency_key=idempotency_key)
        return found

    def start_job(self, body: NewJob, *, idempotency_key: str | None = None) -> JobShown:
        "Begins an action on many lines and answers at once, or previews it; follow it by its uuid"
        found: JobShown = self.call("POST", "jobs", body=body, idempotency_key=idempotency_key)
        return found

    def jobs(self, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageJobShown:
        "The account's jobs, the newest first"
        found: PageJobShown = self.call("GET", "jobs", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_jobs(self, *, per_page: int | None = None) -> Iterator[JobShown]:
        "Every row of all pages. The account's jobs, the newest first"
        yield from self.pages("jobs", {"per_page": per_page})

    def start_previewed_job(self, job: str, *, idempotency_key: str | None = None) -> JobShown:
        "Begins a job that was previewed, for the lines that it was previewed for; a preview is kept for a day"
        found: JobShown = self.call("POST", f"jobs/{quoted(job)}/start", idempotency_key=idempotency_key)
        return found

    def job(self, job: str) -> JobShown:
        "How far a job is"
        found: JobShown = self.call("GET", f"jobs/{quoted(job)}")
        return found

    def job_lines(self, job: str, *, state: Literal["done", "failed", "refused", "same", "waiting"] | None = None, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageResult:
        "A job's lines, each with what has become of it"
        found: PageResult = self.call("GET", f"jobs/{quoted(job)}/lines", query={"state": state, "offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_job_lines(self, job: str, *, state: Literal["done", "failed", "refused", "same", "waiting"] | None = None, per_page: int | None = None) -> Iterator[Result]:
        "Every row of all pages. A job's lines, each with what has become of it"
        yield from self.pages(f"jobs/{quoted(job)}/lines", {"state": state, "per_page": per_page})

    def pause_job(self, job: str, *, idempotency_key: str | None = None) -> JobShown:
        "Lets a job rest; what is done stays done"
        found: JobShown = self.call("POST", f"jobs/{quoted(job)}/pause", idempotency_key=idempotency_key)
        return found

    def resume_job(self, job: str, *, idempotency_key: str | None = None) -> JobShown:
        "Goes on with a paused job"
        found: JobShown = self.call("POST", f"jobs/{quoted(job)}/resume", idempotency_key=idempotency_key)
        return found

    def cancel_job(self, job: str, *, idempotency_key: str | None = None) -> JobShown:
        "Ends a job; what is done stays done, the rest is left alone"
        found: JobShown = self.call("POST", f"jobs/{quoted(job)}/cancel", idempotency_key=idempotency_key)
        return found

    def retry_job(self, job: str, *, idempotency_key: str | None = None) -> JobShown:
        "Tries again the lines of a finished job that were refused or failed"
        found: JobShown = self.call("POST", f"jobs/{quoted(job)}/retry", idempotency_key=idempotency_key)
        return found

    def undo_job(self, job: str, *, idempotency_key: str | None = None) -> Undone:
        "Brings the lines that a finished job changed back to what each was, by a job for each thing that they were"
        found: Undone = self.call("POST", f"jobs/{quoted(job)}/undo", idempotency_key=idempotency_key)
        return found

    def balance_usages(self, *, start_date: str | None = None, end_date: str | None = None, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageLineUsage:
        "What each line cost on each day, the latest day first"
        found: PageLineUsage = self.call("GET", "balance_usages", query={"start_date": start_date, "end_date": end_date, "offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_balance_usages(self, *, start_date: str | None = None, end_date: str | None = None, per_page: int | None = None) -> Iterator[LineUsage]:
        "Every row of all pages. What each line cost on each day, the latest day first"
        yield from self.pages("balance_usages", {"start_date": start_date, "end_date": end_date, "per_page": per_page})

    def prices(self, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PagePlanPrice:
        "What the account's rate plans cost now, and what is announced, in each country that has a price of its own"
        found: PagePlanPrice = self.call("GET", "prices", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_prices(self, *, per_page: int | None = None) -> Iterator[PlanPrice]:
        "Every row of all pages. What the account's rate plans cost now, and what is announced, in each country that has a price of its own"
        yield from self.pages("prices", {"per_page": per_page})

    def ask_usage_export(self, body: NewUsageExport, *, idempotency_key: str | None = None) -> UsageExportShown:
        "Asks for a file of usage by day or by session, at most 366 days; follow it by its uuid"
        found: UsageExportShown = self.call("POST", "usage_exports", body=body, idempotency_key=idempotency_key)
        return found

    def usage_exports(self, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageUsageExportShown:
        "The account's usage exports, the newest first"
        found: PageUsageExportShown = self.call("GET", "usage_exports", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_usage_exports(self, *, per_page: int | None = None) -> Iterator[UsageExportShown]:
        "Every row of all pages. The account's usage exports, the newest first"
        yield from self.pages("usage_exports", {"per_page": per_page})

    def usage_export(self, usage_export: str) -> UsageExportShown:
        "How far a usage export is"
        found: UsageExportShown = self.call("GET", f"usage_exports/{quoted(usage_export)}")
        return found

    def delete_usage_export(self, usage_export: str, *, idempotency_key: str | None = None) -> Ack:
        "Deletes a usage export with its file; one that is being written ends"
        found: Ack = self.call("DELETE", f"usage_exports/{quoted(usage_export)}", idempotency_key=idempotency_key)
        return found

    def subaccount(self, account: str) -> SubAccountShown:
        "One sub-account and how its lines are doing this month"
        found: SubAccountShown = self.call("GET", f"accounts/{quoted(account)}")
        return found

    def change_subaccount(self, account: str, body: SubAccountChange, *, idempotency_key: str | None = None) -> SubAccountShown:
        "Renames a sub-account, or switches it off or on"
        found: SubAccountShown = self.call("PUT", f"accounts/{quoted(account)}", body=body, idempotency_key=idempotency_key)
        return found

    def add_subaccount(self, body: NewSubAccount, *, idempotency_key: str | None = None) -> SubAccountShown:
        "Adds a sub-account; give it lines by sim_card/{iccid}/account or by a job"
        found: SubAccountShown = self.call("POST", "accounts", body=body, idempotency_key=idempotency_key)
        return found

    def accounts(self, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageSubAccount:
        "The account's sub-accounts, the oldest first; a sub-account has none"
        found: PageSubAccount = self.call("GET", "accounts", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_accounts(self, *, per_page: int | None = None) -> Iterator[SubAccount]:
        "Every row of all pages. The account's sub-accounts, the oldest first; a sub-account has none"
        yield from self.pages("accounts", {"per_page": per_page})

    def subaccount_balance(self, account: str) -> BalanceShown:
        "What a sub-account has on its own balance"
        found: BalanceShown = self.call("GET", f"accounts/{quoted(account)}/balance")
        return found

    def credit_subaccount(self, account: str, body: NewCredit, *, idempotency_key: str | None = None) -> BalanceShown:
        "Puts credit on a sub-account's own balance; your balance does not move"
        found: BalanceShown = self.call("POST", f"accounts/{quoted(account)}/credits", body=body, idempotency_key=idempotency_key)
        return found

    def rules(self, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageRuleShown:
        "The account's rules by name"
        found: PageRuleShown = self.call("GET", "rules", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_rules(self, *, per_page: int | None = None) -> Iterator[RuleShown]:
        "Every row of all pages. The account's rules by name"
        yield from self.pages("rules", {"per_page": per_page})

    def add_rule(self, body: RuleDraft, *, idempotency_key: str | None = None) -> RuleShown:
        "Adds a rule; it acts at once, and soonest on what happens from now on"
        found: RuleShown = self.call("POST", "rules", body=body, idempotency_key=idempotency_key)
        return found

    def rule(self, rule: str) -> RuleShown:
        "One rule"
        found: RuleShown = self.call("GET", f"rules/{quoted(rule)}")
        return found

    def change_rule(self, rule: str, body: RuleDraft, *, idempotency_key: str | None = None) -> RuleShown:
        "Writes a rule anew; what it did stays, and who is told stays"
        found: RuleShown = self.call("PUT", f"rules/{quoted(rule)}", body=body, idempotency_key=idempotency_key)
        return found

    def delete_rule(self, rule: str, *, idempotency_key: str | None = None) -> Ack:
        "Deletes a rule; its activity stays, and its open follow-ups still run"
        found: Ack = self.call("DELETE", f"rules/{quoted(rule)}", idempotency_key=idempotency_key)
        return found

    def switch_rule(self, rule: str, body: Switched, *, idempotency_key: str | None = None) -> RuleShown:
        "Switches a rule off or on; off undoes nothing, and its open follow-ups still run"
        found: RuleShown = self.call("PUT", f"rules/{quoted(rule)}/switch", body=body, idempotency_key=idempotency_key)
        return found

    def rule_activity(self, *, rule_uuid: str | None = None, iccid: str | None = None, outcome: Literal["already-off", "deactivated", "dropped", "left", "over", "refused", "set", "shadow", "stands-by", "told", "waits"] | None = None, start_date: str | None = None, end_date: str | None = None, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageFired:
        "What rules did, the latest first"
        found: PageFired = self.call("GET", "rule_activity", query={"rule_uuid": rule_uuid, "iccid": iccid, "outcome": outcome, "start_date": start_date, "end_date": end_date, "offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_rule_activity(self, *, rule_uuid: str | None = None, iccid: str | None = None, outcome: Literal["already-off", "deactivated", "dropped", "left", "over", "refused", "set", "shadow", "stands-by", "told", "waits"] | None = None, start_date: str | None = None, end_date: str | None = None, per_page: int | None = None) -> Iterator[Fired]:
        "Every row of all pages. What rules did, the latest first"
        yield from self.pages("rule_activity", {"rule_uuid": rule_uuid, "iccid": iccid, "outcome": outcome, "start_date": start_date, "end_date": end_date, "per_page": per_page})

    def caps(self, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageCapState:
        "The account's caps, the fullest first"
        found: PageCapState = self.call("GET", "caps", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_caps(self, *, per_page: int | None = None) -> Iterator[CapState]:
        "Every row of all pages. The account's caps, the fullest first"
        yield from self.pages("caps", {"per_page": per_page})

    def add_cap(self, body: CapDraft, *, idempotency_key: str | None = None) -> CapState:
        "Adds a cap and counts it at once; one that is full already stops its lines"
        found: CapState = self.call("POST", "caps", body=body, idempotency_key=idempotency_key)
        return found

    def cap(self, cap: str) -> CapState:
        "One cap"
        found: CapState = self.call("GET", f"caps/{quoted(cap)}")
        return found

    def change_cap(self, cap: str, body: CapChange, *, idempotency_key: str | None = None) -> CapState:
        "Changes a cap's limit or what it does; one that is raised lets its lines go at once"
        found: CapState = self.call("PATCH", f"caps/{quoted(cap)}", body=body, idempotency_key=idempotency_key)
        return found

    def delete_cap(self, cap: str, *, idempotency_key: str | None = None) -> Ack:
        "Deletes a cap; the lines that it alone held off start again"
        found: Ack = self.call("DELETE", f"caps/{quoted(cap)}", idempotency_key=idempotency_key)
        return found

    def webhooks(self, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageWebhook:
        "The account's webhooks, by address"
        found: PageWebhook = self.call("GET", "webhooks", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_webhooks(self, *, per_page: int | None = None) -> Iterator[Webhook]:
        "Every row of all pages. The account's webhooks, by address"
        yield from self.pages("webhooks", {"per_page": per_page})

    def add_webhook(self, body: NewWebhook, *, idempotency_key: str | None = None) -> Webhook:
        "Adds a webhook; its secret is in this answer alone"
        found: Webhook = self.call("POST", "webhooks", body=body, idempotency_key=idempotency_key)
        return found

    def webhook(self, webhook: str) -> Webhook:
        "One webhook"
        found: Webhook = self.call("GET", f"webhooks/{quoted(webhook)}")
        return found

    def change_webhook(self, webhook: str, body: NewWebhook, *, idempotency_key: str | None = None) -> Webhook:
        "Changes where it goes and what it hears of"
        found: Webhook = self.call("PUT", f"webhooks/{quoted(webhook)}", body=body, idempotency_key=idempotency_key)
        return found

    def delete_webhook(self, webhook: str, *, idempotency_key: str | None = None) -> Ack:
        "Deletes a webhook; what waits is given up"
        found: Ack = self.call("DELETE", f"webhooks/{quoted(webhook)}", idempotency_key=idempotency_key)
        return found

    def switch_webhook(self, webhook: str, body: WebhookOn, *, idempotency_key: str | None = None) -> Webhook:
        "Switches a webhook off or on; what happened while it was off is sent where it is to catch up"
        found: Webhook = self.call("PUT", f"webhooks/{quoted(webhook)}/switch", body=body, idempotency_key=idempotency_key)
        return found

    def renew_webhook_secret(self, webhook: str, body: SecretOverlap, *, idempotency_key: str | None = None) -> Webhook:
        "Makes a new secret, told in this answer alone; messages are signed with it from now on, for a while with both"
        found: Webhook = self.call("POST", f"webhooks/{quoted(webhook)}/secret", body=body, idempotency_key=idempotency_key)
        return found

    def test_webhook(self, webhook: str, *, idempotency_key: str | None = None) -> WebhookMessage:
        "Sends a message that means nothing; a webhook that is off gets it when it is on again"
        found: WebhookMessage = self.call("POST", f"webhooks/{quoted(webhook)}/test", idempotency_key=idempotency_key)
        return found

    def webhook_messages(self, webhook: str, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageWebhookMessage:
        "What was sent to a webhook in the last month and what waits, the newest first"
        found: PageWebhookMessage = self.call("GET", f"webhooks/{quoted(webhook)}/messages", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_webhook_messages(self, webhook: str, *, per_page: int | None = None) -> Iterator[WebhookMessage]:
        "Every row of all pages. What was sent to a webhook in the last month and what waits, the newest first"
        yield from self.pages(f"webhooks/{quoted(webhook)}/messages", {"per_page": per_page})

    def send_webhook_again(self, webhook: str, message: str, *, idempotency_key: str | None = None) -> WebhookMessage:
        "Sends the same message with the same id once more, whatever became of it"
        found: WebhookMessage = self.call("POST", f"webhooks/{quoted(webhook)}/messages/{quoted(message)}/again", idempotency_key=idempotency_key)
        return found

    def events(self, *, cursor: str | None = None, topic: Literal["rules", "lines", "usage", "balance", "payments", "sms", "jobs", "orders", "statements", "carriers", "notifications", "keys"] | None = None, type: Literal["rule.fired", "follow_up.run", "follow_up.cancelled", "line.activated", "line.deactivated", "line.suspended", "line.confirmed", "line.failed", "line.refused", "line.added", "line.released", "line.plan_changed", "line.left_alone", "line.assigned", "imei.changed", "usage.held", "usage.released", "usage.taken_back", "usage.dismissed", "usage.threshold", "cap.reached", "cap.cleared", "bundle.threshold", "balance.low", "balance.good", "balance.red", "balance.recovered", "payment.succeeded", "payment.declined", "payment.failed", "payment.refund", "payment.dispute", "card.gone", "sms.sent", "sms.delivered", "sms.undelivered", "sms.received", "sms.refused", "sms.doubted", "sms.settled", "job.start", "job.finish", "job.cancel", "order.answered", "statement.asked", "statement.closed", "carrier.trouble", "carrier.recovered", "notification.sent", "api_key.made", "api_key.expiring", "api_key.revoked"] | None = None, per_page: int | None = None) -> Feed:
        "What happened, the earliest first; read on with the cursor"
        found: Feed = self.call("GET", "events", query={"cursor": cursor, "topic": topic, "type": type, "per_page": per_page})
        return found

    def test_account(self) -> TestAccount:
        "The account's test account, where its clock stands and which lines it has"
        found: TestAccount = self.call("GET", "test_account")
        return found

    def make_test_account(self, *, idempotency_key: str | None = None) -> TestAccount:
        "Makes the account's test account with two lines and $100.00 of play money; one that is there stays as it is"
        found: TestAccount = self.call("POST", "test_account", idempotency_key=idempotency_key)
        return found

    def close_test_account(self, *, idempotency_key: str | None = None) -> Ack:
        "Closes the account's test account for good; POST makes a new one"
        found: Ack = self.call("DELETE", "test_account", idempotency_key=idempotency_key)
        return found

    def turn_test_clock(self, body: Turn, *, idempotency_key: str | None = None) -> TestAccount:
        "Turns the test account's clock on; fees, cycles, caps, rules and follow-ups come due on the way, day by day"
        found: TestAccount = self.call("POST", "test_account/clock", body=body, idempotency_key=idempotency_key)
        return found

    def set_test_carrier(self, body: CarrierWanted, *, idempotency_key: str | None = None) -> TestAccount:
        "Says what goes wrong with the test account's carrier from now on"
        found: TestAccount = self.call("POST", "test_account/carrier", body=body, idempotency_key=idempotency_key)
        return found

    def give_play_money(self, body: PlayMoney, *, idempotency_key: str | None = None) -> Ack:
        "Moves the test account's balance; lines are suspended and reactivated by it as by real money"
        found: Ack = self.call("POST", "test_account/balance", body=body, idempotency_key=idempotency_key)
        return found

    def make_test_lines(self, body: MoreLines, *, idempotency_key: str | None = None) -> TestAccount:
        "Makes lines in the test account, deactivated; it has 50 at the most"
        found: TestAccount = self.call("POST", "test_account/lines", body=body, idempotency_key=idempotency_key)
        return found

    def use_test_data(self, iccid: str, body: Used, *, idempotency_key: str | None = None) -> SimCard:
        "A line's device uses data: it is read, charged, and met by balance, caps and rules before this answers"
        found: SimCard = self.call("POST", f"test_account/lines/{quoted(iccid)}/usage", body=body, idempotency_key=idempotency_key)
        return found

    def send_test_sms(self, iccid: str, body: FromDevice, *, idempotency_key: str | None = None) -> Ack:
        "A line's device sends a message: it is listed, told to webhooks, and met by rules"
        found: Ack = self.call("POST", f"test_account/lines/{quoted(iccid)}/sms", body=body, idempotency_key=idempotency_key)
        return found

    def change_test_imei(self, iccid: str, body: OtherDevice, *, idempotency_key: str | None = None) -> SimCard:
        "A line's SIM sits in another device from now on"
        found: SimCard = self.call("POST", f"test_account/lines/{quoted(iccid)}/imei", body=body, idempotency_key=idempotency_key)
        return found

    def audit_log(self, *, q: str | None = None, by: Literal["back office", "carrier", "key", "operator", "person", "rule", "system"] | None = None, start_date: str | None = None, end_date: str | None = None, before_id: int | None = None, per_page: int | None = None) -> list[Told]:
        "What was done on the account and its sub-accounts, by whom, the latest first"
        found: list[Told] = self.call("GET", "audit_log", query={"q": q, "by": by, "start_date": start_date, "end_date": end_date, "before_id": before_id, "per_page": per_page})
        return found

    def api_keys(self, *, offset: int | None = None, page: int | None = None, cursor: str | None = None, per_page: int | None = None) -> PageKey:
        "The account's bearer keys that are not revoked, the newest first"
        found: PageKey = self.call("GET", "keys", query={"offset": offset, "page": page, "cursor": cursor, "per_page": per_page})
        return found

    def all_api_keys(self, *, per_page: int | None = None) -> Iterator[Key]:
        "Every row of all pages. The account's bearer keys that are not revoked, the newest first"
        yield from self.pages("keys", {"per_page": per_page})

    def make_api_key(self, body: NewKey, *, idempotency_key: str | None = None) -> Key:
        "Makes a bearer key; the key itself is in this answer alone"
        found: Key = self.call("POST", "keys", body=body, idempotency_key=idempotency_key)
        return found

    def api_key(self, api_key: str) -> Key:
        "One bearer key that is not revoked"
        found: Key = self.call("GET", f"keys/{quoted(api_key)}")
        return found

    def revoke_api_key(self, api_key: str, *, idempotency_key: str | None = None) -> Ack:
        "Revokes a bearer key and those made with it; a bearer key revokes itself and what it could have made"
        found: Ack = self.call("DELETE", f"keys/{quoted(api_key)}", idempotency_key=idempotency_key)
        return found
