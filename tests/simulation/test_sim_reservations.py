"""Reserving together: what many checks want of one daily limit at once is exact, whoever else writes the row."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.guards.daily_limits import Place as Reserved
from shared.domain.guards.daily_limits import Reservations, counted, give_back, reserve_all
from shared.domain.keys import SHARDS
from shared.errors import Transient
from shared.services.reservations import Changed, rewrite_reservations
from tests.simulation.reservation_table import GRANTS, NOW, Instance, Table, instance
from tests.simulation.virtual_time import VirtualLoop


async def reserve(app: Instance, action: str, most: int) -> tuple[bool, Changed]:
    """Whether a check got room for its action, and the row before and after."""
    over: list[str] = []

    def change(row: Reservations) -> Reservations:
        after, without = reserve_all(row, [action], most, NOW)
        over[:] = without
        return row if without else after

    changed = await rewrite_reservations(app, GRANTS, change)
    return not over, changed


async def test_a_check_for_each_session_at_once_takes_two_writes() -> None:
    table = Table()
    app = instance(table)
    got = await asyncio.gather(*(reserve(app, str(number), most=100) for number in range(SHARDS)))
    assert all(room for room, _ in got)
    assert counted(table.row.value, NOW) == {str(number) for number in range(SHARDS)}
    assert table.writes <= 2


async def test_each_check_of_a_turn_sees_the_row_as_its_own_change_made_it() -> None:
    app = instance(Table())
    got = await asyncio.gather(*(reserve(app, str(number), most=3) for number in range(5)))
    assert [room for room, _ in got] == [True, True, True, False, False]
    for number, (_, (before, after)) in enumerate(got[:3]):
        assert after.taken.keys() - before.taken.keys() == {str(number)}


@pytest.mark.parametrize("seed", range(5))
async def test_two_instances_never_reserve_more_than_there_is(seed: int) -> None:
    table, rng = Table(), random.Random(seed)
    apps = [instance(table, seed), instance(table, seed + 100)]

    async def come(number: int) -> bool:
        await asyncio.sleep(rng.random() * 0.3)
        room, _ = await reserve(apps[number % 2], str(number), most=25)
        return room

    got = await asyncio.gather(*(come(number) for number in range(64)))
    assert sum(got) == 25
    assert len(counted(table.row.value, NOW)) == 25


async def test_what_another_instance_gave_back_is_there_for_whoever_asks_next() -> None:
    table = Table()
    here, there = instance(table), instance(table, 2)
    _, (_, row) = await reserve(here, "a", most=1)
    await rewrite_reservations(there, GRANTS, lambda old: give_back(old, {"a": Reserved(row.taken["a"], None)}))
    room, _ = await reserve(here, "b", most=1)
    assert room
    assert counted(table.row.value, NOW) == {"b"}


async def test_a_write_that_failed_is_told_to_its_turn_and_to_no_later_one() -> None:
    table = Table()
    app = instance(table)
    table.down = 1
    first = await asyncio.gather(*(reserve(app, str(n), most=9) for n in range(3)), return_exceptions=True)
    assert [type(one) for one in first] == [Transient] * 3
    room, _ = await reserve(app, "later", most=9)
    assert room
    assert counted(table.row.value, NOW) == {"later"}


async def test_a_check_that_is_cancelled_takes_nobody_with_it() -> None:
    table = Table()
    app = instance(table)
    tasks = [asyncio.create_task(reserve(app, str(number), most=9)) for number in range(3)]
    await asyncio.sleep(0.001)
    tasks[0].cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(ended[0], asyncio.CancelledError)
    assert counted(table.row.value, NOW) == {"0", "1", "2"}


@settings(max_examples=30, deadline=None)
@given(arrivals=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60)), max_size=30), most=st.integers(0, 12))
def test_however_checks_arrive_the_limit_is_used_to_the_full_and_never_exceeded(
    arrivals: list[tuple[int, int]], most: int
) -> None:
    async def played() -> tuple[int, int]:
        table = Table()
        apps = [instance(table, seed) for seed in range(3)]

        async def come(number: int, where: int, when: int) -> bool:
            await asyncio.sleep(when / 1000)
            return (await reserve(apps[where], str(number), most))[0]

        got = await asyncio.gather(*(come(number, *arrival) for number, arrival in enumerate(arrivals)))
        return sum(got), len(counted(table.row.value, NOW))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        rooms, taken = runner.run(played())
    assert rooms == taken == min(most, len(arrivals))
