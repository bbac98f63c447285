"""Reads side by side: in order, so many at once, and none left running."""

import asyncio

import pytest

from shared.errors import FailedRead
from shared.services.side_by_side import beside, in_order


class Work:
    """Work that takes a turn of the loop for each unit of its number; notes who began, and how many run at once."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.running = 0
        self.most = 0
        self.fails: int | None = None

    async def __call__(self, number: int) -> int:
        self.begun.append(number)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            for _ in range(number):
                await asyncio.sleep(0)
            if number == self.fails:
                raise FailedRead(f"{number} failed")
        finally:
            self.running -= 1
        return number * 10


async def test_answers_are_in_the_order_of_the_questions_whoever_is_first() -> None:
    work = Work()
    assert await in_order(work, [9, 1, 5, 2, 7, 3], at_once=3) == [90, 10, 50, 20, 70, 30]
    assert work.most == 3


async def test_no_question_has_no_answer() -> None:
    assert await in_order(Work(), [], at_once=3) == []


async def test_a_failure_ends_those_under_way_and_begins_no_other() -> None:
    work = Work()
    work.fails = 2
    with pytest.raises(FailedRead, match="2 failed"):
        await in_order(work, [50, 2, 60, 70, 80], at_once=2)
    assert (work.running, work.begun) == (0, [50, 2])


async def test_who_is_cancelled_leaves_nothing_running() -> None:
    work = Work()
    task = asyncio.create_task(in_order(work, [50, 60, 70], at_once=2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert work.running == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.running == 0


async def test_work_beside_a_block_goes_on_while_the_block_waits() -> None:
    work = Work()
    async with beside(work(5)) as task:
        assert await work(9) == 90
        assert task.done()
        assert await task == 50


async def test_a_block_that_fails_leaves_no_work_beside_it() -> None:
    work = Work()

    async def block() -> None:
        async with beside(work(50)):
            await asyncio.sleep(0)
            raise FailedRead("the block")

    with pytest.raises(FailedRead, match="the block"):
        await block()
    assert (work.begun, work.running) == ([50], 0)


async def test_work_that_fails_beside_a_block_fails_where_it_is_awaited() -> None:
    work = Work()
    work.fails = 2

    async def block() -> None:
        async with beside(work(2)) as task:
            assert await work(9) == 90
            await task

    with pytest.raises(FailedRead, match="2 failed"):
        await block()
