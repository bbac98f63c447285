"""JSON from strangers: bytes to plain values, and the few questions that the readers ask of them.

Everything that can be wrong with bytes is found here, and said so that a sender understands it. What the
values mean is for the readers. Numbers are kept as they were written: no event that we understand has one
that matters, and a sequence number beyond 2^53 or of ten thousand digits must harm nobody.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from shared.errors import Rejected, Unreadable

BYTES_AT_MOST: Final = 1024 * 1024
"""The longest message that is read, in bytes. Service Bus premium carries 100 MB; an event has one kilobyte."""

ITEMS_AT_MOST: Final = 1000
"""How many events one message may carry."""

DEPTH_AT_MOST: Final = 64
"""How deep arrays and objects may be nested. Events nest four deep; the parser gives up at some thousands."""

TEXT_AT_MOST: Final = 1024
"""The longest text that is read out of an event, in characters."""

TWICE: Final = "it is there more than once"
"""Why a name is rejected. The field is then a name of the sender's own choosing, which may be anything."""

STRUCTURED: Final = "Send one CloudEvents 1.0 event in structured mode: a JSON object, in UTF-8, not compressed"
"""What is asked of a sender whose message is none that we know."""

# A string, closed or not, or a bracket. The possessive quantifier keeps noise from being read more than once.
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)

# What CloudEvents forbids in a string: control characters, surrogates and noncharacters.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
    + "]"
)


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number as it was written."""

    digits: str


class JsonObject(dict[str, Any]):
    """A JSON object; `twice` is a name that it has more than once, so that nobody knows which is meant."""

    twice: str | None = None


def parse(body: bytes, *, field: str = "body") -> Any:
    """Reads bytes as one JSON value. Objects are `JsonObject`, numbers `Numeral`.

    Raises:
        Unreadable: the bytes are too many, not UTF-8, not JSON, or nested too deeply; it names `field`.
    """
    if len(body) > BYTES_AT_MOST:
        raise Unreadable(field, f"it has {len(body)} bytes; {BYTES_AT_MOST} are read", "Send fewer events at a time")
    try:
        text = body.decode("utf-8-sig")  # Windows tools write a byte order mark, which RFC 8259 lets us pass over
    except UnicodeDecodeError as error:
        raise Unreadable(field, f"byte {error.start + 1} is not UTF-8", STRUCTURED) from error
    if not text.strip():
        raise Unreadable(field, "it is empty", STRUCTURED)
    if not _is_shallow(text):
        raise Unreadable(field, f"it is nested more than {DEPTH_AT_MOST} deep", "Send the event without its wrapping")
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=Numeral,
            parse_float=Numeral,
            parse_constant=lambda word: _no_constant(word, field),
        )
    except json.JSONDecodeError as error:
        raise Unreadable(
            field, f"it is not JSON ({error.msg}, line {error.lineno}, column {error.colno})", STRUCTURED
        ) from error


def render(value: Any) -> str:
    """The JSON of what `parse` read, without blanks; numbers as they were written, so never longer than it came.

    Encode it with `encoded`: halves of surrogate pairs, which JSON may hold, are no UTF-8.
    """
    match value:
        case JsonObject() | dict():
            return "{" + ",".join(f"{_quoted(name)}:{render(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ",".join(map(render, value)) + "]"
        case Numeral():
            return value.digits
        case str():
            return _quoted(value)
        case _:
            return json.dumps(value)


def encoded(value: Any) -> bytes:
    """The JSON of what `parse` read, in UTF-8. Half a surrogate pair becomes the JSON escape that it came as."""
    return render(value).encode("utf-8", "backslashreplace")


def unambiguous(value: Any, field: str) -> None:
    """Raises `Rejected` where any object in the value has a name more than once."""
    if isinstance(value, JsonObject):
        as_object(value, field, "")
        for name, item in value.items():
            unambiguous(item, f"{field}.{shown(name)}" if field else shown(name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            unambiguous(item, f"{field}[{place}]")


def as_object(value: Any, field: str, remedy: str) -> JsonObject:
    """The value as an object whose names are unambiguous; raises `Rejected` where it is none."""
    if not isinstance(value, JsonObject):
        raise Rejected(field, f"it is {kind_of(value)}, not an object", remedy)
    if value.twice is not None:
        raise Rejected(
            f"{field}.{shown(value.twice)}" if field else shown(value.twice),
            TWICE,
            "Send each name once",
        )
    return value


def as_text(value: Any, field: str, remedy: str) -> str:
    """The value as a text that may be stored and logged, trimmed; raises `Rejected` where it is none."""
    if not isinstance(value, str):
        raise Rejected(field, "it is missing" if value is None else f"it is {kind_of(value)}, not a text", remedy)
    text = value.strip()
    if not text:
        raise Rejected(field, "it is empty", remedy)
    if len(text) > TEXT_AT_MOST:
        raise Rejected(field, f"it has {len(text)} characters; {TEXT_AT_MOST} are read", remedy)
    if _FORBIDDEN.search(text):
        raise Rejected(field, "it has control characters or broken ones in it", remedy)
    return text


def kind_of(value: Any) -> str:
    """What a value is, in JSON's words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case Numeral():
            return "a number"
        case list():
            return "an array"
        case _:
            return "an object"


def shown(text: str, length: int = 60) -> str:
    """A sender's own text for a message to that sender: on one line, and not too long."""
    clean = _FORBIDDEN.sub("?", text)
    return clean if len(clean) <= length else clean[:length] + "..."


_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode


def _is_shallow(text: str) -> bool:
    depth = 0
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "[" | "{":
                depth += 1
                if depth > DEPTH_AT_MOST:
                    return False
            case "]" | "}":
                depth -= 1
            case _:
                pass  # a string
    return True


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    made = JsonObject(pairs)
    if len(made) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        made.twice = counted.most_common(1)[0][0]
    return made


def _no_constant(word: str, field: str) -> NoReturn:
    raise Unreadable(field, f"it is not JSON ({word} is no JSON number)", "Leave the value out, or send null")
