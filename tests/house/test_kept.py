"""Answers that are kept for a moment."""

import pytest
from kit import kept
from kit.kept import Kept


def test_an_answer_is_kept_for_its_time_if_it_is_worth_it_and_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    now, asked = [0.0], []

    def find(value: int) -> int:
        asked.append(value)
        return value

    monkeypatch.setattr("kit.kept.time.monotonic", lambda: now[0])
    answers: Kept[int] = Kept(seconds=30, most=2, worth=lambda value: value >= 10)
    assert [answers.get("small", lambda: find(1)) for _ in range(2)] == [1, 1]
    assert [answers.get("large", lambda: find(10)) for _ in range(3)] == [10, 10, 10]
    now[0] = 29.9
    assert answers.get("large", lambda: find(11)) == 10
    now[0] = 30.0
    assert answers.get("large", lambda: find(12)) == 12
    assert [answers.get(key, lambda: find(13)) for key in ("b", "b", "c", "c")] == [13, 13, 13, 13]
    kept.forget()
    assert answers.get("large", lambda: find(14)) == 14
    assert asked == [1, 1, 10, 12, 13, 13, 13, 14]
