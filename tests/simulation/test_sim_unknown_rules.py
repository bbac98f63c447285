"""What is not known takes nothing away: missing groups, renamed profiles, rules that match nobody, old catalogues."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.faults import Effect
from shared.domain.keys import PersonKey
from shared.services.operate.decisions import release
from tests.english import english
from tests.simulation.small_world import DE, DIETER, FEMKE, HOLDING, NL, POLICY, TESS, TREASURY
from tests.simulation.stage import Stage


async def kinds(stage: Stage, person: str) -> set[str]:
    return {note.kind for note in (await stage.last_check(person)).notes}


async def test_a_group_deleted_between_two_sweeps_takes_nothing_away(stage: Stage) -> None:
    stage.call_graph("DELETE", f"/groups/{TREASURY}")
    await stage.event_about(TESS)
    await stage.advance(minutes=20)
    assert stage.held(TESS) == {HOLDING}
    assert "rule-not-known" in await kinds(stage, TESS)


async def test_nor_does_it_after_the_sweep_which_says_so(stage: Stage) -> None:
    stage.call_graph("DELETE", f"/groups/{TREASURY}")
    report = await stage.settle()
    (finding,) = report.findings
    assert (finding.kind, finding.rule) == ("rule-not-known", "treasury")
    assert f"there is no group {TREASURY}" in english(finding.why)
    await stage.settle()
    assert stage.held(TESS) == {HOLDING}


async def test_a_leaver_is_revoked_although_the_group_is_gone(stage: Stage) -> None:
    stage.call_graph("DELETE", f"/groups/{TREASURY}")
    stage.change(TESS, accountEnabled=False)
    await stage.event_about(TESS)
    assert stage.held(TESS) == set()


async def test_a_profile_that_was_renamed_takes_nothing_away(stage: Stage) -> None:
    stage.set_profile(HOLDING, displayName="Contoso Group")
    await stage.settle()
    report = await stage.settle()
    assert [finding.rule for finding in report.findings] == ["treasury"]
    assert stage.held(TESS) == {HOLDING}


async def test_a_rule_that_matches_nobody_takes_nothing_away(set_stage: Callable[..., Stage]) -> None:
    policy = POLICY.replace("department eq 'Finance'", "department eq 'Finance' and companyName ne 'Fabrikam'")
    stage = set_stage(policy=policy)
    await stage.settle()
    for person in (FEMKE, DIETER):
        stage.change(person, department="Finanz")
    await stage.event_about(FEMKE)
    report = await stage.settle()
    assert "it matches nobody" in english(report.findings[0].why)
    await stage.settle()
    assert stage.held(DIETER) == {DE}
    stage.change(DIETER, department="Finance")
    await stage.settle()
    await stage.settle()
    assert stage.held(FEMKE) == set()
    assert stage.held(DIETER) == {DE}


@pytest.mark.parametrize("swept", [False, True])
async def test_under_a_changed_policy_nothing_is_taken_away_before_a_sweep_has_judged_it(
    stage: Stage, swept: bool
) -> None:
    stage.restart(policy=POLICY.replace("department eq 'Finance'", "department eq 'Finance' and city eq 'Utrecht'"))
    stage.change(DIETER, city="Utrecht")
    if swept:
        await stage.settle()
        await release(stage.app, None, "olga", stage.now)
    await stage.event_about(FEMKE)
    await stage.advance(minutes=20)
    assert stage.held(FEMKE) == (set() if swept else {NL})
    assert stage.held(DIETER) == {DE}


async def test_a_rule_that_was_removed_takes_away_what_it_gave_once_a_sweep_knows(stage: Stage) -> None:
    rule = POLICY[POLICY.index("  - name: treasury") : POLICY.index("email_invoicing")]
    stage.restart(policy=POLICY.replace(rule, ""))
    report = await stage.settle()
    assert report.drift == {"holder-outside-every-rule": 1}
    assert stage.held(TESS) == {HOLDING}
    await release(stage.app, None, "olga", stage.now)
    await stage.advance(minutes=11)
    assert stage.held(TESS) == set()
    assert stage.held(FEMKE) == {NL}


async def test_before_the_first_sweep_a_mover_is_moved_by_rules_the_check_itself_judged(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage()
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL}
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL, DE}
    await stage.advance(minutes=20)
    assert stage.held(FEMKE) == {DE}
    stored = await stage.app.state.catalogue()
    assert stored is not None
    assert stored.unknown_rules is not None


async def test_before_the_first_sweep_a_population_that_cannot_be_read_takes_nothing_away(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage()
    await stage.event_about(FEMKE)
    stage.change(FEMKE, companyName="Contoso Deutschland")
    stage.fault("graph", Effect(status=400), path="/v1.0/users$")
    await stage.event_about(FEMKE)
    await stage.advance(minutes=20)
    assert stage.held(FEMKE) == {NL, DE}
    notes = (await stage.last_check(FEMKE)).notes
    assert [note.kind for note in notes] == ["rule-not-known"]


async def test_a_catalogue_that_is_too_old_is_read_anew_and_so_are_its_rules(stage: Stage) -> None:
    await asyncio.sleep(4 * 3600)
    stage.change(FEMKE, companyName="Contoso Deutschland")
    before = stage.calls()
    await stage.event_about(FEMKE)
    await stage.advance(minutes=20)
    calls = stage.calls() - before
    assert calls["arm GET /providers/Microsoft.Billing/billingAccounts"] == 1
    stored = await stage.app.state.catalogue()
    assert stored is not None
    assert stage.now - stored.read_at < timedelta(minutes=21)
    assert stage.held(FEMKE) == {DE}


async def test_without_a_catalogue_nobody_is_decided_about(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    stage.fault("arm", Effect(status=400), path="billingProfiles$")
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()
    assert (await stage.last_check(FEMKE)).outcome == "gave-up"
    assert await stage.app.state.catalogue() is None


async def test_a_catalogue_from_a_clock_ahead_of_ours_is_not_thrown_away(stage: Stage) -> None:
    stored = await stage.app.state.catalogue()
    assert stored is not None
    await asyncio.sleep(60)
    await stage.app.state.put_catalogue(replace(stored, read_at=stage.now + timedelta(seconds=3)))
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.event_about(FEMKE)
    await stage.advance(minutes=6)
    assert stage.held(FEMKE) == {DE}


async def test_a_profile_that_is_gone_from_billing_holds_up_nobody(stage: Stage) -> None:
    await stage.check(PersonKey(FEMKE))
    del stage.billing.account(NL.account).profiles["nl-bg7"]  # type: ignore[union-attr]
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.event_about(FEMKE)
    await stage.settle()
    assert stage.held(FEMKE) == {DE}
    assert stage.queues.dead == []
