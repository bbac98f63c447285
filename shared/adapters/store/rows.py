"""What ledger and state need of a store, and no more: the part of Table Storage that every backend can be.

Here live the port `Rows`, the words it is used with, and the rules that hold on every backend (limits, what
one batch may carry). Backends live in modules of their own; what the rows mean is the ledger's and the
state's business.
"""

import hashlib
import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pydantic_core import from_json

from shared.domain.by_size import by_size
from shared.errors import Conflict, Permanent, TooLarge

BATCH_OPERATIONS: Final = 100
"""The most operations in one batch.

Source: "Performing entity group transactions", Table service REST API, Microsoft Learn.
"""

ROW_CHARACTERS: Final = 448_000
"""The longest JSON text of one row's body, in characters; all of them are ASCII.

An entity holds 1 MiB and keeps text as UTF-16: fourteen properties of 32,000 characters are 896,000 bytes,
which leaves room for keys, names and the service's own overhead. Source: "Understanding the Table service
data model".
"""

BATCH_CHARACTERS: Final = 500_000
"""The longest JSON text of one batch's bodies, in characters.

Sent, a quotation mark is two characters, so this is at most 1 MB: beyond that, aiohttp warns that it holds up
the event loop. The service would take 4 MiB.
"""

KEY_CHARACTERS: Final = 170
"""The longest partition or row key, in ASCII characters.

The service allows 512 (1 KiB of UTF-16), and a character that it forbids is written as up to three.
"""


class Exists(Conflict):
    """An insert met a row that is there already."""


class Changed(Conflict):
    """A replace or delete met another version of the row than the one it was meant for, or none."""


class Damaged(Permanent):
    """A stored row is not what any version of this app writes: somebody or something else changed it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A stored row. `text` is its body as stored, `etag` the store's name of this version of it."""

    partition: str
    key: str
    text: str
    etag: str

    @property
    def body(self) -> dict[str, Any]:
        """The body. Raises `Damaged` when it is no JSON object."""
        try:
            body = _read(self.text)
        except ValueError as error:
            raise Damaged(f"the body of row '{self.key}' in '{self.partition}' is no JSON: {error}") from error
        if not isinstance(body, dict):
            raise Damaged(f"the body of row '{self.key}' in '{self.partition}' is no JSON object")
        return body


type Body = Mapping[str, Any] | str
"""A row's body: a JSON object, or its text in ASCII."""


@dataclass(frozen=True, slots=True)
class Insert:
    """Adds a row that must not be there yet."""

    key: str
    body: Body


@dataclass(frozen=True, slots=True)
class Replace:
    """Replaces a row that must still be at `etag`."""

    key: str
    body: Body
    etag: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes a row that must still be at `etag`."""

    key: str
    etag: str


type Operation = Insert | Replace | Delete


def put_over(version: str | None, key: str, body: Body) -> Insert | Replace:
    """Stores a row over the version it was read as; None where there was none."""
    return Insert(key, body) if version is None else Replace(key, body, version)


class Rows(Protocol):
    """Rows of JSON in partitions, ordered by key within each.

    Every method raises `Transient` when the same call may succeed later (`StoreRefused` when a person has to act for
    that) and `Permanent` when it concerns these rows alone.
    """

    async def get(self, partition: str, key: str) -> Row | None:
        """One row, None when there is none."""
        ...

    async def write(self, partition: str, *operations: Operation) -> tuple[str, ...]:
        """Does all of the operations, at most 100 on as many different rows, or none of them.

        Returns each row's new etag ("" for a deleted one), in order. Raises `Exists` or `Changed`, and
        `TooLarge` for a body over `ROW_CHARACTERS`. Never repeated by itself: after a `Transient` it may
        have happened.
        """
        ...

    def range(self, partition: str, start: str, end: str, *, page: int = 1000) -> AsyncGenerator[Row]:
        """The rows of a partition with `start` <= key < `end`, in the order of their code points.

        Read `page` at a time. Close it (`contextlib.aclosing`) where it is left early.
        """
        ...

    async def close(self) -> None:
        """Lets go of files and connections. Later calls open again what they need."""
        ...


def _read(text: str) -> Any:
    try:
        return from_json(text)  # in half the time
    except ValueError:
        return json.loads(text)  # it knows half a surrogate pair, which is JSON, and nests deeper


def after(prefix: str) -> str:
    """The least key that is greater than every key that begins with `prefix`, for use as a range's end."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def fitting(prefix: str, text: str) -> str:
    """A key for any text: the text itself where a key can hold it (people find it then), else its SHA-256."""
    if text.isascii() and len(prefix) + len(text) <= KEY_CHARACTERS:
        return prefix + text
    return f"{prefix}sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def texts(partition: str, operations: Sequence[Operation]) -> list[str]:
    """The JSON text of each operation's body ("" for a delete), once the batch is known to keep to the rules.

    The text is ASCII, so that its length is the same in characters, in UTF-8 and in UTF-16 units. Raises
    ValueError for a batch that no backend could do (a bug of the caller), `TooLarge` for one that is too
    large.
    """
    keys = [operation.key for operation in operations]
    if len(keys) > BATCH_OPERATIONS or len(set(keys)) != len(keys):
        raise ValueError(
            f"a batch is at most {BATCH_OPERATIONS} operations on as many rows, not {len(keys)} on {len(set(keys))}"
        )
    for key in (partition, *keys):
        check_key(key)
    found = []
    for operation in operations:
        if isinstance(operation, Delete):
            found.append("")
            continue
        text = text_of(operation.body)
        if len(text) > ROW_CHARACTERS:
            raise TooLarge(
                f"row '{operation.key}' in '{partition}' would be {len(text):,} characters of JSON; "
                f"the store holds {ROW_CHARACTERS:,}"
            )
        found.append(text)
    if (total := sum(map(len, found))) > BATCH_CHARACTERS:
        raise TooLarge(
            f"a batch in '{partition}' would be {total:,} characters of JSON; the store takes {BATCH_CHARACTERS:,}"
        )
    return found


def text_of(body: Body) -> str:
    """The JSON text of a body, in ASCII. Raises ValueError for what is no JSON."""
    return body if isinstance(body, str) else json.dumps(body, separators=(",", ":"), allow_nan=False)


def batches(operations: Sequence[Operation]) -> Iterator[list[Operation]]:
    """Operations in as few batches as take them, in their order."""

    def size_of(operation: Operation) -> int:
        return 0 if isinstance(operation, Delete) else len(text_of(operation.body))

    return by_size(operations, size_of, most=BATCH_CHARACTERS, most_items=BATCH_OPERATIONS)


def pieces(text: str, length: int) -> Iterator[str]:
    """A text in pieces of at most `length` characters; none for an empty one."""
    return (text[start : start + length] for start in range(0, len(text), length))


def check_key(key: str) -> None:
    """Raises ValueError for a partition or row key that no backend could hold."""
    if not key.isascii() or not 0 < len(key) <= KEY_CHARACTERS:
        raise ValueError(f"a key has 1 to {KEY_CHARACTERS} ASCII characters: {key[:KEY_CHARACTERS]!r} ({len(key)})")
