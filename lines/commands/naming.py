"""What SIMs are called at their carriers: our notes and tags where an account wants it; states of SIMs not in use."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from kit import clock
from kit.errors import Invalid, Refusal

from accounts.commands import record
from accounts.commands.people import refuse_unconfirmed
from accounts.models import Account
from accounts.policy import Actor
from lines.carriers import CLIENTS
from lines.carriers.base import LABELS, Setting, tags_text
from lines.commands.settings import CannotBeSet
from lines.models import Carrier, Line, LineSetting, LineState, NameSharing
from lines.policy import Wanted

LONGEST_NAME = 100  # characters of a name at a carrier
STATES = tuple(dict.fromkeys(state for client in CLIENTS.values() for state in client.abilities.states))
AT_ONCE = 500  # lines that one round brings into step


class LineInUse(Refusal):
    """A state of a SIM that is not in use cannot be asked for one that is."""


@transaction.atomic
def share_names(*, account: Account, wanted: bool, by: Actor) -> None:
    """From now on the account's notes and tags stand at its lines' carriers too, or are sent no more: what stands there
    stays. Harmless twice. Raises Unconfirmed."""
    if wanted:
        refuse_unconfirmed(account=account)
        _, is_new = NameSharing.objects.get_or_create(account=account, defaults={"by": by.name})
    else:
        is_new = bool(NameSharing.objects.filter(account=account).delete()[0])
    if is_new:
        verb = "names.shared" if wanted else "names.kept"
        record(by=by, verb=verb, account_id=account.pk, subject=f"account:{account.uuid.hex}")


# Lines whose notes or tags are not those that were last wanted at the carrier. Who never had any has nothing to say.
# Accounts take turns: one that renames all of its lines every hour must not keep another's waiting.
OUT_OF_STEP = """
SELECT l.id, l.notes, t.tags, n.wanted, g.wanted
  FROM lines_namesharing s
  JOIN lines_line l ON l.payer_id = s.account_id AND l.carrier_id = %(carrier)s
 CROSS JOIN LATERAL (SELECT coalesce(array_agg(t.name ORDER BY t.name COLLATE "C"), '{}') AS tags
                       FROM lines_linetag lt JOIN lines_tag t ON t.id = lt.tag_id WHERE lt.line_id = l.id) t
  LEFT JOIN lines_linesetting n ON n.line_id = l.id AND n.name = 'device_name'
  LEFT JOIN lines_linesetting g ON g.line_id = l.id AND g.name = 'tags'
 WHERE %(keeps_name)s AND coalesce(n.wanted, '') <> left(l.notes, %(longest)s)
    OR %(keeps_tags)s AND coalesce(g.wanted::jsonb, '[]') <> to_jsonb(t.tags)
 ORDER BY row_number() OVER (PARTITION BY s.account_id ORDER BY l.id), l.id LIMIT %(limit)s
"""


@transaction.atomic
def plan_names(*, carrier: Carrier) -> int:
    """Wants the names and tags of a carrier's lines as their accounts have them, as far as it keeps them; says of how
    many. Harmless twice."""
    keeps = CLIENTS[carrier.kind].abilities.labels & LABELS
    if not keeps or not NameSharing.objects.exists():
        return 0
    with connection.cursor() as cursor:
        asked = {"carrier": carrier.pk, "longest": LONGEST_NAME, "limit": AT_ONCE}
        asked |= {"keeps_name": Setting.DEVICE_NAME in keeps, "keeps_tags": Setting.TAGS in keeps}
        cursor.execute(OUT_OF_STEP, asked)
        rows = cursor.fetchall()
    wishes: list[LineSetting] = []
    now = clock.now()
    for line_id, notes, tags, name_before, tags_before in rows:
        wanted = {Setting.DEVICE_NAME: notes[:LONGEST_NAME], Setting.TAGS: tags_text(tags)}
        before = {Setting.DEVICE_NAME: name_before or "", Setting.TAGS: tags_before or "[]"}
        wishes += [
            LineSetting(line_id=line_id, carrier=carrier, name=name, wanted=value, since=now, by="names in step")
            for name, value in wanted.items()
            if name in keeps and value != before[name]
        ]
    LineSetting.objects.bulk_create(wishes, **AS_WANTED)
    return len(rows)


AS_WANTED: dict[str, Any] = {
    "update_conflicts": True,
    "unique_fields": ["line", "name"],
    "update_fields": ["wanted", "since", "by", "is_open", "due_at", "attempts", "last_error"],
}


@transaction.atomic
def ask_state(*, line: Line, state: str, by: Actor) -> None:
    """Asks the carrier for one of its own states of a SIM that is not in use, until it confirms. Harmless twice.

    Raises CannotBeSet, Invalid, LineInUse.
    """
    client = CLIENTS[line.carrier.kind]
    word = state.strip().upper()
    if not client.abilities.states:
        raise CannotBeSet(f"Line {line.iccid}: its carrier has no states but on and off")
    if word not in client.abilities.states:
        raise Invalid(
            f"{client.title} can be asked for {', '.join(client.abilities.states)}, not {state.strip()[:40]!r}"
        )
    row = LineState.objects.select_for_update().get(pk=line.pk)
    if row.wanted == Wanted.ACTIVE:
        raise LineInUse(f"Line {line.iccid} is active; deactivate it first")
    is_open = (client.words.get(word.lower()) or (None, False))[0] != 0  # the network would let the device in
    if is_open and line.payer_id is not None:
        raise LineInUse(f"{word} lets the device in; it is for SIMs in stock. Activate line {line.iccid} instead")
    before = LineSetting.objects.filter(line=line, name=Setting.STATE).first()
    if before is not None and before.wanted == word and (before.is_open or row.reported_word.upper() == word):
        return
    wish = LineSetting(line=line, carrier_id=line.carrier_id, name=Setting.STATE, wanted=word, by=by.name)
    LineSetting.objects.bulk_create([wish], **AS_WANTED)
    detail = {"before": row.reported_word, "after": word}
    record(by=by, verb="line.state_asked", account_id=line.account_id, subject=f"line:{line.iccid}", detail=detail)


def drop_states(*, carrier: Carrier) -> int:
    """A line that is wanted on again is not asked for a state of one that is not in use. Says of how many."""
    rows = LineSetting.objects.filter(carrier=carrier, name=Setting.STATE, is_open=True)
    on = rows.filter(line__state__wanted=Wanted.ACTIVE)
    return on.update(is_open=False, last_error="The line was activated")
