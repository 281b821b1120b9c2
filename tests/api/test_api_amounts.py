"""Numbers that an API call is given are read by the one grammar of amounts, whether as numbers or as texts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from automation.models import Rule
from tests.api.keepgo_client import KeepgoClient

RULE = {"name": "512 MB a day", "trigger": "usage", "unit": "mb", "period": "day", "then": "next-day"}


@pytest.mark.parametrize(
    "text",
    [
        "1e1",
        "1E+1",
        "1_00",
        "５",
        "٥",
        "NaN",
        "Infinity",
        "5.",
        ".5",
        "5,00",
        "1.000,00",
        "5$0",
        "+5",
        "\n5",
        "5 0",
        "",
    ],
)
def test_what_is_no_amount_is_refused_and_not_guessed(client: KeepgoClient, text: str) -> None:
    answer = client.post("rules", RULE | {"limit": text})
    assert (answer.status_code, "limit" in answer.json()["detail"]) == (422, True)
    assert not Rule.objects.exists()


@pytest.mark.parametrize(
    ("limit", "kept"),
    [("10", 10), ("1,250.50", "1250.5"), (" 7 ", 7), (600.5, "600.5"), (512, 512), ("0.000001", "0.000001")],
)
def test_an_amount_is_taken_as_a_number_and_as_a_text(client: KeepgoClient, limit: object, kept: object) -> None:
    assert client.post("rules", RULE | {"limit": limit}).status_code == 200
    assert Rule.objects.get().limit == Decimal(str(kept))


@pytest.mark.parametrize("text", ["1e1", "5.0", "1_0", "５", "+5"])
def test_a_whole_number_of_a_query_is_written_in_digits(client: KeepgoClient, text: str) -> None:
    answer = client.get("sms", page=text)
    assert (answer.status_code, "page" in answer.json()["detail"]) == (422, True)
    assert client.get("sms", page="1").status_code == 200
