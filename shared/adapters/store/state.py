"""State over rows: what can be rebuilt about people, profiles and the estate.

How State's values are spread over rows lives here; their spelling is `codec`, and the store is a `Rows`.

    partition  row key                                what it holds
    people     person:<object id>                     a _PersonRow
               name:<sha256 of the name>:<id>     somebody who was once called that; only ever added
    profiles   profile:<account>/<profile>            a ProfileState
    future     due:<key>                              a FutureChecks; a name in the key is there by its digest
    catalogue  (see `chunked_value`)                    the Catalogue
    reports    report:<countdown>:<random>:<number>   a report's text, in parts; later ones sort first

What guards the app (holds, reservations, pause, baseline, unmanaged assignments) is kept by `state_guards`, the view by
`state_view`, and what is told about invoice mail by `state_mail`.
"""

import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.adapters.store.chunked_value import PART, ChunkedValue, parts_of
from shared.adapters.store.codec import Codec
from shared.adapters.store.rows import Changed, Exists, Insert, Replace, Row, Rows, after, fitting, put_over
from shared.adapters.store.state_mail import MailState
from shared.adapters.store.state_view import ViewState
from shared.adapters.store.state_watch import WatchState
from shared.domain.actors import with_actors
from shared.domain.catalogue import Catalogue
from shared.domain.history.report import Report
from shared.domain.keys import NameKey, NameKind, PersonKey, ProfileKey
from shared.domain.remembered import FutureChecks, PersonState, ProfileState
from shared.domain.view import Called
from shared.errors import Conflict
from shared.ports import Stored

_PEOPLE: Final = "people"
_PROFILES: Final = "profiles"
_FUTURE: Final = "future"
_REPORTS: Final = "reports"
_REPORT: Final = Codec[Report](Report, "report")


@dataclass(frozen=True, slots=True)
class _PersonRow:
    """What a person's row holds: `called` are the canonical name keys that were ever indexed for them."""

    state: PersonState
    called: tuple[str, ...]


_PERSON: Final = Codec[_PersonRow](_PersonRow, "person", lambda row: _person_key(row.state.object_id))
_PROFILE: Final = Codec[ProfileState](ProfileState, "profile", lambda state: _profile_key(state.key))
_DUE: Final = Codec[Mapping[datetime, bool]](Mapping[datetime, bool], "list of future checks")
_CATALOGUE: Final = Codec[Catalogue](Catalogue, "catalogue")


class RowsState(MailState, ViewState, WatchState):
    """`State` over `Rows`. Remembers the last catalogue read: a check costs one small read for it."""

    def __init__(self, rows: Rows) -> None:
        MailState.__init__(self, rows)
        ViewState.__init__(self, rows)
        WatchState.__init__(self, rows)
        self._catalogue = ChunkedValue(rows, "catalogue", "the catalogue", _CATALOGUE)

    async def person(self, object_id: str) -> Stored[PersonState]:
        """A person's row, an empty one when there is none. One read."""
        return await self._get(_PEOPLE, _person_key(object_id), _person_of, PersonState(object_id.lower()))

    async def put_person(self, row: Stored[PersonState]) -> Stored[PersonState]:
        """Stores a row, and indexes its names, in one. Raises `Conflict`."""
        state = replace(row.value, object_id=row.value.object_id.lower())
        key = _person_key(state.object_id)
        called: tuple[str, ...] = ()
        if row.is_there:
            there = await self._rows.get(_PEOPLE, key)
            if there is None or there.etag != row.version:
                raise _conflict(state.object_id)
            called = _PERSON.value(there).called
        names = {name.canonical: name for name in _names_of(state.names)}
        new = [names[name] for name in sorted(names.keys() - {*called})]
        ever = tuple(sorted({*called, *names}))
        put = put_over(row.version, key, _PERSON.body(_PersonRow(state, ever)))
        try:
            etag, *_ = await self._rows.write(_PEOPLE, put, *(_indexed(name, state.object_id) for name in new))
        except Exists as error:
            missing = [name for name in new if not await self._is_indexed(name, state.object_id)]
            if missing == new:
                raise _conflict(state.object_id) from error
            # Somebody removed the person's row by hand and left its names: they are still true.
            etag = await self._put_beside_names(put, missing, state.object_id)
        except Changed as error:
            raise _conflict(state.object_id) from error
        return Stored(state, etag)

    async def people(self) -> AsyncIterator[PersonState]:
        """Everybody who has a row."""
        async for row in self._rows.range(_PEOPLE, "person:", after("person:")):
            yield _person_of(row)

    async def called(self, name: NameKey) -> Sequence[str]:
        """The object ids of everybody who was ever called that while they had a row."""
        prefix = _name_prefix(name)
        return [row.key.removeprefix(prefix) async for row in self._rows.range(_PEOPLE, prefix, after(prefix))]

    async def profile(self, key: ProfileKey) -> Stored[ProfileState]:
        """A profile's row, an empty one when there is none. One read."""
        return await self._get(_PROFILES, _profile_key(key), _PROFILE.value, ProfileState(key))

    async def put_profile(self, row: Stored[ProfileState]) -> Stored[ProfileState]:
        """Stores a row. Raises `Conflict`."""
        key, body = row.value.key, _PROFILE.body(row.value)
        return await self._put(_PROFILES, _profile_key(key), row, body, f"what we remember of profile {key}")

    async def catalogue(self) -> Catalogue | None:
        """The catalogue as last stored. One read while it is the one that was read before.

        Raises `FailedRead` when it cannot be read whole: the next sweep stores a new one.
        """
        return await self._catalogue.get()

    async def put_catalogue(self, catalogue: Catalogue) -> None:
        """Replaces the catalogue as a whole: a reader sees the old one or the new one. Raises `Conflict`."""
        await self._catalogue.put(catalogue, catalogue.read_at)

    async def put_catalogue_over(self, before: Catalogue | None, catalogue: Catalogue) -> None:
        """Replaces the very catalogue that was read before (None: that there was none). Raises `Conflict`."""
        await self._catalogue.put_over(before, catalogue, catalogue.read_at)

    async def future_checks(self, key: PersonKey | NameKey) -> Stored[FutureChecks]:
        """A key's row, an empty one when there is none. One read."""
        return await self._get(
            _FUTURE, _future_key(key), lambda row: FutureChecks(key, _DUE.value(row)), FutureChecks(key)
        )

    async def put_future_checks(self, row: Stored[FutureChecks]) -> Stored[FutureChecks]:
        """Stores a row. Raises `Conflict`."""
        # It does not say whose: the row's key does, and names stay out of it.
        key, body = _future_key(row.value.key), _DUE.body(dict(sorted(row.value.due.items())))
        return await self._put(_FUTURE, key, row, body, f"what is remembered as '{key}'")

    async def names(self) -> Mapping[str, Called]:
        """What everybody is called, by object id: whom a view showed, and who acted. Raises `FailedRead` as `view`."""
        return with_actors(await ViewState.names(self), (await self.actors()).value)

    async def put_report(self, report: Report) -> None:
        """Keeps a sweep's report, also beside another of the same moment."""
        parts = parts_of(_REPORT.text(report))
        # Counting down, so that the latest comes first in a store that sorts only one way.
        countdown = 10**17 - (report.started - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        # Two sweeps may begin at once: the random part keeps the rows of each together, and apart from the other's.
        prefix = f"report:{countdown:018}:{secrets.token_hex(8)}"
        # The first part last: a report begins with it, and what was never finished has none.
        for number, part in reversed([*enumerate(parts)]):
            await self._rows.write(_REPORTS, Insert(f"{prefix}:{number:04}", PART.body(part)))

    async def reports(self, count: int) -> Sequence[Report]:
        """The latest `count` reports, newest first."""
        found: list[Report] = []
        if count < 1:
            return found
        begun, text = "", ""
        async with aclosing(self._rows.range(_REPORTS, "report:", after("report:"), page=min(count, 1000))) as rows:
            async for row in rows:
                report, _, number = row.key.rpartition(":")
                if number == "0000":
                    begun, text = report, ""
                elif report != begun:
                    continue
                part = PART.value(row)
                text += part.text
                if int(number) + 1 == part.parts:
                    found.append(_REPORT.value(row, text))
                if len(found) == count:
                    break
        return found

    async def _is_indexed(self, name: NameKey, object_id: str) -> bool:
        return await self._rows.get(_PEOPLE, _indexed(name, object_id).key) is not None

    async def _put_beside_names(self, put: Insert | Replace, names: Sequence[NameKey], object_id: str) -> str:
        try:
            etag, *_ = await self._rows.write(_PEOPLE, put, *(_indexed(name, object_id) for name in names))
        except (Exists, Changed) as error:
            raise _conflict(object_id) from error
        return etag


def _person_key(object_id: str) -> str:
    return f"person:{object_id.lower()}"


def _profile_key(key: ProfileKey) -> str:
    return fitting("profile:", key.folded)


def _name_prefix(name: NameKey) -> str:
    return f"name:{_digest(name)}:"


def _future_key(key: PersonKey | NameKey) -> str:
    return f"due:name:{_digest(key)}" if isinstance(key, NameKey) else f"due:{key.canonical}"


def _digest(name: NameKey) -> str:
    # A name may be of any length and script, and a row key may not.
    return hashlib.sha256(name.canonical.encode()).hexdigest()


def _indexed(name: NameKey, object_id: str) -> Insert:
    key = _name_prefix(name) + object_id.lower()
    return Insert(key, {"identity": name.canonical, "object_id": object_id.lower()})


def _person_of(row: Row) -> PersonState:
    return _PERSON.value(row).state


def _names_of(names: Mapping[NameKind, str]) -> Sequence[NameKey]:
    """What a person is called, as keys. What can be no key (a blank within it) is left out: no event may name it."""
    found = []
    for kind, name in names.items():
        with suppress(ValueError):
            found.append(NameKey(kind, name))
    return found


def _conflict(object_id: str) -> Conflict:
    return Conflict(f"somebody else changed what we remember of person {object_id}")
