"""Files for spreadsheets: all of them are known, and each tells what the account has, whole."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kit.exports
import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from lines.models import Line, SmsMessage
from tests.inputs.exports import EXPORTS, NAME, cells_of, fetched, offer
from tests.rigs.roundtrip import NOTES

OURS = Path(__file__).parents[2]
PACKAGES = ("accounts", "automation", "billing", "lines", "subaccounts", "platform")
WRITERS = {id(getattr(kit.exports, name)) for name in ("file_answer", "csv_answer", "workbook_answer")}
LEAVES = re.compile(r"text/csv|spreadsheetml|\.(?:xlsx|csv)[\"']|ms-excel|opendocument")


def routes(patterns: list[Any]) -> Iterator[URLPattern]:
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns)
        else:
            yield one


def functions_of(thing: object, seen: set[int]) -> Iterator[types.FunctionType]:
    """A view and everything of ours that it calls by name, closures and decorated functions included."""
    thing = getattr(thing, "__func__", thing)
    if not isinstance(thing, types.FunctionType) or id(thing) in seen:
        return
    seen.add(id(thing))
    yield thing
    named = [thing.__globals__.get(name) for name in _names(thing.__code__)]
    inside = [cell.cell_contents for cell in thing.__closure__ or () if cell.cell_contents is not None]
    for one in (*named, *inside, getattr(thing, "__wrapped__", None)):
        if getattr(one, "__module__", "").split(".")[0] in {*PACKAGES, "console", "api", "kit"} or one in inside:
            yield from functions_of(one, seen)


def _names(code: types.CodeType) -> set[str]:
    inner = [_names(one) for one in code.co_consts if isinstance(one, types.CodeType)]
    return set(code.co_names).union(*inner)


def writes_a_file(view: object) -> bool:
    return any(id(one) in WRITERS for one in functions_of(view, set()))


def test_every_address_that_answers_with_a_file_is_known() -> None:
    found = {one.name for one in routes(get_resolver().url_patterns) if writes_a_file(one.callback)}
    assert found == set(EXPORTS)


def test_no_file_for_a_spreadsheet_leaves_by_another_way() -> None:
    """An export of the back office, or one that builds its answer itself, would not be found above."""
    views = {one.callback.__module__ for one in routes(get_resolver().url_patterns) if writes_a_file(one.callback)}
    users, others = set(), set()
    for path in (path for package in PACKAGES for path in (OURS / package).rglob("*.py")):
        parts = path.relative_to(OURS).with_suffix("").parts
        name, text = ".".join(parts[1:] if parts[0] == "platform" else parts), path.read_text()
        if "import" in text and re.search(r"^from kit\.exports import", text, re.M):
            users.add(name)
        if name != "kit.exports" and LEAVES.search(re.sub(r'""".*?"""|#.*', "", text, flags=re.S)):
            others.add(name)
    assert users == views
    assert {one for one in others if ".views" in one or ".admin" in one} <= views


@pytest.fixture
def files(db: None) -> dict[str, list[bytes]]:
    there = offer()
    return {name: [fetched(there.client_for(name), one) for one in where(there)] for name, where in EXPORTS.items()}


def test_each_file_tells_everything_whole(files: dict[str, list[bytes]]) -> None:
    cells = {name: [set(sum(cells_of(one), ())) for one in found] for name, found in files.items()}
    iccids = set(Line.objects.values_list("iccid", flat=True))
    numbers = set(Line.objects.values_list("imei", flat=True)) | set(Line.objects.values_list("msisdn", flat=True))
    for name in ("lines-csv", "lines-xlsx", "audit_csv", "job-csv", "rule_activity_csv", "statement"):
        for found in cells[name]:
            assert iccids <= found, name
            if name != "job-csv":
                assert set(NOTES) <= found, name
    for name in ("lines-csv", "lines-xlsx"):
        assert numbers <= cells[name][0]
    assert set(NOTES) <= cells["line-connections-csv"][0]
    assert "12345678901" in cells["line-readings-csv"][0]
    assert all(NAME in found for found in cells["statement"])
    assert len(cells["statement"]) == 2
    assert SmsMessage.objects.count() == len(NOTES)


def test_no_cell_of_any_file_is_a_formula(files: dict[str, list[bytes]]) -> None:
    """Before our own reader takes the marks off."""
    for name, found in files.items():
        for content in found:
            if not content.startswith(b"PK"):
                for cell in re.split(r'[\n\r,]"?', content.decode("utf-8-sig")):
                    assert not cell.startswith(("=1", "+4", "-5", "@", "=H", "＝")), (name, cell)
