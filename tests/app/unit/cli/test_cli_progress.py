"""Progress is for a terminal, and for what takes longer than a second; it is gone when the answer comes."""

import asyncio
import io
from types import SimpleNamespace

import pytest

from cli.progress import counting, working


class Screen(io.StringIO):
    """A stream that is a terminal, or none."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Screen:
    made = Screen(getattr(request, "param", True))
    monkeypatch.setattr("cli.progress.sys", SimpleNamespace(stderr=made))
    return made


def as_seen(written: str) -> str:
    """What stands in the line in the end."""
    return written.rpartition("\x1b[K")[2]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever takes any time takes long."""
    monkeypatch.setattr("cli.progress.QUIET_SECONDS", 0.0)


async def until(screen: Screen, text: str) -> None:
    async with asyncio.timeout(30):
        while text not in screen.getvalue():  # noqa: ASYNC110 - a screen tells nobody that it was written to
            await asyncio.sleep(0)


@pytest.mark.usefixtures("at_once")
async def test_what_takes_long_is_shown_and_gone_in_the_end(screen: Screen) -> None:
    async with working("Reading the ledger"):
        await until(screen, "Reading the ledger ... 0 s")
    assert as_seen(screen.getvalue()) == ""


async def test_what_is_done_within_a_second_shows_nothing(screen: Screen) -> None:
    async with working("Reading the ledger"):
        await asyncio.sleep(0)
    counting(3, "checks done:")(1)
    assert "Reading" not in screen.getvalue()
    assert "checks" not in screen.getvalue()


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("screen", [False], indirect=True)
async def test_where_nobody_looks_nothing_is_shown(screen: Screen) -> None:
    async with working("Reading the ledger"):
        await asyncio.sleep(0)
    counting(3, "checks done:")(1)
    assert screen.getvalue() == ""


@pytest.mark.usefixtures("at_once")
def test_checks_are_counted_until_all_are_done(screen: Screen) -> None:
    advance = counting(3, "checks done:")
    advance(1)
    assert as_seen(screen.getvalue()) == "checks done: 1/3"
    advance(2)
    assert as_seen(screen.getvalue()) == "checks done: 2/3"
    advance(3)
    assert as_seen(screen.getvalue()) == ""


@pytest.mark.usefixtures("at_once")
async def test_a_failure_leaves_no_line_behind(screen: Screen) -> None:
    async def broken() -> None:
        async with working("Reading"):
            await until(screen, "Reading")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await broken()
    assert as_seen(screen.getvalue()) == ""
