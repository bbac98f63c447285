"""Work items with dates and counts that no honest check has: what they cost, and that it ends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.faults import Effect
from shared.domain.keys import NameKey, NameKind, PersonKey
from shared.domain.outcome import Outcome
from shared.domain.work import MOST_ATTEMPTS, CauseKind
from tests.simulation.small_world import FEMKE, NL
from tests.simulation.stage import Stage

FAR_AHEAD = datetime(2199, 1, 1, tzinfo=UTC)
NOBODY = NameKey(NameKind.EMPLOYEE_ID, "nobody")


async def test_a_name_that_was_first_asked_for_in_two_centuries_is_given_up_in_two_weeks(stage: Stage) -> None:
    await stage.enqueue(NOBODY, CauseKind.WAIT, first_asked=FAR_AHEAD)
    before = len(stage.outcomes)
    await stage.advance(days=1)
    assert len(stage.outcomes) - before < 15
    await stage.advance(days=14)
    assert len(stage.outcomes) - before < 80
    assert stage.awaited(NOBODY) == []
    assert len(stage.queues.rejected) == 1


async def test_retries_that_began_in_two_centuries_end_in_a_day(stage: Stage) -> None:
    stage.fault("graph", Effect(status=503))
    await stage.enqueue(PersonKey(FEMKE), CauseKind.RETRY, failing_since=FAR_AHEAD)
    await stage.advance(hours=25)
    assert [outcome for _, outcome in stage.outcomes[-1:]] == [Outcome.GAVE_UP]
    assert stage.awaited(FEMKE) == []


@pytest.mark.parametrize("kind", [CauseKind.RETRY, CauseKind.WAIT, CauseKind.VERIFY, CauseKind.SETTLE])
async def test_a_check_that_says_it_is_the_millionth_one_is_like_any_other(stage: Stage, kind: CauseKind) -> None:
    stage.fault("graph", Effect(status=503), times=10)
    for key in (PersonKey(FEMKE), NOBODY, NL):
        await stage.enqueue(key, kind, attempt=MOST_ATTEMPTS)
    await stage.advance(hours=2)
    assert not stage.raised
    assert stage.held(FEMKE) == {NL}


async def test_updates_in_two_centuries_hold_no_profile_back(stage: Stage) -> None:
    """As a clock that was wrong leaves them, or whoever writes the state."""
    stage.profile(NL)["invoiceEmailOptIn"] = False
    state = await stage.app.state.profile(NL)
    later = tuple(FAR_AHEAD + timedelta(hours=number) for number in range(3))
    await stage.app.state.put_profile(state.becoming(replace(state.value, updates=later)))
    await stage.settle()
    assert stage.profile(NL)["invoiceEmailOptIn"] is True


async def test_moments_in_two_centuries_take_no_place_from_a_date_to_come(stage: Stage) -> None:
    forged = tuple(FAR_AHEAD + timedelta(days=number) for number in range(5))
    await stage.enqueue(PersonKey(FEMKE), moments=forged)
    await stage.run_until_quiet()
    await stage.tell(f"id:{FEMKE}", effective="2026-05-01")
    await stage.run_until_quiet()
    scheduled = [due for kind, due in stage.awaited(FEMKE) if kind == "schedule"]
    assert [f"{due:%Y-%m-%d}" for due in scheduled] == ["2026-04-30"]
