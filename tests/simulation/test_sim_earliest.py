"""A check that waits for several moments comes back at the earliest of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.keys import PersonKey
from shared.domain.outcome import Outcome
from tests.simulation.small_world import DE, FEMKE, NL, POLICY
from tests.simulation.stage import Stage


@pytest.mark.parametrize(("first", "second"), [(NL, DE), (DE, NL)])
async def test_evidence_about_several_profiles_is_seen_again_when_the_first_of_it_is_due(
    set_stage: Callable[..., Stage], first: object, second: object
) -> None:
    both = POLICY.replace("- name: treasury", "- name: second\n    who: \"department eq 'Finance'\"\n"
                          '    profiles: [{ name: "Contoso Deutschland" }]\n  - name: treasury')  # fmt: skip
    stage = set_stage(policy=both + "daily_limits: { mover_revokes: 9/9/100 }\n")
    await stage.settle()
    assert stage.held(FEMKE) == {NL, DE}
    stage.change(FEMKE, department="Kitchen")
    state = await stage.app.state.person(FEMKE)
    seen = {first: stage.now - timedelta(minutes=4), second: stage.now - timedelta(minutes=1)}
    sightings = {f"moved:{profile.folded}": at for profile, at in seen.items()}  # type: ignore[attr-defined]
    await stage.app.state.put_person(state.becoming(replace(state.value, sightings=sightings)))
    assert await stage.check(PersonKey(FEMKE)) is Outcome.WAITING
    assert min(due for _, due in stage.awaited(FEMKE)) < stage.now + timedelta(minutes=2)
    await stage.advance(minutes=2)
    assert stage.held(FEMKE) == {second}
    await stage.advance(minutes=3)
    assert stage.held(FEMKE) == set()


async def test_a_person_with_hire_and_leave_date_is_checked_on_the_earlier_day_first(stage: Stage) -> None:
    hire, leave = (stage.now + timedelta(minutes=minutes) for minutes in (20, 40))
    anna = stage.hire(
        "anna", employeeHireDate=f"{hire:%Y-%m-%dT%H:%M:%SZ}", employeeLeaveDateTime=f"{leave:%Y-%m-%dT%H:%M:%SZ}"
    )
    await stage.event_about(anna)
    assert stage.held(anna) == set()
    assert min(due for kind, due in stage.awaited(anna) if kind == "schedule") - hire < timedelta(minutes=1)
    await stage.advance(minutes=30)
    assert stage.held(anna) == {NL}
    await stage.advance(minutes=30)
    assert stage.held(anna) == set()
