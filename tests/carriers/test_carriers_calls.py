"""docs/carriers.md names every call of both documents, and what it says of the carriers is so."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
from simulator import iotportal, simbase

from lines.carriers import CLIENTS, OURS
from lines.carriers.base import Setting
from tests.carriers.documented import DOCUMENTED
from tests.carriers.documented import calls_of as documented

PAGE = (Path(__file__).parents[2] / "docs" / "carriers.md").read_text()
DOCUMENTS = {"simbase": ("## Simbase, API v1", simbase), "iotportal": ("## IoT Portal, Core API", iotportal)}


def calls_of(module: ModuleType) -> set[str]:
    """The calls that the simulator answers as this carrier."""
    found = set()
    for name in re.findall(r'door\.route\("([^"]+)", \{([^}]*)\}', Path(module.__file__ or "").read_text()):
        found |= {f"{verb} {name[0]}" for verb in re.findall(r'"([A-Z]+)"', name[1])}
    return found


def table_of(heading: str) -> dict[str, str]:
    part = PAGE.split(heading)[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([A-Z]+ [^`]+)` \|.*\| (.+) \|$", part, re.M))


@pytest.mark.parametrize("kind", sorted(DOCUMENTS))
def test_every_call_is_used_or_named_as_not_used(kind: str) -> None:
    heading, module = DOCUMENTS[kind]
    assert set(table_of(heading)) == calls_of(module)


@pytest.mark.parametrize("kind", sorted(DOCUMENTS))
def test_a_call_is_used_exactly_where_the_table_says_so(kind: str) -> None:
    code = Path(f"lines/carriers/{kind}.py").read_text()
    sent = {
        f"{verb} {re.sub(r'{[^}]*}', '{}', path)}"
        for verb, path in re.findall(r'Call\(\s*"([A-Z]+)",\s*f?"([^"]+)"', code)
    }
    sent |= {f"PUT {re.sub(r'{[^}]*}', '{}', path)}" for path in re.findall(r'path = f"(/SendSMS[^"]+)"', code)}
    for call, said in table_of(DOCUMENTS[kind][0]).items():
        is_used = re.sub(r"{[^}]*}", "{}", call) in sent
        assert is_used == (not said.startswith("not used")), call


@pytest.mark.parametrize("kind", DOCUMENTED)
def test_every_call_of_a_document_is_used_or_named_as_not_used(kind: str) -> None:
    part = next(part for part in PAGE.split("\n## ") if part.startswith(CLIENTS[kind].title))
    said = dict(re.findall(r"^\| `([A-Z]+ [^`]+)` \| (.+) \|$", part, re.M))
    assert {call: not why.startswith("not used: ") for call, why in said.items()} == {
        name: bool(call) for name, call in documented(kind).items()
    }


def test_the_table_of_abilities_says_what_the_adapters_say() -> None:
    rows = dict(re.findall(r"^\| ([a-z][^|]*?) \| (.+) \|$", PAGE.split("## What each carrier can do")[1], re.M))
    for name, ability in {
        "lists its SIMs": "lists_lines",
        "final totals of months": "final_totals",
        "confirms a change at once": "confirms_at_once",
        "messages both ways": "sends_sms",
        "says whether a message arrived": "tells_sms_fate",
        "country, network, radio": "tells_place",
        "location": "tells_location",
        "throttle, IMEI lock, plan, limit of a month": "settings",
        "keeps a name or tags": "labels",
        "keeps a device ID, notes, an end customer": "edits",
        "has states of SIMs not in use": "states",
        "its balance with the operator": "tells_funds",
        "says what a SIM cost the operator": "tells_costs",
        "lists its SIMs apart from usage": "lists_stock",
        "tells the cycle of its figures": "tells_cycle",
        "tells the IMEI with usage": "tells_imei",
        "tells the number with usage": "tells_msisdn",
        "connects a device anew": "resets",
        "switches many SIMs by one call": "switches_many",
        "single sessions": "tells_sessions",
    }.items():
        said = [not cell.strip().startswith("no") for cell in rows[name].split("|")]
        has = [bool(getattr(CLIENTS[kind].abilities, ability)) for kind in (client.kind for client in OURS)]
        assert said == has, name
    assert CLIENTS["simbase"].abilities.settings == {Setting.THROTTLE, Setting.IMEI_LOCK, Setting.PLAN}
