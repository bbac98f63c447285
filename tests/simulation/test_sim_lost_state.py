"""A lost state: one complete sweep later checks know again what is managed, and take it when an event says so."""

from collections.abc import Callable

import pytest

from sandbox.faults import Effect
from shared.domain.adoption.consequences import Choice
from shared.domain.keys import ProfileKey
from shared.errors import Permanent
from shared.services.operate.adopt import apply_adoption, plan_adoption
from tests.english import english
from tests.simulation.small_world import (
    DE,
    FEMKE,
    HARRY,
    HOLDING,
    MCA,
    NL,
    OTHER_APP,
    TESS,
    by_hand,
    world,
)
from tests.simulation.stage import Stage

WIDE = "daily_limits: { mover_revokes: 50/50/100, leaver_revokes: 50/50/100 }\n"


async def adopt(stage: Stage, *pairs: tuple[ProfileKey, str]) -> None:
    plan = await plan_adoption(stage.app, Choice(pairs=pairs))
    assert len(await apply_adoption(stage.app, plan.able, "olga")) == len(pairs)


@pytest.mark.parametrize("ledger_too", [False, True])
@pytest.mark.parametrize("left", ["disabled", "deleted", "moved"])
async def test_an_event_about_a_leaver_or_mover_takes_what_is_managed_after_one_sweep(
    stage: Stage, left: str, ledger_too: bool
) -> None:
    stage.lose_state()
    if ledger_too:
        stage.lose_ledger()
    report = await stage.sweep()
    await stage.advance(minutes=20)
    assert (report.complete, report.remembered, report.not_kept) == (True, 3, ())
    match left:
        case "disabled":
            stage.change(FEMKE, accountEnabled=False)
        case "deleted":
            stage.delete(FEMKE)
        case _:
            stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.event_about(FEMKE)
    await stage.advance(minutes=10)
    assert stage.row(NL, FEMKE) is None


async def test_a_deleted_leaver_is_found_by_the_name_that_an_event_calls_them(stage: Stage) -> None:
    stage.lose_state()
    await stage.sweep()
    stage.delete(FEMKE)
    await stage.tell("upn:femke@contoso.example")
    await stage.tell("employee-id:E1")
    await stage.advance(minutes=1)
    assert stage.held(FEMKE) == set()


async def test_a_row_that_does_not_say_who_made_it_is_remembered_by_the_ledger(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    stage.turn(created_by_service_principal="absent")
    await stage.settle()
    stage.lose_state()
    assert (await stage.sweep()).remembered == 3
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()


async def test_a_new_store_knows_what_a_former_identity_made(set_stage: Callable[..., Stage]) -> None:
    given = world()
    account = next(one for one in given["billingAccounts"] if one["name"] == MCA)
    account["billingProfiles"][0]["billingRoleAssignments"].append(by_hand(FEMKE, createdByPrincipalId=OTHER_APP))
    stage = set_stage(given=given, former_identities=OTHER_APP)
    assert (await stage.sweep()).remembered == 1
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()


async def test_what_gives_it_now_is_remembered_with_it(stage: Stage) -> None:
    stage.lose_state()
    await stage.sweep()
    assert (await stage.app.state.person(FEMKE)).value.holdings[NL].rules == ("own-company",)
    assert (await stage.app.state.person(TESS)).value.holdings[HOLDING].rules == ("treasury",)


async def test_what_was_adopted_is_taken_with_what_we_made(stage: Stage) -> None:
    stage.give(DE, FEMKE)
    await adopt(stage, (DE, FEMKE))
    stage.lose_state()
    stage.change(FEMKE, companyName="Fabrikam", department="Kitchen")
    stage.fault("arm", Effect(status=503), path=f".*/{DE.profile}/billingRoleAssignments")
    report = await stage.sweep()
    assert not report.complete  # of this profile nothing was read
    stage.queues.waiting.clear()
    await stage.advance(minutes=11)  # this stage draws the same MessageIds after a restart
    stage.faults.lift()
    assert (await stage.app.state.person(FEMKE)).value.holdings[DE].adopted
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()


async def test_who_adopts_more_on_a_lost_state_keeps_what_was_adopted_before(stage: Stage) -> None:
    stage.give(DE, HARRY)
    await adopt(stage, (NL, HARRY))
    stage.lose_state()
    await adopt(stage, (DE, HARRY))
    stage.queues.waiting.clear()
    await stage.advance(minutes=11)  # this stage draws the same MessageIds after a restart
    stage.change(HARRY, accountEnabled=False)
    await stage.event_about(HARRY)
    assert stage.held(HARRY) == set()


async def test_one_row_that_cannot_be_stored_costs_no_other_and_comes_with_the_next_sweep(stage: Stage) -> None:
    stage.lose_state()
    stage.state_rows.at_write(Permanent("the store refuses this row"), "people", holds=f"person:{FEMKE}=")
    report = await stage.sweep()
    assert report.remembered == 2
    why = english(*report.not_kept)
    assert FEMKE in why
    assert "refuses this row" in why
    stage.state_rows.lift()
    assert (await stage.sweep()).remembered == 1
    assert (await stage.sweep()).remembered == 0
