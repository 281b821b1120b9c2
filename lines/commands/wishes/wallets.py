"""Lines of sub-accounts that lose and regain the right to run as their own balance with their account turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.commands import record
from accounts.models import Account
from accounts.policy import SYSTEM
from billing.commands.notices import tell_wallet_turn
from billing.models import Wallet
from billing.queries import ColourChange
from lines.commands.wishes.caps import let_run
from lines.commands.wishes.changing import change_wishes
from lines.commands.wishes.standings import ready_standing
from lines.policy import wallet_subject
from lines.policy.precedence import Request, Result, Standing, leads_to
from lines.rules import NOT_MOVING

# Of a line whose holder is a sub-account with a wallet of its own that is too low.
WALLET_IS_RED = (
    "EXISTS (SELECT FROM billing_wallet w"
    " WHERE w.account_id = l.account_id AND w.account_id <> l.payer_id AND w.is_red)"
)
OF_HOLDER = f"l.account_id = ANY(%(ids)s::bigint[]) AND l.payer_id <> l.account_id AND {NOT_MOVING}"


@dataclass(slots=True)
class Enforced:
    """Lines that lost or regained the right to run because a balance turned."""

    suspended: int = 0
    reactivated: int = 0


def enforce_wallets(*, changes: Sequence[ColourChange]) -> Enforced:
    """Suspends the lines of sub-accounts whose wallet turned red and brings back those of others, no other lines.

    Their wallets and those of who pays must be locked. A line that comes back waits for its payer's balance.
    """
    done = Enforced()
    if not changes:
        return done
    found = {one.pk: one for one in Account.objects.filter(pk__in=[change.account_id for change in changes])}
    for change in changes:
        holder = found[change.account_id]
        if change.is_red:
            lines = _suspend(holder)
            done.suspended += lines
        else:
            lines = bring_back(holder=holder, which=OF_HOLDER, ids=[holder.pk])
            done.reactivated += lines
        detail = {"subaccount": holder.name, f"lines_{'suspended' if change.is_red else 'reactivated'}": lines}
        verb = "wallet.red" if change.is_red else "wallet.recovered"
        record(by=SYSTEM, verb=verb, account_id=holder.payer_id, subject=wallet_subject(holder.uuid), detail=detail)
        tell_wallet_turn(holder=holder, is_red=change.is_red, lines=lines)
    return done


def _suspend(holder: Account) -> int:
    running = leads_to(Request.WALLET_RED, Result.WALLET)
    return sum(change_wishes(which=OF_HOLDER, ids=[holder.pk], to=Standing.WALLET, instead_of=running).values())


def bring_back(*, holder: Account, which: str, ids: Sequence[int]) -> int:
    """Of these lines of a holder whose wallet lets them run, those that a wallet suspended; says how many."""
    to = ready_standing(holder=holder)
    waiting = leads_to(Request.WALLET_BACK, Result.ON)
    return sum(let_run(which=which, ids=ids, to=to, instead_of=waiting).values())


def follow_wallet(*, holder: Account, which: str, ids: Sequence[int]) -> None:
    """Lines that came to this holder follow its wallet, if it has one: those of another wallet no longer do."""
    if not holder.is_subaccount or not Wallet.objects.filter(pk=holder.pk, is_red=True).exists():
        bring_back(holder=holder, which=which, ids=ids)
        return
    running = leads_to(Request.WALLET_RED, Result.WALLET)
    change_wishes(which=which, ids=ids, to=Standing.WALLET, instead_of=running)
