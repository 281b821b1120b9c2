"""Tags of lines: put on, taken off, a line or many at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import connection, transaction
from kit.errors import Invalid

from accounts.commands import Happened, record_many
from accounts.models import Account
from accounts.policy import Actor
from lines.models import Line, Tag
from lines.policy import Verdict

LONGEST_TAG = 40  # characters
MOST_AT_ONCE = 10
MOST_TAGS = 500  # of an account


def tag_names(*, given: Iterable[object]) -> list[str]:
    """Tags as a person wrote them: each once, in any case, without commas. Raises Invalid."""
    found: dict[str, str] = {}
    for one in given:
        for part in str(one).split(","):
            name = " ".join(part.replace("\0", "").split())
            if len(name) > LONGEST_TAG:
                raise Invalid(f"A tag has at most {LONGEST_TAG} characters; “{name[:LONGEST_TAG]}…” has {len(name)}")
            if name:
                found.setdefault(name.lower(), name)
    if len(found) > MOST_AT_ONCE:
        raise Invalid(f"Give at most {MOST_AT_ONCE} tags at once; these are {len(found)}")
    return list(found.values())


@transaction.atomic
def tag_lines(*, line_ids: Sequence[int], account: Account, names: Sequence[str], by: Actor) -> dict[int, Verdict]:
    """Puts tags of the paying account on lines that it pays for. Harmless twice. Raises Invalid."""
    lines = _locked(line_ids, account)
    tags = _tags(account, names)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lines_linetag (tag_id, line_id) SELECT t.id, l.id"
            "  FROM unnest(%s::bigint[]) AS l(id) CROSS JOIN unnest(%s::bigint[]) AS t(id)"
            " ON CONFLICT DO NOTHING RETURNING line_id, tag_id",
            [sorted(lines), sorted(tags)],
        )
        pairs = cursor.fetchall()
    return _changed("line.tagged", account, line_ids, lines, tags, pairs, by)


@transaction.atomic
def untag_lines(
    *, line_ids: Sequence[int], account: Account, names: Sequence[str] | None = None, by: Actor
) -> dict[int, Verdict]:
    """Takes these tags, or all, off lines that the account pays for. Harmless twice."""
    lines = _locked(line_ids, account)
    known = {tag.pk: tag.name for tag in Tag.objects.filter(account=account)}
    wanted = None if names is None else {name.lower() for name in names}
    tags = {pk: name for pk, name in known.items() if wanted is None or name.lower() in wanted}
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM lines_linetag WHERE line_id = ANY(%s) AND tag_id = ANY(%s) RETURNING line_id, tag_id",
            [list(lines), list(tags)],
        )
        pairs = cursor.fetchall()
    return _changed("line.untagged", account, line_ids, lines, tags, pairs, by)


@transaction.atomic
def set_tags(*, line: Line, names: Sequence[str], by: Actor) -> None:
    """A line has these tags and no others. Harmless twice. Raises Invalid."""
    account = line.payer
    if account is None:
        raise Invalid(f"Line {line.iccid} belongs to no account")
    wanted = {name.lower() for name in names}
    gone = [tag.name for tag in Tag.objects.filter(lines=line, account=account) if tag.name.lower() not in wanted]
    untag_lines(line_ids=[line.pk], account=account, names=gone, by=by)
    tag_lines(line_ids=[line.pk], account=account, names=names, by=by)


def _locked(line_ids: Sequence[int], account: Account) -> dict[int, str]:
    """The ICCIDs of those lines that the account pays for, locked."""
    lines = Line.objects.select_for_update(no_key=True).filter(pk__in=line_ids, payer=account).order_by("pk")
    return dict(lines.values_list("pk", "iccid"))


def _tags(account: Account, names: Sequence[str]) -> dict[int, str]:
    """The account's tags of these names, made where they are missing."""
    if not names:
        return {}
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    known = {tag.name.lower(): tag for tag in Tag.objects.filter(account=account)}
    missing = [Tag(account=account, name=name) for name in names if name.lower() not in known]
    if len(known) + len(missing) > MOST_TAGS:
        raise Invalid(f"An account has at most {MOST_TAGS} tags; use one that is there already")
    known |= {tag.name.lower(): tag for tag in Tag.objects.bulk_create(missing)}
    return {known[name.lower()].pk: known[name.lower()].name for name in names}


def _changed(
    verb: str,
    account: Account,
    line_ids: Sequence[int],
    lines: dict[int, str],
    tags: dict[int, str],
    pairs: Sequence[tuple[int, int]],
    by: Actor,
) -> dict[int, Verdict]:
    """One event for each line that has changed; it is the payer's, as its tags are."""
    of: dict[int, list[str]] = defaultdict(list)
    for line_id, tag_id in sorted(pairs):
        of[line_id].append(tags[tag_id])
    things = [Happened(account.pk, f"line:{lines[pk]}", {"tags": names}) for pk, names in of.items()]
    record_many(by=by, verb=verb, things=things)
    return {pk: Verdict.DO if pk in of else Verdict.SAME if pk in lines else Verdict.GONE for pk in line_ids}
