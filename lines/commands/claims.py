"""Who may take a line out of stock: whom it is reserved for, and who knows the code printed with its card.

Whoever has neither learns nothing: an unknown card, somebody else's, and one without a right code are one answer, each
different one counts, and after a number of them only what is reserved for the account can be taken.
"""

from __future__ import annotations

import datetime as dt
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction
from kit import clock, crypto
from kit.errors import Invalid, Refusal
from kit.identifiers import NotAnIccid, all_spellings, read_iccid, sim_key
from kit.sql import array

from accounts.commands import record
from accounts.commands.people import refuse_unconfirmed
from accounts.models import Account
from accounts.policy import Actor, ActorKind
from lines.models import ClaimCode, ClaimGuess, ClaimSecret, Line, LineProof, Order, Reservation

GUESSES_AN_ACCOUNT = 30  # different wrong cards in a day
GUESSES_AN_ADDRESS = 90
DAY = dt.timedelta(days=1)
SHORTEST, LONGEST = 6, 64  # characters of a code
NOT_HERE = (
    "this SIM card cannot be added: check the ICCID, the code printed with the card and the rate plan,"
    " or ask your provider to reserve it for you"
)
TOO_MANY = "too many SIM cards could not be added: try again in 24 hours, or ask your provider to reserve yours for you"


class TooManyGuesses(Refusal):
    """So many cards could not be added that the others wait for a day."""

    status = 429


@dataclass(slots=True)
class Claims:
    """What an account may take of the stock now; every card that it may not is counted."""

    account: Account
    address: str
    is_office: bool
    reserved: set[str]
    digests: Mapping[str, str]  # of codes, by ICCID
    left: int  # wrong cards that are still let pass
    known: set[str] = field(default_factory=set)  # guesses that are counted already
    guesses: list[str] = field(default_factory=list)
    secret: bytes = b""

    def refuse(self, iccid: str, code: str) -> str:
        """A card that is not in stock for this plan, whatever the reason: it counts as a guess."""
        digest = _digest(self.secret, iccid, code)
        if digest in self.known:
            return NOT_HERE
        if self.left <= 0:
            return TOO_MANY
        self.left -= 1
        self.known.add(digest)
        self.guesses.append(digest)
        return NOT_HERE

    def why_not(self, iccid: str, code: str) -> str:
        """Empty where the account may take this card, which is in stock."""
        if self.is_office or iccid in self.reserved:
            return ""
        given = _digest(self.secret, iccid, code)
        if self.left > 0 and code and hmac.compare_digest(given, self.digests.get(iccid, "")):
            return ""
        return self.refuse(iccid, code)


def claims_of(*, account: Account, iccids: Sequence[str], address: str, by: Actor) -> Claims:
    """What an account may take of these cards. In a transaction, the account's wallet locked. Raises
    Unconfirmed."""
    is_office = by.kind in (ActorKind.OPERATOR, ActorKind.BACK_OFFICE)
    if not is_office:
        refuse_unconfirmed(account=account)
    if address:  # several accounts of one network take their turns
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"claims from {address}"])
    since = clock.now() - DAY
    own = ClaimGuess.objects.filter(account=account, at__gt=since)
    left = GUESSES_AN_ACCOUNT - own.count()
    if address:
        left = min(left, GUESSES_AN_ADDRESS - ClaimGuess.objects.filter(address=address, at__gt=since).count())
    of_cards = {"line__iccid__in": list(iccids)}
    reserved = Reservation.objects.filter(account_id=account.payer_id, **of_cards)
    return Claims(
        account=account,
        address=address,
        is_office=is_office,
        reserved=set(reserved.values_list("line__iccid", flat=True)),
        digests=dict(ClaimCode.objects.filter(**of_cards).values_list("line__iccid", "digest")),
        left=left,
        known=set(own.values_list("digest", flat=True)),
        secret=_secret(),
    )


def note_guesses(*, account: Account, address: str, digests: Sequence[str]) -> None:
    """Counts cards that an account could not take; the same one again counts once."""
    ClaimGuess.objects.filter(account=account, digest__in=digests, at__lte=clock.now() - DAY).delete()
    now = clock.now()
    rows = [ClaimGuess(account=account, address=address[:45], digest=digest, at=now) for digest in digests]
    ClaimGuess.objects.bulk_create(rows, ignore_conflicts=True)


def forget_guesses() -> int:
    """Deletes what no longer counts."""
    return ClaimGuess.objects.filter(at__lt=clock.now() - 2 * DAY).delete()[0]


def taken(*, lines: Sequence[Line], claims: Claims, by: Actor) -> None:
    """Lines left the stock: their reservations are used up, their codes good for nothing more; what the back office had
    said of them is proof that they are rightly the account's."""
    ids = [line.pk for line in lines]
    LineProof.objects.filter(line__in=ids).delete()
    said = {line.pk for line in lines if claims.is_office or line.iccid in claims.reserved}
    prove(line_ids=sorted(said), payer_id=claims.account.payer_id, by=by)
    Reservation.objects.filter(line__in=ids).delete()
    ClaimCode.objects.filter(line__in=ids).delete()


def prove(*, line_ids: Sequence[int], payer_id: int, by: Actor) -> None:
    """The back office says that lines are rightly their payer's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lines_lineproof (line_id, payer_id, by, at)"
            " SELECT id, %(payer)s, %(by)s, %(now)s FROM unnest(%(lines)s::bigint[]) AS l(id) ORDER BY id"
            " ON CONFLICT (line_id) DO UPDATE SET payer_id = excluded.payer_id, by = excluded.by, at = excluded.at",
            {"payer": payer_id, "by": by.name, "now": clock.now(), "lines": array(line_ids)},
        )


@dataclass(slots=True)
class Kept:
    """What became of rows of the back office: how many were kept, and the ICCIDs of those that were not, with why."""

    kept: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)


@transaction.atomic
def reserve(*, iccids: Sequence[str], account: Account, by: Actor, batch: str = "", order: Order | None = None) -> Kept:
    """Lines in stock that this account may take without a code. Harmless twice. Raises Invalid."""
    if account.is_subaccount:
        raise Invalid(f"{account.name} is a sub-account. Reserve for the account that pays for it.")
    if order is not None and order.account_id != account.pk:
        raise Invalid("The order is another account's.")
    found, kept = _stock(iccids)
    others = Reservation.objects.filter(line__in=[line.pk for line in found.values()]).exclude(account=account)
    elsewhere = set(others.values_list("line__iccid", flat=True))
    for iccid in sorted(elsewhere):
        kept.refused.append((iccid, "it is reserved for another account: release it first"))
    rows = [
        Reservation(line=line, account=account, batch=batch.strip()[:64], order=order, by=by.name, at=clock.now())
        for line in found.values()
        if line.iccid not in elsewhere
    ]
    Reservation.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["line"],
        update_fields=["batch", "order", "by", "at"],
        batch_size=1000,
    )
    kept.kept = len(rows)
    detail = {"lines": kept.kept, "batch": batch.strip()[:64], "order": order.pk if order else None}
    record(by=by, verb="lines.reserved", account_id=account.pk, detail=detail)
    return kept


@transaction.atomic
def release(*, iccids: Sequence[str], by: Actor) -> int:
    """Takes reservations back; says how many. Harmless twice."""
    rows = Reservation.objects.filter(line__iccid__in=_known(iccids))
    counts: dict[int, int] = {}
    for account_id in rows.values_list("account_id", flat=True):
        counts[account_id] = counts.get(account_id, 0) + 1
    rows.delete()
    for account_id, count in sorted(counts.items()):
        record(by=by, verb="lines.released", account_id=account_id, detail={"lines": count})
    return sum(counts.values())


@transaction.atomic
def keep_claim_codes(*, rows: Sequence[tuple[str, str]], by: Actor) -> Kept:
    """Keeps the codes printed with cards, hashed: (ICCID, code), for lines in stock; a new one replaces the old.

    Raises Invalid, and keeps nothing, where a code is too short or not letters and digits.
    """
    codes = {iccid: _plain(code) for iccid, code in rows}
    for number, (_, code) in enumerate(rows, 2):
        if not re.fullmatch(rf"[0-9A-Z]{{{SHORTEST},{LONGEST}}}", _plain(code)):
            raise Invalid(f"Row {number}: a code has {SHORTEST} to {LONGEST} letters and digits")
    found, kept = _stock(list(codes))
    secret = _secret(make=True)
    ClaimCode.objects.bulk_create(
        [
            ClaimCode(line=line, digest=_digest(secret, line.iccid, codes[given]), kept_at=clock.now())
            for given, line in found.items()
        ],
        update_conflicts=True,
        unique_fields=["line"],
        update_fields=["digest", "kept_at"],
        batch_size=1000,
    )
    kept.kept = len(found)
    record(by=by, verb="lines.claim_codes_kept", detail={"lines": kept.kept})
    return kept


@transaction.atomic
def confirm_lines(*, iccids: Sequence[str], by: Actor) -> int:
    """The back office says that these lines are rightly who pays for them; says how many."""
    payers: dict[int, list[int]] = {}
    rows = Line.objects.filter(iccid__in=_known(iccids)).exclude(payer=None).select_for_update(of=("self",))
    for pk, payer_id in rows.values_list("pk", "payer_id"):
        payers.setdefault(payer_id, []).append(pk)
    for payer_id, ids in sorted(payers.items()):
        prove(line_ids=sorted(ids), payer_id=payer_id, by=by)
        record(by=by, verb="lines.confirmed", account_id=payer_id, detail={"lines": len(ids)})
    return sum(map(len, payers.values()))


def _known(iccids: Sequence[str]) -> list[str]:
    """Every spelling of these. Raises NotAnIccid."""
    return all_spellings(read_iccid(text) for text in iccids)


def _stock(iccids: Sequence[str]) -> tuple[dict[str, Line], Kept]:
    """Those of these lines that are in stock, locked, by what was given, and the others with why not."""
    kept, wanted = Kept(), dict[str, str]()
    for text in dict.fromkeys(iccids):
        try:
            wanted[text] = sim_key(read_iccid(text))
        except NotAnIccid as bad:
            kept.refused.append((text[:40], bad.message))
    lines = Line.objects.select_for_update().filter(iccid__in=all_spellings(wanted.values())).order_by("pk")
    by_key = {sim_key(line.iccid): line for line in lines}
    found: dict[str, Line] = {}
    once: set[str] = set()
    for text, key in wanted.items():
        line = by_key.get(key)
        if line is None:
            kept.refused.append((text[:40], "no line has this ICCID"))
        elif line.payer_id is not None:
            kept.refused.append((text[:40], "it is not in stock"))
        elif key not in once:
            once.add(key)
            found[text] = line
    return found, kept


def _plain(code: str) -> str:
    """As it is compared: cards print capitals, and people put spaces and hyphens."""
    return re.sub(r"[\s-]", "", code).upper()


def _digest(secret: bytes, iccid: str, code: str) -> str:
    return hmac.digest(secret, f"{sim_key(iccid)}:{_plain(code)}".encode(), "sha256").hex()


def _secret(*, make: bool = False) -> bytes:
    """What codes are hashed with: who has the database alone tries none of them."""
    row = ClaimSecret.objects.filter(pk=1).first()
    if row is None and make:
        made = ClaimSecret(pk=1, secret=crypto.encrypt(secrets.token_hex(32), row="claims"))
        ClaimSecret.objects.bulk_create([made], ignore_conflicts=True)
        row = ClaimSecret.objects.get(pk=1)
    return bytes.fromhex(crypto.decrypt(row.secret, row="claims")) if row else b"none"
