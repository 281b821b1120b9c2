"""add_account, and the shape that every operator's command has."""

import json
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command, execute_from_command_line
from django.core.management.base import CommandError
from kit.errors import Refusal
from kit.operator import OperatorCommand, readable

from accounts.commands import open_account
from accounts.models import Account
from accounts.policy import OPERATOR
from accounts.queries import owner_of


def add_account(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("add_account", *arguments, "--json", stdout=out)
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


@pytest.mark.django_db
def test_add_account_answers_one_json_document() -> None:
    answer = add_account("Acme", "--owner", "jane@acme.example", "--password", "orbit-lantern-42", "--professional")
    account = Account.objects.get()
    assert answer["account_uuid"] == account.uuid.hex
    assert len(answer["user_uuid"]) == len(answer["shared_key"]) == 32
    assert answer["professional"] is True
    assert owner_of(account).check_password("orbit-lantern-42")


@pytest.mark.django_db
@pytest.mark.parametrize("dashes", [True, False])
def test_add_account_takes_a_parent_in_both_forms(dashes: bool) -> None:
    parent = open_account(name="Acme", owner_email="jane@acme.example", by=OPERATOR)
    given = str(parent.uuid) if dashes else parent.uuid.hex
    answer = add_account("Harbour", "--owner", "sub@harbour.example", "--parent", given)
    assert answer["parent"] == parent.uuid.hex
    assert Account.objects.get(name="Harbour").parent == parent


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["Acme", "--owner", "nobody"], 1, "is not a mail address"),
        (["Acme", "--owner", "a@b.example", "--parent", "12"], 1, "No account has the UUID"),
        (["Acme"], 2, "--owner"),
        (["Acme", "--owner", "a@b.example", "--nonsense"], 2, "--nonsense"),
    ],
)
def test_a_refusal_is_one_line_and_exit_1_a_wrong_use_exit_2(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.core.management.base.connections.close_all", lambda: None)  # the test's own
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "add_account", *arguments])
    said = capsys.readouterr()
    assert ended.value.code == code
    assert said.out == ""
    assert words in said.err
    assert code == 2 or len(said.err.splitlines()) == 1
    assert not Account.objects.exists()


class Answers(OperatorCommand):
    """Answers with one of each kind of value, or refuses."""

    refuses = False

    def answer(self, **options: Any) -> dict[str, Any]:
        if self.refuses:
            raise Refusal("not\ntoday")
        return {"amount": Decimal("1.5"), "rows": [{"row": 1, "why": "bad"}], "nothing": None, "part": {"yes": True}}

    def exit_code(self, answer: dict[str, Any]) -> int:
        return 1


def test_an_answer_may_be_bad_news_and_is_still_said_whole() -> None:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command(Answers(stdout=out), "--json")
    assert ended.value.code == 1
    assert json.loads(out.getvalue())["amount"] == "1.500000"


def test_a_refusal_reaches_a_caller_inside_python_as_an_error() -> None:
    command = Answers()
    command.refuses = True
    with pytest.raises(CommandError, match="not today"):
        call_command(command)


def test_the_same_answer_reads_well_without_json() -> None:
    assert readable(Answers().answer()) == [
        "amount: 1.500000",
        "rows:",
        "  - row: 1",
        "    why: bad",
        "nothing: none",
        "part:",
        "  yes: yes",
    ]
