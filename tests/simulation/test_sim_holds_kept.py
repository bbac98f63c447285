"""A hold stays until a person decides, or a check that read its profile no longer wants it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from shared.domain.guards.holds import Status
from shared.domain.keys import PersonKey
from shared.domain.policy.model import ActionKind
from shared.services.operate.decisions import list_holds, release
from tests.english import english
from tests.simulation.small_world import DIETER, FEMKE, MCA, NL, OTHER_APP, POLICY, by_hand, user, world
from tests.simulation.stage import Stage

MOVED = [f"0000000a-0000-4000-8000-{number:012x}" for number in range(4)]


async def count_holds(stage: Stage) -> int:
    return sum([len(row.value.holds) async for row in stage.app.state.holds()])


async def test_a_check_closes_no_hold_of_a_profile_that_it_would_not_have_read(set_stage: Callable[..., Stage]) -> None:
    given = world()
    account = next(one for one in given["billingAccounts"] if one["name"] == MCA)
    rows = account["billingProfiles"][0]["billingRoleAssignments"]
    for number, person in enumerate(MOVED):
        given["users"].append(user(person, f"moved{number}", "Contoso Nederland", "Kitchen"))
        rows.append(by_hand(person, createdByPrincipalId=OTHER_APP))
    stage = set_stage(
        given=given, policy=POLICY + "daily_limits: { mover_revokes: 3/3/100 }\n", former_identities=OTHER_APP
    )
    await stage.settle()
    assert await count_holds(stage) == 4
    for person in MOVED:
        await stage.event_about(person)
    assert await count_holds(stage) == 4
    await stage.advance(hours=3)
    await stage.settle()
    assert all(stage.held(person) == {NL} for person in MOVED)


async def test_what_a_lost_state_had_the_sweep_hold_stays_held_whatever_events_come(stage: Stage) -> None:
    stage.lose_state()
    stage.change(FEMKE, companyName="Tailwind Traders")
    await stage.settle()
    assert await count_holds(stage) == 1
    await stage.event_about(FEMKE)
    await stage.settle()
    assert stage.held(FEMKE) == {NL}
    assert len((await stage.app.state.key_holds(PersonKey(FEMKE))).value.holds) == 1


async def test_a_release_does_not_outlive_the_policys_word_to_enforce(set_stage: Callable[..., Stage]) -> None:
    enforcing = POLICY + "daily_limits: { mover_revokes: 0/0/0 }\n"
    stage = set_stage(policy=enforcing)
    await stage.settle()
    stage.change(FEMKE, department="Kitchen")
    await stage.event_about(FEMKE)
    await stage.advance(minutes=11)
    stage.restart(policy=enforcing.replace("enforce: all", "enforce: none"))
    await release(stage.app, None, "olga", await list_holds(stage.app))
    await stage.advance(hours=2)
    (hold,) = (await stage.app.state.key_holds(PersonKey(FEMKE))).value.holds.values()
    refused = "the policy does not enforce there, or the last sweep did not see the profile"
    assert (hold.status, english(hold.refused)) == (Status.OPEN, refused)
    stage.restart(policy=enforcing)
    await stage.settle()
    await stage.advance(hours=2)
    assert stage.held(FEMKE) == {NL}


async def test_a_reservation_of_a_clock_a_year_ahead_shuts_no_daily_limit(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY + "daily_limits: { mover_revokes: 1/1/100 }\n")
    await stage.settle()
    stage.change(FEMKE, department="Kitchen")
    await stage.event_about(FEMKE)
    await stage.advance(minutes=11)
    row = await stage.app.state.reservations(ActionKind.MOVER_REVOKES)
    ahead = {each: at + timedelta(days=365) for each, at in row.value.taken.items()}
    await stage.app.state.put_reservations(row.becoming(replace(row.value, taken=ahead)))
    stage.change(DIETER, department="Kitchen")
    await stage.event_about(DIETER)
    await stage.advance(minutes=11)
    assert not stage.held(DIETER)
