"""The rules of lines, pure: status, cycles, what a line's day costs, when to try a carrier again."""

from __future__ import annotations

import datetime as dt
import enum
import random
import uuid
from decimal import ROUND_HALF_UP, Decimal

from accounts.policy import Right

MEGABYTE = 1_048_576  # bytes
PER_BYTE = Decimal("0.00000095367431640625")  # 1 / MEGABYTE, exactly: a product never rounds before `data_cost` does
PLACES = Decimal("0.000001")


class Status(enum.IntEnum):
    """Keepgo's status ids (observed API: status_id)."""

    ACTIVATED = 1
    DEACTIVATED = 2
    SUSPENDED = 3
    ACTIVATION_READY = 4

    @property
    def word(self) -> str:
        return self.name.replace("_", " ").title()


class Wanted(enum.IntEnum):
    """What we want of a line. Suspended: its owner wants it active, its balance does not allow it."""

    ACTIVE = 1
    DEACTIVATED = 2
    SUSPENDED = 3


class Why(enum.StrEnum):
    """Why a line is wanted off."""

    BALANCE = "balance"
    WALLET = "wallet"  # its sub-account's own balance, with the account that resells to it
    PERSON = "person"
    RULE = "rule"
    CAP = "cap"  # a cap over it is full
    SUBACCOUNT = "sub-account"
    CARRIER = "carrier"  # it switched the SIM off by itself: another device, with the IMEI lock on
    NEW = "new"  # never activated since it was added


def balance_subject(payer: uuid.UUID) -> str:
    """What events about a payer's balance are about."""
    return f"balance:{payer.hex}"


def wallet_subject(subaccount: uuid.UUID) -> str:
    """What events about a sub-account's own balance are about."""
    return f"wallet:{subaccount.hex}"


class Differs(enum.StrEnum):
    """How a carrier's stock and ours differ."""

    UNKNOWN = "unknown"  # the carrier has a SIM that is no line of ours
    MISSING = "missing"  # we have a line that the carrier does not show
    DRIFT = "drift"  # its state is not what we want, for long


CLEARING = dt.timedelta(days=7)  # in which both sides of a move are compared by themselves


class Settled(enum.StrEnum):
    """What was decided about a day that two systems charged differently."""

    CREDITED = "credited"  # the balance was put right
    DISMISSED = "dismissed"  # it stays as it is


class Hold(enum.StrEnum):
    """What became of a movement that was too large to be believed at once."""

    HELD = "held"
    CHARGED = "charged"  # a second reading agreed, or a person did
    TAKEN_BACK = "taken back"  # a second reading showed less
    DISMISSED = "dismissed"  # a person let it go: the counter goes on from there, and nothing is charged


DRIFTS_AFTER = dt.timedelta(minutes=30)  # a wish that is not confirmed so long is no passing matter


def is_other_device(before: str, after: str) -> bool:
    """Whether a known IMEI is another one now: the first 14 digits are the device, what follows its software's version

    or a check digit.
    """
    return before != "" and before[:14] != after[:14]


LONGEST_SMS = 70  # characters of one message to a device, as the network counts them


class SmsState(enum.StrEnum):
    """What is known of a message."""

    QUEUED = "queued"  # not taken by the carrier yet
    SENT = "sent"  # taken, and charged
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    REFUSED = "refused"  # it never went out; nothing was charged
    RECEIVED = "received"  # from the device


# From each state, where it may go. A message is charged once: on its way out of QUEUED, unless it is refused.
SMS_MOVES: dict[SmsState, frozenset[SmsState]] = {
    SmsState.QUEUED: frozenset({SmsState.SENT, SmsState.REFUSED}),
    SmsState.SENT: frozenset({SmsState.DELIVERED, SmsState.UNDELIVERED}),
    SmsState.DELIVERED: frozenset(),
    SmsState.UNDELIVERED: frozenset(),
    SmsState.REFUSED: frozenset(),
    SmsState.RECEIVED: frozenset(),
}
SMS_READ_BACK = dt.timedelta(seconds=60)  # so long a message of unknown outcome is looked for before it goes again
SMS_GIVEN_UP = dt.timedelta(days=1)  # a message that no carrier took until then is not sent any more
SMS_FOLLOWED = dt.timedelta(days=3)  # so long it is asked whether a message arrived


def sms_length(text: str) -> int:
    """Characters as the network and browsers count them: one outside the basic plane, as an emoji, is two."""
    return len(text.encode("utf-16-le")) // 2


def sms_follow_after(age: dt.timedelta) -> dt.timedelta:
    """How long until a message that was sent is asked for again: soon at first, each hour at last."""
    return min(max(age / 2, dt.timedelta(seconds=5)), dt.timedelta(hours=1))


class OrderState(enum.StrEnum):
    """Of a request for SIM cards."""

    OPEN = "open"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


STORE_SELLS = 10  # SIM cards at once; more are asked for by the contact form
MOST_ORDERED = 1_000_000


def status(wanted: Wanted, *, confirmed_on: bool) -> Status:
    """What a person reads. Activation Ready: wanted active, not yet confirmed by the carrier."""
    if wanted is Wanted.ACTIVE:
        return Status.ACTIVATED if confirmed_on else Status.ACTIVATION_READY
    return Status(int(wanted))


def data_cost(used: int, per_mb: Decimal) -> Decimal:
    """round_half_up(bytes x price per MB / 1,048,576, 6), in USD."""
    return (used * per_mb * PER_BYTE).quantize(PLACES, rounding=ROUND_HALF_UP)


def cycle_start(day: dt.date, cycle_day: int = 1) -> dt.date:
    """The first day of the cycle that `day` is in; a cycle begins on `cycle_day` (1 to 28) of each month."""
    if day.day >= cycle_day:
        return day.replace(day=cycle_day)
    return (day.replace(day=1) - dt.timedelta(days=1)).replace(day=cycle_day)


def cycle_end(start: dt.date) -> dt.date:
    """The last day of the cycle that begins on `start`."""
    return (start + dt.timedelta(days=31)).replace(day=start.day) - dt.timedelta(days=1)


def retry_after(attempts: int) -> dt.timedelta:
    """How long a carrier is left alone after so many failed tries: 5 s doubling to half an hour, spread by a fifth."""
    seconds = min(5.0 * 2 ** min(max(0, attempts - 1), 20), 1800.0)
    return dt.timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spreading load, not a secret


PAGE_LINES = 250  # of a carrier's list


def calls_a_pass(lines: int, *, by_page: bool) -> int:
    """Calls that one reading of so many lines takes: one a page, or one a line."""
    return max(1, -(-lines // PAGE_LINES) if by_page else lines)


FINALS_SHARE = 0.5  # of the day's calls that final totals may take


def read_interval(wanted_seconds: int, calls_per_pass: int, calls_per_day: int | None, finals: int = 0) -> int:
    """Seconds between two passes: as wanted, or longer so that reading takes at most four fifths of the day's calls.

    `finals` are final totals that wait: what they take today and a tenth for all else is left to them.
    """
    if not calls_per_day:
        return wanted_seconds
    room = min(calls_per_day * 4 // 5, calls_per_day * 9 // 10 - finals_today(finals, calls_per_day))
    return max(wanted_seconds, -(-86_400 * calls_per_pass // max(1, room)))


def finals_today(waiting: int, calls_per_day: int) -> int:
    """How many final totals are fetched in a day, of so many that wait: one call each."""
    return min(waiting, int(calls_per_day * FINALS_SHARE))


def pages_after(*, page: int, told: int, is_full: bool, lines: int) -> int:
    """Up to which page a carrier's list is asked for once a page is read: how many it has is told, and doubted.

    We go no further than twice as far as there were answers, or as our own lines there reach; and on past the end that
    is told while pages are full and our lines are not all in them.
    """
    ours = -(-lines // PAGE_LINES)
    wanted = max(told, page + 1) if is_full and page < ours else told
    return min(wanted, max(ours + 1, 2 * page, 4))


class Action(enum.StrEnum):
    """What people do to lines, one or many."""

    ACTIVATE = "activate"
    DEACTIVATE_NEXT_DAY = "deactivate-next-day"
    DEACTIVATE = "deactivate"  # at once
    DEACTIVATE_ON = "deactivate-on"  # at 00:00 of a day
    KEEP = "keep"  # takes the deactivation date away
    SMS = "sms"
    ASSIGN = "assign"  # to a sub-account, or back to the account itself
    PLAN = "plan"
    TAG = "tag"
    UNTAG = "untag"
    RESET_TAGS = "reset-tags"
    FIELDS = "set-fields"
    RESTORE_FIELDS = "restore-fields"  # to what each line had before a job

    @property
    def right(self) -> Right:
        """What somebody needs to do this."""
        return RIGHT_FOR.get(self, Right.STOP_LINES)


RIGHT_FOR = {
    Action.ACTIVATE: Right.ACTIVATE_LINES,
    Action.SMS: Right.ACTIVATE_LINES,
    Action.KEEP: Right.MANAGE_LINES,  # a line that stays costs more
    Action.ASSIGN: Right.MANAGE_LINES,
    Action.PLAN: Right.MANAGE_LINES,
    Action.TAG: Right.EDIT_NOTES,
    Action.UNTAG: Right.EDIT_NOTES,
    Action.RESET_TAGS: Right.EDIT_NOTES,
    Action.FIELDS: Right.MANAGE_LINES,
    Action.RESTORE_FIELDS: Right.MANAGE_LINES,
}
OF_FIELDS = frozenset({Action.FIELDS, Action.RESTORE_FIELDS})
OF_SUBACCOUNTS = frozenset({Action.ACTIVATE, Action.SMS})  # whatever rights its people have


class Verdict(enum.StrEnum):
    """Whether an action may be done to a line now; all but DO and SAME are refusals."""

    DO = "do"
    SAME = "same"  # it is so already
    RED = "red"  # the payer's balance is below its minimum
    WALLET_RED = "wallet red"  # the sub-account's own balance with its account is
    CAP_FULL = "cap full"  # a cap that stops its lines is
    HOLDER_OFF = "holder off"  # its sub-account is switched off
    DEACTIVATED = "deactivated"
    NOT_ON = "not on"
    OTHER_CARRIER = "other carrier"
    NOT_OFFERED = "not offered"  # the rate plan, to its payer
    CANNOT = "cannot"  # its carrier has no such call
    NO_FIELD = "no field"  # the custom field is gone, or the choice
    UNCONFIRMED = "unconfirmed"  # its payer's owner has not confirmed the email address
    OVER_DAY = "over day"  # its payer's limit of the day is reached
    GONE = "gone"  # no longer the account's

    @property
    def is_refusal(self) -> bool:
        return self not in (Verdict.DO, Verdict.SAME)


NO_DATE = "none"


def undoing(action: Action, before: str, *, has_come: bool = False) -> tuple[Action, dict[str, str | list[str]]] | None:
    """What brings a line back to what it was before an action, and what that must be told; None: nothing can.

    `before` is the wish's name, the deactivation date or NO_DATE, the tags that were put on or taken off with commas
    between, the holder's UUID, the rate plan's id, the UUID of the job that knows what each line had in custom fields;
    empty where it is not known. `has_come`: the day on which the action switches lines off is there.
    """
    was_off = before == Wanted.DEACTIVATED.name
    match action:
        case _ if not before:
            return None
        case Action.ACTIVATE if was_off:
            return Action.DEACTIVATE, {}
        case Action.ACTIVATE if before not in Wanted.__members__:  # it took a date away and no more
            return Action.DEACTIVATE_ON, {"date": before}
        case Action.DEACTIVATE_NEXT_DAY if before == Wanted.ACTIVE.name and not has_come:
            return Action.KEEP, {}
        case Action.DEACTIVATE | Action.DEACTIVATE_NEXT_DAY if not was_off:
            return Action.ACTIVATE, {}
        case Action.DEACTIVATE_ON if has_come:
            return Action.ACTIVATE, {}
        case Action.DEACTIVATE_ON if before == NO_DATE:
            return Action.KEEP, {}
        case Action.DEACTIVATE_ON | Action.KEEP:
            return Action.DEACTIVATE_ON, {"date": before}
        case Action.TAG:
            return Action.UNTAG, {"tags": before.split(",")}
        case Action.UNTAG | Action.RESET_TAGS:
            return Action.TAG, {"tags": before.split(",")}
        case Action.ASSIGN:
            return Action.ASSIGN, {"account": before}
        case Action.PLAN:
            return Action.PLAN, {"plan": before}
        case Action.FIELDS | Action.RESTORE_FIELDS:
            return Action.RESTORE_FIELDS, {"job": before}
    return None


class ExportKind(enum.StrEnum):
    """What a file of usage has a row for."""

    DAYS = "days"  # each line and day
    SESSIONS = "sessions"  # each session, or stay in a network


class JobState(enum.StrEnum):
    """What has become of work on many lines."""

    PREVIEWED = "previewed"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"


class JobMove(enum.StrEnum):
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    FINISH = "finish"


# Which state a move leads to; a move that is not here is refused.
JOB_MOVES: dict[tuple[JobState, JobMove], JobState] = {
    (JobState.PREVIEWED, JobMove.START): JobState.RUNNING,
    (JobState.PREVIEWED, JobMove.CANCEL): JobState.CANCELLED,
    (JobState.RUNNING, JobMove.PAUSE): JobState.PAUSED,
    (JobState.RUNNING, JobMove.CANCEL): JobState.CANCELLED,
    (JobState.RUNNING, JobMove.FINISH): JobState.DONE,
    (JobState.PAUSED, JobMove.RESUME): JobState.RUNNING,
    (JobState.PAUSED, JobMove.CANCEL): JobState.CANCELLED,
    (JobState.DONE, JobMove.RETRY): JobState.RUNNING,
    # The second click.
    (JobState.RUNNING, JobMove.START): JobState.RUNNING,
    (JobState.RUNNING, JobMove.RESUME): JobState.RUNNING,
    (JobState.RUNNING, JobMove.RETRY): JobState.RUNNING,
    (JobState.PAUSED, JobMove.PAUSE): JobState.PAUSED,
    (JobState.CANCELLED, JobMove.CANCEL): JobState.CANCELLED,
    (JobState.DONE, JobMove.START): JobState.DONE,
}


class Item(enum.IntEnum):
    """What has become of one line of a job."""

    WAITING = 0
    DONE = 1
    SAME = 2
    REFUSED = 3
    FAILED = 4


def late_after(read_every: int, calls_per_day: int | None) -> dt.timedelta:
    """How old a carrier's last whole reading may be before people are told: several turns, a quarter of an hour at
    least; six hours where its calls are so few that a turn may take long."""
    turns = dt.timedelta(seconds=max(900, 5 * read_every))
    return turns if calls_per_day is None else max(turns, dt.timedelta(hours=6))
