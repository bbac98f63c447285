"""The stage: time passes without waiting, and a first sweep gives everybody what the policy says."""

import asyncio
import time

from tests.simulation.small_world import DE, DIETER, FEMKE, GREG, HARRY, HOLDING, NL, PIA, TESS
from tests.simulation.stage import Stage


async def test_a_day_of_virtual_time_takes_no_time() -> None:
    began, loop = time.monotonic(), asyncio.get_running_loop()
    await asyncio.sleep(24 * 3600)
    assert loop.time() >= 24 * 3600
    assert time.monotonic() - began < 5


async def test_after_the_first_sweep_everybody_holds_what_the_policy_gives(stage: Stage) -> None:
    assert stage.held(FEMKE) == {NL}
    assert stage.held(DIETER) == {DE}
    assert stage.held(TESS) == {HOLDING}
    assert stage.held(HARRY) == {NL}
    assert stage.held(PIA) == stage.held(GREG) == set()
    assert stage.raised == []
    assert stage.queues.dead == []
