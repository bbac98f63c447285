"""What pydantic finds wrong with what others wrote, in one wording: where, and why, and nothing of the value itself.

Policy and settings have words of their own, for those who write them. Everything else is said like this.
"""

from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_MOST = 5
_MISSING = "it is missing"
_SAID: Final = {
    "missing": _MISSING,
    "string_type": "it is not a text",
    "string_too_short": "it is empty",
    "bool_type": "it is neither true nor false",
    "model_type": "it is not an object",
    "dict_type": "it is not an object",
    "list_type": "it is not an array",
    "tuple_type": "it is not an array",
    "set_type": "it is not an array",
    "frozen_set_type": "it is not an array",
}


def misfits(error: ValidationError) -> list[tuple[str, str]]:
    """Each mistake: its place (`data.hints[2]`, "" for the value as a whole), and what is wrong there."""
    return [(place_of(one["loc"]), said_of(one)) for one in details_of(error)]


def in_one_line(error: ValidationError, whole: str) -> str:
    """The first mistakes, and how many more there are. `whole` names the value, for what is wrong with all of it."""
    found = [
        f"{place or whole} is missing" if what == _MISSING else f"{place or whole}: {what}"
        for place, what in misfits(error)
    ]
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return "; ".join(found[:_MOST]) + more


def details_of(error: ValidationError) -> list[ErrorDetails]:
    """The mistakes as pydantic has them, without the values."""
    return error.errors(include_url=False, include_input=False, include_context=False)


def said_of(one: ErrorDetails) -> str:
    """What is wrong, without its place."""
    return _SAID.get(one["type"], one["msg"].removeprefix("Value error, "))


def place_of(path: Sequence[str | int]) -> str:
    """A path into a value as people write it; "" for the value as a whole."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
