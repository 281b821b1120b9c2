"""Carriers, rate plans, and lines as they come: into stock or straight to an account."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import IntegrityError, connection, transaction
from kit import clock, crypto
from kit.errors import Invalid
from kit.identifiers import NotAnIccid, doubt, read_iccid, sim_key, spellings
from kit.money import exact

from accounts.commands import record
from accounts.models import Account
from accounts.policy import Actor
from billing.commands import lock_wallets
from lines import carriers
from lines.commands.claims import prove
from lines.commands.identity import keep_imported_spellings
from lines.commands.offers import offer_plan
from lines.commands.prices import NO_TERMS, Tariff, Terms
from lines.commands.tuning import api_address, check_cycle_day
from lines.commands.wishes import enforce, ready_standing
from lines.models import Carrier, CarrierHealth, Price, RatePlan
from lines.policy import Wanted
from lines.policy.precedence import Standing, wish_of
from lines.queries.plans import plans_for


@transaction.atomic
def add_carrier(
    *, name: str, kind: str, url: str, secrets: Mapping[str, str], by: Actor, cycle_day: int = 1
) -> Carrier:
    """Makes a carrier known; its credentials are encrypted at rest. Raises Invalid."""
    client = carriers.CLIENTS.get(kind)
    if client is None:
        raise Invalid(f"There is no carrier kind {kind!r}; choose one of {', '.join(sorted(carriers.CLIENTS))}")
    if missing := sorted(client.secret_names - set(secrets)):
        raise Invalid(f"A {kind} carrier needs --secret {' and --secret '.join(f'{name}=...' for name in missing)}")
    if extra := sorted(set(secrets) - client.secret_names):
        raise Invalid(f"A {kind} carrier has no secret {', '.join(extra)}")
    url = api_address(url=url, by=by)
    check_cycle_day(kind=kind, cycle_day=cycle_day)
    try:
        with transaction.atomic():
            carrier = Carrier.objects.create(
                name=_name(name, "carrier"),
                kind=kind,
                url=url,
                calls_per_second=client.calls_per_second,
                calls_per_minute=client.calls_per_minute,
                calls_per_day=client.calls_per_day,
                cycle_day=cycle_day,
            )
    except IntegrityError:
        raise Invalid(f"There is a carrier named {name!r} already") from None
    carrier.secrets = crypto.encrypt(json.dumps(dict(secrets)), row=f"carrier:{carrier.pk}")
    carrier.save(update_fields=["secrets"])
    CarrierHealth.objects.create(carrier=carrier)
    record(by=by, verb="carrier.added", subject=f"carrier:{carrier.name}", detail={"kind": kind, "url": carrier.url})
    return carrier


@transaction.atomic
def add_rate_plan(
    *,
    name: str,
    carrier: Carrier,
    per_mb: Decimal,
    per_sms: Decimal,
    per_day: Decimal,
    by: Actor,
    code: str = "",
    accounts: Sequence[Account] | None = None,
    terms: Terms = NO_TERMS,
) -> RatePlan:
    """A rate plan with its first prices, in force from the beginning; for these accounts only, where they are named.
    Lines that come to it later are put on the carrier's plan of this code, if one is given. Raises Invalid."""
    prices = {"per_mb": exact(per_mb), "per_sms": exact(per_sms), "per_day": exact(per_day)}
    if negative := [key for key, price in prices.items() if price < 0]:
        raise Invalid(f"A price cannot be negative: {', '.join(negative)}")
    try:
        with transaction.atomic():
            plan = RatePlan.objects.create(name=_name(name, "rate plan"), carrier=carrier, code=code.strip()[:64])
    except IntegrityError:
        raise Invalid(f"There is a rate plan named {name!r} already") from None
    terms = terms.checked()
    Price.objects.create(plan=plan, **terms.columns(Tariff(**prices)))
    record(
        by=by,
        verb="rate_plan.added",
        subject=f"rate_plan:{plan.name}",
        detail={"carrier": carrier.name, **{key: str(price) for key, price in prices.items()}, **terms.facts},
    )
    return plan if accounts is None else offer_plan(plan=plan, accounts=accounts, by=by)


def _name(name: str, what: str) -> str:
    name = name.strip()
    if not name or len(name) > 100:
        raise Invalid(f"A {what} needs a name of 1 to 100 characters")
    return name


@dataclass(slots=True)
class Imported:
    """What became of each row of an import: those that made a line, were lines already, or were refused, with why."""

    rows: int = 0
    added: int = 0
    already: list[dict[str, object]] = field(default_factory=list)
    refused: list[dict[str, object]] = field(default_factory=list)


def import_lines(
    *,
    rows: Iterable[tuple[int, str]],
    carrier: Carrier,
    plan: RatePlan,
    account: Account | None,
    active: bool,
    by: Actor,
    unchecked: bool = False,
) -> Imported:
    """Adds lines from (row number, ICCID) into stock or straight to an account; every bad row is named, the rest added.

    `unchecked` takes ICCIDs that can hardly be right, by their check digit or because a spreadsheet rounded them.

    Active lines of an account whose balance is red start Suspended. Raises Invalid.
    """
    if plan.carrier_id != carrier.pk:
        raise Invalid(f"Rate plan {plan.name} belongs to carrier {plan.carrier.name}, not to {carrier.name}")
    if active and account is None:
        raise Invalid("Lines in stock cannot be active; name the account they are for")
    if account is not None and not plans_for(account).filter(pk=plan.pk).exists():
        raise Invalid(f"Rate plan {plan.name} is not offered to {account.name}. Offer it to the account first.")
    result = Imported()
    seen: dict[str, int] = {}
    iccids: dict[str, int] = {}
    for number, raw in rows:
        result.rows += 1
        try:
            iccid = read_iccid(raw)
        except NotAnIccid as bad:
            result.refused.append(_bad(number, raw, bad.message))
            continue
        if (why := doubt(iccid)) and not unchecked:
            result.refused.append(_bad(number, raw, f"{why} If it is right, import it with --unchecked."))
        elif sim_key(iccid) in seen:
            result.refused.append(_bad(number, raw, f"the same ICCID stands in row {seen[sim_key(iccid)]}"))
        else:
            iccids[iccid] = seen[sim_key(iccid)] = number
    with transaction.atomic():
        _add(list(iccids), iccids, result, carrier=carrier, plan=plan, account=account, active=active, by=by)
    result.refused.sort(key=lambda row: row["row"])  # type: ignore[arg-type, return-value]
    return result


def _bad(number: int, iccid: str, why: str) -> dict[str, object]:
    return {"row": number, "iccid": iccid[:40], "why": why}


def _add(
    iccids: Sequence[str],
    rows: Mapping[str, int],
    result: Imported,
    *,
    carrier: Carrier,
    plan: RatePlan,
    account: Account | None,
    active: bool,
    by: Actor,
) -> None:
    to = Standing.NEW
    if account is not None:
        lock_wallets(account_ids=[account.payer_id])
        enforce(account_ids=[account.payer_id])
        if active:
            to = ready_standing(holder=account)
    wanted, why = wish_of(to)
    now = clock.now()
    given = sorted(iccids)  # in one order, or two imports of the same lines wait for each other
    with connection.cursor() as cursor:
        # One import at a time: two would not see that the one's 19 digits are the other's 20.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('lines_line.iccid'))")
        cursor.execute(
            "INSERT INTO lines_line (iccid, carrier_id, plan_id, account_id, payer_id, notes, imei, msisdn, added_at)"
            " SELECT iccid, %s, %s, %s::bigint, %s::bigint, '', '', '', %s"
            "   FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS i(iccid, other, number)"
            "  WHERE NOT EXISTS (SELECT FROM lines_line l WHERE l.iccid = i.other) ORDER BY number"
            " ON CONFLICT (iccid) DO NOTHING RETURNING id, iccid",
            [
                carrier.pk,
                plan.pk,
                account.pk if account else None,
                account.payer_id if account else None,
                now,
                given,
                [spellings(iccid)[-1] for iccid in given],
            ],
        )
        added = {iccid: line_id for line_id, iccid in cursor.fetchall()}
        cursor.execute(
            "INSERT INTO lines_linestate (line_id, counter, baseline, day_bytes, wanted, wanted_at, why,"
            "  why_who, reported_word, blocked)"
            " SELECT id, 0, 0, 0, %s, %s, %s, '', '', false FROM unnest(%s::bigint[]) AS l(id)",
            [int(wanted), now, why.value if why else "", list(added.values())],
        )
        if wanted is Wanted.ACTIVE:
            cursor.execute(
                "INSERT INTO lines_drive (line_id, carrier_id, since, ask_first, attempts, last_error)"
                " SELECT id, %s, %s, false, 0, '' FROM unnest(%s::bigint[]) AS l(id)",
                [carrier.pk, now, list(added.values())],
            )
        if account is not None:
            prove(line_ids=list(added.values()), payer_id=account.payer_id, by=by)
        keep_imported_spellings(carrier=carrier, iccids=[iccid for iccid in given if iccid not in added])
    result.added = len(added)
    result.already += [
        _bad(rows[iccid], iccid, "there is a line with this ICCID already") for iccid in iccids if iccid not in added
    ]
    record(
        by=by,
        verb="lines.imported",
        account_id=account.pk if account else None,
        subject=f"carrier:{carrier.name}",
        detail={"lines": len(added), "rate_plan": plan.name, "wanted": wanted.name},
    )
