"""Log lines that stay whole: Application Insights cuts a message after 32,768 characters, wherever that is.

Lives here: the JSON of a line that has to stay JSON, and the end of any other. Pure; the loggers are the shell's.
Source: "Application Insights telemetry data model", limits of a trace's message.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from shared.domain.keys import ProfileKey
from shared.domain.reasons import Reason

LINE_CHARACTERS: Final = 32_000
"""The longest message, in UTF-16 units: below the limit by what a host may write in front of it."""

_JSON_CHARACTERS: Final = 31_000
"""The longest JSON in a message, in ASCII characters: room for the words before it."""

_TEXT_CHARACTERS: Final = 200
_LEFT_OUT: Final = 100


def json_of(fields: Mapping[str, Any], say: Callable[[Reason], str] = repr) -> str:
    """The JSON of a line's fields, of at most 31,000 characters. `say` has the words of a reason.

    Where it is longer, the longest fields go first: a text is cut, anything else goes whole. `shortened` says which
    went, and how many entries or characters each had; the record or report has all of it.
    """
    text = _json(fields, say)
    if len(text) <= _JSON_CHARACTERS:
        return text
    kept, gone = dict(fields), dict[str, int]()
    for name in sorted(fields, key=lambda name: len(_json(fields[name], say)), reverse=True):
        value = kept.pop(name)
        gone[name] = len(value) if isinstance(value, str | list | tuple | Mapping) else 1
        if isinstance(value, str):
            kept[name] = value[:_TEXT_CHARACTERS]
        text = _json({**kept, "shortened": gone}, say)
        if len(text) <= _JSON_CHARACTERS:
            break
    return text


def _json(value: object, say: Callable[[Reason], str]) -> str:
    return json.dumps(value, default=lambda one: say(one) if isinstance(one, Reason) else _plain(one))


def _plain(value: Any) -> object:
    """A value of the core as JSON has it: a dataclass without the fields of which it says nothing."""
    match value:
        case datetime():
            return value.isoformat()
        case ProfileKey():
            return str(value)
        case _:
            said = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
            return {name: one for name, one in said.items() if one not in (None, "")}


def whole(message: str) -> str:
    """The message, or its first part with how much is left out."""
    if len(message) <= LINE_CHARACTERS // 2 or _units(message) <= LINE_CHARACTERS:
        return message
    kept = message[: LINE_CHARACTERS - _LEFT_OUT]
    if _units(kept) > LINE_CHARACTERS - _LEFT_OUT:
        kept = message[: LINE_CHARACTERS // 2 - _LEFT_OUT]
    return f"{kept} ... ({len(message) - len(kept):,} characters more)"


def _units(text: str) -> int:
    """How long a text is in UTF-16, where a character beyond U+FFFF counts twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
