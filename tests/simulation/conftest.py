"""Virtual time for every test in this folder, and a stage for whoever asks. Only hooks and fixtures live here."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from tests.simulation.stage import Stage
from tests.simulation.virtual_time import VirtualLoop


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, type[VirtualLoop]]:
    """Every test runs in virtual time."""
    return {"virtual": VirtualLoop}


@pytest.fixture
async def set_stage() -> AsyncIterator[Callable[..., Stage]]:
    """Makes stages, and closes them in the end."""
    made: list[Stage] = []

    def make(**options: Any) -> Stage:
        made.append(Stage(**options))
        return made[-1]

    yield make
    for stage in made:
        await stage.close()


@pytest.fixture
async def stage(set_stage: Callable[..., Stage]) -> Stage:
    """The small company under its usual policy, swept once: everybody holds what they should."""
    made = set_stage()
    await made.settle()
    return made
