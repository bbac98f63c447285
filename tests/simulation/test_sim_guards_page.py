"""docs/explanation/guards.md is true: each example that needs services is a test of that name, played on the stage."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shared.adapters.store.rows import Row, Rows
from shared.adapters.store.state import RowsState
from shared.domain.guards.daily_limits import Reservations, left, limit, percentage_base
from shared.domain.guards.holds import Hold, Status
from shared.domain.guards.pauses import Pause, PauseKind, Pauses, Setting
from shared.domain.keys import PersonKey
from shared.domain.policy.model import ActionKind, Policy
from shared.domain.reasons import Code
from shared.domain.work import Cause, CauseKind, WorkItem
from shared.services.operate.decisions import dismiss, list_holds, release, resume
from shared.services.reconcile.reconcile import reconcile
from shared.services.reservations import ReservationTurns
from tests.english import english
from tests.guards_page import Example, example
from tests.simulation.small_world import DE, DIETER, FEMKE, NL, POLICY
from tests.simulation.stage import Stage

__all__ = ["example"]

type SetStage = Callable[..., Stage]

BY = "olga"


def policy(example: Example) -> str:
    """The usual policy under the example's daily limits; enough of what it says nothing about."""
    ample = {"grants": "100/100/100", "mover_revokes": "100/100/100", "leaver_revokes": "100/100/100"}
    daily_limits = ample | example.get("daily_limits", {})
    return POLICY + "daily_limits:\n" + "".join(f"  {kind}: {figures}\n" for kind, figures in daily_limits.items())


class Meeting:
    """One instance's rows: what is reserved for movers is first read when the other instance has read it as well."""

    def __init__(self, rows: Rows, both_have_read: asyncio.Barrier) -> None:
        self._rows, self._both_have_read, self._first = rows, both_have_read, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)

    async def get(self, partition: str, key: str) -> Row | None:
        row = await self._rows.get(partition, key)
        if self._first and key == f"reservations:{ActionKind.MOVER_REVOKES}":
            self._first = False
            await self._both_have_read.wait()
        return row


async def begun(set_stage: SetStage, example: Example, **settings: Any) -> Stage:
    """The small company under the example's policy, swept once."""
    stage = set_stage(policy=policy(example), **settings)
    await stage.settle()
    return stage


async def move_out(stage: Stage, *people: str) -> None:
    """They leave the department, and that is seen twice."""
    for person in people:
        stage.change(person, department="Kitchen")
        await stage.event_about(person)
    await stage.advance(minutes=11)


async def movers(stage: Stage, number: int) -> list[str]:
    """Femke, Dieter, and whoever else it takes."""
    newcomers = [stage.hire(f"mover{each}") for each in range(number - 2)]
    for person in newcomers:
        await stage.event_about(person)
    return [FEMKE, DIETER, *newcomers]


async def holds(stage: Stage, status: Status = Status.OPEN) -> list[Hold]:
    return [hold for hold in (await list_holds(stage.app)).holds if hold.status is status]


def still_hold(stage: Stage, people: list[str]) -> int:
    return sum(bool(stage.held(person)) for person in people)


async def set_pause(stage: Stage, kinds: list[str]) -> None:
    pauses = await stage.app.state.pauses()
    settings = {Pause(PauseKind(pause_kind)): Setting(stage.now, BY, Code.SAID(said="because")) for pause_kind in kinds}
    await stage.app.state.put_pauses(pauses.becoming(Pauses(settings)))


async def test_two_instances_race_for_the_last_place(set_stage: SetStage, example: Example) -> None:
    stage = await begun(set_stage, example)
    people = [FEMKE, DIETER]
    assert len(people) == example["movers"]
    for person in people:
        stage.change(person, department="Kitchen")
        await stage.event_about(person)
    await stage.advance(minutes=4)
    both_have_read = asyncio.Barrier(2)
    instances = [
        replace(
            stage.app,
            state=RowsState(Meeting(stage.state_rows, both_have_read)),
            reservation_turns=ReservationTurns(),
        )
        for _ in people
    ]
    await asyncio.sleep(7 * 60)
    checks = [WorkItem(PersonKey(person), Cause(CauseKind.SETTLE, "test"), stage.now) for person in people]
    await asyncio.gather(*map(reconcile, instances, checks))
    assert len(people) - still_hold(stage, people) == example["revoked"]
    (hold,) = await holds(stage)
    assert (example["held"], hold.stopped_by) == (1, example["stopped_by"])


async def test_twelve_movers_at_once(set_stage: SetStage, example: Example) -> None:
    stage = await begun(set_stage, example)
    people = [stage.hire(f"mover{number}") for number in range(example["movers"])]
    await stage.settle()
    await stage.settle()
    baseline = (await stage.app.state.baseline()).value
    assert baseline is not None
    assert percentage_base(Reservations(ActionKind.MOVER_REVOKES), baseline, stage.now) == example["managed"]
    assert limit(stage.app.policy.daily_limits[ActionKind.MOVER_REVOKES], baseline.managed) == example["allowed"]
    for person in people:
        stage.change(person, department="Finanace")
    report = await stage.settle()
    await stage.settle()
    assert len(people) - still_hold(stage, people) == example["revoked"]
    waiting = await holds(stage)
    assert len(waiting) == report.holds.groups[example["group"]] == example["held"]
    assert {(hold.stopped_by, hold.group) for hold in waiting} == {(example["stopped_by"], example["group"])}
    (line,) = (await list_holds(stage.app)).groups
    assert line.id == example["group"]


async def test_twelve_leavers_at_once(set_stage: SetStage, example: Example) -> None:
    stage = await begun(set_stage, example)
    people = [stage.hire(f"leaver{number}") for number in range(example["leavers"])]
    await stage.settle()
    await stage.settle()
    baseline = (await stage.app.state.baseline()).value
    assert baseline is not None
    assert percentage_base(Reservations(ActionKind.LEAVER_REVOKES), baseline, stage.now) == example["managed"]
    assert limit(stage.app.policy.daily_limits[ActionKind.LEAVER_REVOKES], baseline.managed) == example["allowed"]
    for person in people:
        stage.change(person, accountEnabled=False)
    report = await stage.settle()
    await stage.settle()
    assert len(people) - still_hold(stage, people) == example["revoked"]
    waiting = await holds(stage)
    assert len(waiting) == report.holds.groups[example["group"]] == example["held"]
    assert {(hold.stopped_by, hold.group) for hold in waiting} == {(example["stopped_by"], example["group"])}


async def test_a_leaver_while_the_movers_daily_limit_is_used_up(set_stage: SetStage, example: Example) -> None:
    stage = await begun(set_stage, example)
    people = await movers(stage, example["movers"])
    await move_out(stage, *people)
    assert still_hold(stage, people) == len(await holds(stage)) == example["held"]
    leaver = next(person for person in people if stage.held(person))
    stage.change(leaver, accountEnabled=False)
    await stage.event_about(leaver)
    assert still_hold(stage, people) == example["held_after_leaving"]
    assert len(await holds(stage)) == example["holds_after_leaving"]


async def test_a_release_passes_the_daily_limit_and_takes_no_room_in_it(set_stage: SetStage, example: Example) -> None:
    stage = await begun(set_stage, example)
    people = await movers(stage, example["movers"])
    await move_out(stage, *people)
    assert still_hold(stage, people) == len(await holds(stage)) == example["held"]
    await release(stage.app, None, BY, await list_holds(stage.app))
    await stage.run_until_quiet()
    assert still_hold(stage, people) == len(await holds(stage)) == example["held_after_release"]
    row = (await stage.app.state.reservations(ActionKind.MOVER_REVOKES)).value
    assert len(row.taken) == example["reserved_after_release"]
    most = limit(stage.app.policy.daily_limits[ActionKind.MOVER_REVOKES], 100)
    assert left(row, most, stage.now) == example["left_after_release"]


async def test_a_dismissed_hold_comes_back_when_its_reason_changes(set_stage: SetStage, example: Example) -> None:
    stage = set_stage(policy=policy(example))
    person = stage.hire("anna")
    await stage.event_about(person)
    (hold,) = await holds(stage)
    await dismiss(stage.app, [hold.id], BY)
    await stage.event_about(person)
    assert (await stage.last_check(person)).outcome == example["check_after_dismissing"]
    assert [one.id for one in await holds(stage, Status(example["status_after_dismissing"]))] == [hold.id]
    rule = example["rule"]
    assert f"name: {rule['before']}\n" in POLICY
    stage.restart(policy=policy(example).replace(f"name: {rule['before']}\n", f"name: {rule['after']}\n"))
    await stage.advance(minutes=11)
    (again,) = await holds(stage, Status(example["status_after_the_change"]))
    assert again.id == hold.id
    assert rule["after"] in english(again.basis)
    assert not stage.held(person)


async def test_a_changed_policy_takes_nothing_away_by_itself(set_stage: SetStage, example: Example) -> None:
    stage = await begun(set_stage, example)
    people = [FEMKE, DIETER]
    assert still_hold(stage, people) == len(people)
    stage.restart(policy=without_rule(policy(example), example["rule_removed"]))
    await stage.settle()
    await stage.settle()
    assert len(people) - still_hold(stage, people) == example["revoked"]
    waiting = await holds(stage)
    assert len(waiting) == example["held"]
    assert {hold.stopped_by for hold in waiting} == {example["stopped_by"]}
    assert all(example["difference"] in english(hold.why) for hold in waiting)
    current: Policy = stage.app.policy
    assert {hold.group for hold in waiting} == {f"policy:{current.digest[:12]}"}
    await release(stage.app, [waiting[0].group], BY, await list_holds(stage.app))
    await stage.advance(minutes=30)
    assert len(people) - still_hold(stage, people) == example["revoked_after_release"]


def without_rule(text: str, name: str) -> str:
    """A policy file without one of its rules."""
    begin = text.index(f"  - name: {name}\n")
    return text[:begin] + text[text.index("  - name: ", begin + 1) :]


async def test_the_pause_and_a_disabled_leaver(set_stage: SetStage, example: Example) -> None:
    for pause_kind in example["kinds"]:
        stage = await begun(set_stage, example)
        newcomer = stage.hire("anna")
        await set_pause(stage, [pause_kind])
        stage.change(FEMKE, accountEnabled=False)
        for person in (FEMKE, newcomer):
            await stage.event_about(person)
        await move_out(stage, DIETER)
        assert {frozenset(): "revoked", frozenset({NL}): "kept"}[frozenset(stage.held(FEMKE))] == example["leaver"]
        assert {frozenset(): "revoked", frozenset({DE}): "kept"}[frozenset(stage.held(DIETER))] == example["mover"]
        assert ("given" if stage.held(newcomer) else "not given") == example["newcomer"]
        assert not await holds(stage), "nothing is held because of the pause"


async def test_a_pause_stops_even_leavers(set_stage: SetStage, example: Example) -> None:
    for pause_kind in example["kinds"]:
        stage = await begun(set_stage, example)
        await set_pause(stage, [pause_kind])
        stage.change(FEMKE, accountEnabled=False)
        await stage.event_about(FEMKE)
        assert ("kept" if stage.held(FEMKE) else "revoked") == example["leaver"]
        await resume(stage.app, BY)
        await stage.settle()
        assert ("kept" if stage.held(FEMKE) else "revoked") == example["leaver_after_resume_and_a_sweep"]


async def test_the_population_shrinks(set_stage: SetStage, example: Example) -> None:
    for sweep in example["sweeps"]:
        stage = await begun(set_stage, example, **example["settings"])
        baseline = (await stage.app.state.baseline()).value
        assert baseline is not None
        people = [stage.hire(f"person{number}") for number in range(example["people"] - baseline.population)]
        await stage.settle()
        baseline = (await stage.app.state.baseline()).value
        assert baseline is not None
        assert baseline.population == example["people"]
        for person in people[: sweep["gone"]]:
            stage.change(person, department="Kitchen")
        await stage.settle()
        pauses = (await stage.app.state.pauses()).value
        assert (Pause(PauseKind.POPULATION_SHRANK) in pauses.active) == sweep["pauses"]
        await resume(stage.app, BY)
        await stage.settle()
        after = (await stage.app.state.pauses()).value
        assert bool(after.active) == example["pauses_after_resume_and_a_sweep"]
        counted = (await stage.app.state.baseline()).value
        assert counted is not None
        assert counted.population == example["people"] - sweep["gone"]
