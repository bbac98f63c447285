"""Who received invoices by another role, or could see them, on a day: what sweeps note agrees with what was."""

import json
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from sandbox.faults import Effect
from shared.domain.history.records import MEMBER, Left, RolesBody
from shared.domain.history.roles_seen import RoleSpell
from shared.domain.history.spells import Certainty, Window
from shared.domain.history.unmanaged_sightings import ESTATE
from shared.domain.keys import PersonKey, ProfileKey
from shared.services.operate.roles_on import RolesOn, roles_on
from tests.simulation.small_world import APP, DE, FEMKE, HARRY, MCA, MPA, NL, OTHER_APP, OWNER, POLICY, TESS, TREASURY
from tests.simulation.stage import Stage

PROFILE_OWNER: Final = "40000000-aaaa-bbbb-cccc-100000000000"
PROFILE_READER: Final = "40000000-aaaa-bbbb-cccc-100000000002"
ACCOUNT_READER: Final = "50000000-aaaa-bbbb-cccc-100000000002"


async def on(stage: Stage, at: datetime, **filters: Any) -> RolesOn:
    return await roles_on(stage.app.ledger, stage.app.state, Window.of_moment(at), **filters)


async def held_at(stage: Stage, at: datetime, profile: ProfileKey = NL) -> dict[tuple[str, str], RoleSpell]:
    """By principal and role, those at a profile and those of groups that have one; roles at accounts are left out."""
    found = await on(stage, at, profile=profile)
    return {(one.principal, one.role): one for one in found.roles if one.where != MCA}


async def bodies(stage: Stage) -> list[RolesBody]:
    found = [record.body async for record in stage.app.ledger.read(ESTATE)]
    return [body for body in found if isinstance(body, RolesBody)]


async def test_a_reader_is_told_from_the_first_sweep_that_saw_them_until_one_did_not(stage: Stage) -> None:
    stage.give(NL, HARRY, role=PROFILE_READER)
    await stage.advance(hours=1)
    await stage.sweep()
    came = stage.now
    await stage.advance(hours=3)
    await stage.sweep()
    stage.take(NL, HARRY, role=PROFILE_READER)
    await stage.advance(hours=1)
    await stage.sweep()
    (spell,) = [one for one in (await held_at(stage, came)).values() if one.principal == HARRY]
    assert (spell.role, spell.where, spell.left) == ("Billing profile reader", str(NL), Left.GONE)
    assert spell.certainty(Window.of_moment(came + timedelta(hours=3))) is Certainty.HELD
    assert spell.certainty(Window.of_moment(came + timedelta(hours=3, minutes=30))) is Certainty.PERHAPS
    assert await held_at(stage, came - timedelta(minutes=1)) == {}
    assert await held_at(stage, stage.now) == {}


async def test_what_stays_is_noted_once_and_last_seen_by_the_latest_sweep(stage: Stage) -> None:
    stage.give(NL, HARRY, role=PROFILE_READER)
    await stage.sweep()
    noted = len(await bodies(stage))
    for _ in range(3):
        await stage.advance(hours=1)
        await stage.sweep()
    assert len(await bodies(stage)) == noted
    spell = (await held_at(stage, stage.now))[HARRY, "Billing profile reader"]
    assert spell.last > spell.first + timedelta(hours=2)
    assert spell.certainty(Window.of_moment(spell.last)) is Certainty.HELD


async def test_roles_at_the_account_are_told_of_each_of_its_profiles(stage: Stage) -> None:
    stage.give_at_account(MCA, HARRY, ACCOUNT_READER)
    await stage.sweep()
    at = stage.now
    for profile in (NL, DE):
        roles = {(one.principal, one.role) for one in (await on(stage, at, profile=profile)).roles if one.where == MCA}
        assert roles == {
            (HARRY, "Billing account reader"),
            *((one, "Billing account owner") for one in (APP, OTHER_APP, OWNER)),
        }


async def test_members_of_a_group_with_a_role_are_told_day_by_day(stage: Stage) -> None:
    stage.give(NL, TREASURY, role=PROFILE_READER)
    await stage.sweep()
    first = stage.now
    stage.join(TREASURY, HARRY)
    stage.leave(TREASURY, TESS)
    await stage.advance(hours=25)
    await stage.sweep()
    assert {one for one, role in await held_at(stage, first) if role == MEMBER} == {TESS}
    assert {one for one, role in await held_at(stage, stage.now) if role == MEMBER} == {HARRY}
    of_harry = await on(stage, stage.now, person=PersonKey(HARRY))
    assert {(one.where, one.role) for one in of_harry.roles} == {
        (TREASURY, MEMBER),
        (str(NL), "Billing profile reader"),
    }


async def test_members_of_a_group_that_is_invoice_manager_are_told_where_it_is_asked_for(stage: Stage) -> None:
    stage.give(NL, TREASURY)
    await stage.sweep()
    found = await on(stage, stage.now, profile=NL, groups=[TREASURY])
    assert [(one.where, one.principal) for one in found.roles if one.role == MEMBER] == [(TREASURY, TESS)]


async def test_a_list_that_could_not_be_read_counts_as_unchanged(stage: Stage) -> None:
    stage.give(NL, HARRY, role=PROFILE_READER)
    await stage.sweep()
    before = await bodies(stage)
    stage.take(NL, HARRY, role=PROFILE_READER)
    await stage.advance(hours=1)
    stage.fault("arm", Effect(status=503), path=f".*/{NL.profile}/billingRoleAssignments$")
    await stage.sweep()
    assert await bodies(stage) == before
    spell = (await held_at(stage, stage.now))[HARRY, "Billing profile reader"]
    assert spell.certainty(Window.of_moment(stage.now)) is Certainty.PERHAPS


async def test_a_profile_that_is_managed_no_more_ends_its_roles_as_not_managed(stage: Stage) -> None:
    stage.give(NL, HARRY, role=PROFILE_READER)
    await stage.sweep()
    at = stage.now
    stage.restart(policy=POLICY.replace("accounts: all", f"accounts: ['{MPA}']"))
    await stage.advance(hours=1)
    await stage.sweep()
    assert (await held_at(stage, at))[HARRY, "Billing profile reader"].left is Left.NOT_MANAGED


async def test_what_others_change_of_the_settings_is_told_without_an_address(stage: Stage) -> None:
    await stage.advance(hours=1)
    await stage.sweep()
    before = stage.now
    stage.set_profile(NL, invoiceRecipients=["ap@contoso.example", "audit@contoso.example"])
    await stage.advance(hours=1)
    await stage.sweep()
    was, now = [(await on(stage, at, profile=NL)).settings[NL] for at in (before, stage.now)]
    assert (was.addresses, now.addresses) == (1, 2)
    assert was.digest != now.digest
    assert (now.opted_in, now.ours) == (True, False)
    told = json.dumps([str(body) for body in await bodies(stage)])
    assert "contoso.example" not in told


async def test_opting_out_is_told_as_others_doing_and_our_opting_in_as_ours(stage: Stage) -> None:
    stage.set_profile(NL, invoiceEmailOptIn=False)
    await stage.advance(hours=1)
    await stage.sweep()
    await stage.run_until_quiet()
    out = (await on(stage, stage.now, profile=NL)).settings[NL]
    await stage.advance(hours=1)
    await stage.sweep()
    back = (await on(stage, stage.now, profile=NL)).settings[NL]
    assert (out.opted_in, out.ours) == (False, False)
    assert (back.opted_in, back.ours) == (True, True)


async def test_before_the_first_sweep_nothing_is_recorded_and_says_so(stage: Stage) -> None:
    found = await on(stage, stage.now)
    assert found.recorded_from is not None
    early = Window.of_moment(found.recorded_from - timedelta(days=1))
    assert not (await roles_on(stage.app.ledger, stage.app.state, early)).is_recorded(early)
    assert found.is_recorded(Window.of_moment(stage.now))
    stage.lose_ledger()
    nothing = await on(stage, stage.now)
    assert (nothing.recorded_from, nothing.roles) == (None, ())


async def test_a_lost_state_is_made_of_the_ledger_and_notes_nothing_twice(stage: Stage) -> None:
    stage.give(NL, HARRY, role=PROFILE_READER)
    await stage.sweep()
    before, at = await bodies(stage), stage.now
    stage.lose_state()
    await stage.advance(hours=1)
    await stage.sweep()
    assert await bodies(stage) == before
    assert (HARRY, "Billing profile reader") in await held_at(stage, at)


async def test_a_lost_ledger_gets_everything_again_with_its_first_sight(stage: Stage) -> None:
    stage.give(NL, HARRY, role=PROFILE_READER)
    await stage.sweep()
    first = (await held_at(stage, stage.now))[HARRY, "Billing profile reader"].first
    stage.lose_ledger()
    await stage.advance(hours=1)
    await stage.sweep()
    spell = (await held_at(stage, stage.now))[HARRY, "Billing profile reader"]
    assert spell.first == first
    assert (await on(stage, stage.now, profile=NL)).settings[NL].opted_in is True


@pytest.mark.parametrize("role", [PROFILE_OWNER, PROFILE_READER])
async def test_a_person_is_told_with_every_profile_they_have_a_role_at(stage: Stage, role: str) -> None:
    for profile in (NL, DE):
        stage.give(profile, FEMKE, role=role)
    await stage.sweep()
    found = await on(stage, stage.now, person=PersonKey(FEMKE))
    assert {one.where for one in found.roles} == {str(NL), str(DE)}
