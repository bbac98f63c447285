"""Changing a row that others change too: nothing that anybody wrote is lost, and nobody tries for ever."""

import asyncio
import random
from dataclasses import replace
from typing import Final

import pytest

from shared.domain.keys import SHARDS
from shared.errors import Conflict, StoreRefused, Transient
from shared.ports import Stored
from shared.services.shared_row import TRIES, StoreOnly, change_row
from tests.simulation.stage import Stage

A_HANDLER: Final = 45.0
"""Seconds that a handler has; see `Settings.handler_seconds`."""


type Names = frozenset[str]
"""What several writers add to."""


class Store:
    """One row, taken only over the version that was read. Each call takes 20 ms, half of it on the way there."""

    def __init__(self) -> None:
        self.row = Stored[Names](frozenset(), "0")
        self.reads = 0
        self.puts = 0

    async def read(self) -> Stored[Names]:
        self.reads += 1
        await asyncio.sleep(0.01)
        row = self.row
        await asyncio.sleep(0.01)
        return row

    async def put(self, row: Stored[Names]) -> Stored[Names]:
        self.puts += 1
        await asyncio.sleep(0.01)
        if row.version != self.row.version:
            raise Conflict("somebody else was quicker")
        self.overtake(row.value)
        stored = self.row
        await asyncio.sleep(0.01)
        return stored

    def overtake(self, names: Names) -> None:
        self.row = Stored(names, str(int(self.row.version or 0) + 1))


async def add(
    desk: StoreOnly, store: Store, name: str, seen: Stored[Names] | None = None
) -> tuple[Stored[Names], Stored[Names]]:
    return await change_row(
        desk, "the names", store.read, lambda names: names | {name}, store.put, seen=seen, remedy="ask again"
    )


@pytest.mark.parametrize("seed", range(10))
async def test_a_writer_for_each_session_at_once_gets_its_change_stored_in_a_handlers_time(
    stage: Stage, seed: int
) -> None:
    store, clock = Store(), asyncio.get_running_loop().time
    desk = replace(stage.app, random=random.Random(seed))
    began = clock()
    await asyncio.gather(*(add(desk, store, str(number)) for number in range(SHARDS)))
    assert store.row.value == {str(number) for number in range(SHARDS)}
    assert clock() - began < A_HANDLER


async def test_who_is_overtaken_each_time_stores_nothing_and_is_told_what_others_wrote(
    stage: Stage,
) -> None:
    store = Store()

    def overtaken(names: Names) -> Names:
        store.overtake(store.row.value)
        return names | {"managed"}

    with pytest.raises(Transient, match=f"others wrote the names {TRIES} times meanwhile; ask again") as told:
        await change_row(stage.app, "the names", store.read, overtaken, store.put, remedy="ask again")
    assert not isinstance(told.value, Conflict), "who lost a race for a row did not lose its key's lock"
    assert store.row.value == frozenset()
    assert store.puts == TRIES


async def test_a_row_that_is_as_it_should_be_is_read_once_and_not_stored(stage: Stage) -> None:
    store = Store()
    await add(stage.app, store, "managed")
    before, after = await add(stage.app, store, "managed")
    assert before is after is store.row
    assert (store.reads, store.puts) == (2, 1)


async def test_a_row_that_was_just_read_is_not_read_again_unless_somebody_was_quicker(stage: Stage) -> None:
    store = Store()
    _, seen = await add(stage.app, store, "first")
    _, row = await add(stage.app, store, "second", seen=seen)
    assert store.reads == 1
    _, last = await add(stage.app, store, "third", seen=seen)
    assert store.reads == 2, "what was seen is older than the row"
    assert row.value < last.value == {"first", "second", "third"}


async def test_an_outage_is_raised_at_once(stage: Stage) -> None:
    store = Store()

    async def refused(_: Stored[Names]) -> Stored[Names]:
        store.puts += 1
        raise StoreRefused("our role is missing")

    with pytest.raises(StoreRefused):
        await change_row(stage.app, "the names", store.read, lambda names: names | {"managed"}, refused)
    assert store.puts == 1
