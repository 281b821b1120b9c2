"""When work with money is done: bells that Celery rings. Rows are the work; each of these is harmless twice."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable

from celery import shared_task
from kit import clock, posting

from billing import mail, queries, stripe, work
from billing.commands import cards, events, notices, notifying, payments, refills, statements
from billing.models import Payment, Refund

BATCH = 50
log = logging.getLogger(__name__)


def _each(things: Iterable[int], do: Callable[[int], object]) -> int:
    """Each of them, whatever becomes of the others; says how many were done."""
    done = 0
    for thing in things:
        try:
            do(thing)
            done += 1
        except Exception:
            log.exception("%s(%s) failed", getattr(do, "__name__", do), thing)
    return done


@shared_task
def ask_stripe() -> int:
    """The janitor: asks about payments whose end we have not heard, and handles events that could not be."""
    if not stripe.is_configured():
        return 0
    done = _each(queries.payments_to_ask(now=clock.now(), limit=BATCH), work.janitor)
    done += _each(
        queries.refunds_to_ask(now=clock.now(), limit=BATCH), lambda pk: work.give_back(Refund.objects.get(pk=pk))
    )
    return done + _each(
        queries.events_to_handle(now=clock.now(), limit=BATCH), lambda pk: work.handle(events.take_up(pk=pk))
    )


@shared_task(soft_time_limit=270, time_limit=285)
def compare_payments() -> int:
    """Once a day: what moved at Stripe beside our books. Says how much no event had told of."""
    claimed = events.claim_comparison() if stripe.is_configured() else None
    if claimed is None:
        return 0
    comparison, since = claimed
    try:
        looked, found = work.compare(since=since)
    except Exception as failure:
        log.exception("payments could not be compared with Stripe's")
        events.end_comparison(comparison_id=comparison.pk, failed=f"{type(failure).__name__}: {failure}")
        return 0
    unread = _reconcile(since)
    events.end_comparison(comparison_id=comparison.pk, looked=looked, found=found, unread=unread)
    return found


def _reconcile(since: dt.datetime) -> str:
    """Why Stripe's balance could not be read, such as a key that may not; empty where it was."""
    try:
        work.reconcile(since=since)
    except Exception as failure:
        log.exception("Stripe's balance could not be compared with our ledger")
        return f"Balance not compared: {failure}"
    return ""


@shared_task
def refill_balances() -> int:
    """Fixes amounts on the 5th, then charges the cards of accounts whose balance is low."""
    today = clock.today()
    _each(queries.amounts_to_fix(today=today), lambda pk: refills.fix_amount(account_id=pk, today=today))
    if not stripe.is_configured():
        return 0
    return _each(queries.accounts_to_refill(now=clock.now()), _refill)


def _refill(account_id: int) -> Payment | None:
    payment = payments.begin_auto_refill(account_id=account_id)
    return None if payment is None else work.pay(payment)


@shared_task
def warn_of_cards() -> int:
    """Tells owners whose card ends soon."""
    return cards.warn_of_expiry(today=clock.today())


@shared_task
def close_statements() -> int:
    """Says of which accounts the last month's figures are final."""
    return statements.close_statements(today=clock.today())


@shared_task
def watch_balances() -> int:
    """Tells owners whose balance turned low."""
    return notices.tell_low(today=clock.today())


def _save(notice: posting.Posted, fields: list[str]) -> None:
    notices.save_posted(notice=notice, fields=fields)


@shared_task
def send_notices() -> int:
    """Shows people what they are to be told, and mails it."""
    notifying.show_due()
    notices.doubt_old_notices()
    return posting.send_due(notices.claim_notice, mail.letter_of, save=_save, most=BATCH)
