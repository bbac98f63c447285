"""What a plan says is what the next sweep does, and saying it changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.faults import Effect
from shared.domain.guards.pauses import Pause, PauseKind
from shared.domain.history.report import Report
from shared.domain.keys import PersonKey
from shared.domain.planned import Do, Planned, Recipients, Wait, WaitKind
from shared.domain.policy.model import ActionKind, Room
from shared.domain.reasons import Code
from shared.services.operate.decisions import dismiss, release
from shared.services.pauses import set_pause
from shared.services.sweep.plan import plan
from tests.english import english
from tests.simulation.small_world import (
    DE,
    DIETER,
    FEMKE,
    HARRY,
    HOLDING,
    MCA,
    NL,
    OWNER,
    PARTNER,
    POLICY,
    TESS,
    user,
    world,
)
from tests.simulation.stage import Stage
from tests.simulation.test_sim_sweep_guards import CLERKS, leave, limited, lists_fail, move, office, queued

SetStage = Callable[..., Stage]


@pytest.fixture
async def clerks(set_stage: SetStage) -> Stage:
    """Fifteen people hold what they should; three movers' and five leavers' revokes a day."""
    stage = set_stage(given=office(), policy=limited(mover_revokes="3/3/100", leaver_revokes="5/5/100"))
    await stage.settle()
    return stage


def waits(planned: Planned) -> dict[tuple[str, str], str | None]:
    """What each change waits for: key and profile."""
    return {
        (one.key.canonical, one.profile.profile): None if one.waits is None else str(one.waits)
        for one in planned.changes
    }


async def swept_as_planned(stage: Stage) -> tuple[Planned, Report]:
    """Plans, then lets the sweep do it, and checks that both say the same."""
    planned = await plan(stage.app)
    report = await stage.sweep()
    assert dict(planned.rooms) == dict(report.guards)
    assert dict(planned.would_hold) == dict(report.would_hold)
    assert sorted(map(str, planned.pauses.active)) == list(report.pauses)
    assert planned.failures == report.failures
    assert (planned.complete, planned.profiles) == (report.complete, report.counts.profiles)
    assert planned.people == report.counts.people + report.counts.people_unreadable
    open_holds = {
        (hold.key.canonical, hold.profile.profile): hold.group or hold.id
        async for row in stage.app.state.holds()
        for hold in row.value.holds.values()
        if hold.status == "open"
    }
    planned_holds = {
        (one.key.canonical, one.profile.profile): one.waits.on
        for one in planned.changes
        if one.waits is not None and one.waits.kind is WaitKind.HOLD
    }
    assert planned_holds == open_holds
    by_itself = {one.key.canonical for one in planned.changes if one.waits is None}
    assert by_itself <= queued(stage)
    return planned, report


async def test_what_waits_for_nothing_is_what_the_sweep_does(stage: Stage) -> None:
    nora = stage.hire("nora")
    stage.change(FEMKE, companyName="Contoso Deutschland")
    stage.change(DIETER, accountEnabled=False)
    stage.set_profile(HOLDING, invoiceEmailOptIn=False)
    before = stage.everything_held()
    planned, _ = await swept_as_planned(stage)
    assert {(one.do, one.key.canonical, one.profile) for one in planned.now()} == {
        (Do.GIVE, f"person:{nora}", NL),
        (Do.GIVE, f"person:{FEMKE}", DE),
        (Do.REMOVE, f"person:{FEMKE}", NL),
        (Do.REMOVE, f"person:{DIETER}", DE),
        (Do.TURN_ON, HOLDING.canonical, HOLDING),
    }
    assert len(planned.changes) == 5
    await stage.advance(hours=1)
    after = stage.everything_held()
    given = {(f"person:{person}", profile) for profile, person in after.keys() - before.keys()}
    taken = {(f"person:{person}", profile) for profile, person in before.keys() - after.keys()}
    assert given == {(one.key.canonical, one.profile.folded) for one in planned.changes if one.do is Do.GIVE}
    assert taken == {(one.key.canonical, one.profile.folded) for one in planned.changes if one.do is Do.REMOVE}
    assert stage.profile(HOLDING)["invoiceEmailOptIn"] is True
    assert (await plan(stage.app)).changes == ()


async def test_each_change_has_its_reason_its_rules_and_a_name(stage: Stage) -> None:
    nora = stage.hire("nora")
    stage.change(FEMKE, department="Kitchen", displayName="Femke de Boer")
    stage.set_profile(HOLDING, invoiceEmailOptIn=False)
    planned = await plan(stage.app)
    told = {one.key.canonical: (english(one.why), one.rules) for one in planned.changes}
    assert told == {
        f"person:{nora}": ("given by rule own-company", ("own-company",)),
        f"person:{FEMKE}": (
            "no rule lists them any more: they moved on or left, which a check finds out",
            ("own-company",),
        ),
        HOLDING.canonical: ("opted out although the policy keeps it opted in", ()),
    }
    assert planned.names[nora] == "nora"
    assert planned.profile_names[HOLDING] == "Contoso Holding"


async def test_recipients_are_counted_before_and_after(stage: Stage) -> None:
    stage.hire("nora")
    stage.change(FEMKE, companyName="Contoso Deutschland")
    planned = await plan(stage.app)
    # Femke goes from the Netherlands to Germany, Nora joins there; Harry has it by hand.
    assert dict(planned.recipients) == {NL: Recipients(2, 2), DE: Recipients(1, 2)}


async def test_too_much_of_a_kind_waits_in_one_group(clerks: Stage) -> None:
    move(clerks, CLERKS[:4])
    leave(clerks, CLERKS[5:11])
    planned, report = await swept_as_planned(clerks)
    told = waits(planned)
    assert {told[f"person:{one}", NL.profile] for one in CLERKS[:4]} == {"sweep:mover_revokes"}
    assert sorted(filter(None, (told[f"person:{one}", NL.profile] for one in CLERKS[5:11]))) == [
        "daily_limit:leaver_revokes"
    ]
    assert planned.rooms[ActionKind.MOVER_REVOKES] == Room(4, 3, 3)
    assert report.enqueued == 5


async def test_what_is_held_already_waits_in_the_hold_there_is(clerks: Stage) -> None:
    move(clerks, CLERKS[:4])
    await clerks.sweep()
    move(clerks, CLERKS[4:5])
    planned, _ = await swept_as_planned(clerks)
    told = waits(planned)
    assert {told[f"person:{one}", NL.profile] for one in CLERKS[:4]} == {"sweep:mover_revokes"}
    assert told[f"person:{CLERKS[4]}", NL.profile] is None


async def test_what_a_person_decided_is_told(clerks: Stage) -> None:
    move(clerks, CLERKS[:4])
    await clerks.sweep()
    first, second = [
        hold.id
        async for row in clerks.app.state.holds()
        for hold in row.value.holds.values()
        if hold.key in {PersonKey(CLERKS[0]), PersonKey(CLERKS[1])}
    ]
    await dismiss(clerks.app, names=[first], by="Felix", why="She stays")
    await release(clerks.app, names=[second], as_listed=clerks.now, by="Felix", why="She moved")
    planned = await plan(clerks.app)
    kinds = {one.id: one.waits and one.waits.kind for one in planned.changes}
    assert (kinds[first], kinds[second]) == (WaitKind.DISMISSED, None)


async def test_what_a_changed_policy_takes_waits_for_a_decision(set_stage: SetStage) -> None:
    stage = set_stage()
    await stage.settle()
    stage.restart(policy=POLICY.replace("department eq 'Finance'", "department eq 'Finance' and city eq 'Delft'"))
    stage.change(DIETER, city="Delft")
    planned, _ = await swept_as_planned(stage)
    (change,) = planned.changes
    assert (change.key, change.do) == (PersonKey(FEMKE), Do.REMOVE)
    assert str(change.waits) == f"policy:{stage.app.policy.digest[:12]}"


async def test_a_pause_stops_all_but_what_it_lets_pass(stage: Stage) -> None:
    nora = stage.hire("nora")
    stage.change(DIETER, accountEnabled=False)
    await set_pause(stage.app, Pause(PauseKind.HARM), Code.SAID(said="harm"), by="test")
    planned, _ = await swept_as_planned(stage)
    assert waits(planned) == {
        (f"person:{nora}", NL.profile): "pause: profile-harm",
        (f"person:{DIETER}", DE.profile): None,
    }
    (stopped,) = [one for one in planned.changes if one.waits is not None]
    assert stopped.waits == Wait(WaitKind.PAUSE, "profile-harm", Code.SAID(said="harm"))


async def test_a_pause_that_the_sweep_would_end_stops_nothing(stage: Stage) -> None:
    nora = stage.hire("nora")
    await set_pause(stage.app, Pause(PauseKind.INCOMPLETE_SWEEP), Code.SAID(said="once"), by="sweep#1")
    planned, _ = await swept_as_planned(stage)
    assert waits(planned) == {(f"person:{nora}", NL.profile): None}


async def test_what_could_not_be_read_is_told_and_stops_all_but_leavers(stage: Stage) -> None:
    stage.set_profile(HOLDING, invoiceEmailOptIn=False)
    stage.hire("nora")
    lists_fail(stage)
    planned, report = await swept_as_planned(stage)
    assert not planned.complete
    assert waits(planned) == {(HOLDING.canonical, HOLDING.profile): "pause: incomplete-sweep"}
    assert report.drift == {"opted-out": 1}


async def test_a_mover_in_grace_waits_until_it_is_over(set_stage: SetStage) -> None:
    stage = set_stage(policy=POLICY.replace("mover_grace_hours: 0", "mover_grace_hours: 48"))
    await stage.settle()
    stage.change(FEMKE, companyName="Tailwind Traders")
    planned, _ = await swept_as_planned(stage)
    ends = (planned.as_of + timedelta(hours=48)).isoformat()
    assert waits(planned) == {(f"person:{FEMKE}", NL.profile): f"grace: {ends}"}


async def test_an_old_leave_date_waits_for_a_person(stage: Stage) -> None:
    stage.change(FEMKE, employeeLeaveDateTime="2025-12-01T00:00:00Z")
    planned = await plan(stage.app)
    (change,) = planned.changes
    assert change.waits == Wait(WaitKind.HOLD, change.id)
    await stage.settle()
    hold = (await stage.app.state.key_holds(PersonKey(FEMKE))).value.holds[change.id]
    assert [one.waits for one in (await plan(stage.app)).changes] == [Wait(WaitKind.HOLD, change.id, hold.why)]


async def test_where_nothing_is_enforced_each_change_says_so(set_stage: SetStage) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", "enforce: none"))
    planned, _ = await swept_as_planned(stage)
    assert set(waits(planned).values()) == {"observe"}
    assert {one.key for one in planned.changes} == {PersonKey(FEMKE), PersonKey(DIETER), PersonKey(TESS)}
    assert dict(planned.recipients) == {NL: Recipients(1, 2), DE: Recipients(0, 1), HOLDING: Recipients(0, 1)}


async def test_a_date_before_the_sweep_after_is_told(stage: Stage) -> None:
    ends = stage.now.replace(microsecond=0) + timedelta(minutes=30)
    stage.change(FEMKE, employeeLeaveDateTime=ends.isoformat())
    planned = await plan(stage.app)
    assert (planned.changes, planned.soon) == ((), ((PersonKey(FEMKE), ends),))
    assert planned.names[FEMKE]


async def test_whom_a_lost_role_concerns_waits_for_its_return(stage: Stage) -> None:
    stage.hire("nora")
    paths = f"/providers/Microsoft.Billing/billingAccounts/{MCA}/billingProfiles$"
    forbidden = Effect(status=403, body={"error": {"code": "AuthorizationFailed", "message": "x"}})
    stage.fault("arm", forbidden, path=paths)
    planned, _ = await swept_as_planned(stage)
    assert not planned.complete
    assert set(waits(planned).values()) <= {f"pause: role-lost on {MCA.lower()}"}


async def test_a_plan_writes_nothing_at_all(clerks: Stage) -> None:
    move(clerks, CLERKS[:4])
    leave(clerks, CLERKS[5:11])
    await clerks.sweep()
    clerks.hire("nora")
    clerks.set_profile(HOLDING, invoiceEmailOptIn=False)
    leave(clerks, CLERKS[:2])
    lists = clerks.state_rows.copy(), clerks.ledger_rows.copy()
    sent = [(one.message_id, one.body) for one in clerks.queues.sent]
    held, wrote = clerks.everything_held(), clerks.writes()
    assert (await plan(clerks.app)).changes
    clerks.fault("graph", Effect(status=400), path="/v1.0/users$")
    assert not (await plan(clerks.app)).complete
    assert (clerks.state_rows.copy(), clerks.ledger_rows.copy()) == lists
    assert [(one.message_id, one.body) for one in clerks.queues.sent] == sent
    assert (clerks.everything_held(), clerks.writes()) == (held, wrote)


async def test_who_plans_with_a_login_of_their_own_sees_what_the_app_does(stage: Stage) -> None:
    stage.change(FEMKE, companyName="Contoso Deutschland")
    stage.give(PARTNER, DIETER)
    billing = stage.billing_as(OWNER)
    try:
        as_operator = await plan(replace(stage.app, billing=billing))
    finally:
        await billing.close()
    assert as_operator.changes == (await plan(stage.app)).changes
    assert {(one.do, one.key) for one in as_operator.changes} == {
        (Do.GIVE, PersonKey(FEMKE)),
        (Do.REMOVE, PersonKey(FEMKE)),
    }


async def test_before_a_sweep_said_who_the_app_is_nobody_knows(set_stage: SetStage) -> None:
    stage = set_stage()
    assert not (await plan(stage.app)).identities_known
    await stage.sweep()
    assert (await plan(stage.app)).identities_known


async def test_a_plan_asks_no_more_than_a_sweep(clerks: Stage) -> None:
    clerks.hire("nora")
    before = clerks.calls()
    await plan(clerks.app)
    planned = clerks.calls() - before
    before = clerks.calls()
    await clerks.sweep()
    swept = clerks.calls() - before
    assert planned.total() > 0
    assert planned.total() <= 1.2 * swept.total(), (planned, swept)


async def test_of_people_who_get_nothing_nothing_is_kept_and_they_are_counted(set_stage: SetStage) -> None:
    given = world()
    given["users"] += [user(one, f"cook{number}", "Fabrikam", "Kitchen") for number, one in enumerate(CLERKS)]
    # A filter that the directory cannot answer alone lists everybody.
    stage = set_stage(given=given, policy=POLICY.replace("department eq 'Finance'", "not (department ne 'Finance')"))
    await stage.settle()
    leave(stage, [FEMKE])
    planned, _ = await swept_as_planned(stage)
    assert [(one.do, one.key) for one in planned.changes] == [(Do.REMOVE, PersonKey(FEMKE))]


@pytest.mark.parametrize("somebody", [HARRY, OWNER])
async def test_what_others_gave_is_in_no_plan(stage: Stage, somebody: str) -> None:
    stage.give(PARTNER, somebody)
    assert (await plan(stage.app)).changes == ()
