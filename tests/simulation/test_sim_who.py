"""Who receives an invoice, by the view that a sweep left, and whether each invoice will be mailed."""

from datetime import timedelta

from shared.domain.guards.holds import Hold
from shared.domain.keys import ProfileKey
from shared.domain.overview import Mailing, mailings
from shared.domain.receiving import Receiving, Recipient, receiving
from shared.services.operate.sight import read_sight
from tests.simulation.small_world import DIETER, FEMKE, HARRY, HOLDING, NL, OWNER, POLICY, TESS, TREASURY
from tests.simulation.stage import Stage


async def receiving_of(stage: Stage, profile: ProfileKey) -> Receiving:
    sight = await read_sight(stage.app.state, stage.clock)
    holds: list[Hold] = [hold async for row in stage.app.state.holds() for hold in row.value.holds.values()]
    return receiving(sight, sight.view.by_key[profile], holds)


async def recipient_of(stage: Stage, profile: ProfileKey, person: str) -> Recipient:
    found = await receiving_of(stage, profile)
    (only,) = (one for one in found.receives if one.row.principal == person)
    return only


async def mailing_of(stage: Stage, profile: ProfileKey) -> Mailing:
    sight = await read_sight(stage.app.state, stage.clock)
    (only,) = (one for one in mailings(sight) if one.profile.key == profile)
    return only


async def test_whom_a_rule_gives_access_is_as_it_should_be(stage: Stage) -> None:
    await stage.sweep()
    femke = await recipient_of(stage, NL, FEMKE)
    assert femke.is_as_it_should_be
    assert femke.row.given_by == ("own-company",)
    assert femke.called == "femke"


async def test_a_leaver_whose_access_is_not_managed_stands_first(stage: Stage) -> None:
    stage.give(NL, HARRY)
    stage.change(HARRY, accountEnabled=False)
    await stage.advance(hours=25)
    await stage.settle()
    found = await receiving_of(stage, NL)
    assert [one.row.principal for one in found.receives if one.has_left] == [HARRY]
    assert found.receives[0].row.principal == HARRY
    assert found.receives[0].row.created_by == OWNER


async def test_whose_removal_waits_is_told_with_its_hold(stage: Stage) -> None:
    stage.join(TREASURY, stage.hire("anna"))
    await stage.settle()
    stage.restart(policy=POLICY + "daily_limits: { mover_revokes: 0/0/0 }\n")
    stage.leave(TREASURY, TESS)
    await stage.settle()
    tess = await recipient_of(stage, HOLDING, TESS)
    assert tess.waits is not None
    assert not tess.is_as_it_should_be
    assert tess.row.rules == ("treasury",)
    assert tess.row.given_by == ()


async def test_a_mail_is_sure_while_somebody_with_a_role_can_read_it(stage: Stage) -> None:
    await stage.sweep()
    before = await mailing_of(stage, NL)
    assert before.is_sure
    stage.set_profile(NL, invoiceEmailOptIn=False)
    await stage.sweep()
    after = await mailing_of(stage, NL)
    assert not after.is_sure
    assert after.recipients == before.recipients


async def test_a_view_is_stale_two_hours_after_its_sweep(stage: Stage) -> None:
    sight = await read_sight(stage.app.state, stage.clock)
    assert not sight.view.is_stale(sight.view.as_of + timedelta(hours=2))
    assert sight.view.is_stale(sight.view.as_of + timedelta(hours=2, seconds=1))
    assert DIETER in sight.people
