"""Every release ends: its action is done, or it is open again with a reason. None lies in wait for months."""

from collections.abc import Callable

import pytest

from shared.domain.guards.holds import Hold, Status
from shared.domain.keys import PersonKey
from shared.domain.outcome import Outcome
from shared.services.operate.decisions import list_holds, pause, release, resume
from tests.english import english
from tests.simulation.small_world import FEMKE, HOLDING, NL, POLICY
from tests.simulation.stage import Stage

NOTHING = POLICY + "daily_limits: { mover_revokes: 0/0/0, grants: 0/0/0 }\n"
AUDITORS = NOTHING.replace(
    "rules:\n",
    "rules:\n  - name: auditors\n    who: \"jobTitle eq 'Auditor'\"\n    profiles: [{ name: 'Contoso Holding' }]\n",
)


async def holds_of(stage: Stage, person: str) -> list[Hold]:
    return [*(await stage.app.state.key_holds(PersonKey(person))).value.holds.values()]


async def release_of(stage: Stage, person: str) -> None:
    listing = await list_holds(stage.app)
    names = [hold.id for hold in listing.holds if hold.key == PersonKey(person)]
    assert (await release(stage.app, names, "olga", listing)).holds


async def sweep_after(stage: Stage, hours: int) -> None:
    """Time passes, and the last two hours of it have sweeps with their checks."""
    await stage.advance(hours=max(0, hours - 2))
    for _ in range(min(2, hours)):
        await stage.sweep()
        await stage.advance(hours=1)


async def test_a_grant_that_was_made_ends_its_release_where_its_rule_is_not_known_since(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage(policy=AUDITORS)
    zed = stage.hire("zed", department="Legal", jobTitle="Auditor")
    await stage.settle()
    stage.turn(grants_visible_after_seconds=20.0)
    await release_of(stage, zed)
    await stage.run_until_quiet()
    assert stage.outcomes[-1] == (PersonKey(zed), Outcome.UNVERIFIED)
    stage.change(zed, jobTitle="Clerk")  # the rule's only person: from now on it matches nobody
    await sweep_after(stage, 2)
    assert await holds_of(stage, zed) == []
    # A month later it was taken by hand, and the rule means them again: nobody released that.
    await stage.advance(days=30)
    stage.turn(grants_visible_after_seconds=0.0)
    stage.take(HOLDING, zed)
    stage.change(zed, jobTitle="Auditor")
    await stage.event_about(zed)
    assert stage.held(zed) == set()
    assert [hold.status for hold in await holds_of(stage, zed)] == [Status.OPEN]


@pytest.fixture
async def released(set_stage: Callable[..., Stage]) -> Stage:
    """A mover's revoke was released, and the pause stands in its way."""
    stage = set_stage(policy=NOTHING)
    await stage.settle()
    await release(stage.app, None, "olga", await list_holds(stage.app))
    await stage.advance(hours=1)
    assert stage.held(FEMKE) == {NL}
    stage.change(FEMKE, department="Kitchen")
    await stage.sweep()
    await stage.advance(minutes=30)
    await pause(stage.app, "olga", "to check something")
    await release_of(stage, FEMKE)
    await stage.advance(minutes=10)
    assert [hold.status for hold in await holds_of(stage, FEMKE)] == [Status.RELEASED]
    return stage


async def test_what_could_not_be_carried_out_in_three_days_is_open_again_and_says_so(released: Stage) -> None:
    await sweep_after(released, 71)
    assert [hold.status for hold in await holds_of(released, FEMKE)] == [Status.RELEASED]
    await sweep_after(released, 3)
    (hold,) = await holds_of(released, FEMKE)
    assert hold.status is Status.OPEN
    assert english(hold.refused) == "it was released on 2026-03-02 11:30 UTC, and could not be carried out within 72 h"
    await resume(released.app, "olga")
    await sweep_after(released, 2)
    assert released.held(FEMKE) == {NL}
    await release_of(released, FEMKE)
    await released.advance(hours=1)
    assert released.held(FEMKE) == set()


async def test_a_check_goes_by_no_old_release_where_no_sweep_came_in_between(released: Stage) -> None:
    await released.advance(days=30)
    await resume(released.app, "olga")
    await released.event_about(FEMKE)
    await released.advance(minutes=10)
    assert released.held(FEMKE) == {NL}
    assert (await released.last_check(FEMKE)).outcome == "held"
    (hold,) = await holds_of(released, FEMKE)
    assert (hold.status, english(hold.refused)[:14]) == (Status.OPEN, "it was release")


async def test_a_release_waits_out_a_rule_that_is_not_known_for_three_days_and_no_longer(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage(policy=AUDITORS.replace("grants: 0/0/0", "grants: 50/50/100"))
    zed = stage.hire("zed", department="Legal", jobTitle="Auditor")
    other = stage.hire("other", department="Legal", jobTitle="Auditor")
    await stage.settle()
    stage.change(zed, jobTitle="Clerk")
    await stage.sweep()
    await stage.advance(minutes=30)
    await pause(stage.app, "olga", "to check something")
    await release_of(stage, zed)
    await stage.advance(minutes=10)
    stage.change(other, jobTitle="Clerk")  # the last one: what the rule gave stays
    await stage.sweep()
    await resume(stage.app, "olga")
    await stage.advance(minutes=10)
    await sweep_after(stage, 74)
    assert [hold.status for hold in await holds_of(stage, zed)] == [Status.OPEN]
    stage.change(other, jobTitle="Auditor")
    await sweep_after(stage, 3)
    assert stage.held(zed) == {HOLDING}


async def test_a_movers_grace_is_no_part_of_the_three_days(set_stage: Callable[..., Stage]) -> None:
    policy = NOTHING.replace("mover_grace_hours: 0", "mover_grace_hours: 96")
    stage = set_stage(policy=policy.replace("grants: 0/0/0", "grants: 50/50/100"))
    await stage.settle()
    stage.restart(policy=without_femke(policy))
    await sweep_after(stage, 1)
    await release_of(stage, FEMKE)
    await sweep_after(stage, 94)
    assert stage.held(FEMKE) == {NL}
    await sweep_after(stage, 4)
    assert stage.held(FEMKE) == set()


def without_femke(policy: str) -> str:
    """The same without the rule that gave something to Femke, all of which the first sweep holds."""
    return policy.replace("department eq 'Finance'", "department eq 'Finance' and companyName eq 'Contoso Deutschland'")
