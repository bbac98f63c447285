"""A Contoso with two weeks behind it that runs in a thread, for tests that ask it from outside.

Lives here: living the two weeks, and running the sandbox on what they left. No test.
"""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.settings import Options
from sandbox.up import Sandbox, running
from tests.simulation.two_weeks import Unthreaded, live


def two_weeks(folder: Path) -> datetime:
    """Lives them into a folder; when they ended."""
    with asyncio.Runner(loop_factory=Unthreaded) as runner:
        runner.run(live(folder, ended := datetime.now(UTC)))
    return ended


@contextmanager
def going_on(state: Path, **options: Any) -> Iterator[Sandbox]:
    """The sandbox and its app, going on from what a folder has.

    The sweep runs by itself once a day, and not while tests want the same world all the time.
    """
    started: Future[Sandbox] = Future()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    far_away = f"0 0 {(datetime.now(UTC).hour + 12) % 24} * * *"

    async def run() -> None:
        over = asyncio.Event()
        stop.append((asyncio.get_running_loop(), over))
        async with running(Options(state=state, settings={"SWEEP_SCHEDULE": far_away}, **options)) as sandbox:
            started.set_result(sandbox)
            await over.wait()

    def thread() -> None:
        try:
            asyncio.run(run())
        except BaseException as failure:  # noqa: BLE001 - whoever waits for the sandbox gets it
            if not started.done():
                started.set_exception(failure)

    running_thread = threading.Thread(target=thread)
    running_thread.start()
    try:
        yield started.result(timeout=60)
    finally:
        loop, over = stop[0]
        if loop.is_running():
            loop.call_soon_threadsafe(over.set)
        running_thread.join()
