"""What the host and its worker process say to each other, and how it looks on their socket.

A frame is a four-byte big-endian length and that much JSON; bytes travel as `{"$bytes": <base64>}`. Only the
wording lives here: who sends what when is the business of `worker` (the child) and `process` (the parent).
This module is imported by both, so it imports neither the Functions libraries nor anything of the host.
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_FRAME_BYTES = 1 << 30
"""A frame longer than this is a broken stream, not a message: a full batch is 1,000 bodies of 256 KB."""

_LENGTH_BYTES = 4


class BrokenStreamError(Exception):
    """The other end sent something that is not a frame."""


@dataclass(frozen=True, slots=True)
class Datum:
    """One value as the Functions host hands it to a worker: a kind and a value of that kind.

    Kinds: `string` and `json` (text), `bytes`, `collection_string`, `collection_bytes`, `collection_sint64`
    (lists), `int`, `double`, and `http` (a mapping whose own values are plain text, pairs, or bytes).
    """

    kind: str | None
    value: Any

    def as_frame(self) -> list[Any]:
        """The datum as it goes into a frame."""
        return [self.kind, self.value]

    @staticmethod
    def of_frame(part: list[Any]) -> "Datum":
        """The datum that `as_frame` made `part` of."""
        kind, value = part
        return Datum(kind, value)


NOTHING = Datum(None, None)
"""What a function returns that returns nothing."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of one function as a worker needs it; `inputs` are values by parameter name."""

    id: str
    function_id: str
    inputs: tuple[tuple[str, Datum], ...]
    metadata: Mapping[str, Datum] = field(default_factory=dict)
    retry_count: int = 0
    max_retry_count: int = 0

    def as_frame(self) -> dict[str, Any]:
        """The invocation as it goes into a frame."""
        return {
            "kind": "invoke",
            "id": self.id,
            "function_id": self.function_id,
            "inputs": [[name, datum.as_frame()] for name, datum in self.inputs],
            "metadata": {name: datum.as_frame() for name, datum in self.metadata.items()},
            "retry_count": self.retry_count,
            "max_retry_count": self.max_retry_count,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run ended: what it returned and bound, or the error and its trace."""

    ok: bool
    returned: Datum = NOTHING
    outputs: tuple[tuple[str, Datum], ...] = ()
    error: str = ""
    trace: str = ""

    @staticmethod
    def of_frame(frame: dict[str, Any]) -> "Outcome":
        """The outcome that a worker's `done` frame tells of."""
        return Outcome(
            ok=frame["ok"],
            returned=Datum.of_frame(frame["returned"]),
            outputs=tuple((name, Datum.of_frame(part)) for name, part in frame["outputs"]),
            error=frame["error"] or "",
            trace=frame["trace"] or "",
        )


def _as_base64(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    raise TypeError(f"a frame cannot carry a {type(value).__name__}")


def _of_base64(mapping: dict[str, Any]) -> Any:
    if mapping.keys() == {"$bytes"}:
        return base64.b64decode(mapping["$bytes"])
    return mapping


def encode(frame: dict[str, Any]) -> bytes:
    """`frame` as it goes over the socket, length first."""
    text = json.dumps(frame, separators=(",", ":"), default=_as_base64).encode()
    return len(text).to_bytes(_LENGTH_BYTES, "big") + text


async def read(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """The next frame, or None when the other end has gone, be it in the middle of one.

    Raises:
        BrokenStreamError: what arrived is not a frame.
    """
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
        if length > MAX_FRAME_BYTES:
            raise BrokenStreamError(f"a frame of {length} bytes was announced, {MAX_FRAME_BYTES} is the most")
        text = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):  # a broken pipe too: a write to the dead ends up here
        return None
    try:
        frame = json.loads(text, object_hook=_of_base64)
    except ValueError as mistake:
        raise BrokenStreamError(f"a frame is JSON: {mistake}") from None
    if not isinstance(frame, dict):
        raise BrokenStreamError(f"a frame is an object, not {type(frame).__name__}")
    return frame
