"""What sub-accounts owe by line, day and price, as parts of statements: of a payer and some days."""

from __future__ import annotations

from lines.rules import data_cost_sql, resale_price_sql

# By line, day and price of the account: the bytes of each who held the line on that day, between the cuts at which it
# changed hands; the day's fee is whose the line was first on that day.
PARTS = """cut AS (
    SELECT *, lag(used, 1, 0::bigint) OVER (PARTITION BY line_id, day, price_id ORDER BY id) AS before,
           row_number() OVER (PARTITION BY line_id, day, price_id ORDER BY id DESC) = 1 AS is_last
      FROM lines_holdercut WHERE payer_id = %(payer)s AND day = ANY(%(days)s::date[])
), part AS (
    SELECT d.line_id, d.day, d.price_id, d.account_id, d.used - least(d.used, coalesce(c.used, 0)) AS used,
           0::numeric AS fee
      FROM lines_lineday d
      LEFT JOIN cut c ON c.is_last AND c.line_id = d.line_id AND c.day = d.day AND c.price_id = d.price_id
     WHERE d.payer_id = %(payer)s AND d.day = ANY(%(days)s::date[])
       AND d.account_id IN (SELECT account_id FROM term)
     UNION ALL
    SELECT c.line_id, c.day, c.price_id, c.account_id, least(d.used, c.used) - least(d.used, c.before), 0
      FROM cut c
      JOIN lines_lineday d ON d.line_id = c.line_id AND d.day = c.day AND d.payer_id = c.payer_id
                          AND d.price_id = c.price_id
     UNION ALL
    SELECT d.line_id, d.day, d.price_id, coalesce(held.account_id, came.account_id, d.account_id), 0, d.fee
      FROM lines_lineday d
      LEFT JOIN LATERAL (
          SELECT CASE WHEN h.payer_id = d.payer_id THEN h.account_id END AS account_id FROM lines_lineholding h
           WHERE h.line_id = d.line_id AND h.since <= d.day::timestamp AT TIME ZONE 'UTC'
           ORDER BY h.since DESC, h.id DESC LIMIT 1) held ON true
      LEFT JOIN LATERAL (
          SELECT h.account_id FROM lines_lineholding h
           WHERE h.line_id = d.line_id AND h.payer_id = d.payer_id
             AND h.since > d.day::timestamp AT TIME ZONE 'UTC' AND h.since < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
           ORDER BY h.since, h.id LIMIT 1) came ON true
     WHERE d.payer_id = %(payer)s AND d.day = ANY(%(days)s::date[]) AND d.fee > 0
)"""

# The list of each sub-account on each day, and of each list and day the row of each plan.
TERMS = """wanted AS (
    SELECT day FROM unnest(%(days)s::date[]) AS w(day)
), term AS (
    SELECT * FROM (
        SELECT DISTINCT ON (t.account_id, w.day) t.account_id, w.day, t.price_list_id
          FROM wanted w JOIN lines_resaleterms t ON t.payer_id = %(payer)s AND t.since <= w.day
         ORDER BY t.account_id, w.day, t.since DESC, t.id DESC) latest
     WHERE price_list_id IS NOT NULL
), list_day AS (
    SELECT DISTINCT price_list_id, day FROM term
)"""
LIST_PRICE = """LATERAL (
    SELECT p.percent, p.places, p.per_mb, p.per_sms, p.per_day FROM lines_listprice p
     WHERE p.price_list_id = {0}.price_list_id AND (p.plan_id = {0}.plan_id OR p.plan_id IS NULL)
       AND (p.zone_id IS NULL OR p.zone_id = {0}.zone_id)
       AND (p.since IS NULL OR p.since <= {0}.day)
     ORDER BY p.plan_id IS NULL, p.zone_id IS NULL, p.since DESC NULLS LAST, p.id DESC LIMIT 1)"""

# One rounding for each line, day and price, as the account itself is charged.
OWED = f"""{TERMS}, {PARTS}, unit AS (
    SELECT n.price_list_id, n.day, n.price_id, n.plan_id, n.cost_per_mb, lp.per_day, lp.percent, lp.places,
           {resale_price_sql("n.cost_per_mb", "lp.per_mb", "lp.percent", "lp.places")} AS per_mb
      FROM (SELECT ld.price_list_id, ld.day, pr.id AS price_id, pr.plan_id, pr.zone_id, pr.per_mb AS cost_per_mb
              FROM list_day ld JOIN lines_price pr ON pr.id IN (SELECT DISTINCT price_id FROM part)) n
      JOIN {LIST_PRICE.format("n")} lp ON true
), message AS (
    SELECT n.account_id, n.day, n.plan_id, n.line_id, n.price,
           {resale_price_sql("n.price", "lp.per_sms", "lp.percent", "lp.places")} AS owed
      FROM (SELECT m.account_id, t.day, t.price_list_id, m.line_id, m.price, NULL::bigint AS zone_id,
                   (SELECT plan_id FROM lines_lineplan p WHERE p.line_id = m.line_id AND p.since <= m.accepted_at
                     ORDER BY p.since DESC, p.id DESC LIMIT 1) AS plan_id
              FROM lines_smsmessage m
              JOIN term t ON t.account_id = m.account_id AND t.day = (m.accepted_at AT TIME ZONE 'UTC')::date
             WHERE m.payer_id = %(payer)s AND m.to_device
               AND m.accepted_at >= (SELECT min(day) FROM wanted)::timestamp AT TIME ZONE 'UTC') n
      JOIN {LIST_PRICE.format("n")} lp ON true
), owed AS (
    SELECT p.account_id, p.day, u.plan_id, p.line_id, p.used, 0 AS messages,
           {data_cost_sql("p.used", "u.per_mb")} AS data,
           CASE WHEN p.fee > 0 THEN {resale_price_sql("p.fee", "u.per_day", "u.percent", "u.places")}
                ELSE 0 END AS fees,
           0::numeric AS sms,
           {data_cost_sql("p.used", "u.cost_per_mb")} + p.fee AS cost
      FROM part p
      JOIN term t ON t.account_id = p.account_id AND t.day = p.day
      JOIN unit u ON u.price_list_id = t.price_list_id AND u.day = p.day AND u.price_id = p.price_id
     UNION ALL
    SELECT account_id, day, plan_id, line_id, 0, 1, 0, 0, owed, price FROM message
     UNION ALL  -- what a line used beyond its own bundle; prices of the list's own have charged each MB already
    SELECT n.account_id, n.day, n.plan_id, n.line_id, 0, 0,
           CASE WHEN lp.percent IS NULL THEN 0
                ELSE {resale_price_sql("n.cost", "NULL::numeric", "lp.percent", "lp.places")} END, 0, 0, n.cost
      FROM (SELECT o.account_id, o.day, o.plan_id, o.line_id, o.cost, t.price_list_id, NULL::bigint AS zone_id
              FROM lines_overage o JOIN term t ON t.account_id = o.account_id AND t.day = o.day
             WHERE o.payer_id = %(payer)s AND o.day = ANY(%(days)s::date[]) AND o.line_id IS NOT NULL) n
      JOIN {LIST_PRICE.format("n")} lp ON true
)"""
