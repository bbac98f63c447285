"""As-of: what the ledger says of a day agrees with what was, from grants to wiped stores, ours and unmanaged."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sandbox.faults import Effect
from shared.domain.access.ownership import Held
from shared.domain.adoption.consequences import Choice
from shared.domain.history.records import UnmanagedBody
from shared.domain.history.spells import Certainty, Ending, How, Window
from shared.domain.history.unmanaged_sightings import ESTATE, Sighted, UnmanagedSpell
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.reasons import Code
from shared.services.estate import Estate, read_estate
from shared.services.ledger_audit import DIGEST
from shared.services.operate.adopt import apply_adoption, plan_adoption
from shared.services.operate.as_of import HeldOn, Known, Unreadable, check_further, held_on, unmanaged_on
from shared.services.sweep.sweep import held_by_person
from shared.services.sweep.unmanaged import SHOWN, note_unmanaged
from tests.english import english
from tests.ledger_records import check_body, forge
from tests.simulation.small_world import (
    DE,
    DIETER,
    FEMKE,
    HARRY,
    HOLDING,
    NL,
    OWNER,
    PARTNER,
    POLICY,
    TESS,
    by_hand,
    guid,
    world,
)
from tests.simulation.stage import START, Stage


async def held_at(stage: Stage, at: datetime, **filters: Any) -> dict[tuple[str, ProfileKey], HeldOn]:
    found = {}
    async for one in held_on(stage.app.ledger, stage.app.state, Window.of_moment(at), **filters):
        assert isinstance(one, HeldOn), one
        found[one.person, one.spell.profile] = one
    return found


async def unmanaged_at(stage: Stage, at: datetime, **filters: Any) -> dict[tuple[str, ProfileKey], UnmanagedSpell]:
    found = {}
    async for one in unmanaged_on(stage.app.ledger, stage.app.state, Window.of_moment(at), **filters):
        assert isinstance(one, UnmanagedSpell), one
        found[one.principal_id, one.profile] = one
    return found


async def proved(stage: Stage, estate: Estate) -> dict[str, list[Held]]:
    return await held_by_person(stage.app, estate, await stage.app.billing.identities())


async def note(stage: Stage) -> list[Sighted]:
    """What a sweep does about unmanaged assignments."""
    started = stage.now
    estate = await read_estate(stage.app)
    return await note_unmanaged(stage.app, estate, await proved(stage, estate), started)


async def minutes_later(stage: Stage, minutes: int = 30) -> datetime:
    """Lets time pass; the moment half-way."""
    between = stage.now + timedelta(minutes=minutes / 2)
    await stage.advance(minutes=minutes)
    return between


# -- ours


async def test_a_grant_is_told_with_its_rule_event_and_intent(stage: Stage) -> None:
    before = await minutes_later(stage)
    anna = stage.hire("anna")
    await stage.event_about(anna, event_id="hired")
    during = await minutes_later(stage)
    assert (anna, NL) not in await held_at(stage, before)
    one = (await held_at(stage, during))[anna, NL]
    intent = next(record for record in await stage.records(anna) if record.kind == "intent")
    began = one.spell.began
    assert one.certainty is Certainty.HELD
    assert (began.how, began.rules, began.record) == (How.GRANTED, ("own-company",), intent.sequence)
    assert (began.cause, began.origin, began.event_type) == ("event", "/hr#hired", "com.contoso.hr.person.changed")
    assert one.spell.ended is None


async def test_a_revoke_ends_it_with_its_reason_and_event(stage: Stage) -> None:
    stage.change(FEMKE, accountEnabled=False)
    before = await minutes_later(stage)
    await stage.event_about(FEMKE, event_id="left")
    after = await minutes_later(stage)
    ended = (await held_at(stage, before))[FEMKE, NL].spell.ended
    assert ended is not None
    assert (ended.how, ended.cause, ended.origin) == (Ending.REVOKED, "event", "/hr#left")
    assert "disabled" in english(ended.why)
    assert (FEMKE, NL) not in await held_at(stage, after)


async def test_everything_held_is_told_and_nothing_else(stage: Stage) -> None:
    anna = stage.hire("anna")
    await stage.event_about(anna)
    await stage.advance(hours=2)
    await stage.settle()
    truth = {(person, ProfileKey.parse(profile)) for profile, person in stage.everything_held() if person != HARRY}
    told = await held_at(stage, stage.now)
    assert told.keys() == truth
    assert {one.certainty for one in told.values()} == {Certainty.HELD}


async def test_filters_by_person_and_profile(stage: Stage) -> None:
    assert (await held_at(stage, stage.now, person=PersonKey(FEMKE))).keys() == {(FEMKE, NL)}
    assert (await held_at(stage, stage.now, profile=ProfileKey(DE.account.upper(), "de-bg7"))).keys() == {(DIETER, DE)}
    assert await held_at(stage, stage.now, person=PersonKey(guid(9, 9))) == {}


async def test_what_was_only_observed_is_never_told(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", "enforce: none"))
    await stage.settle()
    assert (await stage.last_check(FEMKE)).outcome == "would"
    assert await held_at(stage, stage.now) == {}


async def test_what_somebody_took_away_is_unsure_between_the_checks_around_it(stage: Stage) -> None:
    await stage.event_about(FEMKE)
    await stage.advance(hours=1)
    seen = stage.now
    await stage.event_about(FEMKE)
    await stage.advance(minutes=30)  # its second check
    last = (await held_at(stage, seen))[FEMKE, NL].spell.seen
    stage.take(NL, FEMKE)
    unsure = await minutes_later(stage)
    stage.change(FEMKE, department="Sales")  # so that nothing is given again
    await stage.event_about(FEMKE)
    gone = await minutes_later(stage)
    one = (await held_at(stage, unsure))[FEMKE, NL]
    assert one.certainty is Certainty.PERHAPS
    assert one.spell.ended is not None
    assert (one.spell.ended.how, one.spell.ended.last_seen) == (Ending.GONE, last)
    assert (await held_at(stage, seen))[FEMKE, NL].certainty is Certainty.HELD
    assert (FEMKE, NL) not in await held_at(stage, gone)


async def test_what_was_taken_away_and_granted_again_is_two_spells(stage: Stage) -> None:
    stage.take(NL, FEMKE)
    await stage.settle()
    async for one in held_on(stage.app.ledger, stage.app.state, Window(START, stage.now + timedelta(1))):
        if isinstance(one, HeldOn) and one.person == FEMKE and one.spell.ended is not None:
            assert one.spell.ended.how is Ending.GONE
            break
    else:
        pytest.fail("the first spell is missing")
    now = (await held_at(stage, stage.now))[FEMKE, NL]
    assert now.spell.began.cause == "sweep"


async def test_a_wiped_ledger_still_tells_since_when_of_what_a_check_finds(stage: Stage) -> None:
    began = (await held_at(stage, stage.now))[FEMKE, NL].spell.began.at
    before = await minutes_later(stage)
    stage.lose_ledger()
    assert await held_at(stage, before) == {}
    await stage.event_about(FEMKE)
    await stage.advance(hours=1)
    one = (await held_at(stage, before))[FEMKE, NL]
    assert one.certainty is Certainty.HELD
    assert (one.spell.began.how, one.spell.rules_on(Window.of_moment(stage.now))) == (How.FOUND, ("own-company",))
    assert began is not None
    assert one.spell.began.at == began.replace(microsecond=0)  # billing cuts createdOn to whole seconds


async def test_how_far_back_the_ledger_knows_and_whom_is_learned_while_it_is_read(stage: Stage) -> None:
    await stage.advance(hours=1)
    stage.lose_ledger()
    nothing = Known()
    await held_at(stage, stage.now, known=nothing)
    assert (nothing.since, await check_further(stage.app.ledger, nothing)) == (None, None)
    anna = stage.hire("anna")
    await stage.event_about(anna)
    (first, *_) = await stage.records(anna)
    someone, nobody = Known(), Known()
    await held_at(stage, START, profile=DE, known=someone)
    assert (someone.since, someone.profile) == (first.at, False)
    await stage.check(DE)
    await check_further(stage.app.ledger, someone, profile=DE)
    assert someone.profile, "it was checked, though nobody holds anything there"
    await stage.advance(hours=1)
    await stage.settle()  # with a digest
    await held_at(stage, START, person=PersonKey(guid(9, 9)), known=nobody)
    await check_further(stage.app.ledger, nobody, person=PersonKey(guid(9, 9)))
    assert not nobody.person
    digest = await anext(stage.app.ledger.read(DIGEST))
    assert nobody.since == digest.at


async def test_a_grant_that_shows_late_is_perhaps_until_a_check_shows_it(stage: Stage) -> None:
    stage.turn(grants_visible_after_seconds=200)
    anna = stage.hire("anna")
    await stage.event_about(anna)
    await stage.advance(seconds=20)
    assert (await held_at(stage, stage.now))[anna, NL].certainty is Certainty.PERHAPS
    await stage.advance(minutes=30)
    told = (await held_at(stage, stage.now))[anna, NL]
    row = stage.row(NL, anna)
    assert row is not None
    assert told.certainty is Certainty.HELD
    assert told.spell.began.cause == "event"
    assert told.spell.began.at is not None
    assert told.spell.began.at >= datetime.fromisoformat(row.created_on).replace(microsecond=0)


async def test_a_grant_that_was_refused_is_not_told(stage: Stage) -> None:
    anna = stage.hire("anna")
    refusal = Effect(status=403, body={"error": {"code": "AuthorizationFailed", "message": "x"}})
    stage.fault("arm", refusal, method="POST")
    await stage.event_about(anna)
    assert (await stage.last_check(anna)).actions[0].outcome == "gave-up"
    window = Window(START, stage.now + timedelta(days=1))
    assert [one async for one in held_on(stage.app.ledger, stage.app.state, window, person=PersonKey(anna))] == []


async def test_a_chain_that_does_not_read_is_named_and_hides_no_other(stage: Stage) -> None:
    said = {"cause": "event", "origin": "x", "outcome": "done", "actions": [{"action": "grant"}], "read": 1}
    await forge(stage.ledger_rows, f"person:{FEMKE}", stage.now, "check", said)
    found = [one async for one in held_on(stage.app.ledger, stage.app.state, Window.of_moment(stage.now))]
    (bad,) = [one for one in found if isinstance(one, Unreadable)]
    assert bad.key == f"person:{FEMKE}"
    assert "does not say what a record of kind 'check' says: read: " in bad.why
    assert {one.person for one in found if isinstance(one, HeldOn)} == {DIETER, TESS}


def test_a_day_is_a_day_where_the_time_zone_is() -> None:
    amsterdam = ZoneInfo("Europe/Amsterdam")
    window = Window.of_day(date(2026, 3, 29), amsterdam)  # clocks go forward
    assert (window.start, window.end) == (
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
    )


# -- unmanaged


async def test_unmanaged_ones_are_told_with_first_and_last_sight(stage: Stage) -> None:
    first = stage.now
    listed = await note(stage)
    assert [(row.principal_id, row.profile) for row in listed] == [(HARRY, NL)]
    await stage.advance(hours=1)
    last = stage.now
    await note(stage)
    stage.take(NL, HARRY)
    unsure = await minutes_later(stage, 60)
    await note(stage)
    gone = await minutes_later(stage)
    told = (await unmanaged_at(stage, unsure))[HARRY, NL]
    assert told.first <= first
    assert told.last == last
    assert (told.left, told.certainty(Window.of_moment(unsure))) == ("gone", Certainty.PERHAPS)
    assert told.certainty(Window.of_moment(last)) is Certainty.HELD
    assert await unmanaged_at(stage, gone) == {}
    assert await unmanaged_at(stage, told.first - timedelta(seconds=1)) == {}


async def test_what_a_sweep_has_seen_last_is_unsure_until_the_next_one(stage: Stage) -> None:
    await note(stage)
    await stage.advance(hours=1)
    last = stage.now
    await note(stage)
    stage.take(NL, HARRY)
    told = (await unmanaged_at(stage, await minutes_later(stage)))[HARRY, NL]
    assert (told.last, told.left_at) == (last, None)
    assert told.certainty(Window.of_moment(last)) is Certainty.HELD
    assert told.certainty(Window.of_moment(last + timedelta(seconds=1))) is Certainty.PERHAPS


async def adopt_and_revoke(stage: Stage, person: str) -> datetime:
    """A leaver's assignment is adopted and revoked; the moment after that."""
    plan = await plan_adoption(stage.app, Choice(pairs=((NL, person),)))
    await apply_adoption(stage.app, plan.able, "olga")
    await stage.run_until_quiet()
    assert stage.held(person) == set()
    return await minutes_later(stage, 2)


async def unmanaged_then(stage: Stage, at: datetime) -> dict[tuple[str, ProfileKey], UnmanagedSpell]:
    """As the command asks: what people held, and then what was unmanaged."""
    known = Known()
    _ = [one async for one in held_on(stage.app.ledger, stage.app.state, Window.of_moment(at), known=known)]
    return await unmanaged_at(stage, at, known=known)


@pytest.mark.parametrize("is_swept_since", [False, True])
async def test_what_was_adopted_is_unmanaged_until_then_and_no_longer(stage: Stage, is_swept_since: bool) -> None:
    stage.change(HARRY, accountEnabled=False)
    await stage.sweep()
    before = await minutes_later(stage)
    after = await adopt_and_revoke(stage, HARRY)
    if is_swept_since:
        await stage.sweep()
    told = (await unmanaged_then(stage, before))[HARRY, NL]
    assert (told.left, told.last, told.certainty(Window.of_moment(before))) == ("adopted", told.left_at, Certainty.HELD)
    assert await unmanaged_then(stage, after) == {}


async def test_what_was_adopted_revoked_and_given_back_by_hand_is_unmanaged_again(stage: Stage) -> None:
    stage.change(HARRY, accountEnabled=False)
    await stage.sweep()
    await adopt_and_revoke(stage, HARRY)
    stage.give(NL, HARRY)
    await stage.sweep()
    told = (await unmanaged_then(stage, stage.now))[HARRY, NL]
    assert told.left_at is None


async def test_only_changes_are_appended(stage: Stage) -> None:
    await note(stage)
    records = [record async for record in stage.app.ledger.read(ESTATE)]
    for _ in range(3):
        await stage.advance(hours=1)
        (row,) = await note(stage)
        assert row.last.isoformat() == stage.now.isoformat()
    assert [record async for record in stage.app.ledger.read(ESTATE)] == records
    stage.give(DE, OWNER)
    await note(stage)
    assert len([record async for record in stage.app.ledger.read(ESTATE)]) == len(records) + 1


async def test_a_profile_whose_list_could_not_be_read_is_as_it_was(stage: Stage) -> None:
    await note(stage)
    before = await stage.app.state.sighted()
    await stage.advance(hours=1)
    stage.fault("arm", Effect(status=400), path="NL-BG7/billingRoleAssignments$", times=1)
    (row,) = await note(stage)
    assert await stage.app.state.sighted() == before
    assert row.last.isoformat() == before[0].last.isoformat()


async def test_a_profile_that_is_no_longer_managed_does_not_make_it_gone(set_stage: Callable[..., Stage]) -> None:
    given = world()
    given["billingAccounts"][1]["billingProfiles"][0]["billingRoleAssignments"] = [by_hand(HARRY)]
    stage = set_stage(given=given)
    await note(stage)
    stage.restart(policy=POLICY.replace("accounts: all", f'accounts: ["{NL.account}"]'))
    await stage.advance(hours=1)
    await note(stage)
    told = (await unmanaged_at(stage, START))[HARRY, PARTNER]
    assert told.left == "not-managed"


async def test_what_became_managed_is_not_gone(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    await note(stage)
    await stage.advance(hours=1)
    stage.restart(former_identities=OWNER)
    assert await note(stage) == []
    assert (await unmanaged_at(stage, START))[HARRY, NL].left == "managed"


async def test_a_lost_state_keeps_the_first_sight(stage: Stage) -> None:
    (first,) = await note(stage)
    stage.lose_state()
    await stage.advance(hours=1)
    (row,) = await note(stage)
    assert row.first.isoformat() == first.first.isoformat()
    stage.take(NL, HARRY)
    stage.lose_state()
    await note(stage)
    assert await unmanaged_at(stage, stage.now) == {}


async def test_a_lost_ledger_gets_everything_anew_with_its_first_sight(stage: Stage) -> None:
    (first,) = await note(stage)
    stage.lose_ledger()
    await stage.advance(hours=1)
    await note(stage)
    told = (await unmanaged_at(stage, stage.now))[HARRY, NL]
    assert told.first.isoformat() == first.first.isoformat()


async def test_more_than_a_report_lists_are_all_kept_in_records_of_bounded_size(stage: Stage) -> None:
    estate = await read_estate(stage.app)
    await note(stage)
    before = len([record async for record in stage.app.ledger.read(ESTATE)])
    known = [Sighted(HOLDING, guid(8, n), "User", Code.MADE_BY(maker=OWNER), START, START) for n in range(1201)]
    await stage.app.state.put_sighted([*await stage.app.state.sighted(), *known])
    del estate.rows[HOLDING]
    listed = await note_unmanaged(stage.app, estate, await proved(stage, estate), stage.now)
    assert len(listed) == SHOWN
    assert len(await stage.app.state.sighted()) == 1202
    await note(stage)  # and now they are gone
    records = [record async for record in stage.app.ledger.read(ESTATE)][before:]
    assert sum(len(one.body.left) for one in records if isinstance(one.body, UnmanagedBody)) == 1201
    assert len(records) == 3


async def test_of_two_sweeps_at_once_one_notes(stage: Stage) -> None:
    await note(stage)
    stage.give(DE, OWNER)
    estate: Estate = await read_estate(stage.app)
    held = await proved(stage, estate)
    other = await stage.app.ledger.open(ESTATE)

    async def note_first() -> None:
        await other.append(stage.now, check_body())

    stage.ledger_rows.at_read(note_first, f"ledger:{ESTATE}", key="head", times=1)
    listed = await note_unmanaged(stage.app, estate, held, stage.now)
    assert {row.principal_id for row in listed} == {HARRY, OWNER}
    records = [record async for record in stage.app.ledger.read(ESTATE)]
    assert records[-1].kind == "check"
    assert {one.principal_id for one in await stage.app.state.sighted()} == {HARRY}
