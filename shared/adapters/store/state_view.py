"""State of the view over rows: what sweeps saw, and what everybody in it is called.

How it is cut into rows lives here: each holds some hundred entries, so that writing it stops nobody for long. `state`
has the rest.

    partition     row key                 what it holds
    view          (see `chunked_value`)   the View, its profiles in pieces
    people-view   (the same)              its PeopleView, in pieces
    names         (the same)              every Called, in pieces
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import batched
from typing import Final

from shared.adapters.store.chunked_value import ChunkedValue
from shared.adapters.store.codec import Codec
from shared.adapters.store.rows import Rows
from shared.domain.by_size import by_size
from shared.domain.view import Called, PeopleView, ProfileView, View

_PIECE: Final = 200
"""People, names or roles in a piece: some 100 KB, and a millisecond to spell."""

_VIEW: Final = Codec[View](View, "view")
_PEOPLE_VIEW: Final = Codec[PeopleView](PeopleView, "view of people")
_NAMES: Final = Codec[tuple[Called, ...]](tuple[Called, ...], "list of names")


class ViewState:
    """The view's part of `State` over `Rows`."""

    def __init__(self, rows: Rows) -> None:
        self._view = ChunkedValue(rows, "view", "the view", _VIEW, cut=_cut_view, join=_join_view)
        self._people_view = ChunkedValue(
            rows, "people-view", "the view of people", _PEOPLE_VIEW, cut=_cut_people, join=_join_people
        )
        self._names = ChunkedValue(rows, "names", "the list of names", _NAMES, cut=_cut_names, join=_join_names)

    async def view(self) -> View | None:
        """The view as last stored. Raises `FailedRead` when it cannot be read whole: the next sweep stores it anew."""
        return await self._view.get()

    async def people_view(self) -> PeopleView | None:
        """The people of the view as last stored. Raises `FailedRead` as `view` does."""
        return await self._people_view.get()

    async def put_view(self, view: View, people: PeopleView) -> None:
        """Replaces the view, its people first. Raises `Conflict`."""
        await self._people_view.put(people, view.as_of)
        await self._view.put(view, view.as_of)

    async def names(self) -> Mapping[str, Called]:
        """What everybody is called, by object id. Raises `FailedRead` as `view` does."""
        return {one.object_id: one for one in await self._names.get() or ()}

    async def put_names(self, names: Mapping[str, Called], at: datetime) -> None:
        """Replaces them as a whole. Raises `Conflict`."""
        await self._names.put(tuple(names[one] for one in sorted(names)), at)


def _cut_view(view: View) -> Iterator[View]:
    """The view without a profile, then its profiles: each piece has the sweep's own words."""
    yield replace(view, profiles=())
    rest = replace(view, profiles=(), accounts=(), members={}, failures=())
    for profiles in by_size(view.profiles, _roles, most=_PIECE, most_items=_PIECE):
        yield replace(rest, profiles=tuple(profiles))


def _roles(profile: ProfileView) -> int:
    return len(profile.rows or ())


def _join_view(pieces: Sequence[View]) -> View:
    return replace(pieces[0], profiles=tuple(one for piece in pieces for one in piece.profiles))


def _cut_people(view: PeopleView) -> Iterator[PeopleView]:
    for people in batched(view.people, _PIECE, strict=False):
        yield replace(view, people=people)
    if not view.people:
        yield view


def _join_people(pieces: Sequence[PeopleView]) -> PeopleView:
    return replace(pieces[0], people=tuple(one for piece in pieces for one in piece.people))


def _cut_names(names: tuple[Called, ...]) -> Iterator[tuple[Called, ...]]:
    return batched(names, _PIECE, strict=False)


def _join_names(pieces: Sequence[tuple[Called, ...]]) -> tuple[Called, ...]:
    return tuple(one for piece in pieces for one in piece)
