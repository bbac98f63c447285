"""What pydantic finds wrong with the settings, in the words of whoever deploys the app.

Lives here: one wording for each kind of finding, one line for each setting. What a setting is, is for `settings`.
"""

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from pydantic_core import ErrorDetails

PREFIX: Final = "INVOICE_ACCESS_"
"""How the names of the app's own settings begin."""


def say_all(details: Sequence[ErrorDetails], secret: Collection[str]) -> list[str]:
    """What is wrong, a line for each setting; the values of those in `secret` are not shown."""
    lines: dict[str, str] = {}
    for detail in details:
        name = str(detail["loc"][0])
        lines.setdefault(name, f"{name}: {_say(detail, is_shown=name not in secret)}")
    return list(lines.values())


def no_such_setting(name: str, known: Collection[str]) -> str:
    """That there is no setting of that name, and which one may be meant."""
    # Without the beginning that all of them share, which would make every name look like every other.
    own = [each.removeprefix(PREFIX) for each in known if each.startswith(PREFIX)]
    near = difflib.get_close_matches(name.removeprefix(PREFIX), own, 1)
    return f"{name}: no such setting" + (f"; did you mean {PREFIX}{near[0]}?" if near else "")


def _say(detail: ErrorDetails, *, is_shown: bool) -> str:
    if detail["type"] == "missing":
        return "give it a value"
    if detail["type"] == "value_error":
        said = str(detail["ctx"]["error"])
        # A text that begins with a quote names the part that is wrong itself.
        return f"{said}, not {detail['input']!r}" if is_shown and not said.startswith("'") else said
    if not is_shown:
        return "its value cannot be used"
    wording = _WORDINGS.get(detail["type"])
    return wording(detail["input"], detail.get("ctx", {})) if wording is not None else _as_pydantic_says(detail)


def _as_pydantic_says(detail: ErrorDetails) -> str:
    return f"{detail['msg']}, not {detail['input']!r}"


def _no_number(given: Any, _: Mapping[str, Any]) -> str:
    return f"{given!r} is not a whole number"


_WORDINGS: Final[Mapping[str, Callable[[Any, Mapping[str, Any]], str]]] = {
    "int_parsing": _no_number,
    "int_parsing_size": _no_number,
    "int_from_float": _no_number,
    "greater_than_equal": lambda given, limit: f"{given} is less than {limit['ge']}",
    "less_than_equal": lambda given, limit: f"{given} is more than {limit['le']}",
    "enum": lambda given, words: f"{given!r} is not {words['expected']}",
    "too_short": lambda *_: "give it at least one number",
}
