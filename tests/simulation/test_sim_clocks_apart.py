"""Instances whose clocks differ: what one wrote a moment ago, by a clock ahead of the other's, is not done again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.guards.daily_limits import ALLOWANCE
from shared.domain.guards.holds import action_id
from shared.domain.keys import PersonKey
from shared.domain.outcome import Outcome
from shared.domain.policy.model import ActionKind
from shared.domain.remembered import Holding
from tests.simulation.small_world import DIETER, FEMKE, NL, POLICY
from tests.simulation.stage import Stage


def writes(stage: Stage, person: str) -> int:
    return sum(who == person for _, who in stage.writes())


@pytest.mark.parametrize("ahead", [-60, 0, 1, 30, 120, 590])
async def test_a_grant_of_a_clock_a_little_ahead_is_waited_for_and_not_repeated(stage: Stage, ahead: int) -> None:
    anna = stage.hire("anna")
    state = await stage.app.state.person(anna)
    intended = Holding(intended_at=stage.now + timedelta(seconds=ahead), found_nothing=True)
    await stage.app.state.put_person(state.becoming(replace(state.value, holdings={NL: intended})))
    assert await stage.check(PersonKey(anna)) is Outcome.UNVERIFIED
    assert writes(stage, anna) == 0


@pytest.mark.parametrize("ahead", [-60, 0, 1, 30, 120, 590])
async def test_a_revoke_of_a_clock_a_little_ahead_is_waited_for_and_not_repeated(stage: Stage, ahead: int) -> None:
    stage.change(FEMKE, accountEnabled=False)
    before = writes(stage, FEMKE)
    state = await stage.app.state.person(FEMKE)
    revoking = replace(state.value.holdings[NL], revoking_at=stage.now + timedelta(seconds=ahead))
    await stage.app.state.put_person(state.becoming(replace(state.value, holdings={NL: revoking})))
    assert await stage.check(PersonKey(FEMKE)) is Outcome.UNVERIFIED
    assert writes(stage, FEMKE) == before


@pytest.mark.parametrize("ahead", [-121, 601, 365 * 24 * 3600])
async def test_an_intent_that_is_old_or_of_a_clock_that_was_wrong_stops_nothing(stage: Stage, ahead: int) -> None:
    stage.change(FEMKE, accountEnabled=False)
    state = await stage.app.state.person(FEMKE)
    revoking = replace(state.value.holdings[NL], revoking_at=stage.now + timedelta(seconds=ahead))
    await stage.app.state.put_person(state.becoming(replace(state.value, holdings={NL: revoking})))
    assert await stage.check(PersonKey(FEMKE)) is Outcome.DONE
    assert stage.held(FEMKE) == set()


@pytest.mark.parametrize("ahead", [timedelta(seconds=1), timedelta(seconds=30), ALLOWANCE])
async def test_what_a_clock_a_little_ahead_reserved_takes_its_room(
    set_stage: Callable[..., Stage], ahead: timedelta
) -> None:
    stage = set_stage(policy=POLICY + "daily_limits: { leaver_revokes: 1/1/100 }\n")
    await stage.settle()
    kind = ActionKind.LEAVER_REVOKES
    row = await stage.app.state.reservations(kind)
    taken = {action_id(PersonKey(FEMKE), kind, NL): stage.now + ahead}
    await stage.app.state.put_reservations(row.becoming(replace(row.value, taken=taken)))
    stage.change(DIETER, accountEnabled=False)
    assert await stage.check(PersonKey(DIETER)) is Outcome.HELD
