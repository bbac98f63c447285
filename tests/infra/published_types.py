"""Resources against the types that Microsoft publishes: names, required properties, allowed values, kinds of values.

The types are those that the Bicep compiler itself uses (Azure/bicep-types-az). What is kept of them beside these tests
goes as far as this project's resources: `python -m tests.infra.extract_types` makes it anew.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.infra.expanded import Made

EXTRACT: Final = Path(__file__).parent / "published" / "bicep-types.json"
"""By `type@version`: what a type allows, as `extract_types` writes it."""

_SYMBOLIC: Final = re.compile(r"<[^<>]+>")
"""A value that Azure alone can say, and what is made of one."""


def published() -> dict[str, Any]:
    """The types that are kept."""
    types: dict[str, Any] = json.loads(EXTRACT.read_text(encoding="utf-8"))["types"]
    return types


def misfits(made: Made, types: Mapping[str, Any]) -> list[str]:
    """What a resource's type does not allow, with its place."""
    known = types.get(f"{made.type}@{made.api}")
    if known is None:
        return [f"{made.type}@{made.api} is not among the types that are kept"]
    config = {"name": made.name.rpartition("/")[2], **made.config}
    return [f"{made.file}: {made.symbol}{place}: {said}" for place, said in _wrong(config, known, "")]


def _wrong(value: Any, kind: Any, place: str) -> Iterator[tuple[str, str]]:
    if kind is None:
        yield place, "its type is not kept: make the extract anew"
    elif value is None or kind == "any":
        return
    elif isinstance(kind, list):
        if not any(not list(_wrong(value, each, place)) for each in kind):
            yield place, f"{value!r} is none of {', '.join(str(each.get('value', each)) for each in kind)}"
    elif "properties" in kind:
        yield from _wrong_object(value, kind, place)
    elif "by" in kind:
        yield from _wrong_choice(value, kind, place)
    elif "items" in kind:
        if not isinstance(value, list):
            yield place, f"{value!r} is no list"
        else:
            for number, each in enumerate(value):
                yield from _wrong(each, kind["items"], f"{place}[{number}]")
    else:
        yield from _wrong_scalar(value, kind, place)


def _wrong_object(value: Any, kind: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield place, f"{value!r} is no object"
        return
    for name, each in value.items():
        declared = kind["properties"].get(name) or {}
        if declared.get("read_only"):
            yield f"{place}.{name}", "only Azure says this"
        elif name in kind["properties"]:
            yield from _wrong(each, declared.get("type"), f"{place}.{name}")
        elif "others" in kind:
            yield from _wrong(each, kind["others"], f"{place}.{name}")
        else:
            near = difflib.get_close_matches(name, kind["properties"], 1)
            yield f"{place}.{name}", "there is no such property" + (f"; did you mean {near[0]}?" if near else "")
    for name, declared in kind["properties"].items():
        if declared is not None and declared.get("required") and name not in value:
            yield f"{place}.{name}", "it is required"


def _wrong_choice(value: Any, kind: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    chosen = value.get(kind["by"]) if isinstance(value, dict) else None
    if chosen not in kind["of"]:
        yield f"{place}.{kind['by']}", f"{chosen!r} is none of {', '.join(kind['of'])}"
        return
    of = kind["of"][chosen]
    yield from _wrong(value, of and {**of, "properties": {**kind["shared"], **of["properties"]}}, place)


def _wrong_scalar(value: Any, kind: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    if "value" in kind:
        if value != kind["value"]:
            yield place, f"{value!r} is not {kind['value']!r}"
    elif kind["kind"] == "bool":
        if not isinstance(value, bool):
            yield place, f"{value!r} is neither true nor false"
    elif kind["kind"] == "int":
        if not isinstance(value, int) or isinstance(value, bool):
            yield place, f"{value!r} is no whole number"
        elif not kind.get("least", value) <= value <= kind.get("most", value):
            yield place, f"{value} is not from {kind.get('least', '')} to {kind.get('most', '')}"
    elif not isinstance(value, str):
        yield place, f"{value!r} is no text"
    elif not _SYMBOLIC.search(value) and not _fits(value, kind):
        yield place, f"{value!r} is not as it should be: {kind}"


def _fits(value: str, kind: Mapping[str, Any]) -> bool:
    long_enough = kind.get("shortest", 0) <= len(value) <= kind.get("longest", len(value))
    return long_enough and ("pattern" not in kind or re.search(kind["pattern"], value) is not None)
