"""State of the guards over rows: holds, reservations, the pause, and what the last good sweep saw.

How these values are spread over rows lives here; their spelling is `codec`, and `state` has the rest.

    partition  row key                                what it holds
    holds      hold:<key>                             a KeyHolds; a key without holds has no row
    guards     reservations:<kind>                    a Reservations
               pause                                  the Pause
               baseline                               the Baseline
               actors                                 the Actors
               proposals                              the Proposals
               form-keys                              the FormKeys
    sighted    (see `chunked_value`)                    every Sighted
    seen-roles (the same)                              the Seen of roles
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from shared.adapters.store.chunked_value import ChunkedValue
from shared.adapters.store.codec import Codec
from shared.adapters.store.rows import (
    Changed,
    Damaged,
    Delete,
    Exists,
    Operation,
    Row,
    Rows,
    after,
    batches,
    fitting,
    put_over,
)
from shared.domain.actors import Actors
from shared.domain.form_keys import FormKeys
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.daily_limits import Reservations
from shared.domain.guards.holds import KeyHolds
from shared.domain.guards.pauses import Pauses
from shared.domain.guards.proposals import Proposals
from shared.domain.history.roles_seen import Seen
from shared.domain.history.unmanaged_sightings import Sighted
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind
from shared.errors import Conflict
from shared.ports import Stored

_HOLDS: Final = "holds"
_GUARDS: Final = "guards"
_PAUSES: Final = "pauses"
_BASELINE: Final = "baseline"
_ACTORS: Final = "actors"
_PROPOSALS: Final = "proposals"
_FORM_KEYS: Final = "form-keys"

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

_KEY_HOLDS: Final = Codec[KeyHolds](KeyHolds, "list of holds", lambda row: _hold_key(row.key))
_RESERVATIONS: Final = Codec[Reservations](
    Reservations, "list of reservations", lambda row: _reservations_key(row.kind)
)
_PAUSES_CODEC: Final = Codec[Pauses](Pauses, "pauses")
_BASELINES: Final = Codec[Baseline](Baseline, "baseline")
_ACTORS_CODEC: Final = Codec[Actors](Actors, "list of who acted")
_PROPOSALS_CODEC: Final = Codec[Proposals](Proposals, "list of proposals")
_FORM_KEYS_CODEC: Final = Codec[FormKeys](FormKeys, "list of form keys")
_SIGHTED: Final = Codec[tuple[Sighted, ...]](tuple[Sighted, ...], "list of unmanaged assignments")
_SEEN_ROLES: Final = Codec[Seen](Seen, "list of roles")


class GuardsState:
    """The guards' part of `State` over `Rows`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._sighted = ChunkedValue(rows, "sighted", "the list of unmanaged assignments", _SIGHTED, ())
        self._seen_roles = ChunkedValue(rows, "seen-roles", "the list of roles", _SEEN_ROLES)

    async def key_holds(self, key: PersonKey | ProfileKey) -> Stored[KeyHolds]:
        """Every hold of a key, none when there is no row. One read."""
        return await self._get(_HOLDS, _hold_key(key), holds_of, KeyHolds(key))

    async def put_key_holds(self, *rows: Stored[KeyHolds], whole: bool = False) -> Sequence[Stored[KeyHolds]]:
        """Stores each row; one without holds goes.

        Raises `Conflict` for those that somebody else changed meanwhile, and stores all others. With `whole`, up to 100
        rows are stored together or not at all, fewer where they are long; more in several such groups, up to the first
        that conflicts.
        """
        stored: dict[str, str] = {}
        conflicts: list[Operation] = []
        for group in batches([operation for row in rows for operation in _hold_operation(row)]):
            stored |= await self._put_holds(group, whole=whole)
            conflicts += [operation for operation in group if operation.key not in stored]
            if whole and conflicts:
                break
        if conflicts:
            of = f"'{conflicts[0].key}'"
            if len(conflicts) > 1:
                of = f"{'one of ' * whole}{len(conflicts)} keys, {of} the first,"
            raise Conflict(f"somebody else changed the holds of {of} meanwhile")
        return [replace(row, version=stored.get(_hold_key(row.value.key)) or None) for row in rows]

    async def _put_holds(self, group: Sequence[Operation], *, whole: bool) -> Mapping[str, str]:
        """Stores a group in one batch, else in halves: what stands in the way is found in few writes.

        Returns the etags of what is stored, by row key.
        """
        try:
            etags = await self._rows.write(_HOLDS, *group)
        except (Exists, Changed):
            if whole or len(group) == 1:
                return {}
            half = len(group) // 2
            return {
                **await self._put_holds(group[:half], whole=False),
                **await self._put_holds(group[half:], whole=False),
            }
        return {operation.key: etag for operation, etag in zip(group, etags, strict=True)}

    async def holds(self) -> AsyncIterator[Stored[KeyHolds]]:
        """Every key that has a hold."""
        async for row in self._rows.range(_HOLDS, "hold:", after("hold:")):
            yield Stored(holds_of(row), row.etag)

    async def reservations(self, kind: ActionKind) -> Stored[Reservations]:
        """What was reserved of a kind's daily limit. One read."""
        return await self._get(_GUARDS, _reservations_key(kind), reservations_of, Reservations(kind))

    async def put_reservations(self, row: Stored[Reservations]) -> Stored[Reservations]:
        """Stores the row. Raises `Conflict`."""
        kind, body = row.value.kind, _RESERVATIONS.body(row.value)
        return await self._put(_GUARDS, _reservations_key(kind), row, body, f"the reservations of {kind} meanwhile")

    async def pauses(self) -> Stored[Pauses]:
        """The pauses, none when there is no row. One read, never from memory."""
        return await self._get(_GUARDS, _PAUSES, pauses_of, Pauses())

    async def put_pauses(self, row: Stored[Pauses]) -> Stored[Pauses]:
        """Stores the row. Raises `Conflict`."""
        return await self._put(_GUARDS, _PAUSES, row, _PAUSES_CODEC.body(row.value), "the pause meanwhile")

    async def baseline(self) -> Stored[Baseline | None]:
        """What the last good sweep counted; None before the first. One read."""
        return await self._get(_GUARDS, _BASELINE, baseline_of, None)

    async def put_baseline(self, row: Stored[Baseline | None]) -> Stored[Baseline | None]:
        """Stores the row. Raises `Conflict`."""
        assert row.value is not None, "what was counted once is never unknown again"
        return await self._put(_GUARDS, _BASELINE, row, _BASELINES.body(row.value), "the baseline meanwhile")

    async def proposals(self) -> Stored[Proposals]:
        """What was proposed and not confirmed, none when there is no row. One read."""
        return await self._get(_GUARDS, _PROPOSALS, _PROPOSALS_CODEC.value, Proposals())

    async def put_proposals(self, row: Stored[Proposals]) -> Stored[Proposals]:
        """Stores the row. Raises `Conflict`."""
        body = _PROPOSALS_CODEC.body(row.value)
        return await self._put(_GUARDS, _PROPOSALS, row, body, "the proposals meanwhile")

    async def actors(self) -> Stored[Actors]:
        """Everybody who acted, none when there is no row. One read."""
        return await self._get(_GUARDS, _ACTORS, _ACTORS_CODEC.value, Actors())

    async def put_actors(self, row: Stored[Actors]) -> Stored[Actors]:
        """Stores the row. Raises `Conflict`."""
        body = _ACTORS_CODEC.body(row.value)
        return await self._put(_GUARDS, _ACTORS, row, body, "the list of who acted meanwhile")

    async def form_keys(self) -> Stored[FormKeys]:
        """The keys of the page's forms, none when there is no row. One read."""
        return await self._get(_GUARDS, _FORM_KEYS, _FORM_KEYS_CODEC.value, FormKeys())

    async def put_form_keys(self, row: Stored[FormKeys]) -> Stored[FormKeys]:
        """Stores the row. Raises `Conflict`."""
        body = _FORM_KEYS_CODEC.body(row.value)
        return await self._put(_GUARDS, _FORM_KEYS, row, body, "the keys of forms meanwhile")

    async def sighted(self) -> Sequence[Sighted]:
        """Every unmanaged assignment that the last sweep saw. One read while they are the ones read before."""
        return await self._sighted.get() or ()

    async def put_sighted(self, sighted: Sequence[Sighted]) -> None:
        """Replaces them as a whole: a reader sees the old ones or the new ones. Raises `Conflict`."""
        # Parts are named by a time, so that what a crash left is told by its age. None at all have no parts.
        await self._sighted.put(tuple(sighted), max((one.last for one in sighted), default=_LONG_AGO))

    async def seen_roles(self) -> Seen | None:
        """The roles that the last sweep saw, None before the first. Raises `FailedRead` for what is not whole."""
        return await self._seen_roles.get()

    async def put_seen_roles(self, seen: Seen, at: datetime) -> None:
        """Replaces them as a whole."""
        await self._seen_roles.put(seen, at)

    async def _get[T](self, partition: str, key: str, read: Callable[[Row], T], empty: T) -> Stored[T]:
        """A row as `read` has it, `empty` when there is none. One read."""
        row = await self._rows.get(partition, key)
        return Stored(empty) if row is None else Stored(read(row), row.etag)

    async def _put[T](self, partition: str, key: str, row: Stored[T], body: str, what: str) -> Stored[T]:
        """Stores a row over the version it was read as. Raises `Conflict`."""
        try:
            (etag,) = await self._rows.write(partition, put_over(row.version, key, body))
        except (Exists, Changed) as error:
            raise Conflict(f"somebody else changed {what}") from error
        return replace(row, version=etag)


def _hold_key(key: PersonKey | ProfileKey) -> str:
    return fitting("hold:", key.canonical)


def _reservations_key(kind: ActionKind) -> str:
    return f"reservations:{kind.value}"


def _hold_operation(row: Stored[KeyHolds]) -> Iterator[Operation]:
    """What stores a row; nothing for one that has no holds and never had."""
    key = _hold_key(row.value.key)
    if row.value.holds:
        yield put_over(row.version, key, _KEY_HOLDS.body(row.value))
    elif row.version is not None:
        yield Delete(key, row.version)


def holds_of(row: Row) -> KeyHolds:
    """The holds whose row this is. Raises `Damaged`."""
    found = _KEY_HOLDS.value(row)
    for named, hold in found.holds.items():
        if hold.key != found.key or hold.id != named:
            raise Damaged(f"row '{row.key}' in '{row.partition}' is no list of holds: '{named}' is another key's")
    return found


def reservations_of(row: Row) -> Reservations:
    """The reservations whose row this is. Raises `Damaged`."""
    return _RESERVATIONS.value(row)


def pauses_of(row: Row) -> Pauses:
    """The pause whose row this is. Raises `Damaged`: a pause that cannot be read is not off."""
    return _PAUSES_CODEC.value(row)


def baseline_of(row: Row) -> Baseline:
    """The baseline whose row this is. Raises `Damaged`."""
    return _BASELINES.value(row)
