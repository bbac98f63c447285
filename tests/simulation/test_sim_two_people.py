"""Decisions that take two people, from the proposal to what becomes of it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.domain.access.plan import StoppedBy
from shared.domain.guards.holds import Status
from shared.domain.history.findings import FindingKind
from shared.domain.history.records import Verb
from shared.domain.keys import PersonKey
from shared.domain.reasons import Code
from shared.services.operate.decisions import list_holds, log, pause, release, resume
from shared.services.operate.two_people import standing_proposals
from tests.simulation.small_world import DIETER, FEMKE, POLICY, guid
from tests.simulation.stage import Stage

LIMITS = "daily_limits: { mover_revokes: 0/0/0, leaver_revokes: 5/50/50, grants: 100/100/100 }\n"
TWO = POLICY + LIMITS + "decisions: { two_people: { above: 1 } }\n"
OLGA, PETE = guid(6, 1), guid(6, 2)
GROUP = "sweep:mover_revokes"


@pytest.fixture
async def waiting(set_stage: Callable[..., Stage]) -> Stage:
    """Femke and Dieter moved out, and what they hold waits as one group."""
    stage = set_stage(policy=TWO)
    await stage.settle()
    for person in (FEMKE, DIETER):
        stage.change(person, department="Kitchen")
        await stage.event_about(person)
    await stage.advance(minutes=11)
    for person in (FEMKE, DIETER):
        row = await stage.app.state.key_holds(PersonKey(person))
        holds = {one.id: replace(one, group=GROUP, stopped_by=StoppedBy.SWEEP) for one in row.value.holds.values()}
        await stage.app.state.put_key_holds(row.becoming(replace(row.value, holds=holds)))
    return stage


async def test_a_proposal_does_nothing_and_the_second_person_has_it_done(waiting: Stage) -> None:
    first = await release(waiting.app, [GROUP], OLGA, await list_holds(waiting.app), why="they moved")
    assert first.proposed is not None
    assert not first.holds
    await waiting.run_until_quiet()
    assert waiting.held(FEMKE)
    assert waiting.held(DIETER)
    second = await release(waiting.app, [GROUP], PETE, await list_holds(waiting.app))
    assert len(second.holds) == 2
    await waiting.run_until_quiet()
    assert not waiting.held(FEMKE) | waiting.held(DIETER)
    proposed, done = [decision for _, decision in await log(waiting.app)]
    assert (proposed.verb, proposed.by, proposed.deed) == (Verb.PROPOSE, OLGA, "release")
    assert (done.verb, done.by, done.proposed_by) == (Verb.RELEASE, PETE, OLGA)
    assert done.digest == proposed.digest == first.proposed.digest
    assert done.holds == proposed.holds
    assert not await standing_proposals(waiting.app)


async def test_the_same_is_confirmed_under_whatever_name(waiting: Stage) -> None:
    await release(waiting.app, [GROUP], OLGA, await list_holds(waiting.app))
    everything = await release(waiting.app, None, PETE, await list_holds(waiting.app))
    assert len(everything.holds) == 2


async def test_of_a_large_group_one_after_the_other_takes_two_as_well(waiting: Stage) -> None:
    one, other = [hold.id for hold in (await list_holds(waiting.app)).holds]
    for alone in (one, other):
        found = await release(waiting.app, [alone], OLGA, await list_holds(waiting.app))
        assert found.proposed is not None
    assert {hold.status for hold in (await list_holds(waiting.app)).holds} == {Status.OPEN}
    assert len((await release(waiting.app, [one], PETE, await list_holds(waiting.app))).holds) == 1
    await waiting.advance(seconds=1)
    last = await release(waiting.app, [other], PETE, await list_holds(waiting.app))
    assert len(last.holds) == 1, "what is left of the group is no more than one person may decide"


async def test_whoever_proposed_it_twice_has_proposed_it_once(waiting: Stage) -> None:
    for _ in range(2):
        found = await release(waiting.app, [GROUP], OLGA, await list_holds(waiting.app))
    assert found.refused is not None
    assert found.refused.code is Code.PROPOSED_BY_ONESELF
    assert len(await standing_proposals(waiting.app)) == 1
    assert len(await log(waiting.app)) == 1


async def test_a_release_that_is_repeated_needs_no_second_proposal(waiting: Stage) -> None:
    for by in (OLGA, PETE, PETE):
        found = await release(waiting.app, [GROUP], by, await list_holds(waiting.app))
    assert len(found.holds) == 2, "what two people released is asked for once more by one"
    assert {one.status for one in (await list_holds(waiting.app)).holds} == {Status.RELEASED}


async def test_a_proposal_is_over_after_a_week(waiting: Stage) -> None:
    await release(waiting.app, [GROUP], OLGA, await list_holds(waiting.app))
    await waiting.advance(days=7, minutes=1)
    assert not await standing_proposals(waiting.app)


async def test_a_resume_is_one_persons_where_the_policy_does_not_name_it(waiting: Stage) -> None:
    await pause(waiting.app, OLGA, "stop")
    resumed = await resume(waiting.app, OLGA, rule=waiting.app.policy.two_people)
    assert resumed.cleared


@pytest.mark.parametrize(("decisions", "told"), [("none", True), ("{ above: 5 }", False), ("", False)])
async def test_a_policy_that_says_one_person_decides_is_told_of_it(
    set_stage: Callable[..., Stage], decisions: str, told: bool
) -> None:
    stage = set_stage(policy=POLICY + (f"decisions: {{ two_people: {decisions} }}\n" if decisions else ""))
    await stage.settle()
    (report,) = await stage.app.state.reports(1)
    found = [one.key for one in report.findings if one.kind is FindingKind.ONE_PERSON_DECIDES]
    assert found == (["decisions.two_people"] if told else [])
