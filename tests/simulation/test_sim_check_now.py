"""A check that an operator asks for: it does what the policy says, and its record is found by its origin."""

from datetime import timedelta

import pytest

from shared.domain.guards.pauses import Pause, PauseKind
from shared.domain.keys import PersonKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code
from shared.domain.work import CauseKind
from shared.services.check_results import results
from shared.services.operate.check_now import ask_for_checks
from shared.services.pauses import set_pause
from tests.simulation.small_world import DIETER, FEMKE, NL
from tests.simulation.stage import Stage

NO_TIME = timedelta()


async def test_each_person_is_checked_by_the_app_and_who_asked_is_on_record(stage: Stage) -> None:
    nora = stage.hire("nora")
    keys = [PersonKey(nora), PersonKey(FEMKE)]
    wrote = stage.writes()
    origin = await ask_for_checks(stage.app, keys, by="Felix")
    assert stage.writes() == wrote
    assert await results(stage.app, origin, keys, within=NO_TIME) == dict.fromkeys(keys)
    await stage.run_until_quiet()
    assert stage.held(nora) == {NL}
    told = await results(stage.app, origin, keys, within=NO_TIME)
    assert [(one.outcome, one.cause) for one in told.values() if one is not None] == [
        (Outcome.DONE, CauseKind.OPERATOR),
        (Outcome.UNCHANGED, CauseKind.OPERATOR),
    ]
    assert origin.endswith(":Felix")


async def test_asked_for_twice_at_once_both_are_checked_and_told_apart(stage: Stage) -> None:
    keys = [PersonKey(FEMKE)]
    first, second = [await ask_for_checks(stage.app, keys, by="Felix") for _ in range(2)]
    assert first != second
    await stage.run_until_quiet()
    for origin in (first, second):
        assert (await results(stage.app, origin, keys, within=NO_TIME))[keys[0]] is not None


async def test_a_pause_stops_it_as_it_stops_any_check(stage: Stage) -> None:
    await set_pause(stage.app, Pause(PauseKind.OPERATOR), Code.SAID(said="stop"), by="Olga")
    stage.change(DIETER, accountEnabled=False)
    held = stage.held(DIETER)
    await ask_for_checks(stage.app, [PersonKey(DIETER)], by="Felix")
    await stage.run_until_quiet()
    assert stage.held(DIETER) == held != set()


@pytest.mark.parametrize("seconds", [0, 30])
async def test_whoever_waits_is_told_as_soon_as_all_are_done_or_the_time_is_up(stage: Stage, seconds: int) -> None:
    keys, heard = [PersonKey(FEMKE)], list[int]()
    origin = await ask_for_checks(stage.app, keys, by="Felix")
    begun = stage.now
    told = await results(stage.app, origin, keys, within=timedelta(seconds=seconds), advance=heard.append)
    assert told == {keys[0]: None}, "nobody takes work from the queue meanwhile"
    assert timedelta(seconds=seconds) <= stage.now - begun <= timedelta(seconds=seconds + 2)
    assert set(heard) == {0}
