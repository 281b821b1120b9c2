"""Which lines a rule looks at: one definition, for rules that act and for one that is being written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from automation.models import Rule
from lines.rules import NOT_MOVING

# `r` is a rule or a draft of one, `l` a line with its id, iccid, payer_id, account_id and plan_id.
IN_SCOPE = f"""
    r.account_id = l.payer_id
    AND (r.holder_id IS NULL OR r.holder_id = l.account_id)
    AND (r.plan_id IS NULL OR r.plan_id = l.plan_id)
    AND (r.only_iccids = '{{}}' OR l.iccid = ANY(r.only_iccids))
    AND NOT l.iccid = ANY(r.except_iccids)
    AND (r.tags = '{{}}' OR EXISTS (SELECT FROM lines_linetag lt JOIN lines_tag t ON t.id = lt.tag_id
                                   WHERE lt.line_id = l.id AND t.name = ANY(r.tags)))
    AND (r.field_id IS NULL OR EXISTS (SELECT FROM lines_fieldvalue fv
                                        WHERE fv.line_id = l.id AND fv.field_id = r.field_id
                                          AND lower(fv.value) = lower(r.field_value)))
    AND {NOT_MOVING}
"""
DRAFT = """(SELECT %(account)s::bigint AS account_id, %(holder)s::bigint AS holder_id, %(plan)s::bigint AS plan_id,
                   %(tags)s::text[] AS tags, %(only)s::text[] AS only_iccids, %(except)s::text[] AS except_iccids,
                   %(field)s::bigint AS field_id, %(value)s::text AS field_value) r"""


@dataclass(frozen=True, slots=True)
class Scope:
    """The lines of an account that a rule looks at; what is None or empty keeps all."""

    account_id: int
    holder_id: int | None = None
    plan_id: int | None = None
    tags: list[str] = field(default_factory=list)
    only_iccids: list[str] = field(default_factory=list)
    except_iccids: list[str] = field(default_factory=list)
    field_id: int | None = None  # a custom field that has this value, as it is kept
    field_value: str = ""

    def values(self) -> dict[str, Any]:
        """What DRAFT asks for."""
        return {
            "account": self.account_id,
            "holder": self.holder_id,
            "plan": self.plan_id,
            "tags": self.tags,
            "only": self.only_iccids,
            "except": self.except_iccids,
            "field": self.field_id,
            "value": self.field_value,
        }


def scope_of(rule: Rule) -> Scope:
    return Scope(
        rule.account_id,
        rule.holder_id,
        rule.plan_id,
        rule.tags,
        rule.only_iccids,
        rule.except_iccids,
        rule.field_id,
        rule.field_value,
    )


def count_in_scope(scope: Scope) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {DRAFT} JOIN lines_line l ON {IN_SCOPE}", scope.values())
        return int(cursor.fetchone()[0])


def lines_in_scope(scope: Scope) -> list[int]:
    """Ids, in order."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT l.id FROM {DRAFT} JOIN lines_line l ON {IN_SCOPE} ORDER BY l.id", scope.values())
        return [row[0] for row in cursor.fetchall()]
