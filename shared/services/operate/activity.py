"""What was changed, held or decided lately: the index of activity, filtered, newest first, a page at a time.

Lives here: the filters. Nothing but the index is read, whatever is asked; what an entry points at is the ledger's.
"""

from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.domain.history.activity import ActivityKind, Item, Noted
from shared.domain.keys import ProfileKey
from shared.ports import Ledger

PAGE: Final = 50
"""Entries on a page, unless somebody asks for more or fewer."""

MOST_LOOKED_AT: Final = 5_000
"""Entries that are gone through for one page: of what is rare, a page may have less, and says where to go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is wanted: from a moment on, until another, about a person (an object id), on a profile, of some kinds.

    `causes` are why somebody looked (`event`, `sweep`, `operator`, ...; a decision has none). None and nothing are no
    filter.
    """

    start: datetime | None = None
    end: datetime | None = None
    person: str | None = None
    profile: ProfileKey | None = None
    kinds: Collection[ActivityKind] = ()
    causes: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first. `older` is the mark from which to go on, "" where there is nothing older."""

    entries: tuple[Noted, ...]
    older: str = ""


async def read_activity(ledger: Ledger, asked: Asked, *, most: int = PAGE, before: str = "") -> Page:
    """One page. Raises `Permanent` for an entry that cannot be read: `ledger verify` tells of its chain."""
    found: list[Noted] = []
    looked_at, mark = 0, before
    async with aclosing(ledger.activity(asked.start, asked.end, before=before, page=max(100, min(most, 1000)))) as all_:
        async for at, entry in all_:
            if len(found) == most or looked_at == MOST_LOOKED_AT:
                return Page(tuple(found), mark)
            looked_at, mark = looked_at + 1, at
            kept = _kept(entry, asked)
            if kept is not None:
                found.append(kept)
    return Page(tuple(found))


async def every_activity(ledger: Ledger, asked: Asked) -> AsyncGenerator[Noted]:
    """All of it, newest first."""
    async with aclosing(ledger.activity(asked.start, asked.end)) as all_:
        async for _, entry in all_:
            kept = _kept(entry, asked)
            if kept is not None:
                yield kept


def _kept(entry: Noted, asked: Asked) -> Noted | None:
    """The entry with those of its items that are wanted; None for one without any."""
    if asked.causes and entry.cause not in asked.causes:
        return None
    items = tuple(one for one in entry.items if _is_wanted(one, asked))
    return replace(entry, items=items) if items else None


def _is_wanted(item: Item, asked: Asked) -> bool:
    return (
        (not asked.kinds or item.kind in asked.kinds)
        and (asked.person is None or item.person == asked.person.lower())
        and (asked.profile is None or asked.profile in item.profiles)
    )
