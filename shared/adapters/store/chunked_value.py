"""One value of any size in a partition of its own, replaced as a whole: a reader sees the old one or the new one.

Only this way of keeping lives here; what the value is, and how it is spelled, is its owner's.

    row key                        what it holds
    head                           which parts are the value now
    part:<at>:<random>:<number>    its text, in parts; of a value that is cut, a text of its own for each piece
"""

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.adapters.store.codec import Codec
from shared.adapters.store.rows import (
    Changed,
    Damaged,
    Delete,
    Exists,
    Insert,
    Row,
    Rows,
    after,
    batches,
    pieces,
    put_over,
)
from shared.errors import Conflict, FailedRead, Transient

_HEAD: Final = "head"
_PARTS: Final = "part:"

_PART_CHARACTERS: Final = 200_000
"""Text per part: escaped once more as JSON in a row it at most doubles, which still fits."""

_TRIES: Final = 3
"""How often a value is read, or its head moved, when somebody else replaces it at the same time."""

_LEFTOVER: Final = timedelta(days=1)
"""Parts of this age were left by a crashed writer: nobody can still be writing or reading them."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text, and of how many."""

    parts: int
    text: str


@dataclass(frozen=True, slots=True)
class _Head:
    prefix: str
    parts: int


PART: Final = Codec[Part](Part, "part of a text")
_HEADS: Final = Codec[_Head](_Head, "head of a value")


class ChunkedValue[T]:
    """The value called `what` in `partition`. Remembers the last one read: reading it again is one small read.

    An `empty` value has no parts. A large one is `cut` into smaller ones of its own type, and `join` puts them together
    again: each is spelled by itself, so that others run in between. The last such value put is remembered, too.
    """

    def __init__(
        self,
        rows: Rows,
        partition: str,
        what: str,
        codec: Codec[T],
        empty: T | None = None,
        *,
        cut: Callable[[T], Iterator[T]] | None = None,
        join: Callable[[Sequence[T]], T] | None = None,
    ) -> None:
        self._rows = rows
        self._partition = partition
        self._what = what
        self._codec = codec
        self._empty = empty
        self._cut = cut
        self._join = join
        self._known: tuple[str, T] | None = None

    async def get(self) -> T | None:
        """The value as last stored, None when there is none.

        Raises `FailedRead` when it cannot be read whole: the next sweep stores a new one.
        """
        before = None
        for _ in range(_TRIES):
            head = await self._rows.get(self._partition, _HEAD)
            if head is None:
                return None
            if self._known is not None and self._known[0] == head.etag:
                return self._known[1]
            if before == head.etag:
                raise FailedRead(f"parts of {self._what} are missing from the store; the next sweep stores it anew")
            before = head.etag
            try:
                texts = await self._texts(head)
                if texts is not None:
                    value = self._value(head, texts)
                    self._known = (head.etag, value)
                    return value
            except Damaged as error:
                raise FailedRead(f"{error}; the next sweep stores {self._what} anew") from error
        raise FailedRead(f"{self._what} was replaced {_TRIES} times while it was read")

    @property
    def is_known(self) -> bool:
        """Whether a value is remembered, which may no longer be the stored one."""
        return self._known is not None

    async def put(self, value: T, at: datetime) -> None:
        """Replaces the value by one that is of the time `at`.

        New parts first, then the head in one write, then the old parts go. Raises `Conflict` when others keep
        replacing it meanwhile. The loop is here, and not the services' one for rows that others change: nothing of the
        value before goes into the new one, so that whoever was overtaken has no more to do than to move the head. To
        begin again would write all the parts again.
        """
        head = await self._put_parts(value, at)
        for _ in range(_TRIES):
            old = await self._rows.get(self._partition, _HEAD)
            if await self._move_head(old, head, value, at):
                return  # else another sweep was faster; the later one stands
        raise Conflict(f"others replaced {self._what} {_TRIES} times while it was stored")

    async def put_over(self, before: T | None, value: T, at: datetime) -> None:
        """Replaces the very value that was read before (None: that there was none). Raises `Conflict` otherwise."""
        old = await self._rows.get(self._partition, _HEAD)
        if not self._is(old, before) or not await self._move_head(old, await self._put_parts(value, at), value, at):
            raise Conflict(f"somebody else stored {self._what} meanwhile")

    def _is(self, head: Row | None, value: T | None) -> bool:
        if head is None or value is None:
            return head is value
        return self._known is not None and self._known[0] == head.etag and self._known[1] is value

    async def _put_parts(self, value: T, at: datetime) -> _Head:
        prefix = f"{_PARTS}{_utc(at)}:{secrets.token_hex(4)}:"
        count = 0
        for part in self._parts(value):
            await self._rows.write(self._partition, Insert(f"{prefix}{count:04}", PART.body(part)))
            count += 1
        return _Head(prefix, count)

    def _parts(self, value: T) -> Iterator[Part]:
        if self._cut is not None:
            yield from (Part(1, self._codec.text(piece)) for piece in self._cut(value))
        elif value != self._empty:
            yield from parts_of(self._codec.text(value))

    def _value(self, head: Row, texts: Sequence[str]) -> T:
        if self._join is not None:
            return self._join([self._codec.value(head, text) for text in texts])
        return self._codec.value(head, "".join(texts)) if texts or self._empty is None else self._empty

    async def _move_head(self, old: Row | None, head: _Head, value: T, at: datetime) -> bool:
        """Has the head lead to other parts, and removes those it led to; False where it is not the `old` any more."""
        version = None if old is None else old.etag
        try:
            (etag,) = await self._rows.write(self._partition, put_over(version, _HEAD, _HEADS.body(head)))
        except (Exists, Changed):
            return False
        self._known = None if self._cut is None else (etag, value)
        await self._clear(old, at)
        return True

    async def _texts(self, head: Row) -> list[str] | None:
        """The texts that a head leads to; None when they are not all there (any more)."""
        said = _head_of(head)
        rows = self._rows.range(self._partition, said.prefix, after(said.prefix))
        found = [PART.value(row).text async for row in rows]
        return found if len(found) == said.parts else None

    async def _clear(self, old: Row | None, at: datetime) -> None:
        """Removes the parts that `old` led to, and what crashed writers left long before `at`.

        The value is replaced already, so what stays behind now is no failure: it goes once it is old.
        """
        try:
            end = f"{_PARTS}{_utc(at - _LEFTOVER)}"
            leftover = [row async for row in self._rows.range(self._partition, _PARTS, end)]
            if old is not None:
                prefix = _head_of(old).prefix
                leftover += [row async for row in self._rows.range(self._partition, prefix, after(prefix))]
            removals = {row.key: Delete(row.key, row.etag) for row in leftover}
            for batch in batches([*removals.values()]):
                await self._rows.write(self._partition, *batch)
        except (Transient, Damaged) as error:
            _log.warning("old parts of %s stay until the next sweep: %s", self._what, error)


def _head_of(row: Row) -> _Head:
    head = _HEADS.value(row)
    if not head.prefix.startswith(_PARTS):
        raise Damaged(f"row '{row.key}' in '{row.partition}' leads to what is no part: {head.prefix!r}")
    return head


def parts_of(text: str) -> list[Part]:
    """A text in parts that a row holds each."""
    found = [*pieces(text, _PART_CHARACTERS)]
    return [Part(len(found), part) for part in found]


def _utc(at: datetime) -> str:
    """A time as text that sorts."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
