"""A reviewed plan that is applied: what was reviewed is done by the app's own checks, and nothing that was not."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from sandbox.faults import Effect
from shared.domain.guards.pauses import Pause, PauseKind
from shared.domain.keys import PersonKey
from shared.domain.outcome import Outcome
from shared.domain.pinned import Moved, MovedKind, PinnedPlan, pin
from shared.domain.reasons import Code
from shared.services.pauses import set_pause
from shared.services.sweep.apply_plan import Asked, Refused, apply_plan, results
from shared.services.sweep.plan import plan
from tests.simulation.small_world import DE, DIETER, FEMKE, HOLDING, NL, POLICY, TESS, TREASURY
from tests.simulation.stage import Stage
from tests.simulation.test_sim_sweep_guards import CLERKS, limited, move, office

SetStage = Callable[..., Stage]


async def reviewed(stage: Stage) -> PinnedPlan:
    planned = await plan(stage.app)
    return pin(planned.policy, planned.as_of, planned.changes)


async def applied(stage: Stage, pinned: PinnedPlan) -> Asked:
    found = await apply_plan(stage.app, pinned, by="Felix")
    assert isinstance(found, Asked), found
    return found


async def refused(stage: Stage, pinned: PinnedPlan) -> list[Moved]:
    sent = len(stage.queues.sent)
    found = await apply_plan(stage.app, pinned, by="Felix")
    assert isinstance(found, Refused)
    assert len(stage.queues.sent) == sent, "refused as a whole"
    return [*found.differences]


def not_done(check: object) -> set[object]:
    return {one.profile for one in check.actions if one.why == Code.NOT_IN_THE_PLAN()}  # type: ignore[attr-defined]


async def test_what_was_reviewed_is_done_by_checks_and_not_by_apply_itself(stage: Stage) -> None:
    nora = stage.hire("nora")
    stage.change(DIETER, accountEnabled=False)
    stage.set_profile(HOLDING, invoiceEmailOptIn=False)
    wrote = stage.writes()
    asked = await applied(stage, await reviewed(stage))
    assert stage.writes() == wrote
    assert {key.canonical for key in asked.keys} == {f"person:{nora}", f"person:{DIETER}", HOLDING.canonical}
    await stage.advance(hours=1)
    assert (stage.held(nora), stage.held(DIETER)) == ({NL}, set())
    assert stage.profile(HOLDING)["invoiceEmailOptIn"] is True
    told = await results(stage.app, asked, within=timedelta())
    assert {key.canonical: check and check.outcome for key, check in told.items()} == {
        f"person:{nora}": Outcome.DONE,
        f"person:{DIETER}": Outcome.DONE,
        HOLDING.canonical: Outcome.WAITING,  # the second read comes later
    }


async def test_what_came_up_since_is_left_to_the_next_sweep_and_told(stage: Stage) -> None:
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await applied(stage, await reviewed(stage))
    stage.join(TREASURY, FEMKE)
    await stage.advance(hours=1)
    assert stage.held(FEMKE) == {DE}, "the reviewed move is done, and nothing else is given"
    assert HOLDING in set().union(*(not_done(one) for one in await stage.checks(FEMKE)))
    await stage.settle()
    assert stage.held(FEMKE) == {DE, HOLDING}


async def test_who_left_meanwhile_loses_nothing_by_what_was_reviewed_of_a_mover(stage: Stage) -> None:
    stage.change(FEMKE, companyName="Tailwind Traders")
    pinned = await reviewed(stage)
    await applied(stage, pinned)
    stage.change(FEMKE, accountEnabled=False)
    await stage.run_until_quiet()
    assert stage.held(FEMKE) == {NL}
    assert not_done(await stage.last_check(FEMKE)) == {NL}
    await stage.settle()
    assert stage.held(FEMKE) == set()


async def test_another_rule_is_another_reason_and_is_not_done(set_stage: SetStage) -> None:
    delft = "  - name: delft\n    who: \"city eq 'Delft'\"\n    profiles: all\n"
    stage = set_stage(policy=POLICY.replace("  - name: treasury", f"{delft}  - name: treasury"))
    stage.change(DIETER, city="Delft")
    await stage.settle()
    nora = stage.hire("nora")
    await applied(stage, await reviewed(stage))
    stage.change(nora, department="Kitchen", city="Delft")
    await stage.run_until_quiet()
    assert stage.held(nora) == set()
    assert NL in not_done(await stage.last_check(nora))


async def test_evidence_is_seen_twice_and_the_second_check_may_do_no_more(stage: Stage) -> None:
    stage.change(FEMKE, companyName="Tailwind Traders")
    await applied(stage, await reviewed(stage))
    await stage.run_until_quiet()
    assert stage.held(FEMKE) == {NL}
    stage.join(TREASURY, FEMKE)
    await stage.advance(minutes=6)
    assert stage.held(FEMKE) == set()
    assert not_done(await stage.last_check(FEMKE)) == {HOLDING}


async def test_a_retry_may_do_no_more(stage: Stage) -> None:
    nora = stage.hire("nora")
    await applied(stage, await reviewed(stage))
    stage.fault("arm", Effect(status=503), method="POST", times=1)
    await stage.run_until_quiet()
    assert stage.held(nora) == set()
    stage.join(TREASURY, nora)
    await stage.advance(minutes=15)
    assert stage.held(nora) == {NL}
    assert HOLDING in not_done(await stage.last_check(nora))


async def test_a_date_that_comes_is_no_part_of_the_plan_and_is_kept(stage: Stage) -> None:
    nora = stage.hire("nora", employeeLeaveDateTime=(stage.now + timedelta(minutes=30)).isoformat())
    await applied(stage, await reviewed(stage))
    await stage.run_until_quiet()
    assert stage.held(nora) == {NL}
    await stage.advance(minutes=40)
    assert stage.held(nora) == set()


@pytest.mark.parametrize(
    ("happens", "kind"),
    [
        (lambda stage: stage.hire("late"), MovedKind.CAME),
        (lambda stage: stage.change(FEMKE, companyName="Contoso Nederland"), MovedKind.GONE),
        (lambda stage: stage.change(FEMKE, accountEnabled=False), MovedKind.GONE),
    ],
)
async def test_where_the_world_moved_nothing_is_asked_for(
    stage: Stage, happens: Callable[[Stage], object], kind: MovedKind
) -> None:
    stage.change(FEMKE, companyName="Contoso Deutschland")
    pinned = await reviewed(stage)
    happens(stage)
    assert kind in {one.kind for one in await refused(stage, pinned)}


async def test_what_waits_otherwise_than_it_was_reviewed_refuses_the_plan(stage: Stage) -> None:
    stage.hire("nora")
    pinned = await reviewed(stage)
    await set_pause(stage.app, Pause(PauseKind.HARM), Code.SAID(said="harm"), by="test")
    (difference,) = await refused(stage, pinned)
    assert (difference.kind, difference.change.waits) == (MovedKind.WAITS, "")
    assert difference.now is not None
    assert difference.now.waits == "pause: profile-harm"


async def test_under_another_policy_a_plan_is_refused(stage: Stage) -> None:
    pinned = await reviewed(stage)
    stage.restart(policy=POLICY.replace("lead_days: 0", "lead_days: 3"))
    assert await refused(stage, pinned) == []


async def test_where_not_everything_can_be_read_nothing_is_asked_for(stage: Stage) -> None:
    stage.set_profile(HOLDING, invoiceEmailOptIn=False)
    pinned = await reviewed(stage)
    stage.fault("graph", Effect(status=400), path="/v1.0/users$")
    await refused(stage, pinned)


async def test_what_waits_is_not_applied(set_stage: SetStage) -> None:
    stage = set_stage(given=office(), policy=limited(mover_revokes="3/3/100"))
    await stage.settle()
    move(stage, CLERKS[:4])
    nora = stage.hire("nora")
    asked = await applied(stage, await reviewed(stage))
    assert [*asked.keys] == [PersonKey(nora)]
    await stage.advance(hours=1)
    assert all(stage.held(clerk) == {NL} for clerk in CLERKS)


async def test_a_pause_stops_what_was_applied_before_it(stage: Stage) -> None:
    nora = stage.hire("nora")
    await applied(stage, await reviewed(stage))
    await set_pause(stage.app, Pause(PauseKind.OPERATOR), Code.SAID(said="stop"), by="Felix")
    await stage.advance(hours=1)
    assert stage.held(nora) == set()


async def test_the_daily_limit_holds_what_was_applied(set_stage: SetStage) -> None:
    stage = set_stage(given=office(), policy=limited(grants="20/20/100"))
    await stage.settle()
    newcomers = [stage.hire(f"new{number}") for number in range(5)]
    asked = await applied(stage, await reviewed(stage))
    assert len(asked.keys) == 5
    late = [stage.hire(f"late{number}") for number in range(2)]
    for person in late:
        await stage.event_about(person)
    await stage.advance(hours=1)
    assert sum(stage.held(person) == {NL} for person in (*newcomers, *late)) == 5


async def test_where_nothing_is_enforced_nothing_is_asked_for(set_stage: SetStage) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", "enforce: none"))
    await stage.settle()
    asked = await applied(stage, await reviewed(stage))
    assert asked.keys == {}
    assert stage.held(TESS) == set()


async def test_applied_twice_it_is_refused_as_its_changes_are_made(stage: Stage) -> None:
    nora = stage.hire("nora")
    pinned = await reviewed(stage)
    await applied(stage, pinned)
    await stage.run_until_quiet()
    (difference,) = await refused(stage, pinned)
    assert (difference.kind, difference.change.key) == (MovedKind.GONE, PersonKey(nora))


async def test_a_check_that_may_do_nothing_does_nothing(stage: Stage) -> None:
    nora = stage.hire("nora")
    stage.set_profile(HOLDING, invoiceEmailOptIn=False)
    assert await stage.check(PersonKey(nora), only=frozenset()) is Outcome.UNCHANGED
    await stage.check(HOLDING, only=frozenset())
    await stage.advance(minutes=30)
    assert (stage.held(nora), stage.profile(HOLDING)["invoiceEmailOptIn"]) == (set(), False)
    assert stage.held(nora) == set()
    assert [row.value async for row in stage.app.state.holds()] == []
