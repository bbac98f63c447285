"""Reads that need nothing of each other, made side by side: a check or a sweep waits for the slowest and not for all.

Lives here: beginning them and ending them together. Whatever one of them ends with, none is left running.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def beside[T](work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Begins work that goes on beside the block, which awaits what is given to it.

    Where the block raises, the work is cancelled, and has ended before that is raised.
    """
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        await _end([task])


async def in_order[T, R](work: Callable[[T], Awaitable[R]], items: Iterable[T], *, at_once: int) -> list[R]:
    """Does the same for every item, so many at once; returns what came of it in the order of the items.

    Where one raises, those under way are cancelled, no other begins, and that is raised.
    """
    waiting = enumerate(items)
    found: dict[int, R] = {}

    async def take() -> None:
        for number, item in waiting:
            found[number] = await work(item)

    tasks = [asyncio.create_task(take()) for _ in range(at_once)]
    try:
        await asyncio.gather(*tasks)
    finally:
        await _end(tasks)
    return [found[number] for number in sorted(found)]


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    unfinished = [task for task in tasks if not task.done()]
    for task in unfinished:
        task.cancel()
    await asyncio.gather(*unfinished, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # whoever was interested has it; asyncio would say that nobody was
