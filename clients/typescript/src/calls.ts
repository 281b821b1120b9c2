// The objects of the API, and a method for each call. Made by scripts/generate-clients from clients/openapi.json; not to be edited.
import { Transport } from "./transport.js";

export interface TheAccount {
  number: number;
  name: string;
  current_balance: number | null;
  minimum_balance: number | null;
  is_exist_balance_history: boolean;
  is_low_balance: boolean | null;
  is_allowed_discount: boolean;
  links?: Record<string, string>;
}

export interface CurrentBalance {
  current_balance: number;
  minimum_balance: number;
  currency: string;
  links?: Record<string, string>;
}

export interface PageBalanceDay {
  data: Array<BalanceDay>;
  total: number;
  links: Links;
}

export interface BalanceDay {
  date: string;
  credit: number;
  debit: number;
  balance: number;
  links?: Record<string, string>;
}

export interface Links {
  next?: string | null;
  prev?: string | null;
}

export interface PageCardPayment {
  data: Array<CardPayment>;
  total: number;
  links: Links;
}

export interface CardPayment {
  date: string;
  amount: number;
  transaction_id: string;
  last_credit_card_digits: string;
  created_at: string;
  updated_at: string;
  links?: Record<string, string>;
}

export interface PageSimCard {
  data: Array<SimCard>;
  total: number;
  links: Links;
}

export interface SimCard {
  status: string;
  status_id: number;
  iccid: string;
  account_name: string;
  rate_plan: string;
  billing_cycle: string;
  daily_usage_mb: number;
  monthly_usage_mb: number;
  count_of_sessions: number | null;
  sms_sent: number | null;
  notes: string;
  deactivation_date: string | null;
  more?: More;
  links?: Record<string, string>;
}

export interface More {
  imei?: string;
  msisdn?: string;
  country?: string;
  carrier?: string | null;
  tags?: Array<string> | null;
  custom_fields?: Record<string, string | number>;
  last_seen?: string | null;
  read_at?: string | null;
}

export interface FilterData {
  statuses: Array<Choice>;
  rate_plans: Array<Choice>;
  accounts: Array<AccountChoice>;
}

export interface Choice {
  id: number;
  name: string;
}

export interface AccountChoice {
  uuid: string;
  name: string;
}

export interface LineInFull {
  card: SimCard;
  imei: string;
  msisdn: string;
  why: string;
  since: string | null;
  reported: "blocked" | "off" | "on" | "unknown" | null;
  reported_word: string;
  sms_usage: number | null;
  voice_usage: number | null;
  added_at: string;
  last_seen: string | null;
  read_at: string | null;
  custom_fields: Record<string, string | number>;
  links?: Record<string, string>;
}

export interface Activated {
  ack?: "success";
  deactivation_date_removed?: string;
}

export interface Ack {
  ack?: "success";
}

export interface LineChanges {
  data: Array<SimCard>;
  gone: Array<string>;
  cursor: string;
  has_more: boolean;
}

export interface PageNetwork {
  data: Array<Network>;
  total: number;
  links: Links;
}

export interface Network {
  rate_plan_id: number;
  country: string;
  country_code: string;
  network: string;
  technologies: string;
}

export interface PageAsked {
  data: Array<Asked>;
  total: number;
  links: Links;
}

export interface Asked {
  uuid: string;
  quantity: number;
  rate_plan_id: number | null;
  state: string;
  created_at: string;
  answer: string;
  answered_at: string | null;
  links?: Record<string, string>;
}

export interface DayUsed {
  date: string;
  usage_kb: number;
}

export interface PageCycleUsed {
  data: Array<CycleUsed>;
  total: number;
  links: Links;
}

export interface CycleUsed {
  billing_cycle: string;
  start_date: string;
  end_date: string;
  usage_mb: number;
  cost: number | null;
  links?: Record<string, string>;
}

export interface PageBillCycle {
  data: Array<BillCycle>;
  total: number;
  links: Links;
}

export interface BillCycle {
  billing_cycle: string;
  start_date: string;
  end_date: string;
  links?: Record<string, string>;
}

export interface PageSession {
  data: Array<Session>;
  total: number;
  links: Links;
}

export interface Session {
  iccid: string;
  start_date: string;
  end_date: string | null;
  billing_cycle: string;
  country_code: string | null;
  duration_sec: number | null;
  usage_kb: number;
  network: string;
  radio: string;
  is_session: boolean;
  links?: Record<string, string>;
}

export interface PageDestination {
  data: Array<Destination>;
  total: number;
  links: Links;
}

export interface Destination {
  country_code: string | null;
  usage_mb: number;
  last_seen: string | null;
  links?: Record<string, string>;
}

export interface PageImeiChange {
  data: Array<ImeiChange>;
  total: number;
  links: Links;
}

export interface ImeiChange {
  at: string;
  before: string;
  after: string;
  links?: Record<string, string>;
}

export interface DeviceSettings {
  throttle_kbps: number | null;
  imei_lock: boolean | null;
  data_limit_mb: number | null;
  device_id: string | null;
  sim_notes: string | null;
  end_consumer: string | null;
  may_set: Array<"data_limit_mb" | "device_id" | "end_consumer" | "imei_lock" | "sim_notes" | "throttle_kbps">;
  links?: Record<string, string>;
}

export interface Device {
  asked_at: string | null;
  imei: string | null;
  msisdn: string | null;
  imsi: string | null;
  hardware: string | null;
  network: string | null;
  country_code: string | null;
  radio: string | null;
  static_ip: string | null;
  carrier: Record<string, string>;
  links?: Record<string, string>;
}

export interface ConnectionReset {
  is_confirmed: boolean;
  says: string;
}

export interface NameSharing {
  follows: boolean;
}

export interface Message {
  id: number;
  iccid: string;
  direction: "from_device" | "to_device";
  text: string;
  status: "delivered" | "in-doubt" | "queued" | "received" | "refused" | "sent" | "undelivered";
  why: string;
  sent_at: string;
  price: number | null;
  is_new: boolean;
  links?: Record<string, string>;
}

export interface PageMessage {
  data: Array<Message>;
  total: number;
  links: Links;
}

export interface Marked {
  marked: number;
}

export interface PagePlanOffered {
  data: Array<PlanOffered>;
  total: number;
  links: Links;
}

export interface PlanOffered {
  id: number;
  name: string;
  price_per_mb: number | null;
  price_per_sms: number | null;
  price_per_day: number | null;
  links?: Record<string, string>;
}

export interface PageTagUsed {
  data: Array<TagUsed>;
  total: number;
  links: Links;
}

export interface TagUsed {
  name: string;
  lines: number;
}

export interface Tags {
  tags: Array<string>;
}

export interface PageFieldShown {
  data: Array<FieldShown>;
  total: number;
  links: Links;
}

export interface FieldShown {
  uuid: string;
  name: string;
  kind: "choice" | "date" | "number" | "text";
  choices: Array<string>;
  shown_to_subaccounts: boolean;
  lines: number | null;
}

export interface FieldsOfLine {
  custom_fields: Record<string, string | number>;
}

export interface JobShown {
  uuid: string;
  action: string;
  state: "cancelled" | "done" | "paused" | "previewed" | "running";
  selection: string;
  by: string;
  total: number;
  done: number;
  same: number;
  refused: number;
  failed: number;
  seconds_left: number | null;
  created_at: string;
  ended_at: string | null;
  unknown_iccids: Array<string>;
  preview?: Preview | null;
  links?: Record<string, string>;
}

export interface Preview {
  will: number;
  same: number;
  refused: Array<Refused>;
  cost: number | null;
  is_daily: boolean;
  dates_removed: number;
}

export interface Refused {
  lines: number;
  why: string;
}

export interface PageJobShown {
  data: Array<JobShown>;
  total: number;
  links: Links;
}

export interface PageResult {
  data: Array<Result>;
  total: number;
  links: Links;
}

export interface Result {
  iccid: string;
  state: "done" | "failed" | "refused" | "same" | "waiting";
  why: string;
  links?: Record<string, string>;
}

export interface Undone {
  jobs: Array<JobShown>;
}

export interface PageLineUsage {
  data: Array<LineUsage>;
  total: number;
  links: Links;
}

export interface LineUsage {
  date: string;
  iccid: string;
  account_name: string;
  rate_plan: string;
  usage_kb: number;
  price_per_mb: number;
  data_cost: number;
  line_fee: number;
  amount: number;
  country: string | null;
  zone: string | null;
  included_kb: number;
  links?: Record<string, string>;
}

export interface PagePlanPrice {
  data: Array<PlanPrice>;
  total: number;
  links: Links;
}

export interface PlanPrice {
  rate_plan: string;
  price_per_mb: number;
  price_per_sms: number;
  price_per_day: number;
  valid_from: string | null;
  country: string | null;
  zone: string | null;
  price_per_month: number;
  activation_fee: number;
  included_mb: number | null;
  is_pooled: boolean;
  links?: Record<string, string>;
}

export interface UsageExportShown {
  uuid: string;
  kind: "days" | "sessions";
  format: "csv" | "ndjson";
  start_date: string;
  end_date: string;
  selection: string;
  state: "done" | "failed" | "queued" | "running";
  percent: number;
  rows: number;
  size: number;
  by: string;
  created_at: string;
  ended_at: string | null;
  expires_at: string;
  failed: string;
  links?: Record<string, string>;
}

export interface PageUsageExportShown {
  data: Array<UsageExportShown>;
  total: number;
  links: Links;
}

export interface SubAccountShown {
  number: number;
  uuid: string;
  name: string;
  is_active: boolean;
  created_at: string;
  lines: number;
  active_lines: number;
  usage_mb: number;
  cost: number | null;
  links?: Record<string, string>;
}

export interface BalanceShown {
  available: number;
  minimum: number;
  average_daily: number;
  color: "green" | "orange" | "red";
  credit_limit: number | null;
  price_list: string | null;
}

export interface PageRuleShown {
  data: Array<RuleShown>;
  total: number;
  links: Links;
}

export interface RuleShown {
  uuid: string;
  sentence: string;
  is_on: boolean;
  created_at: string;
  rule: RuleDraft;
  links?: Record<string, string>;
}

export interface RuleDraft {
  name: string;
  trigger: "cost" | "country" | "imei" | "silence" | "sms" | "usage";
  action?: "deactivate" | "plan" | "tell" | "throttle";
  limit?: number | null;
  unit?: "mb" | "usd" | null;
  period?: "day" | "month" | null;
  hours?: number | null;
  word?: string;
  countries?: Array<string>;
  then?: "" | "hours" | "next-day" | "next-month";
  then_hours?: number | null;
  kbps?: number | null;
  to_rate_plan_id?: number | null;
  account_uuid?: string | null;
  rate_plan_id?: number | null;
  tags?: Array<string>;
  custom_fields?: Record<string, string>;
  only_iccids?: Array<string>;
  except_iccids?: Array<string>;
  is_shadow?: boolean;
}

export interface PageFired {
  data: Array<Fired>;
  total: number;
  links: Links;
}

export interface Fired {
  fired_at: string;
  rule_uuid: string;
  rule_name: string;
  iccid: string | null;
  because: string;
  value: number | null;
  outcome: "already-off" | "deactivated" | "dropped" | "left" | "over" | "refused" | "set" | "shadow" | "stands-by" | "told" | "waits";
  follow_ups: Array<FollowUpShown>;
  links?: Record<string, string>;
}

export interface FollowUpShown {
  act: string;
  due_at: string;
  state: string;
}

export interface PageCapState {
  data: Array<CapState>;
  total: number;
  links: Links;
}

export interface CapState {
  uuid: string;
  of: "account" | "line" | "plan" | "subaccount" | "tag";
  name: string;
  unit: "mb" | "usd";
  period: "day" | "month";
  action: "notify" | "stop";
  limit: number | null;
  used: number | null;
  percent: number;
  is_full: boolean;
  lines_stopped: number;
  ends: string;
  counted_at: string | null;
  read_at: string | null;
  links?: Record<string, string>;
}

export interface PageWebhook {
  data: Array<Webhook>;
  total: number;
  links: Links;
}

export interface Webhook {
  uuid: string;
  url: string;
  topics: Array<"balance" | "carriers" | "jobs" | "keys" | "lines" | "notifications" | "orders" | "payments" | "rules" | "sms" | "statements" | "usage">;
  is_on: boolean;
  created_at: string;
  secret?: string | null;
  links?: Record<string, string>;
}

export interface WebhookMessage {
  uuid: string;
  topic: string;
  created_at: string;
  delivered_at: string | null;
  failed_at: string | null;
  status: number | null;
  attempts: number;
  why: string;
  links?: Record<string, string>;
}

export interface PageWebhookMessage {
  data: Array<WebhookMessage>;
  total: number;
  links: Links;
}

export interface Feed {
  data: Array<HappenedEvent>;
  cursor: string;
  has_more: boolean;
}

export interface HappenedEvent {
  id: string;
  type: "rule.fired" | "follow_up.run" | "follow_up.cancelled" | "line.activated" | "line.deactivated" | "line.suspended" | "line.confirmed" | "line.failed" | "line.refused" | "line.added" | "line.released" | "line.plan_changed" | "line.left_alone" | "line.assigned" | "imei.changed" | "usage.held" | "usage.released" | "usage.taken_back" | "usage.dismissed" | "usage.threshold" | "cap.reached" | "cap.cleared" | "bundle.threshold" | "balance.low" | "balance.good" | "balance.red" | "balance.recovered" | "payment.succeeded" | "payment.declined" | "payment.failed" | "payment.refund" | "payment.dispute" | "card.gone" | "sms.sent" | "sms.delivered" | "sms.undelivered" | "sms.received" | "sms.refused" | "sms.doubted" | "sms.settled" | "job.start" | "job.finish" | "job.cancel" | "order.answered" | "statement.asked" | "statement.closed" | "carrier.trouble" | "carrier.recovered" | "notification.sent" | "api_key.made" | "api_key.expiring" | "api_key.revoked";
  version: number;
  timestamp: string;
  at: string;
  account_uuid: string;
  data: Record<string, unknown>;
}

export interface TestAccount {
  account_uuid: string;
  name: string;
  now: string;
  ahead_seconds: number;
  carrier: "fails" | "lags" | "none" | "refuses";
  iccids: Array<string>;
  links?: Record<string, string>;
}

export interface PageSubAccount {
  data: Array<SubAccount>;
  total: number;
  links: Links;
}

export interface SubAccount {
  number: number;
  uuid: string;
  name: string;
  is_active: boolean;
  created_at: string;
  links?: Record<string, string>;
}

export interface Told {
  id: number;
  at: string;
  who: string;
  what: string;
  about: string;
  sub_account: string;
  changes: Array<Change>;
}

export interface Change {
  name: string;
  before: string;
  after: string;
}

export interface PageKey {
  data: Array<Key>;
  total: number;
  links: Links;
}

export interface Key {
  id: number;
  name: string;
  hint: string;
  scopes: Array<"audit:read" | "keys:manage" | "lines:activate" | "lines:manage" | "lines:read" | "money:read" | "subaccounts:manage" | "subaccounts:read" | "webhooks:manage">;
  ranges: Array<string>;
  is_test: boolean;
  per_second: number;
  created_at: string;
  created_by: string;
  expires_at: string;
  last_used_at: string | null;
  key?: string | null;
  links?: Record<string, string>;
}

export interface DeactivationDate {
  deactivation_date: string | null;
}

export interface Notes {
  notes: string;
}

export interface NewSimCard {
  iccid: string;
  rate_plan_id: number;
  activate: boolean;
  notes?: string;
  tags?: Array<string>;
  custom_fields?: Record<string, string | number | null>;
  code?: string;
}

export interface NewOrder {
  quantity: number;
  contact: string;
  email: string;
  address: string;
  phone?: string;
  message?: string;
  rate_plan_id?: number | null;
}

export interface NewSettings {
  throttle_kbps?: number | null;
  imei_lock?: boolean | null;
  data_limit_mb?: number | null;
  device_id?: string | null;
  sim_notes?: string | null;
  end_consumer?: string | null;
}

export interface Text {
  text: string;
}

export interface Read {
  ids: Array<number>;
}

export interface Settled {
  id: number;
  was_sent: boolean;
}

export interface ToPlan {
  rate_plan_id: number;
}

export interface ToAccount {
  account_uuid: string;
}

export interface NewField {
  name: string;
  kind: "choice" | "date" | "number" | "text";
  choices?: Array<string>;
  shown_to_subaccounts?: boolean;
}

export interface ChangedField {
  name: string;
  choices?: Array<string>;
  shown_to_subaccounts?: boolean;
}

export interface SetFields {
  custom_fields: Record<string, string | number | null>;
}

export interface NewJob {
  action: "activate" | "assign" | "deactivate" | "deactivate-next-day" | "deactivate-on" | "keep" | "plan" | "reset-tags" | "set-fields" | "sms" | "tag" | "untag";
  iccids?: Array<string> | null;
  filter?: Filter | null;
  date?: string | null;
  account_uuid?: string | null;
  rate_plan_id?: number | null;
  tags?: Array<string> | null;
  text?: string | null;
  custom_fields?: Record<string, string | number | null> | null;
  dry_run?: boolean;
  expected_total?: number | null;
}

export interface Filter {
  status_id?: number | null;
  common_filter?: string;
  rate_plan_id?: number | null;
  account_uuid?: string | null;
  imei?: string;
  msisdn?: string;
  country?: string;
  carrier?: string;
  tag?: string;
  custom_fields?: Record<string, string>;
  seen_from?: string | null;
  seen_before?: string | null;
  read_from?: string | null;
  read_before?: string | null;
  all?: boolean;
}

export interface NewUsageExport {
  kind: "days" | "sessions";
  start_date: string;
  end_date: string;
  filter: Filter;
  format?: "csv" | "ndjson";
}

export interface NewSubAccount {
  name: string;
}

export interface SubAccountChange {
  name?: string | null;
  is_active?: boolean | null;
}

export interface NewCredit {
  amount: number;
  note: string;
  key: string;
}

export interface Switched {
  is_on: boolean;
}

export interface CapDraft {
  limit: number;
  unit?: "mb" | "usd";
  period?: "day" | "month";
  action?: "notify" | "stop";
  account_uuid?: string | null;
  tag?: string | null;
  rate_plan_id?: number | null;
  iccid?: string | null;
}

export interface CapChange {
  limit?: number | null;
  action?: "notify" | "stop" | null;
}

export interface NewWebhook {
  url: string;
  topics: Array<"balance" | "carriers" | "jobs" | "keys" | "lines" | "notifications" | "orders" | "payments" | "rules" | "sms" | "statements" | "usage">;
}

export interface WebhookOn {
  is_on: boolean;
  catch_up?: boolean;
}

export interface SecretOverlap {
  overlap_hours?: 0 | 24 | 168;
}

export interface Turn {
  days?: number;
  seconds?: number;
}

export interface CarrierWanted {
  carrier: "fails" | "lags" | "none" | "refuses";
}

export interface PlayMoney {
  amount: number;
}

export interface MoreLines {
  count?: number;
}

export interface Used {
  bytes: number;
}

export interface FromDevice {
  text: string;
}

export interface OtherDevice {
  imei: string;
}

export interface NewKey {
  name: string;
  scopes: Array<"audit:read" | "keys:manage" | "lines:activate" | "lines:manage" | "lines:read" | "money:read" | "subaccounts:manage" | "subaccounts:read" | "webhooks:manage">;
  days?: 7 | 30 | 90 | 365;
  ranges?: Array<string>;
  is_test?: boolean;
  per_second?: number;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  what_to_do: string;
  code: string;
  field: string | null;
  request_id: string;
}

/** The API of one account. */
export class Linekeeper extends Transport {
  /** The account itself; there are no discounts here, so none is ever allowed */
  account(): Promise<TheAccount> {
    return this.call("GET", ``, {  });
  }
  /** The available balance */
  current_balance(): Promise<CurrentBalance> {
    return this.call("GET", `current_balance`, {  });
  }
  /** Debits and credits, a row for each day on which the balance moved, the latest first */
  balance_history(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageBalanceDay> {
    return this.call("GET", `balance_history`, { query });
  }
  /** Every row of all pages. Debits and credits, a row for each day on which the balance moved, the latest first */
  all_balance_history(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<BalanceDay> {
    return this.pages<BalanceDay>(`balance_history`, query);
  }
  /** The payments by card that succeeded, the latest first */
  balance_payments(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageCardPayment> {
    return this.call("GET", `balance_payments`, { query });
  }
  /** Every row of all pages. The payments by card that succeeded, the latest first */
  all_balance_payments(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<CardPayment> {
    return this.pages<CardPayment>(`balance_payments`, query);
  }
  /** The account's lines by ICCID, or by what `sort` says; those of its sub-accounts too */
  iot_sim_cards(query: { status_id?: number; common_filter?: string; rate_plan_id?: number; account_uuid?: string; imei?: string; msisdn?: string; country?: string; carrier?: string; tag?: string; custom_fields?: Record<string, string>; seen_from?: string; seen_before?: string; read_from?: string; read_before?: string; offset?: number; page?: number; cursor?: string; per_page?: number; sort?: "iccid" | "-iccid" | "imei" | "-imei" | "msisdn" | "-msisdn" | "country" | "-country" | "carrier" | "-carrier" | "tags" | "-tags" | "last_seen" | "-last_seen" | "read_at" | "-read_at" | string; fields?: string } = {}): Promise<PageSimCard> {
    return this.call("GET", `iot_sim_cards`, { query });
  }
  /** Every row of all pages. The account's lines by ICCID, or by what `sort` says; those of its sub-accounts too */
  all_iot_sim_cards(query: { status_id?: number; common_filter?: string; rate_plan_id?: number; account_uuid?: string; imei?: string; msisdn?: string; country?: string; carrier?: string; tag?: string; custom_fields?: Record<string, string>; seen_from?: string; seen_before?: string; read_from?: string; read_before?: string; offset?: number; page?: number; cursor?: string; per_page?: number; sort?: "iccid" | "-iccid" | "imei" | "-imei" | "msisdn" | "-msisdn" | "country" | "-country" | "carrier" | "-carrier" | "tags" | "-tags" | "last_seen" | "-last_seen" | "read_at" | "-read_at" | string; fields?: string } = {}): AsyncGenerator<SimCard> {
    return this.pages<SimCard>(`iot_sim_cards`, query);
  }
  /** Adds a line out of stock that is reserved for you, or by its card's code; one that is yours already stays */
  add_sim_card(body: NewSimCard, idempotencyKey?: string): Promise<SimCard> {
    return this.call("POST", `iot_sim_cards`, { body, idempotencyKey });
  }
  /** The choices of the lists' filters */
  sim_card_filter_data(): Promise<FilterData> {
    return this.call("GET", `sim_card_filter_data`, {  });
  }
  /** One line in full, with why it is as it is */
  sim_card(iccid: string): Promise<LineInFull> {
    return this.call("GET", `sim_card/${encodeURIComponent(iccid)}`, {  });
  }
  /** Activates a line at once, and removes its deactivation date; needs an available balance of the minimum or more */
  activation_ready(iccid: string, idempotencyKey?: string): Promise<Activated> {
    return this.call("POST", `sim_card/${encodeURIComponent(iccid)}/activation_ready`, { idempotencyKey });
  }
  /** Deactivates a line at once */
  deactivate(iccid: string, idempotencyKey?: string): Promise<Ack> {
    return this.call("POST", `sim_card/${encodeURIComponent(iccid)}/deactivate`, { idempotencyKey });
  }
  /** Sets the day at whose beginning a line is deactivated, or takes it away */
  deactivation_date(iccid: string, body: DeactivationDate, idempotencyKey?: string): Promise<Ack> {
    return this.call("PUT", `sim_card/${encodeURIComponent(iccid)}/deactivation_date`, { body, idempotencyKey });
  }
  /** Changes a line's notes */
  notes(iccid: string, body: Notes, idempotencyKey?: string): Promise<Ack> {
    return this.call("PUT", `sim_card/${encodeURIComponent(iccid)}/notes`, { body, idempotencyKey });
  }
  /** What a copy of the list is to take over: lines that changed since, and those that left */
  line_changes(query: { changed_since?: string; fields?: string; per_page?: number } = {}): Promise<LineChanges> {
    return this.call("GET", `line_changes`, { query });
  }
  /** The networks of each rate plan that you may take, by country; their prices are in rate_plans */
  coverage(query: { country_code?: string; rate_plan_id?: number; offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageNetwork> {
    return this.call("GET", `coverage`, { query });
  }
  /** Every row of all pages. The networks of each rate plan that you may take, by country; their prices are in rate_plans */
  all_coverage(query: { country_code?: string; rate_plan_id?: number; offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<Network> {
    return this.pages<Network>(`coverage`, query);
  }
  /** The account's requests for SIM cards, the newest first */
  orders(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageAsked> {
    return this.call("GET", `orders`, { query });
  }
  /** Every row of all pages. The account's requests for SIM cards, the newest first */
  all_orders(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<Asked> {
    return this.pages<Asked>(`orders`, query);
  }
  /** Asks for SIM cards, more than the store sells at once; with an Idempotency-Key a lost answer asks once */
  place_order(body: NewOrder, idempotencyKey?: string): Promise<Asked> {
    return this.call("POST", `orders`, { body, idempotencyKey });
  }
  /** Takes a request back that nobody has answered; twice is once */
  withdraw_order(order: string, idempotencyKey?: string): Promise<Asked> {
    return this.call("POST", `orders/${encodeURIComponent(order)}/withdraw`, { idempotencyKey });
  }
  /** What a line used on each day of a cycle that has begun */
  daily_statistics(iccid: string, query: { billing_cycle?: string } = {}): Promise<Array<DayUsed>> {
    return this.call("GET", `sim_card/${encodeURIComponent(iccid)}/daily_statistics`, { query });
  }
  /** What a line used in each of the last twelve cycles, the current first */
  usage_summary(iccid: string, query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageCycleUsed> {
    return this.call("GET", `sim_card/${encodeURIComponent(iccid)}/usage_summary`, { query });
  }
  /** Every row of all pages. What a line used in each of the last twelve cycles, the current first */
  all_usage_summary(iccid: string, query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<CycleUsed> {
    return this.pages<CycleUsed>(`sim_card/${encodeURIComponent(iccid)}/usage_summary`, query);
  }
  /** The cycles that daily_statistics knows of a line, the current first */
  bill_cycle_list(iccid: string, query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageBillCycle> {
    return this.call("GET", `sim_card/${encodeURIComponent(iccid)}/bill_cycle_list`, { query });
  }
  /** Every row of all pages. The cycles that daily_statistics knows of a line, the current first */
  all_bill_cycle_list(iccid: string, query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<BillCycle> {
    return this.pages<BillCycle>(`sim_card/${encodeURIComponent(iccid)}/bill_cycle_list`, query);
  }
  /** A line's sessions as far as its carrier tells them, the latest seen first */
  sessions(iccid: string, query: { billing_cycle?: string; offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageSession> {
    return this.call("GET", `sim_card/${encodeURIComponent(iccid)}/sessions`, { query });
  }
  /** Every row of all pages. A line's sessions as far as its carrier tells them, the latest seen first */
  all_sessions(iccid: string, query: { billing_cycle?: string; offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<Session> {
    return this.pages<Session>(`sim_card/${encodeURIComponent(iccid)}/sessions`, query);
  }
  /** The countries of a cycle, each with its MB; together they are what the line used in the cycle */
  destination_log(iccid: string, query: { billing_cycle?: string; offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageDestination> {
    return this.call("GET", `sim_card/${encodeURIComponent(iccid)}/destination_log`, { query });
  }
  /** Every row of all pages. The countries of a cycle, each with its MB; together they are what the line used in the cycle */
  all_destination_log(iccid: string, query: { billing_cycle?: string; offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<Destination> {
    return this.pages<Destination>(`sim_card/${encodeURIComponent(iccid)}/destination_log`, query);
  }
  /** The changes of device, the latest first; the first IMEI that was seen is none */
  imei_history(iccid: string, query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageImeiChange> {
    return this.call("GET", `sim_card/${encodeURIComponent(iccid)}/imei_history`, { query });
  }
  /** Every row of all pages. The changes of device, the latest first; the first IMEI that was seen is none */
  all_imei_history(iccid: string, query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<ImeiChange> {
    return this.pages<ImeiChange>(`sim_card/${encodeURIComponent(iccid)}/imei_history`, query);
  }
  /** What is set on a line's SIM besides on and off */
  settings_of_line(iccid: string): Promise<DeviceSettings> {
    return this.call("GET", `sim_card/${encodeURIComponent(iccid)}/settings`, {  });
  }
  /** Sets the SIM's throttle, IMEI lock, limit at its carrier, or what its carrier calls it */
  change_settings(iccid: string, body: NewSettings, idempotencyKey?: string): Promise<Ack> {
    return this.call("PUT", `sim_card/${encodeURIComponent(iccid)}/settings`, { body, idempotencyKey });
  }
  /** The device behind a line, and what its carrier says of the SIM */
  device(iccid: string): Promise<Device> {
    return this.call("GET", `sim_card/${encodeURIComponent(iccid)}/device`, {  });
  }
  /** Ends the running session of a line’s device, which then connects again; the carrier is asked at once */
  reset_connection(iccid: string, idempotencyKey?: string): Promise<ConnectionReset> {
    return this.call("POST", `sim_card/${encodeURIComponent(iccid)}/reset_connection`, { idempotencyKey });
  }
  /** Whether carriers' names and tags follow the account's notes and tags */
  name_sharing(): Promise<NameSharing> {
    return this.call("GET", `carrier_names`, {  });
  }
  /** Keeps carriers' names and tags in step with notes and tags from now on, or no longer */
  change_name_sharing(body: NameSharing, idempotencyKey?: string): Promise<Ack> {
    return this.call("PUT", `carrier_names`, { body, idempotencyKey });
  }
  /** Sends a message to an Activated line's device; charged once, when the carrier takes it */
  send_sms(iccid: string, body: Text, idempotencyKey?: string): Promise<Message> {
    return this.call("POST", `sim_card/${encodeURIComponent(iccid)}/sms`, { body, idempotencyKey });
  }
  /** A line's messages to and from its device, the newest first */
  sms_of_line(iccid: string, query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageMessage> {
    return this.call("GET", `sim_card/${encodeURIComponent(iccid)}/sms`, { query });
  }
  /** Every row of all pages. A line's messages to and from its device, the newest first */
  all_sms_of_line(iccid: string, query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<Message> {
    return this.pages<Message>(`sim_card/${encodeURIComponent(iccid)}/sms`, query);
  }
  /** All messages of the account's lines, the newest first */
  sms(query: { which?: "doubtful" | "failed" | "in" | "out" | "unread"; offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageMessage> {
    return this.call("GET", `sms`, { query });
  }
  /** Every row of all pages. All messages of the account's lines, the newest first */
  all_sms(query: { which?: "doubtful" | "failed" | "in" | "out" | "unread"; offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<Message> {
    return this.pages<Message>(`sms`, query);
  }
  /** Marks messages from devices as read; ids that are not yours are left alone */
  read_sms(body: Read, idempotencyKey?: string): Promise<Marked> {
    return this.call("POST", `sms/read`, { body, idempotencyKey });
  }
  /** Says whether a message in doubt was sent; then it is charged once, else it is sent again */
  settle_sms(body: Settled, idempotencyKey?: string): Promise<Message> {
    return this.call("POST", `sms/settle`, { body, idempotencyKey });
  }
  /** The rate plans that you may take, by name; a line may change to one of its own carrier's */
  rate_plans(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PagePlanOffered> {
    return this.call("GET", `rate_plans`, { query });
  }
  /** Every row of all pages. The rate plans that you may take, by name; a line may change to one of its own carrier's */
  all_rate_plans(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<PlanOffered> {
    return this.pages<PlanOffered>(`rate_plans`, query);
  }
  /** Puts a line on another rate plan of its carrier; what is read from now on is at its prices */
  rate_plan(iccid: string, body: ToPlan, idempotencyKey?: string): Promise<Ack> {
    return this.call("PUT", `sim_card/${encodeURIComponent(iccid)}/rate_plan`, { body, idempotencyKey });
  }
  /** Gives a line to a sub-account, or back to the account itself; the account goes on paying for it */
  account_of_line(iccid: string, body: ToAccount, idempotencyKey?: string): Promise<Ack> {
    return this.call("PUT", `sim_card/${encodeURIComponent(iccid)}/account`, { body, idempotencyKey });
  }
  /** The account's tags by name, each with how many lines have it */
  tags(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageTagUsed> {
    return this.call("GET", `tags`, { query });
  }
  /** Every row of all pages. The account's tags by name, each with how many lines have it */
  all_tags(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<TagUsed> {
    return this.pages<TagUsed>(`tags`, query);
  }
  /** A line's tags */
  tags_of_line(iccid: string): Promise<Tags> {
    return this.call("GET", `sim_card/${encodeURIComponent(iccid)}/tags`, {  });
  }
  /** Gives a line these tags and no others */
  set_tags(iccid: string, body: Tags, idempotencyKey?: string): Promise<Tags> {
    return this.call("PUT", `sim_card/${encodeURIComponent(iccid)}/tags`, { body, idempotencyKey });
  }
  /** The account's custom fields by name; a sub-account gets those that are shown to it */
  custom_fields(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageFieldShown> {
    return this.call("GET", `custom_fields`, { query });
  }
  /** Every row of all pages. The account's custom fields by name; a sub-account gets those that are shown to it */
  all_custom_fields(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<FieldShown> {
    return this.pages<FieldShown>(`custom_fields`, query);
  }
  /** Adds a field to the account's lines */
  add_custom_field(body: NewField, idempotencyKey?: string): Promise<FieldShown> {
    return this.call("POST", `custom_fields`, { body, idempotencyKey });
  }
  /** One custom field; a sub-account gets one that is shown to it */
  custom_field(field: string): Promise<FieldShown> {
    return this.call("GET", `custom_fields/${encodeURIComponent(field)}`, {  });
  }
  /** Renames a field, changes its choices, or whether sub-accounts see it; a choice that lines have must stay */
  change_custom_field(field: string, body: ChangedField, idempotencyKey?: string): Promise<FieldShown> {
    return this.call("PUT", `custom_fields/${encodeURIComponent(field)}`, { body, idempotencyKey });
  }
  /** Removes a field with what all lines have in it; refused while a rule is narrowed by it */
  remove_custom_field(field: string, idempotencyKey?: string): Promise<Ack> {
    return this.call("DELETE", `custom_fields/${encodeURIComponent(field)}`, { idempotencyKey });
  }
  /** What a line has in the account's custom fields */
  custom_fields_of_line(iccid: string): Promise<FieldsOfLine> {
    return this.call("GET", `sim_card/${encodeURIComponent(iccid)}/custom_fields`, {  });
  }
  /** Sets what a line has in some of the account's custom fields; the others stay as they are */
  set_custom_fields(iccid: string, body: SetFields, idempotencyKey?: string): Promise<FieldsOfLine> {
    return this.call("PUT", `sim_card/${encodeURIComponent(iccid)}/custom_fields`, { body, idempotencyKey });
  }
  /** Begins an action on many lines and answers at once, or previews it; follow it by its uuid */
  start_job(body: NewJob, idempotencyKey?: string): Promise<JobShown> {
    return this.call("POST", `jobs`, { body, idempotencyKey });
  }
  /** The account's jobs, the newest first */
  jobs(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageJobShown> {
    return this.call("GET", `jobs`, { query });
  }
  /** Every row of all pages. The account's jobs, the newest first */
  all_jobs(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<JobShown> {
    return this.pages<JobShown>(`jobs`, query);
  }
  /** Begins a job that was previewed, for the lines that it was previewed for; a preview is kept for a day */
  start_previewed_job(job: string, idempotencyKey?: string): Promise<JobShown> {
    return this.call("POST", `jobs/${encodeURIComponent(job)}/start`, { idempotencyKey });
  }
  /** How far a job is */
  job(job: string): Promise<JobShown> {
    return this.call("GET", `jobs/${encodeURIComponent(job)}`, {  });
  }
  /** A job's lines, each with what has become of it */
  job_lines(job: string, query: { state?: "done" | "failed" | "refused" | "same" | "waiting"; offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageResult> {
    return this.call("GET", `jobs/${encodeURIComponent(job)}/lines`, { query });
  }
  /** Every row of all pages. A job's lines, each with what has become of it */
  all_job_lines(job: string, query: { state?: "done" | "failed" | "refused" | "same" | "waiting"; offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<Result> {
    return this.pages<Result>(`jobs/${encodeURIComponent(job)}/lines`, query);
  }
  /** Lets a job rest; what is done stays done */
  pause_job(job: string, idempotencyKey?: string): Promise<JobShown> {
    return this.call("POST", `jobs/${encodeURIComponent(job)}/pause`, { idempotencyKey });
  }
  /** Goes on with a paused job */
  resume_job(job: string, idempotencyKey?: string): Promise<JobShown> {
    return this.call("POST", `jobs/${encodeURIComponent(job)}/resume`, { idempotencyKey });
  }
  /** Ends a job; what is done stays done, the rest is left alone */
  cancel_job(job: string, idempotencyKey?: string): Promise<JobShown> {
    return this.call("POST", `jobs/${encodeURIComponent(job)}/cancel`, { idempotencyKey });
  }
  /** Tries again the lines of a finished job that were refused or failed */
  retry_job(job: string, idempotencyKey?: string): Promise<JobShown> {
    return this.call("POST", `jobs/${encodeURIComponent(job)}/retry`, { idempotencyKey });
  }
  /** Brings the lines that a finished job changed back to what each was, by a job for each thing that they were */
  undo_job(job: string, idempotencyKey?: string): Promise<Undone> {
    return this.call("POST", `jobs/${encodeURIComponent(job)}/undo`, { idempotencyKey });
  }
  /** What each line cost on each day, the latest day first */
  balance_usages(query: { start_date?: string; end_date?: string; offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageLineUsage> {
    return this.call("GET", `balance_usages`, { query });
  }
  /** Every row of all pages. What each line cost on each day, the latest day first */
  all_balance_usages(query: { start_date?: string; end_date?: string; offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<LineUsage> {
    return this.pages<LineUsage>(`balance_usages`, query);
  }
  /** What the account's rate plans cost now, and what is announced, in each country that has a price of its own */
  prices(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PagePlanPrice> {
    return this.call("GET", `prices`, { query });
  }
  /** Every row of all pages. What the account's rate plans cost now, and what is announced, in each country that has a price of its own */
  all_prices(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<PlanPrice> {
    return this.pages<PlanPrice>(`prices`, query);
  }
  /** Asks for a file of usage by day or by session, at most 366 days; follow it by its uuid */
  ask_usage_export(body: NewUsageExport, idempotencyKey?: string): Promise<UsageExportShown> {
    return this.call("POST", `usage_exports`, { body, idempotencyKey });
  }
  /** The account's usage exports, the newest first */
  usage_exports(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageUsageExportShown> {
    return this.call("GET", `usage_exports`, { query });
  }
  /** Every row of all pages. The account's usage exports, the newest first */
  all_usage_exports(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<UsageExportShown> {
    return this.pages<UsageExportShown>(`usage_exports`, query);
  }
  /** How far a usage export is */
  usage_export(usage_export: string): Promise<UsageExportShown> {
    return this.call("GET", `usage_exports/${encodeURIComponent(usage_export)}`, {  });
  }
  /** Deletes a usage export with its file; one that is being written ends */
  delete_usage_export(usage_export: string, idempotencyKey?: string): Promise<Ack> {
    return this.call("DELETE", `usage_exports/${encodeURIComponent(usage_export)}`, { idempotencyKey });
  }
  /** One sub-account and how its lines are doing this month */
  subaccount(account: string): Promise<SubAccountShown> {
    return this.call("GET", `accounts/${encodeURIComponent(account)}`, {  });
  }
  /** Renames a sub-account, or switches it off or on */
  change_subaccount(account: string, body: SubAccountChange, idempotencyKey?: string): Promise<SubAccountShown> {
    return this.call("PUT", `accounts/${encodeURIComponent(account)}`, { body, idempotencyKey });
  }
  /** Adds a sub-account; give it lines by sim_card/{iccid}/account or by a job */
  add_subaccount(body: NewSubAccount, idempotencyKey?: string): Promise<SubAccountShown> {
    return this.call("POST", `accounts`, { body, idempotencyKey });
  }
  /** The account's sub-accounts, the oldest first; a sub-account has none */
  accounts(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageSubAccount> {
    return this.call("GET", `accounts`, { query });
  }
  /** Every row of all pages. The account's sub-accounts, the oldest first; a sub-account has none */
  all_accounts(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<SubAccount> {
    return this.pages<SubAccount>(`accounts`, query);
  }
  /** What a sub-account has on its own balance */
  subaccount_balance(account: string): Promise<BalanceShown> {
    return this.call("GET", `accounts/${encodeURIComponent(account)}/balance`, {  });
  }
  /** Puts credit on a sub-account's own balance; your balance does not move */
  credit_subaccount(account: string, body: NewCredit, idempotencyKey?: string): Promise<BalanceShown> {
    return this.call("POST", `accounts/${encodeURIComponent(account)}/credits`, { body, idempotencyKey });
  }
  /** The account's rules by name */
  rules(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageRuleShown> {
    return this.call("GET", `rules`, { query });
  }
  /** Every row of all pages. The account's rules by name */
  all_rules(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<RuleShown> {
    return this.pages<RuleShown>(`rules`, query);
  }
  /** Adds a rule; it acts at once, and soonest on what happens from now on */
  add_rule(body: RuleDraft, idempotencyKey?: string): Promise<RuleShown> {
    return this.call("POST", `rules`, { body, idempotencyKey });
  }
  /** One rule */
  rule(rule: string): Promise<RuleShown> {
    return this.call("GET", `rules/${encodeURIComponent(rule)}`, {  });
  }
  /** Writes a rule anew; what it did stays, and who is told stays */
  change_rule(rule: string, body: RuleDraft, idempotencyKey?: string): Promise<RuleShown> {
    return this.call("PUT", `rules/${encodeURIComponent(rule)}`, { body, idempotencyKey });
  }
  /** Deletes a rule; its activity stays, and its open follow-ups still run */
  delete_rule(rule: string, idempotencyKey?: string): Promise<Ack> {
    return this.call("DELETE", `rules/${encodeURIComponent(rule)}`, { idempotencyKey });
  }
  /** Switches a rule off or on; off undoes nothing, and its open follow-ups still run */
  switch_rule(rule: string, body: Switched, idempotencyKey?: string): Promise<RuleShown> {
    return this.call("PUT", `rules/${encodeURIComponent(rule)}/switch`, { body, idempotencyKey });
  }
  /** What rules did, the latest first */
  rule_activity(query: { rule_uuid?: string; iccid?: string; outcome?: "already-off" | "deactivated" | "dropped" | "left" | "over" | "refused" | "set" | "shadow" | "stands-by" | "told" | "waits"; start_date?: string; end_date?: string; offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageFired> {
    return this.call("GET", `rule_activity`, { query });
  }
  /** Every row of all pages. What rules did, the latest first */
  all_rule_activity(query: { rule_uuid?: string; iccid?: string; outcome?: "already-off" | "deactivated" | "dropped" | "left" | "over" | "refused" | "set" | "shadow" | "stands-by" | "told" | "waits"; start_date?: string; end_date?: string; offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<Fired> {
    return this.pages<Fired>(`rule_activity`, query);
  }
  /** The account's caps, the fullest first */
  caps(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageCapState> {
    return this.call("GET", `caps`, { query });
  }
  /** Every row of all pages. The account's caps, the fullest first */
  all_caps(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<CapState> {
    return this.pages<CapState>(`caps`, query);
  }
  /** Adds a cap and counts it at once; one that is full already stops its lines */
  add_cap(body: CapDraft, idempotencyKey?: string): Promise<CapState> {
    return this.call("POST", `caps`, { body, idempotencyKey });
  }
  /** One cap */
  cap(cap: string): Promise<CapState> {
    return this.call("GET", `caps/${encodeURIComponent(cap)}`, {  });
  }
  /** Changes a cap's limit or what it does; one that is raised lets its lines go at once */
  change_cap(cap: string, body: CapChange, idempotencyKey?: string): Promise<CapState> {
    return this.call("PATCH", `caps/${encodeURIComponent(cap)}`, { body, idempotencyKey });
  }
  /** Deletes a cap; the lines that it alone held off start again */
  delete_cap(cap: string, idempotencyKey?: string): Promise<Ack> {
    return this.call("DELETE", `caps/${encodeURIComponent(cap)}`, { idempotencyKey });
  }
  /** The account's webhooks, by address */
  webhooks(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageWebhook> {
    return this.call("GET", `webhooks`, { query });
  }
  /** Every row of all pages. The account's webhooks, by address */
  all_webhooks(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<Webhook> {
    return this.pages<Webhook>(`webhooks`, query);
  }
  /** Adds a webhook; its secret is in this answer alone */
  add_webhook(body: NewWebhook, idempotencyKey?: string): Promise<Webhook> {
    return this.call("POST", `webhooks`, { body, idempotencyKey });
  }
  /** One webhook */
  webhook(webhook: string): Promise<Webhook> {
    return this.call("GET", `webhooks/${encodeURIComponent(webhook)}`, {  });
  }
  /** Changes where it goes and what it hears of */
  change_webhook(webhook: string, body: NewWebhook, idempotencyKey?: string): Promise<Webhook> {
    return this.call("PUT", `webhooks/${encodeURIComponent(webhook)}`, { body, idempotencyKey });
  }
  /** Deletes a webhook; what waits is given up */
  delete_webhook(webhook: string, idempotencyKey?: string): Promise<Ack> {
    return this.call("DELETE", `webhooks/${encodeURIComponent(webhook)}`, { idempotencyKey });
  }
  /** Switches a webhook off or on; what happened while it was off is sent where it is to catch up */
  switch_webhook(webhook: string, body: WebhookOn, idempotencyKey?: string): Promise<Webhook> {
    return this.call("PUT", `webhooks/${encodeURIComponent(webhook)}/switch`, { body, idempotencyKey });
  }
  /** Makes a new secret, told in this answer alone; messages are signed with it from now on, for a while with both */
  renew_webhook_secret(webhook: string, body: SecretOverlap, idempotencyKey?: string): Promise<Webhook> {
    return this.call("POST", `webhooks/${encodeURIComponent(webhook)}/secret`, { body, idempotencyKey });
  }
  /** Sends a message that means nothing; a webhook that is off gets it when it is on again */
  test_webhook(webhook: string, idempotencyKey?: string): Promise<WebhookMessage> {
    return this.call("POST", `webhooks/${encodeURIComponent(webhook)}/test`, { idempotencyKey });
  }
  /** What was sent to a webhook in the last month and what waits, the newest first */
  webhook_messages(webhook: string, query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageWebhookMessage> {
    return this.call("GET", `webhooks/${encodeURIComponent(webhook)}/messages`, { query });
  }
  /** Every row of all pages. What was sent to a webhook in the last month and what waits, the newest first */
  all_webhook_messages(webhook: string, query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<WebhookMessage> {
    return this.pages<WebhookMessage>(`webhooks/${encodeURIComponent(webhook)}/messages`, query);
  }
  /** Sends the same message with the same id once more, whatever became of it */
  send_webhook_again(webhook: string, message: string, idempotencyKey?: string): Promise<WebhookMessage> {
    return this.call("POST", `webhooks/${encodeURIComponent(webhook)}/messages/${encodeURIComponent(message)}/again`, { idempotencyKey });
  }
  /** What happened, the earliest first; read on with the cursor */
  events(query: { cursor?: string; topic?: "rules" | "lines" | "usage" | "balance" | "payments" | "sms" | "jobs" | "orders" | "statements" | "carriers" | "notifications" | "keys"; type?: "rule.fired" | "follow_up.run" | "follow_up.cancelled" | "line.activated" | "line.deactivated" | "line.suspended" | "line.confirmed" | "line.failed" | "line.refused" | "line.added" | "line.released" | "line.plan_changed" | "line.left_alone" | "line.assigned" | "imei.changed" | "usage.held" | "usage.released" | "usage.taken_back" | "usage.dismissed" | "usage.threshold" | "cap.reached" | "cap.cleared" | "bundle.threshold" | "balance.low" | "balance.good" | "balance.red" | "balance.recovered" | "payment.succeeded" | "payment.declined" | "payment.failed" | "payment.refund" | "payment.dispute" | "card.gone" | "sms.sent" | "sms.delivered" | "sms.undelivered" | "sms.received" | "sms.refused" | "sms.doubted" | "sms.settled" | "job.start" | "job.finish" | "job.cancel" | "order.answered" | "statement.asked" | "statement.closed" | "carrier.trouble" | "carrier.recovered" | "notification.sent" | "api_key.made" | "api_key.expiring" | "api_key.revoked"; per_page?: number } = {}): Promise<Feed> {
    return this.call("GET", `events`, { query });
  }
  /** The account's test account, where its clock stands and which lines it has */
  test_account(): Promise<TestAccount> {
    return this.call("GET", `test_account`, {  });
  }
  /** Makes the account's test account with two lines and $100.00 of play money; one that is there stays as it is */
  make_test_account(idempotencyKey?: string): Promise<TestAccount> {
    return this.call("POST", `test_account`, { idempotencyKey });
  }
  /** Closes the account's test account for good; POST makes a new one */
  close_test_account(idempotencyKey?: string): Promise<Ack> {
    return this.call("DELETE", `test_account`, { idempotencyKey });
  }
  /** Turns the test account's clock on; fees, cycles, caps, rules and follow-ups come due on the way, day by day */
  turn_test_clock(body: Turn, idempotencyKey?: string): Promise<TestAccount> {
    return this.call("POST", `test_account/clock`, { body, idempotencyKey });
  }
  /** Says what goes wrong with the test account's carrier from now on */
  set_test_carrier(body: CarrierWanted, idempotencyKey?: string): Promise<TestAccount> {
    return this.call("POST", `test_account/carrier`, { body, idempotencyKey });
  }
  /** Moves the test account's balance; lines are suspended and reactivated by it as by real money */
  give_play_money(body: PlayMoney, idempotencyKey?: string): Promise<Ack> {
    return this.call("POST", `test_account/balance`, { body, idempotencyKey });
  }
  /** Makes lines in the test account, deactivated; it has 50 at the most */
  make_test_lines(body: MoreLines, idempotencyKey?: string): Promise<TestAccount> {
    return this.call("POST", `test_account/lines`, { body, idempotencyKey });
  }
  /** A line's device uses data: it is read, charged, and met by balance, caps and rules before this answers */
  use_test_data(iccid: string, body: Used, idempotencyKey?: string): Promise<SimCard> {
    return this.call("POST", `test_account/lines/${encodeURIComponent(iccid)}/usage`, { body, idempotencyKey });
  }
  /** A line's device sends a message: it is listed, told to webhooks, and met by rules */
  send_test_sms(iccid: string, body: FromDevice, idempotencyKey?: string): Promise<Ack> {
    return this.call("POST", `test_account/lines/${encodeURIComponent(iccid)}/sms`, { body, idempotencyKey });
  }
  /** A line's SIM sits in another device from now on */
  change_test_imei(iccid: string, body: OtherDevice, idempotencyKey?: string): Promise<SimCard> {
    return this.call("POST", `test_account/lines/${encodeURIComponent(iccid)}/imei`, { body, idempotencyKey });
  }
  /** What was done on the account and its sub-accounts, by whom, the latest first */
  audit_log(query: { q?: string; by?: "back office" | "carrier" | "key" | "operator" | "person" | "rule" | "system"; start_date?: string; end_date?: string; before_id?: number; per_page?: number } = {}): Promise<Array<Told>> {
    return this.call("GET", `audit_log`, { query });
  }
  /** The account's bearer keys that are not revoked, the newest first */
  api_keys(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): Promise<PageKey> {
    return this.call("GET", `keys`, { query });
  }
  /** Every row of all pages. The account's bearer keys that are not revoked, the newest first */
  all_api_keys(query: { offset?: number; page?: number; cursor?: string; per_page?: number } = {}): AsyncGenerator<Key> {
    return this.pages<Key>(`keys`, query);
  }
  /** Makes a bearer key; the key itself is in this answer alone */
  make_api_key(body: NewKey, idempotencyKey?: string): Promise<Key> {
    return this.call("POST", `keys`, { body, idempotencyKey });
  }
  /** One bearer key that is not revoked */
  api_key(api_key: string): Promise<Key> {
    return this.call("GET", `keys/${encodeURIComponent(api_key)}`, {  });
  }
  /** Revokes a bearer key and those made with it; a bearer key revokes itself and what it could have made */
  revoke_api_key(api_key: string, idempotencyKey?: string): Promise<Ack> {
    return this.call("DELETE", `keys/${encodeURIComponent(api_key)}`, { idempotencyKey });
  }
}
