"""Tags: a payer's words on its lines, one line or many at a time."""

from __future__ import annotations

import pytest
from kit.errors import Invalid

from accounts.models import Account, Event
from accounts.policy import OPERATOR
from lines.commands import jobs
from lines.commands.tags import set_tags, tag_lines, tag_names, untag_lines
from lines.models import Line, Tag
from lines.policy import Action, Verdict
from lines.queries.jobs import forecast
from lines.work.jobs import run_jobs
from tests.fleets import Fleet


def tags(line: Line) -> list[str]:
    return sorted(line.tags.values_list("name", flat=True))


def test_a_tag_is_one_word_in_any_case_and_is_put_on_once(fleet: Fleet) -> None:
    account = fleet.account()
    one, two = fleet.lines(account, 2)
    assert tag_lines(line_ids=[one.pk], account=account, names=["North"], by=OPERATOR) == {one.pk: Verdict.DO}
    both = tag_lines(line_ids=[one.pk, two.pk], account=account, names=["north"], by=OPERATOR)
    assert both == {one.pk: Verdict.SAME, two.pk: Verdict.DO}
    assert (tags(one), tags(two), Tag.objects.count()) == (["North"], ["North"], 1)
    assert Event.objects.filter(verb="line.tagged").count() == 2


def test_tags_are_taken_off_by_name_or_all(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.line(account)
    tag_lines(line_ids=[line.pk], account=account, names=["a", "b", "c"], by=OPERATOR)
    untag_lines(line_ids=[line.pk], account=account, names=["B", "unknown"], by=OPERATOR)
    assert tags(line) == ["a", "c"]
    set_tags(line=line, names=["c", "d"], by=OPERATOR)
    assert tags(line) == ["c", "d"]
    untag_lines(line_ids=[line.pk], account=account, by=OPERATOR)
    assert tags(line) == []
    assert untag_lines(line_ids=[line.pk], account=account, by=OPERATOR) == {line.pk: Verdict.SAME}


def test_no_account_tags_anothers_line(fleet: Fleet) -> None:
    account, stranger = fleet.account(), fleet.account()
    line = fleet.line(stranger)
    assert tag_lines(line_ids=[line.pk], account=account, names=["mine"], by=OPERATOR) == {line.pk: Verdict.GONE}
    assert tags(line) == []


def test_names_are_tidied_and_bad_ones_refused() -> None:
    assert tag_names(given=["  north   gate , South", "south", ""]) == ["north gate", "South"]
    with pytest.raises(Invalid, match="at most 40"):
        tag_names(given=["x" * 41])
    with pytest.raises(Invalid, match="at most 10"):
        tag_names(given=[",".join(str(number) for number in range(11))])


@pytest.mark.parametrize(
    ("action", "parameters", "expected"),
    [
        (Action.TAG, {"tags": ["a", "b"]}, {Verdict.DO: 2, Verdict.SAME: 1}),
        (Action.TAG, {"tags": ["new"]}, {Verdict.DO: 3}),
        (Action.UNTAG, {"tags": ["a"]}, {Verdict.DO: 2, Verdict.SAME: 1}),
        (Action.RESET_TAGS, {}, {Verdict.DO: 2, Verdict.SAME: 1}),
    ],
)
def test_a_job_tags_as_forecast(
    fleet: Fleet, action: Action, parameters: dict[str, object], expected: dict[Verdict, int]
) -> None:
    account: Account = fleet.account()
    one, two, _ = fleet.lines(account, 3)
    tag_lines(line_ids=[one.pk], account=account, names=["a", "b"], by=OPERATOR)
    tag_lines(line_ids=[two.pk], account=account, names=["a"], by=OPERATOR)
    job = jobs.start_job(
        account=account, lines=Line.objects.all(), action=action, parameters=parameters, selection="all", by=OPERATOR
    )
    assert forecast(job).verdicts == expected
    run_jobs(stop=lambda: False)
    job.refresh_from_db()
    assert (job.done, job.same) == (expected[Verdict.DO], expected.get(Verdict.SAME, 0))
