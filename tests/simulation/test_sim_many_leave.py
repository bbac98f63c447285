"""A day on which many leave: it ends alike however the app hears of it, and is told once."""

import logging
import random
import shlex
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from cli.adopt import read_pairs
from shared.domain.access.plan import StoppedBy
from shared.domain.adoption.consequences import Choice
from shared.domain.guards.holds import Status
from shared.domain.keys import PersonKey
from shared.domain.policy.model import ActionKind, Room
from shared.services.operate.adopt import apply_adoption, plan_adoption
from shared.services.operate.decisions import list_holds, release
from tests.english import english
from tests.simulation.small_world import DE, FEMKE, HARRY, NL, OTHER_APP, POLICY, by_hand, guid, user, world
from tests.simulation.stage import Stage

type SetStage = Callable[..., Stage]

CLERKS = tuple(guid(7, number) for number in range(60))
DAY = POLICY + "daily_limits: {leaver_revokes: 5/50/50, grants: 500/500/100, mover_revokes: 2/10/20}\n"
ALLOWED = 32
"""Half of what the sixty clerks and three others hold."""
GROUP = "daily_limit:leaver_revokes"


@pytest.fixture
async def company(set_stage: SetStage) -> Stage:
    """Sixty clerks, each of whom holds what they should."""
    given = world()
    given["users"] += [user(one, f"clerk{number}", "Contoso Nederland") for number, one in enumerate(CLERKS)]
    stage = set_stage(given=given, policy=DAY)
    await stage.settle()
    await stage.settle()  # now it is counted what they hold
    assert all(stage.held(clerk) == {NL} for clerk in CLERKS)
    return stage


def leave(stage: Stage, people: Sequence[str], how: str = "disabled") -> None:
    for person in people:
        if how == "deleted":
            stage.delete(person)
        elif how == "disabled":
            stage.change(person, accountEnabled=False)
        else:
            day = stage.now - timedelta(days=3)
            stage.change(person, employeeLeaveDateTime=f"{day:%Y-%m-%d}T00:00:00Z")


async def hear(stage: Stage, heard: str) -> None:
    """The app hears that the clerks left: from events, from a sweep, or of some from each."""
    order = [*CLERKS]
    random.Random(7).shuffle(order)
    if heard == "events":
        order = [*CLERKS]
    if heard in {"sweep, then events", "sweep among events"}:
        for clerk in order[:20] if heard == "sweep among events" else ():
            await stage.tell(f"id:{clerk}")
        await stage.sweep()
    if heard == "events, then a sweep":
        order = order[:20]
    if heard != "sweep":
        for clerk in order:
            await stage.tell(f"id:{clerk}")
    await stage.advance(minutes=30)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What somebody who watches the log is called for."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    ("heard", "how"),
    [
        ("events", "disabled"),
        ("shuffled events", "left"),
        ("sweep", "disabled"),
        ("sweep", "deleted"),
        ("sweep", "left"),
        ("sweep, then events", "disabled"),
        ("sweep among events", "deleted"),
        ("sweep among events", "disabled"),
        ("events, then a sweep", "disabled"),
    ],
)
async def test_sixty_leavers_end_alike_however_they_are_heard_of(
    company: Stage, heard: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    leave(company, CLERKS, how)
    caplog.clear()
    await hear(company, heard)
    await company.settle()
    await company.settle()
    gone = [clerk for clerk in CLERKS if not company.held(clerk)]
    assert len(gone) == ALLOWED
    (line,) = (await list_holds(company.app)).groups
    assert (line.id, line.is_group, len(line.holds)) == (GROUP, True, len(CLERKS) - ALLOWED)
    assert {hold.key for hold in line.holds} == {PersonKey(clerk) for clerk in CLERKS if clerk not in gone}
    assert {(hold.kind, hold.stopped_by, hold.status, english(hold.why)) for hold in line.holds} == {
        (
            ActionKind.LEAVER_REVOKES,
            StoppedBy.DAILY_LIMIT,
            Status.OPEN,
            f"the daily limit for removals (left) is used up: 24 h allow {ALLOWED}",
        )
    }
    assert len(told(caplog)) == 1
    assert GROUP in told(caplog)[0]
    assert not [record for record in caplog.records if "held sweep:" in record.getMessage()]
    await company.advance(hours=30)
    await company.settle()
    assert len([clerk for clerk in CLERKS if company.held(clerk)]) == len(CLERKS) - ALLOWED, "time applies no hold"
    decided = await release(company.app, [GROUP], "olga", await list_holds(company.app))
    assert len(decided.holds) == len(CLERKS) - ALLOWED
    await company.advance(minutes=10)
    assert not any(company.held(clerk) for clerk in CLERKS)
    assert not (await list_holds(company.app)).holds
    assert len(told(caplog)) == 1


async def test_what_arrives_first_goes_first(company: Stage) -> None:
    order = [*CLERKS]
    random.Random(3).shuffle(order)
    leave(company, order)
    for clerk in order:
        await company.event_about(clerk)
    assert {clerk for clerk in CLERKS if not company.held(clerk)} == set(order[:ALLOWED])


async def test_a_sweep_lets_loose_what_events_left_of_the_daily_limit_and_holds_the_rest(company: Stage) -> None:
    leave(company, CLERKS[:10])
    for clerk in CLERKS[:10]:
        await company.event_about(clerk)
    leave(company, CLERKS[10:])
    report = await company.sweep()
    assert report.guards[ActionKind.LEAVER_REVOKES] == Room(50, ALLOWED - 10, ALLOWED)
    assert report.holds.groups == {GROUP: 50 - (ALLOWED - 10)}
    assert report.enqueued == ALLOWED - 10
    (told,) = [one for one in report.findings if one.kind == "daily-limit-used-up"]
    assert english(told.why) == (
        f"the daily limit for removals (left) is used up: 24 h allow {ALLOWED}; whatever exceeds it waits for a "
        f"person as {GROUP}: docs/explanation/guards.md"
    )
    await company.advance(minutes=5)
    assert len([clerk for clerk in CLERKS if not company.held(clerk)]) == ALLOWED
    again = await company.sweep()
    assert [one for one in again.findings if one.kind == "daily-limit-used-up"] == []


async def test_the_next_day_that_too_many_leave_is_told_again(company: Stage, caplog: pytest.LogCaptureFixture) -> None:
    leave(company, CLERKS[:40])
    caplog.clear()
    await company.settle()
    assert len(told(caplog)) == 1
    await company.advance(hours=24)
    await company.settle()
    assert len(told(caplog)) == 1, "nobody came in"
    leave(company, CLERKS[40:])
    await company.settle()
    await company.settle()
    assert len(told(caplog)) == 2
    assert {line.id for line in (await list_holds(company.app)).groups} == {GROUP}


async def test_what_a_day_allows_is_a_share_of_what_was_held_when_it_began(company: Stage) -> None:
    for number, clerk in enumerate(CLERKS[:40]):
        leave(company, [clerk])
        if number % 8 == 0:
            await company.settle()
        else:
            await company.event_about(clerk)
    assert len([clerk for clerk in CLERKS if not company.held(clerk)]) == ALLOWED


async def test_many_whom_no_rule_lists_and_who_did_not_leave_are_told_by_the_next_sweep(
    company: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    for clerk in CLERKS:
        company.change(clerk, department="Kitchen")
    caplog.clear()

    def groups() -> list[str]:
        return [record.getMessage() for record in caplog.records if "held sweep:mover_revokes" in record.getMessage()]

    await company.settle()
    assert groups() == []
    await company.settle()
    assert len(groups()) == 1
    await company.settle()
    assert len(groups()) == 1
    assert all(company.held(clerk) == {NL} for clerk in CLERKS)


# -- what leavers hold that others gave


def by_whom(**more: Any) -> dict[str, Any]:
    given = world()
    rows = given["billingAccounts"][0]["billingProfiles"][1]["billingRoleAssignments"]
    rows.append(by_hand(FEMKE, **more))
    return given


@pytest.mark.parametrize("how", ["disabled", "deleted"])
@pytest.mark.parametrize("heard", ["event", "sweep"])
async def test_the_command_in_a_finding_removes_a_leavers_unmanaged_assignment(
    set_stage: SetStage, how: str, heard: str
) -> None:
    stage = set_stage(given=by_whom(createdByPrincipalId=OTHER_APP))
    await stage.settle()
    leave(stage, [FEMKE], how)
    if heard == "event" or how == "deleted":  # no sweep lists who is deleted
        await stage.event_about(FEMKE)
        notes = (await stage.last_check(FEMKE)).notes
        (text,) = [english(note.why) for note in notes if note.kind == "leaver-holds-unmanaged"]
    else:
        report = await stage.sweep()
        (text,) = [english(one.why) for one in report.findings if one.kind == "leaver-holds-unmanaged"]
        await stage.run_until_quiet()
    assert stage.held(FEMKE) == {DE}
    command = shlex.split(text.rpartition("to have it removed: ")[2])
    assert command[:2] == ["invoice-access", "adopt"]
    plan = await plan_adoption(stage.app, Choice(await read_pairs(stage.app.state, command[2:])))
    assert [(one.profile, one.principal_id) for one in plan.able] == [(DE, FEMKE)]
    await apply_adoption(stage.app, plan.able, "olga")
    await stage.run_until_quiet()
    assert stage.held(FEMKE) == set()


async def test_who_has_not_left_is_suggested_nothing(set_stage: SetStage) -> None:
    stage = set_stage()
    await stage.settle()
    await stage.event_about(HARRY)
    assert not any("invoice-access adopt" in english(note.why) for note in (await stage.last_check(HARRY)).notes)
