"""The OpenAPI document in words: what a call takes and answers, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kit.paging import FARTHEST

DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Field:
    """One value that is sent or answered."""

    name: str  # with what it is in: data[].iccid
    kind: str  # integer, 1 to 1000
    is_required: bool
    words: str
    default: Any = None


def fields_of(schema: dict[str, Any], components: dict[str, Any], inside: str = "", depth: int = 0) -> Iterator[Field]:
    """Every field of an object or of a list's objects, those within others behind them."""
    schema = _resolved(schema, components)
    if schema.get("type") == "array":
        yield from fields_of(schema["items"], components, f"{inside}[]", depth)
        return
    for name, of in schema.get("properties", {}).items():
        whole = f"{inside}.{name}" if inside else name
        found = _resolved(of, components)
        yield Field(whole, kind_of(of, components), name in schema.get("required", ()), found.get("description", ""))
        if depth < DEEPEST:
            for part in [found, *found.get("anyOf", ())]:
                yield from fields_of(part, components, whole, depth + 1)


def parameters_of(operation: dict[str, Any]) -> list[Field]:
    """What goes into the query."""
    return [
        Field(
            one["name"],
            kind_of(one["schema"], {}),
            one.get("required", False),
            one["schema"].get("description", ""),
            one["schema"].get("default") or None,
        )
        for one in operation["parameters"]
        if one.get("in") == "query"
    ]


def kind_of(schema: dict[str, Any], components: dict[str, Any]) -> str:
    """A type in words."""
    schema = _resolved(schema, components)
    if "anyOf" in schema:
        kinds = [kind_of(one, components) for one in schema["anyOf"]]
        return " or ".join(sorted(kinds, key=lambda kind: kind == "null"))
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    kind: str = schema.get("type", "anything")
    if kind == "array":
        return f"list of {kind_of(schema['items'], components)}"
    word = {"string": "text", "boolean": "true or false"}.get(kind, kind)
    return word + _limits(schema)


def _limits(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high not in (None, FARTHEST):
        return f", {low} to {high}"
    if "maxLength" in schema:
        return (
            f", {schema['minLength']} to {schema['maxLength']} characters"
            if "minLength" in schema
            else (f", at most {schema['maxLength']} characters")
        )
    return f", {low} or more" if low is not None else ""


def _resolved(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    ref = schema.get("$ref")
    if ref is None:
        return schema
    found: dict[str, Any] = components[ref.rsplit("/", 1)[-1]]
    return found
