"""Dates that may be mistakes: a hire date that moves ahead of who is at work, and a leave date nobody cleared."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.domain.access.plan import StoppedBy
from shared.domain.guards.holds import Status
from shared.domain.policy.model import ActionKind
from shared.services.operate.decisions import dismiss, release
from tests.english import english
from tests.simulation.small_world import DE, DIETER, FEMKE, HOLDING, NL, POLICY, TESS, TREASURY
from tests.simulation.stage import Stage
from tests.simulation.test_sim_sweep_guards import CLERKS, holds, limited, office, queued

LONG_AGO = "2025-06-30T00:00:00Z"


def found(report: Any, kind: str) -> list[str]:
    return [one.principal for one in report.findings if one.kind == kind]


# -- a hire date that moves ahead


@pytest.mark.parametrize("by_event", [True, False])
async def test_whose_hire_date_moves_ahead_keeps_what_they_hold_and_is_told_of(stage: Stage, by_event: bool) -> None:
    stage.change(FEMKE, employeeHireDate="2026-04-01T00:00:00Z")
    if by_event:
        await stage.event_about(FEMKE)
        await stage.advance(hours=1)
    for _ in range(3):
        report = await stage.settle()
        assert (found(report, "hire-date-ahead"), report.drift) == ([FEMKE], {})
    assert stage.held(FEMKE) == {NL}
    await stage.advance(days=31)
    report = await stage.settle()
    assert (found(report, "hire-date-ahead"), stage.held(FEMKE)) == ([], {NL})


async def test_who_is_in_a_group_keeps_what_it_gives_also_where_the_hire_date_moves_ahead(stage: Stage) -> None:
    stage.change(TESS, employeeHireDate="2026-04-01T00:00:00Z")
    await stage.event_about(TESS)
    await stage.advance(hours=2)
    assert stage.held(TESS) == {HOLDING}
    stage.join(TREASURY, stage.hire("anna"))  # so that the rule still means somebody
    stage.leave(TREASURY, TESS)
    await stage.event_about(TESS)
    assert stage.held(TESS) == {HOLDING}  # a mover, of whom it is seen twice
    await stage.advance(hours=1)
    assert stage.held(TESS) == set()


async def test_a_mover_with_a_later_hire_date_loses_the_old_and_gains_the_new_on_that_day(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage(policy=POLICY.replace("mover_grace_hours: 0", "mover_grace_hours: 48"))
    await stage.settle()
    stage.change(DIETER, employeeHireDate="2026-04-01T00:00:00Z", companyName="Contoso Nederland")
    await stage.event_about(DIETER)
    await stage.advance(hours=47)
    assert stage.held(DIETER) == {DE}
    await stage.advance(hours=2)
    assert stage.held(DIETER) == set()
    await stage.advance(days=30)
    await stage.settle()
    assert stage.held(DIETER) == {NL}


async def test_a_disabled_account_keeps_nothing_until_its_hire_date(stage: Stage) -> None:
    stage.change(FEMKE, employeeHireDate="2026-04-01T00:00:00Z", accountEnabled=False)
    await stage.event_about(FEMKE)
    await stage.advance(hours=1)
    assert stage.held(FEMKE) == set()


# -- an old leave date


@pytest.mark.parametrize("by_event", [True, False])
async def test_an_old_leave_date_of_an_enabled_account_is_held_and_told_of_in_every_sweep(
    stage: Stage, by_event: bool
) -> None:
    stage.change(FEMKE, employeeLeaveDateTime=LONG_AGO)
    if by_event:
        await stage.event_about(FEMKE)
    for _ in range(3):
        assert found(await stage.settle(), "stale-leave-date") == [FEMKE]
    (hold,) = await holds(stage)
    assert (hold.kind, hold.profile, hold.stopped_by) == (ActionKind.LEAVER_REVOKES, NL, StoppedBy.STALE_LEAVE_DATE)
    assert "clear it, disable the account, or release this" in english(hold.why)
    assert stage.held(FEMKE) == {NL}
    await stage.sweep()
    assert queued(stage) == set()  # no check that would only meet the hold


async def test_a_leave_date_of_yesterday_takes_at_once(stage: Stage) -> None:
    stage.change(FEMKE, employeeLeaveDateTime="2026-03-01T00:00:00Z")
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()


async def test_an_old_leave_date_that_is_cleared_closes_the_hold(stage: Stage) -> None:
    stage.change(FEMKE, employeeLeaveDateTime=LONG_AGO)
    await stage.event_about(FEMKE)
    assert len(await holds(stage)) == 1
    stage.change(FEMKE, employeeLeaveDateTime=None)
    await stage.event_about(FEMKE)
    assert (await holds(stage), stage.held(FEMKE)) == ([], {NL})


@pytest.mark.parametrize("by_event", [True, False])
@pytest.mark.parametrize("decided", [None, release, dismiss])
async def test_an_account_that_is_disabled_meanwhile_is_a_leavers_at_once(
    stage: Stage, by_event: bool, decided: Any
) -> None:
    stage.change(FEMKE, employeeLeaveDateTime=LONG_AGO)
    await stage.event_about(FEMKE)
    (hold,) = await holds(stage)
    if decided is not None:
        await decided(stage.app, [hold.id], "olga", stage.now)
    stage.change(FEMKE, accountEnabled=False)
    await (stage.event_about(FEMKE) if by_event else stage.settle())
    assert stage.held(FEMKE) == set()
    await stage.settle()
    assert await holds(stage) == []


async def test_a_release_takes_it_away_and_a_dismissal_leaves_it(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(given=office(), policy=limited(leaver_revokes="0/0/0"))
    await stage.settle()
    for clerk in CLERKS[:2]:
        stage.change(clerk, employeeLeaveDateTime=LONG_AGO)
    report = await stage.settle()
    assert report.holds.groups == {}  # what is asked about takes no room from a daily limit, and is in no group
    first, second = sorted(await holds(stage), key=lambda hold: hold.key.canonical)
    await release(stage.app, [first.id], "olga", stage.now)
    await dismiss(stage.app, [second.id], "olga", stage.now)
    await stage.advance(minutes=10)
    await stage.settle()
    assert (stage.held(CLERKS[0]), stage.held(CLERKS[1])) == (set(), {NL})
    assert [hold.status for hold in await holds(stage)] == [Status.DISMISSED]
