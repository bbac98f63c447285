"""A process that dies: its tasks stop where they stand, and nothing of theirs runs any more."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any

from tests.simulation.engine.mortal import Life, mortal_tasks
from tests.simulation.virtual_time import VirtualLoop


def played(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Plays a story on a loop of its own: tasks of the dead never end, so nobody may wait for them."""
    loop = VirtualLoop()
    loop.set_task_factory(mortal_tasks)
    try:
        loop.run_until_complete(story())
    finally:
        loop.close()


async def _child(said: list[str], seconds: float) -> None:
    try:
        await asyncio.sleep(seconds)
        said.append(f"slept {seconds:g}")
    finally:
        said.append(f"finally {seconds:g}")


async def _parent(said: list[str]) -> None:
    try:
        async with asyncio.timeout(5):
            await asyncio.gather(_child(said, 1), _child(said, 2), _child(said, 30))
    except TimeoutError:
        said.append("too long")
    finally:
        said.append("finally of the parent")


def _life(said: list[str]) -> Life:
    return Life("app", lambda life: said.append(f"{life.name} ended"))


def test_no_finally_no_timeout_and_no_child_outlives_its_process() -> None:
    said: list[str] = []

    async def story() -> None:
        life = _life(said)
        task = life.begin(_parent(said), "parent")
        await asyncio.sleep(1.5)
        life.end()
        await asyncio.sleep(100)
        gc.collect()
        assert said == ["slept 1", "finally 1", "app ended"]
        assert not task.done()
        life.bury()

    played(story)


def test_a_life_can_end_at_every_one_of_its_steps() -> None:
    said: list[str] = []
    stories: list[list[str]] = []

    async def story() -> None:
        whole = _life(said)
        whole.begin(_parent(said), "parent")
        await asyncio.sleep(100)
        everything = said.copy()
        assert everything[-2:] == ["too long", "finally of the parent"]
        for fatal in range(1, whole.steps + 1):
            said.clear()
            life = _life(said)
            life.fatal_step = fatal
            life.begin(_parent(said), "parent")
            await asyncio.sleep(100)
            assert life.over
            assert said[-1] == "app ended"
            stories.append(said[:-1])
            life.bury()
        assert stories[0] == []
        assert all(one == everything[: len(one)] for one in stories)
        assert len(stories[-1]) >= len(everything) - 2

    played(story)


def test_whoever_is_outside_lives_on() -> None:
    said: list[str] = []

    async def story() -> None:
        life = _life(said)
        life.begin(_child(said, 1), "inside")
        outside = asyncio.get_running_loop().create_task(_child(said, 2))
        life.end()
        await outside
        assert said == ["app ended", "slept 2", "finally 2"]
        life.bury()

    played(story)
