"""State of the view over rows: what sweeps saw, and what everybody in it is called.

How it is cut into rows lives here: each holds some hundred entries, so that writing it stops nobody for long. `state`
has the rest.

    partition       row key                 what it holds
    view            (see `chunked_value`)   a _Header
    view-profiles   (the same)              its _Profiles, in pieces
    view-people     (the same)              its PeopleView, in pieces
    names           (the same)              every Called, in pieces
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import batched
from typing import Final

from shared.adapters.store.chunked_value import ChunkedValue
from shared.adapters.store.codec import Codec
from shared.adapters.store.rows import Rows
from shared.domain.by_size import by_size
from shared.domain.view import Called, PeopleView, ProfileView, View
from shared.errors import FailedRead

_TRIES: Final = 3
"""How often a view is read while sweeps replace it."""

_PIECE: Final = 200
"""People, names or roles in a piece: some 100 KB, and a millisecond to spell."""


@dataclass(frozen=True, slots=True)
class _Header:
    """A view without its profiles, and by which sweeps the profiles and the people of it were stored."""

    view: View
    profiles: str
    people: str


@dataclass(frozen=True, slots=True)
class _Profiles:
    """The profiles of a view, and which sweep stored them: an earlier one, where nothing has changed since."""

    sweep: str
    profiles: tuple[ProfileView, ...]


_HEADER: Final = Codec[_Header](_Header, "view")
_PROFILES: Final = Codec[_Profiles](_Profiles, "view of profiles")
_PEOPLE: Final = Codec[PeopleView](PeopleView, "view of people")
_NAMES: Final = Codec[tuple[Called, ...]](tuple[Called, ...], "list of names")


class ViewState:
    """The view's part of `State` over `Rows`. What has not changed since this process stored it is not stored again."""

    def __init__(self, rows: Rows) -> None:
        self._header = ChunkedValue(rows, "view", "the view", _HEADER)
        self._profiles = ChunkedValue(
            rows, "view-profiles", "the view of profiles", _PROFILES, cut=_cut_profiles, join=_join_profiles
        )
        self._people = ChunkedValue(
            rows, "view-people", "the view of people", _PEOPLE, cut=_cut_people, join=_join_people
        )
        self._names = ChunkedValue(rows, "names", "the list of names", _NAMES, cut=_cut_names, join=_join_names)

    async def view(self) -> View | None:
        """The view as last stored. Raises `FailedRead` when it cannot be read whole: the next sweep stores it anew."""
        for _ in range(_TRIES):
            if (header := await self._header.get()) is None:
                return None
            found = await self._profiles.get()
            if found is not None and found.sweep == header.profiles:
                return replace(header.view, profiles=found.profiles)
        raise FailedRead("the profiles of the view are of another sweep; the next one stores it anew")

    async def people_view(self) -> PeopleView | None:
        """The people of the view as last stored. Raises `FailedRead` as `view` does."""
        for _ in range(_TRIES):
            if (header := await self._header.get()) is None:
                return None
            found = await self._people.get()
            if found is not None and found.sweep == header.people:
                return replace(found, sweep=header.view.sweep)
        raise FailedRead("the people of the view are of another sweep; the next one stores it anew")

    async def put_view(self, view: View, people: PeopleView) -> None:
        """Replaces the view, its profiles and people first. Raises `Conflict`."""
        kept = await self._profiles.get() if self._profiles.is_known else None
        if kept is None or kept.profiles != view.profiles:
            kept = _Profiles(view.sweep, view.profiles)
            await self._profiles.put(kept, view.as_of)
        known = await self._people.get() if self._people.is_known else None
        if known is None or known.people != people.people:
            known = people
            await self._people.put(known, view.as_of)
        await self._header.put(_Header(replace(view, profiles=()), kept.sweep, known.sweep), view.as_of)

    async def names(self) -> Mapping[str, Called]:
        """What everybody is called, by object id. Raises `FailedRead` as `view` does."""
        return {one.object_id: one for one in await self._names.get() or ()}

    async def put_names(self, names: Mapping[str, Called], at: datetime) -> None:
        """Replaces them as a whole. Raises `Conflict`."""
        await self._names.put(tuple(names[one] for one in sorted(names)), at)


def _cut_profiles(view: _Profiles) -> Iterator[_Profiles]:
    for profiles in by_size(view.profiles, _roles, most=_PIECE, most_items=_PIECE):
        yield replace(view, profiles=tuple(profiles))
    if not view.profiles:
        yield view


def _roles(profile: ProfileView) -> int:
    return len(profile.rows or ())


def _join_profiles(pieces: Sequence[_Profiles]) -> _Profiles:
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
