"""Where a day's bytes are cut when a line goes from one holder to another in the middle of it."""

from __future__ import annotations

# Part of the statement that moves lines: of what they used on this day so far, `lines` says who held them. A row's cuts
# never go down, so that the parts between them add up to the row whatever is corrected in it later.
CUTS = """cuts AS (
    INSERT INTO lines_holdercut (line_id, day, payer_id, price_id, account_id, used, at)
    SELECT m.id, d.day, d.payer_id, d.price_id, m.account_id,
           greatest(d.used, coalesce((SELECT max(c.used) FROM lines_holdercut c
                                       WHERE c.line_id = d.line_id AND c.day = d.day AND c.payer_id = d.payer_id
                                         AND c.price_id = d.price_id), 0)), %(now)s
      FROM {lines} m JOIN lines_lineday d ON d.line_id = m.id AND d.payer_id = m.payer_id AND d.day >= %(today)s
     ORDER BY m.id, d.day, d.price_id
)"""
