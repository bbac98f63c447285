"""A check's record that is too long for the ledger, without what makes it so: that it told more stays.

A field is there whole or not at all. Whoever reads the ledger takes a profile that was read and is not among those held
for one where nothing was found.

Pure: no ledger is known here, and no limit. Who asks tries the cuts in turn.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

SHORTENED: Final = "shortened"
"""What a shortened record says it by: which of its fields are gone, and how many entries each of them had."""

_TEXT_CHARACTERS: Final = 500
_IN_TURN: Final = ("wanted", "notes", "waiting", "read", "held", "adopted", "actions")
"""What goes first: what directory and policy tell again. What was done goes last."""


def cuts(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The record with less and less in it; the last one has only what is bounded by itself."""
    short = {name: value[:_TEXT_CHARACTERS] if isinstance(value, str) else value for name, value in record.items()}
    gone: dict[str, int] = {}
    rest = [name for name, value in short.items() if isinstance(value, Mapping | list | tuple) and name not in _IN_TURN]
    for name in (*(name for name in _IN_TURN if name in short), *rest):
        gone[name] = len(short.pop(name))
        yield {**short, SHORTENED: dict(gone)}
