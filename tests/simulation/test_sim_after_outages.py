"""Work goes on soon after a service is back: two rounds of the gate and of retries."""

import pytest

from sandbox.faults import Effect
from tests.simulation.small_world import NL
from tests.simulation.stage import Stage


@pytest.mark.parametrize(("target", "path"), [("arm", None), ("graph", "/v1.0/users")])
@pytest.mark.parametrize(("minutes_away", "seconds_later"), [(3, 60), (20, 200)])
async def test_everybody_is_served_soon_after_a_service_was_away(
    stage: Stage, target: str, path: str | None, minutes_away: int, seconds_later: int
) -> None:
    people = [stage.hire(f"patient{number}") for number in range(6)]
    away = stage.fault(target, Effect(status=503), path=path)
    for person in people:
        await stage.event_about(person)
    await stage.advance(minutes=minutes_away)
    assert [person for person in people if stage.held(person)] == []
    stage.faults.lift(away.id)
    await stage.advance(seconds=seconds_later)
    assert [person for person in people if stage.held(person) != {NL}] == []
    assert stage.queues.dead == []


async def test_a_day_of_an_outage_costs_each_key_a_few_hundred_checks(stage: Stage) -> None:
    person = stage.hire("patient")
    stage.fault("arm", Effect(status=503))
    await stage.event_about(person)
    before = len(stage.outcomes)
    await stage.advance(hours=23)
    assert 100 < len(stage.outcomes) - before < 400
