"""Jobs in words: what an action is called, how a job stands, and why a line was refused."""

from __future__ import annotations

from dataclasses import dataclass

from lines.models import Job
from lines.policy import Action, Item, JobState, Verdict


@dataclass(frozen=True, slots=True)
class Words:
    """`button` begins it, `name` is what a list of jobs calls it, `means` says what it does."""

    button: str
    name: str
    means: str


ACTIONS = {
    Action.ACTIVATE: Words("Activate", "Activate", "Lines are wanted on; each is on when its carrier confirms it."),
    Action.DEACTIVATE_NEXT_DAY: Words(
        "Deactivate tomorrow",
        "Deactivate tomorrow",
        "Lines stop at 00:00 UTC; until then you can keep them. Suspended ones are deactivated at once.",
    ),
    Action.DEACTIVATE: Words("Deactivate now", "Deactivate", "Lines stop as soon as their carrier confirms it."),
    Action.DEACTIVATE_ON: Words("Deactivate on a day", "Deactivate on a day", "Lines stop at 00:00 UTC of that day."),
    Action.KEEP: Words("Keep active", "Remove deactivation dates", "The deactivation date goes; the line stays on."),
    Action.SMS: Words(
        "Send SMS", "Send SMS", "The same message to each device; one is paid when its carrier takes it."
    ),
    Action.ASSIGN: Words(
        "Assign", "Assign", "Lines go to a sub-account, or back to you. Your account pays for them all the same."
    ),
    Action.PLAN: Words(
        "Change rate plan", "Change rate plan", "What is read from then on is at the new plan's prices."
    ),
    Action.TAG: Words("Add tags", "Add tags", "Words to find lines by and to act on them together."),
    Action.UNTAG: Words("Remove tags", "Remove tags", "These words are taken off; others stay."),
    Action.RESET_TAGS: Words("Remove all tags", "Remove all tags", "Every tag is taken off these lines."),
    Action.FIELDS: Words(
        "Set custom fields", "Set custom fields", "Fields you leave empty stay as they are. You can undo it afterwards."
    ),
    Action.RESTORE_FIELDS: Words(
        "Restore custom fields", "Restore custom fields", "Each line gets back the values it had before."
    ),
}

VERDICTS = {
    Verdict.DO: "done",
    Verdict.SAME: "it is so already",
    Verdict.RED: "the available balance is below its minimum: add funds, then try again",
    Verdict.WALLET_RED: "its sub-account’s balance is below its minimum: add credit to it, then try again",
    Verdict.CAP_FULL: "a cap over it is full: raise the cap, or wait for its next period",
    Verdict.HOLDER_OFF: "its sub-account is switched off: switch that on, then try again",
    Verdict.DEACTIVATED: "it is deactivated already",
    Verdict.NOT_ON: "it is not activated: activate it first",
    Verdict.OTHER_CARRIER: "the rate plan is another carrier’s",
    Verdict.NOT_OFFERED: "the rate plan is no longer offered to you",
    Verdict.CANNOT: "its carrier cannot do this",
    Verdict.NO_FIELD: "the custom field, or the choice, was removed meanwhile",
    Verdict.UNCONFIRMED: "your email address is not confirmed: open the link in the email we sent you",
    Verdict.OVER_DAY: "the daily limit is reached: try again after 00:00 UTC",
    Verdict.GONE: "it is no longer one of your lines",
}
VERDICTS_OUTSIDE = VERDICTS | {
    Verdict.RED: "your provider does not allow it now: ask there",
    Verdict.WALLET_RED: "your balance is below its minimum: ask your provider for credit",
    Verdict.CAP_FULL: "a cap of your provider is full: ask there",
    Verdict.HOLDER_OFF: "your provider does not allow it now: ask there",
    Verdict.UNCONFIRMED: "your provider does not allow it now: ask there",
    Verdict.CANNOT: "this line cannot do this",
}

ITEMS = {
    Item.WAITING: "Waiting",
    Item.DONE: "Done",
    Item.SAME: "Nothing to do",
    Item.REFUSED: "Refused",
    Item.FAILED: "Failed",
}

STATES = {
    JobState.PREVIEWED: "Not started",
    JobState.RUNNING: "Running",
    JobState.PAUSED: "Paused",
    JobState.CANCELLED: "Cancelled",
    JobState.DONE: "Done",
}


def state_word(job: Job) -> str:
    """A job that was started, and of which no line has had its turn since, is queued."""
    state = JobState(job.state)
    return "Queued" if state is JobState.RUNNING and job.over <= job.run_from else STATES[state]


def reason(verdict: str, note: str, *, outside: bool) -> str:
    """Why a line is where it is; `outside` for a sub-account's people."""
    words = VERDICTS_OUTSIDE if outside else VERDICTS
    return note or words.get(Verdict(verdict), verdict) if verdict else note
