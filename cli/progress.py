"""What a command that takes long shows while it works: on a terminal alone, on stderr, and not before a second.

Lives here: one line that is written over, and taken away in the end. An answer is never mixed with it.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

QUIET_SECONDS: Final = 1.0
"""What is done within it needs no progress."""

_CLEAR: Final = "\r\x1b[K"
"""To the beginning of the line, and nothing in it (ECMA-48, EL)."""


@asynccontextmanager
async def working(doing: str) -> AsyncIterator[None]:
    """Shows what is being done, and for how many seconds, for as long as the context lasts."""
    if not doing or not sys.stderr.isatty():
        yield
        return
    telling = asyncio.create_task(_tell(doing, time.monotonic()), name="telling that it works")
    try:
        yield
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling


async def _tell(doing: str, begun: float) -> None:
    await asyncio.sleep(QUIET_SECONDS)
    try:
        while True:
            _write(f"{_CLEAR}{doing} ... {time.monotonic() - begun:.0f} s")
            await asyncio.sleep(1.0)
    finally:
        _write(_CLEAR)


def counting(of: int, what: str) -> Callable[[int], None]:
    """What hears how many of so many are done, and shows it."""
    if not sys.stderr.isatty():
        return lambda _: None
    begun, shown = time.monotonic(), False

    def advance(done: int) -> None:
        nonlocal shown
        if done < of and time.monotonic() - begun >= QUIET_SECONDS:
            _write(f"{_CLEAR}{what} {done:,}/{of:,}")
            shown = True
        elif shown:
            _write(_CLEAR)
            shown = False

    return advance


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
