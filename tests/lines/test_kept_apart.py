"""What sub-accounts are not told: the carrier's words, people of their provider, notes of who held a line before."""

from __future__ import annotations

from dataclasses import replace

from kit import clock

from accounts.models import Account
from accounts.policy import OPERATOR, Actor, ActorKind
from accounts.queries import owner_of
from lines.commands import jobs, lists
from lines.commands.holders import assign
from lines.commands.wishes import edit_notes
from lines.models import IccidList, Job, Line, LineState, SmsMessage
from lines.policy import Action, JobState, SmsState
from lines.queries import line_of
from lines.queries.listing import notes_left
from lines.queries.sms import NOT_TAKEN, list_sms
from lines.sentences import explain
from tests.console.console_people import place_of
from tests.fleets import Fleet


def held(fleet: Fleet) -> tuple[Account, Account, Line]:
    provider = fleet.account()
    sub = fleet.account(parent=provider)
    line = fleet.line(provider)
    assign(line_ids=[line.pk], holder=sub, by=OPERATOR)
    line.refresh_from_db()
    return provider, sub, line


def test_a_refused_message_tells_a_sub_account_neither_the_carriers_words_nor_who_of_its_provider_sent_it(
    fleet: Fleet,
) -> None:
    provider, sub, line = held(fleet)
    own = owner_of(sub).email
    for by in (owner_of(provider).email, own):
        SmsMessage.objects.create(
            line=line, carrier=line.carrier, account=sub, payer=provider, to_device=True, text="on?", is_open=False,
            state=SmsState.REFUSED, last_error="Simbase refused POST /simcards: 422", word="simbase-no", by=by,
        )  # fmt: skip
    (mine, theirs), _ = list_sms(place_of(sub))
    assert (mine.by, theirs.by) == (own, "")
    assert {(one.error, one.word) for one in (mine, theirs)} == {(NOT_TAKEN, "")}
    (shown, _), _ = list_sms(place_of(provider))
    assert "Simbase refused" in shown.error


def test_a_word_that_nobody_knows_is_said_to_the_payer_alone_and_without_our_name(fleet: Fleet) -> None:
    provider, sub, line = held(fleet)
    LineState.objects.filter(pk=line.pk).update(reported=None, reported_word="Ceased - pending")
    outside = line_of(place_of(sub), line.iccid, today=clock.today())
    inside = line_of(place_of(provider), line.iccid, today=clock.today())
    assert outside is not None
    assert inside is not None
    outside, inside = replace(outside, waiting_since=None), replace(inside, waiting_since=None)
    assert "Ceased" not in str(explain(outside, outside=True))
    said = str(explain(inside))
    assert "Ceased - pending" in said
    assert "Linekeeper" not in said


def test_notes_stay_with_who_wrote_them_and_are_there_again(fleet: Fleet) -> None:
    provider, line = fleet.account(), None
    one, two = fleet.account(parent=provider), fleet.account(parent=provider)
    line = fleet.line(provider)
    edit_notes(line=line, notes="van 7", by=OPERATOR)
    for holder, before, writes in (
        (one, "", "door code 4711"),
        (two, "", "lift"),
        (one, "door code 4711", ""),
        (provider, "van 7", ""),
    ):
        assign(line_ids=[line.pk], holder=holder, by=OPERATOR)
        line.refresh_from_db()
        assert line.notes == before
        if holder == two:
            assert notes_left(place_of(provider), line.iccid) == "van 7"
        if writes:
            edit_notes(line=line, notes=writes, by=OPERATOR)
    assert notes_left(place_of(provider), line.iccid) == ""


def test_pasted_lists_and_previews_are_bounded_and_the_oldest_go(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.line(account)
    for number in range(lists.MOST_LISTS + 3):
        lists.keep_list(account=account, iccids=[f"894923{number:012}1"])
    assert IccidList.objects.filter(account=account).count() == lists.MOST_LISTS
    by = Actor(ActorKind.PERSON, owner_of(account).email)
    for _ in range(jobs.MOST_PREVIEWS + 3):
        last = jobs.preview_job(
            account=account, lines=Line.objects.filter(pk=line.pk), action=Action.ACTIVATE, selection="one", by=by
        )
    waiting = Job.objects.filter(account=account, state=JobState.PREVIEWED)
    assert waiting.count() == jobs.MOST_PREVIEWS
    assert waiting.filter(pk=last.pk).exists()
