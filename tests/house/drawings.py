"""What docs/ draws from the code: `make drawings` writes it, a test compares."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

REPOSITORY = Path(__file__).resolve().parents[2]
APPS = ("accounts", "billing", "lines", "automation")


def _arrows(first: StrEnum, moves: Iterator[tuple[StrEnum, StrEnum, str]]) -> str:
    """A Mermaid state diagram: one arrow for each pair of states, with what leads along it."""
    labels: dict[tuple[StrEnum, StrEnum], list[str]] = {}
    for state, after, label in moves:
        labels.setdefault((state, after), []).append(label)
    lines = ["stateDiagram-v2", f"    [*] --> {_state(first)}"]
    for (state, after), said in labels.items():
        name = ", ".join(filter(None, said))
        lines.append(f"    {_state(state)} --> {_state(after)}" + (f": {name}" if name else ""))
    return "\n".join(lines)


def _state(state: StrEnum) -> str:
    return re.sub(r"\W", "_", state.value)


State = TypeVar("State", bound=StrEnum)


def _to(moves: Mapping[State, frozenset[State]]) -> Iterator[tuple[StrEnum, StrEnum, str]]:
    for state, led in moves.items():
        for after in sorted(led):
            yield state, after, ""


def states() -> str:
    """docs/states.md."""
    from billing.policy import PAYMENT_MOVES, PaymentState
    from lines.policy import JOB_MOVES, SMS_MOVES, JobState, SmsState

    job = ((state, after, move.value) for (state, move), after in JOB_MOVES.items() if after is not state)
    drawn = {
        "A payment (`billing.policy.PAYMENT_MOVES`)": _arrows(PaymentState.PENDING, _to(PAYMENT_MOVES)),
        "A message (`lines.policy.SMS_MOVES`)": _arrows(SmsState.QUEUED, _to(SMS_MOVES)),
        "A job (`lines.policy.JOB_MOVES`)": _arrows(JobState.PREVIEWED, job),
    }
    parts = [f"## {title}\n```mermaid\n{diagram}\n```\n" for title, diagram in drawn.items()]
    return (
        "# States and where they may lead\n\n"
        "Drawn from the tables that the code asks, by `make drawings`; a test compares."
        " Auto-refill has its diagram in\n[auto-refill.md](auto-refill.md), who wins about a line its table in"
        " [precedence.md](precedence.md).\n\n" + "\n".join(parts)
    )


def tables() -> str:
    """docs/data-model.md: for each app its tables, and where they lead."""
    from django.apps import apps
    from django.db.models import ForeignKey

    parts = []
    for app in APPS:
        models = sorted(apps.get_app_config(app).get_models(), key=lambda model: model.__name__)
        lines = ["erDiagram"]
        for model in models:
            keys = [field for field in model._meta.concrete_fields if isinstance(field, ForeignKey)]
            lines += [
                f"    {model.__name__} {'|o' if key.one_to_one else '}o'}--{'o|' if key.null else '||'}"
                f" {key.related_model.__name__} : {key.name}"
                for key in keys
            ]
            if not keys:
                lines.append(f"    {model.__name__}")
        told = "".join(f"| `{model._meta.db_table}` | {_first_line(model.__doc__)} |\n" for model in models)
        parts.append(f"## {app}\n```mermaid\n" + "\n".join(lines) + f"\n```\n\n| table | a row is |\n|---|---|\n{told}")
    return (
        "# The tables\n\nDrawn from the models by `make drawings`. Keys point down: automation to lines to billing to"
        " accounts. A table of Django's or of a package is not here.\n\n" + "\n".join(parts)
    )


def _first_line(text: str | None) -> str:
    first = (text or "").strip().split("\n\n")[0].replace("\n", " ").replace("|", "/")
    return "" if "(" in first and first.endswith(")") and " " not in first.split("(")[0] else re.sub(r"\s+", " ", first)


def decisions() -> str:
    """docs/decisions/README.md."""
    files = sorted((REPOSITORY / "docs/decisions").glob("0*.md"))
    rows = []
    for path in files:
        title = re.sub(r"^# (\d{4}:? )?", "", path.read_text(encoding="utf-8").splitlines()[0])
        rows.append(f"| [{path.name[:4]}]({path.name}) | {title} |\n")
    return (
        "# Decisions\n\n"
        "What was decided for long, with its reasons. Numbers are given once and not in order: each part of"
        " the work has its own tens. Written by `make drawings`.\n\n| number | what |\n|---|---|\n" + "".join(rows)
    )


DRAWN = {"docs/states.md": states, "docs/data-model.md": tables, "docs/decisions/README.md": decisions}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    import django

    django.setup()
    for name, draw in DRAWN.items():
        (REPOSITORY / name).write_text(draw(), encoding="utf-8")
