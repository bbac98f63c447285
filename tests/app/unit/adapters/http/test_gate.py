"""The gate and its pace by themselves, in virtual time: turns, waits, outages, and what sweeps leave alone."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.http.gate import Gate, Kind, Outage
from shared.adapters.http.pace import NoTurn, Pace
from shared.background import can_wait, in_background
from shared.errors import Transient
from shared.settings import Settings
from tests.simulation.virtual_time import VirtualLoop


def in_virtual_time[T](work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def gate(**settings: object) -> Gate:
    given = {f"INVOICE_ACCESS_{name.upper()}": str(value) for name, value in settings.items()}
    required = {
        "INVOICE_ACCESS_STORE": "sqlite:unused",
        "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
    }
    return Gate("The service", {Kind.READS: 25, Kind.WRITES: 10}, Settings.read({**required, **given}))


def pace() -> Pace:
    return Pace(25, reserve=0.1, for_events=0.4)


def now() -> float:
    return asyncio.get_running_loop().time()


async def ask(through: Gate, address: str, status: int = 200, kind: Kind = Kind.READS, **told: Any) -> None:
    async with through.call(kind, address) as call:
        call.answered(status, **told)


async def test_background_work_is_known_by_its_mark_in_every_task_that_it_begins() -> None:
    seen: list[bool] = []

    async def check() -> None:
        seen.append(can_wait())

    @in_background
    async def work() -> str:
        await asyncio.gather(check(), asyncio.create_task(check()))
        return "done"

    assert await work() == "done"
    await check()
    assert seen == [True, True, False]


# -- outages


def test_an_outage_begins_when_several_fail_and_its_waits_double_up_to_a_cap() -> None:
    outage = Outage("It", failures=3, seconds=30, cap=100)
    begun = [outage.failed(address, 0, probe=False) for address in ("/a?x=1", "/a?x=2", "/a", "/b", "/c", "/d")]
    assert begun == [False, False, False, False, True, False]
    waits = []
    at = 0.0
    for _ in range(4):
        left = outage.left(at, writing=False)
        assert left is not None
        waits.append(left)
        at += left
        assert outage.left(at, writing=False) is None
        assert outage.left(at, writing=True) == 0
        outage.try_it()
        assert outage.left(at, writing=False) == 0
        outage.failed("/a", at, probe=True)
    assert waits == [30, 60, 100, 100]
    outage.answered()
    assert not outage.is_down
    assert not outage.failed("/a", at, probe=False)


def test_one_answer_in_between_makes_failures_start_over() -> None:
    async def play() -> None:
        one = gate()
        for round_ in range(4):
            for address in range(4):
                await ask(one, f"/{round_}/{address}", 503)
            await ask(one, "/", 404)
        assert not one.outage.is_down
        for address in range(4):
            await ask(one, f"/{address}", 503)
        await ask(one, "/", 501)  # a service that cannot do this is there
        assert not one.outage.is_down

    in_virtual_time(play())


def test_calls_that_nobody_waited_for_any_longer_count_as_failed() -> None:
    async def hang(through: Gate, address: str) -> None:
        async with through.call(Kind.READS, address), asyncio.timeout(1):
            await asyncio.Event().wait()

    async def play() -> None:
        one = gate(outage_cap_seconds=300)
        for address in range(5):
            with pytest.raises(TimeoutError):
                await hang(one, f"/{address}")
        assert one.outage.is_down
        with pytest.raises(Transient, match="The service was not called: it is down") as refused:
            await ask(one, "/5")
        assert refused.value.retry_after == timedelta(seconds=30)
        await asyncio.sleep(30)
        probe = asyncio.create_task(hang(one, "/6"))
        await asyncio.sleep(0.5)
        with pytest.raises(Transient):  # one at a time goes to see
            await ask(one, "/7")
        with pytest.raises(TimeoutError):
            await probe
        with pytest.raises(Transient) as refused:
            await ask(one, "/8")
        assert refused.value.retry_after == timedelta(seconds=60)

    in_virtual_time(play())


def test_whoever_waits_for_a_turn_when_the_service_goes_down_is_sent_away_at_once() -> None:
    async def play() -> None:
        one = gate()
        await ask(one, "/", left=0)
        waiting = [asyncio.create_task(ask(one, "/")) for _ in range(3)]
        async with asyncio.TaskGroup() as group:
            for address in range(5):
                group.create_task(ask(one, f"/{address}", 503, Kind.WRITES))
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert [str(end) for end in ends] == ["The service was not called: it is down"] * 3
        assert now() < 0.001

    in_virtual_time(play())


# -- waits that a service asks for


def test_a_short_wait_is_waited_out_and_a_long_one_turns_callers_away() -> None:
    async def play() -> None:
        one = gate()
        await ask(one, "/", 429, wait=timedelta(seconds=3))
        await ask(one, "/", left=200)
        assert now() == pytest.approx(3)
        await ask(one, "/", left=0)
        waiting = asyncio.create_task(ask(one, "/"))
        patient = asyncio.create_task(in_background(ask)(one, "/"))
        await asyncio.sleep(0)
        one.paces[Kind.READS].refused(20)
        with pytest.raises(Transient) as put_off:
            await waiting
        assert put_off.value.retry_after == timedelta(seconds=20)
        assert now() == pytest.approx(3)
        await patient
        assert now() == pytest.approx(23, abs=0.1)

    in_virtual_time(play())


def test_a_wait_for_writes_is_none_for_reads() -> None:
    async def play() -> None:
        one = gate()
        await ask(one, "/", 429, Kind.WRITES, wait=timedelta(seconds=60))
        await ask(one, "/")
        with pytest.raises(Transient, match="no more writes for now"):
            await ask(one, "/", kind=Kind.WRITES)

    in_virtual_time(play())


# -- turns


def test_what_is_told_out_of_turn_is_old_news() -> None:
    async def play() -> None:
        one = pace()
        numbers = [await one.turn(background=False, patience=0) for _ in range(20)]
        one.told(100, numbers[9])
        one.told(0, numbers[3])
        for _ in range(90 - 25 + 1):
            await one.turn(background=False, patience=0)
        assert now() == 0
        with pytest.raises(NoTurn):
            await one.turn(background=False, patience=0)

    in_virtual_time(play())


def test_a_turn_is_not_lost_with_whoever_gave_up_waiting_for_it() -> None:
    async def play() -> None:
        one = pace()
        one.told(0, await one.turn(background=False, patience=1))
        waiting = [asyncio.create_task(one.turn(background=False, patience=5)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        waiting[1].cancel()
        assert await waiting[2] == 2
        assert now() == pytest.approx(0.4)

    in_virtual_time(play())


def test_nobody_waits_longer_than_they_may_though_it_turns_out_to_take_longer() -> None:
    async def play() -> None:
        one = pace()
        one.told(20, await one.turn(background=False, patience=1))
        waiting = [asyncio.create_task(one.turn(background=False, patience=2)) for _ in range(30)]
        for _ in range(30):
            await asyncio.sleep(0.1)
            had = sum(task.done() and not isinstance(task.exception(), NoTurn) for task in waiting)
            one.told(0, 1 + had)
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        turns = [end for end in ends if isinstance(end, int)]
        assert turns == list(range(2, 2 + len(turns)))  # first come, first served
        assert all(isinstance(end, NoTurn) for end in ends[len(turns) :])
        assert 3 < len(turns) < 12

    in_virtual_time(play())


def test_background_calls_cost_more_when_less_than_the_share_of_events_is_left() -> None:
    async def play(left: float) -> int:
        one = pace()
        one.told(left, await one.turn(background=False, patience=0))
        done = 0
        while now() < 20 and done < 1000:
            number = await one.turn(background=True, patience=60)
            one.told(left, number)
            done += 1
        return done

    assert in_virtual_time(play(250)) == pytest.approx(150 + 20 * 15, rel=0.02)
    assert in_virtual_time(play(50)) == pytest.approx((150 + 20 * 15) / 2, rel=0.05)
    assert (150 + 20 * 15) / 10 <= in_virtual_time(play(5)) < (150 + 20 * 15) / 7  # more comes in meanwhile


def test_a_caller_who_rested_in_a_way_of_their_own_does_not_wait_again() -> None:
    async def play() -> None:
        one = gate()
        await ask(one, "/", 429, wait=timedelta(seconds=7))
        async with one.call(Kind.READS, "/", rested_until=now() + 7) as call:
            call.answered(200)
        assert now() == 0

    in_virtual_time(play())
