"""What the simulation found, each as the smallest story that shows it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sandbox.faults import Effect
from tests.simulation.small_world import FEMKE, NL, OTHER_APP
from tests.simulation.stage import LoopClock, Stage


class OtherClock:
    """The stage's clock, some seconds ahead of the services'; behind them where these are negative."""

    def __init__(self, seconds: float) -> None:
        self._stage = LoopClock()
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return self._stage.now() + self._ahead


@pytest.mark.parametrize("seconds", [15, -15, 3000])
async def test_what_a_process_grants_with_a_clock_of_its_own_is_still_managed(
    set_stage: Callable[..., Stage], seconds: float
) -> None:
    stage = set_stage()
    await stage.settle()
    stage.turn(created_by_service_principal="absent")
    stage.app = replace(stage.app, clock=OtherClock(seconds))
    person = stage.hire("nora")
    await stage.event_about(person)
    assert stage.held(person) == {NL}
    stage.delete(person)
    await stage.event_about(person)
    assert stage.held(person) == set()


async def test_what_somebody_else_gave_before_we_checked_is_theirs_also_by_a_clock_behind(stage: Stage) -> None:
    stage.turn(created_by_service_principal="absent", grants_visible_after_seconds=30.0)
    stage.app = replace(stage.app, clock=OtherClock(-15))
    person = stage.hire("nora")
    stage.give(NL, person, by=OTHER_APP)
    await stage.advance(seconds=3)
    await stage.event_about(person)
    await stage.advance(minutes=5)
    stage.delete(person)
    await stage.event_about(person)
    assert stage.held(person) == {NL}


async def test_a_move_that_was_taken_back_is_no_evidence_for_the_next_one(stage: Stage) -> None:
    assert stage.held(FEMKE) == {NL}
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.event_about(FEMKE)  # seen once that she moved on
    await stage.advance(seconds=100)
    stage.change(FEMKE, companyName="Contoso Nederland")
    unreadable = stage.fault("arm", Effect(status=500), method="GET", path="NL-BG7/billingRoleAssignments")
    await stage.event_about(FEMKE)  # the directory refutes it, and billing does not answer
    await stage.advance(seconds=300)
    stage.change(FEMKE, companyName="Contoso Deutschland")
    stage.faults.lift(unreadable.id)
    await stage.event_about(FEMKE)  # this move is seen for the first time
    assert NL in stage.held(FEMKE)


async def test_a_grant_that_checks_found_to_have_come_to_nothing_explains_no_later_row(stage: Stage) -> None:
    stage.turn(created_by_service_principal="absent", create_status=202, operation_failure_status=400)
    person = stage.hire("nora")
    await stage.event_about(person)  # accepted, and it fails in the end
    stage.change(person, employeeHireDate=(stage.now + timedelta(days=4)).isoformat())
    await stage.advance(minutes=3)
    await stage.event_about(person)  # no longer wanted; nothing is there
    await stage.advance(minutes=10)
    assert stage.held(person) == set()
    stage.turn(operation_failure_status=None, create_status=200)
    stage.give(NL, person, by=OTHER_APP)
    stage.delete(person)
    await stage.settle()
    await stage.advance(hours=1)
    await stage.settle()
    assert stage.held(person) == {NL}


async def test_an_intent_explains_no_row_that_was_made_long_after_it(stage: Stage) -> None:
    stage.turn(created_by_service_principal="absent")
    person = stage.hire("nora")
    await stage.event_about(person)
    assert stage.held(person) == {NL}
    await stage.advance(hours=2)
    stage.take(NL, person)
    await stage.advance(minutes=10)
    stage.give(NL, person, by=OTHER_APP)
    stage.delete(person)
    await stage.event_about(person)
    await stage.settle()
    assert stage.held(person) == {NL}
