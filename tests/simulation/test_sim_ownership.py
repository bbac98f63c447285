"""What is managed is managed for good, what is not is never touched, and observing proves nothing."""

from collections.abc import Callable

import pytest

from sandbox.faults import Effect
from shared.domain.access.ownership import OwnershipBasis
from shared.domain.access.plan import NoteKind
from shared.domain.history.records import IntendedRevoke, Mode
from shared.domain.keys import PersonKey
from shared.domain.outcome import Outcome
from shared.services.operate.decisions import release
from tests.simulation.small_world import (
    ADMIN,
    DE,
    DIETER,
    FEMKE,
    HARRY,
    HOLDING,
    NL,
    OTHER_APP,
    PARTNER,
    POLICY,
    TESS,
    by_hand,
    world,
)
from tests.simulation.stage import Stage

OBSERVING = POLICY.replace("enforce: all", "enforce: none")


@pytest.mark.parametrize(
    "change",
    [{"accountEnabled": False}, {"department": "Sales"}, {"companyName": "Contoso Deutschland"}, {}],
)
async def test_a_unmanaged_assignment_stays_whatever_becomes_of_the_person(
    stage: Stage, change: dict[str, object]
) -> None:
    anna = stage.hire("anna", "Contoso Deutschland")
    stage.give(NL, anna)
    await stage.event_about(anna)
    assert stage.held(anna) == {NL, DE}
    if change:
        stage.change(anna, **change)
    for _ in range(3):
        await stage.settle()
        await stage.event_about(anna)
    assert NL in stage.held(anna)
    assert stage.row(NL, HARRY) is not None


async def test_a_deleted_leaver_keeps_what_was_given_by_hand_and_that_is_noted(stage: Stage) -> None:
    stage.delete(HARRY)
    await stage.enqueue(PersonKey(HARRY), hints=(NL,))
    await stage.run_until_quiet()
    assert stage.held(HARRY) == {NL}
    (note,) = (await stage.last_check(HARRY)).notes
    assert (note.kind, note.profile) == (NoteKind.LEAVER_HOLDS_UNMANAGED, NL)


async def test_what_somebody_has_by_hand_is_not_granted_again_and_not_taken_over(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.give(NL, anna)
    await stage.event_about(anna)
    assert [who for _, who in stage.writes() if who == anna] == []
    assert [note.kind for note in (await stage.last_check(anna)).notes] == ["unmanaged"]


async def test_managed_deleted_and_made_anew_by_hand_is_unmanaged(stage: Stage) -> None:
    stage.take(NL, FEMKE)
    stage.give(NL, FEMKE)
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    await stage.settle()
    assert stage.held(FEMKE) == {NL}


async def test_managed_deleted_by_hand_comes_back(stage: Stage) -> None:
    stage.take(NL, FEMKE)
    report = await stage.sweep()
    assert report.drift == {"missing": 1}
    await stage.run_until_quiet()
    assert stage.held(FEMKE) == {NL}


# -- rows that do not say who made them


@pytest.fixture
async def anonymous(set_stage: Callable[..., Stage]) -> Stage:
    """A stage where rows that a managed identity makes do not say so."""
    stage = set_stage()
    stage.turn(created_by_service_principal="absent")
    await stage.settle()
    row = stage.row(NL, FEMKE)
    assert row is not None
    assert row.created_by is None
    return stage


async def test_a_recorded_intent_proves_what_the_row_does_not_say(anonymous: Stage) -> None:
    anonymous.change(FEMKE, accountEnabled=False)
    await anonymous.event_about(FEMKE)
    assert anonymous.held(FEMKE) == set()
    revoke = (await anonymous.intents(FEMKE))[-1].actions[0]
    assert isinstance(revoke, IntendedRevoke)
    assert revoke.proof is OwnershipBasis.INTENT


@pytest.mark.parametrize("told", [True, False])
async def test_it_does_so_also_when_the_state_was_lost(anonymous: Stage, told: bool) -> None:
    anonymous.lose_state()
    anonymous.change(FEMKE, companyName="Contoso Deutschland")
    if told:
        await anonymous.event_about(FEMKE)
    report = await anonymous.settle()
    assert report.counts.unmanaged == 1  # Harry's
    await anonymous.settle()
    assert anonymous.held(FEMKE) == {NL, DE}  # with the state went the knowledge under which policy it was given
    await release(anonymous.app, None, "olga", anonymous.now)
    await anonymous.settle()
    assert anonymous.held(FEMKE) == {DE}


async def test_a_leaver_is_found_by_the_sweep_also_when_the_state_was_lost(anonymous: Stage) -> None:
    anonymous.lose_state()
    anonymous.change(FEMKE, accountEnabled=False)
    await anonymous.settle()
    assert anonymous.held(FEMKE) == set()


async def test_another_automations_row_is_not_managed_although_it_says_nothing_either(anonymous: Stage) -> None:
    anna = anonymous.hire("anna", department="Sales")
    anonymous.give(DE, anna, by=OTHER_APP)
    await anonymous.enqueue(PersonKey(anna), hints=(DE,))
    anonymous.change(anna, accountEnabled=False)
    await anonymous.settle()
    assert anonymous.held(anna) == {DE}


async def test_a_row_made_after_managed_was_taken_back_is_not_managed(anonymous: Stage) -> None:
    anonymous.change(FEMKE, accountEnabled=False)
    await anonymous.event_about(FEMKE)
    await anonymous.advance(minutes=10)
    anonymous.give(NL, FEMKE, by=OTHER_APP)
    await anonymous.enqueue(PersonKey(FEMKE), hints=(NL,))
    await anonymous.settle()
    assert anonymous.held(FEMKE) == {NL}


async def test_a_row_made_after_managed_was_refused_is_not_managed(anonymous: Stage) -> None:
    anna = anonymous.hire("anna")
    refusal = Effect(status=403, body={"error": {"code": "AuthorizationFailed", "message": "x"}})
    anonymous.fault("arm", refusal, method="POST", times=1)
    await anonymous.event_about(anna)
    assert (await anonymous.last_check(anna)).outcome == "gave-up"
    anonymous.give(NL, anna, by=OTHER_APP)
    anonymous.change(anna, accountEnabled=False)
    await anonymous.enqueue(PersonKey(anna), hints=(NL,))
    await anonymous.settle()
    assert anonymous.held(anna) == {NL}


async def test_a_row_that_was_slow_to_show_is_managed_although_the_write_was_repeated(anonymous: Stage) -> None:
    anonymous.turn(grants_visible_after_seconds=200)
    anna = anonymous.hire("anna")
    await anonymous.event_about(anna)
    await anonymous.advance(minutes=20)
    intents = [record for record in await anonymous.records(anna) if record.kind == "intent"]
    row = anonymous.row(NL, anna)
    assert row is not None
    assert len(intents) == 2
    assert f"{intents[-1].at:%H:%M:%S}" > row.created_on[11:19]
    anonymous.change(anna, accountEnabled=False)
    await anonymous.event_about(anna)
    assert anonymous.held(anna) == set()


# -- former identities


async def test_what_a_former_identity_made_is_managed(set_stage: Callable[..., Stage]) -> None:
    given = world()
    given["billingAccounts"][0]["billingProfiles"][1]["billingRoleAssignments"] = [
        by_hand(FEMKE, createdByPrincipalId=ADMIN)
    ]
    stage = set_stage(given=given, former_identities=ADMIN)
    await stage.settle()
    await release(stage.app, None, "olga", stage.now)  # what a first sweep finds is a person's to decide
    await stage.settle()
    assert stage.held(FEMKE) == {NL}


# -- observing


async def test_observing_writes_nothing_and_leaves_would_records(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=OBSERVING)
    before = stage.everything_held()
    report = await stage.settle()
    assert report.drift["missing"] == 3
    await stage.event_about(FEMKE)
    await stage.advance(hours=1)
    assert stage.everything_held() == before
    assert stage.writes() == []
    checks = await stage.checks(FEMKE)
    assert {check.outcome for check in checks} == {"would"}
    assert checks[0].actions[0].action == "grant"
    assert {intent.actions[0].mode for intent in await stage.intents(FEMKE)} == {Mode.OBSERVE}
    assert (await stage.app.state.person(FEMKE)).value.holdings == {}


async def test_what_was_only_observed_never_counts_as_ownership(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=OBSERVING)
    stage.turn(created_by_service_principal="absent")
    await stage.settle()
    stage.give(NL, FEMKE, by=OTHER_APP)
    stage.restart(policy=POLICY)
    stage.change(FEMKE, accountEnabled=False)
    await stage.settle()
    await stage.enqueue(PersonKey(FEMKE), hints=(NL,))
    await stage.run_until_quiet()
    assert stage.held(FEMKE) == {NL}
    assert "leaver-holds-unmanaged" in {note.kind for note in (await stage.last_check(FEMKE)).notes}


async def test_an_observed_grant_that_cannot_be_read_back_is_not_remembered(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=OBSERVING)
    path = f"billingRoleAssignments/.*{FEMKE}"
    stage.fault("arm", Effect(delay_seconds=0.001), method="GET", path=path, times=1)  # the read before is answered
    stage.fault("arm", Effect(status=400), method="GET", path=path)
    assert await stage.check(PersonKey(FEMKE)) is Outcome.UNVERIFIED
    assert [action.outcome for action in (await stage.last_check(FEMKE)).actions] == ["unverified"]
    assert (await stage.app.state.person(FEMKE)).value.holdings == {}


async def test_only_the_profiles_that_the_policy_enforces_are_written(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", 'enforce: [{ name: "Contoso Deutschland" }]'))
    await stage.settle()
    assert stage.held(DIETER) == {DE}
    assert stage.held(FEMKE) == stage.held(TESS) == set()
    assert (await stage.last_check(FEMKE)).outcome == "would"


async def test_who_stops_enforcing_takes_nothing_away_any_more(stage: Stage) -> None:
    stage.restart(policy=OBSERVING)
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    await stage.settle()
    assert stage.held(FEMKE) == {NL}
    assert (await stage.last_check(FEMKE)).outcome == "would"
    stage.restart(policy=POLICY)
    await stage.settle()
    assert stage.held(FEMKE) == set()


# -- hints


async def test_a_hint_only_widens_what_is_read(stage: Stage) -> None:
    stage.give(PARTNER, FEMKE)
    await stage.enqueue(PersonKey(FEMKE), hints=(PARTNER, HOLDING, NL))
    await stage.run_until_quiet()
    assert stage.held(FEMKE) == {NL, PARTNER}
    assert (await stage.last_check(FEMKE)).outcome == "unchanged"
