"""docs/documents.md has a row for each sentence, call and field of the four documents, each with tests that there are.

The documents themselves lie beside the repository, or they do not: then what the repository has of them is compared.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from simulator import iotportal, simbase

from lines.carriers.fields import mended
from tests.carriers.test_carriers_calls import calls_of

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT.parent / "shared" / "reference"
PAGE = (ROOT / "docs" / "documents.md").read_text()
EXAMPLES = ROOT / "tests" / "carriers" / "examples"
SENTENCES = {
    "## The console tutorial": "keepgo-console-tutorial.txt",
    "## Keepgo IoT REST API: the overview": "keepgo-rest-api-overview.md",
}
COLLECTIONS = {
    "## Simbase, API v1": "simbase-api-v1.postman.json",
    "## IoT Portal, Core API": "iot-portal-core-api.postman.json",
}
OBSERVED = "## Keepgo IoT REST API: the calls seen in use"
NOT_OURS = "not ours: "
Row = tuple[str, str, str, str]  # the document's name of the call, the call, the part, the field


def part(heading: str) -> str:
    return PAGE.split(heading)[1].split("\n## ")[0]


def cells(heading: str) -> list[list[str]]:
    """The rows of a part's tables without their headings; bars within a cell are escaped."""
    rows = re.findall(r"^\| (.+) \|$", part(heading), re.M)
    split = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in rows]
    return [row for row in split if not set(row[0]) <= {"-"} and row[-1] != "held by"]


def named_tests() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in ROOT.glob("tests/**/test_*.py"):
        found.setdefault(path.stem, set()).update(re.findall(r"^ *def (test_\w+)", path.read_text(), re.M))
    return found


@pytest.mark.parametrize("heading", [*SENTENCES, OBSERVED, *COLLECTIONS])
def test_every_row_names_tests_that_there_are(heading: str) -> None:
    there, wrong = named_tests(), []
    rows = cells(heading)
    for row in rows:
        named = re.findall(r"`(test_\w+)::(test_\w+)`", row[-1])
        wrong += [f"{row[0]}: {file}::{name}" for file, name in named if name not in there.get(file, ())]
        wrong += [] if named or row[-1].startswith(NOT_OURS) else [f"{row}: names no test and no reason"]
        wrong += [] if all(row) else [f"{row}: an empty cell"]
    assert rows
    assert not wrong, "\n".join(wrong)


# Sentences


def pieces(text: str) -> Iterator[str]:
    """A text's sentences and headings, without marks of lists."""
    for line in text.splitlines():
        line = re.sub(r"^[\s>#*•\-\d.]+(?=\S)", "", line).strip()
        if line and not set(line) <= set("|- "):
            yield from (one.strip() for one in re.split(r"(?<=[.!?:;])\s+(?=[A-Z*“\"])", line) if one.strip())


def mark(sentence: str) -> str:
    words = re.sub(r"\W+", " ", sentence.lower()).strip()
    return hashlib.sha256(words.encode()).hexdigest()[:8]


@pytest.mark.parametrize("heading", SENTENCES)
def test_no_sentence_is_missing(heading: str) -> None:
    rows = [row[0] for row in cells(heading)]
    assert len(rows) == len(set(rows)) > 60
    assert all(re.fullmatch("[0-9a-f]{8}", row) for row in rows)
    source = REFERENCE / SENTENCES[heading]
    if source.exists():
        assert set(rows) == {mark(one) for one in pieces(source.read_text())}


# Calls and fields


def keys(value: Any, inside: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, within in value.items():
            yield (whole := f"{inside}.{name}" if inside else name)
            yield from keys(within, whole)
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, dict | list):
                yield from keys(one, f"{inside}[]")


def read(text: str) -> Any:
    """JSON, mended; or what is none, such as a bare word."""
    try:
        return json.loads(mended(text.encode()))
    except ValueError:
        return text


def items(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in found:
        yield from items(one["item"]) if "item" in one else [one]


def fields_of(collection: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name of the call, part and field; a route by its verb alone, as documents write its values in their own way."""
    for one in items(collection["item"]):
        name, request = one["name"], one["request"]
        yield name, "route", request["method"]
        address = request.get("urlObject") or request["url"]
        yield from ((name, "query", asked["key"]) for asked in address.get("query", ()))
        yield from (
            (name, "header", told["key"]) for told in request.get("header", ()) if told["key"] != "Content-Type"
        )
        yield from ((name, "body", field) for field in keys(read((request.get("body") or {}).get("raw", ""))))
        for response in one.get("response", ()):
            yield from ((name, "answer", field) for field in keys(read(response.get("body") or "")))


def rows_of(heading: str) -> set[tuple[str, str, str]]:
    found = {(row[0], row[1], row[2].strip("`")) for row in cells(heading) if len(row) == 5}
    return {(name, kind, field.split()[0] if kind == "route" else field) for name, kind, field in found}


@pytest.mark.parametrize("heading", COLLECTIONS)
def test_no_call_and_no_field_is_missing(heading: str) -> None:
    source = REFERENCE / COLLECTIONS[heading]
    if source.exists():
        assert rows_of(heading) == set(fields_of(json.loads(source.read_text())))
    routes = {row[2].strip("`") for row in cells(heading) if row[1] == "route"}
    module = simbase if "simbase" in COLLECTIONS[heading] else iotportal
    assert routes == calls_of(module)  # what the simulator speaks is what the document has


def test_every_field_of_the_examples_has_its_row() -> None:
    for path in EXAMPLES.iterdir():
        heading = next(
            one
            for one, file in COLLECTIONS.items()
            if path.stem.split("-")[0] in file.replace("iot-portal", "iotportal")
        )
        call = path.stem.split("-", 1)[1].replace("-", " ")
        rows = {field for name, kind, field in rows_of(heading) if kind == "answer" and name.lower() == call}
        assert rows == set(keys(read(path.read_text()))), path.name


def test_no_call_that_was_seen_in_use_is_missing() -> None:
    rows = {row[0]: {one[2].strip("`") for one in cells(OBSERVED) if one[0] == row[0]} for row in cells(OBSERVED)}
    assert len(rows) == 17
    source = REFERENCE / "keepgo-api-observed.md"
    if not source.exists():
        return
    table = re.findall(r"^\| (GET|POST|PUT) \| (\S+) \|[^|]*\| (.*?) \| [^|]*\|$", source.read_text(), re.M)
    assert {f"{verb} {path}" for verb, path, _ in table} == set(rows)
    for verb, path, answer in table:
        listed = "".join(re.findall(r"\[\{([^}]*)\}\]", answer))
        assert set(re.findall(r"[a-z_]+", listed)) <= rows[f"{verb} {path}"], path
