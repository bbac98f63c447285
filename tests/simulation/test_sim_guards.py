"""What limits a day: daily limits, holds and the pause, as the checks meet them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.faults import Effect
from shared.adapters.store.rows import Delete, Row, text_of
from shared.adapters.store.state_guards import holds_of as holds_in
from shared.domain.access.plan import StoppedBy
from shared.domain.guards.holds import Hold, KeyHolds, Status, action_id
from shared.domain.guards.pauses import Pause, PauseKind, Pauses, Setting
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code
from tests.english import english
from tests.simulation.small_world import DE, DIETER, FEMKE, HOLDING, MPA, NL, PARTNER, POLICY, TESS
from tests.simulation.stage import Stage

DAILY_LIMITS = "daily_limits: {{ mover_revokes: {}, leaver_revokes: {}, grants: {} }}\n"
AMPLE = "100/100/100"


def limited(*, movers: str = AMPLE, leavers: str = AMPLE, grants: str = AMPLE) -> str:
    """The usual policy under other daily limits."""
    return POLICY + DAILY_LIMITS.format(movers, leavers, grants)


@pytest.fixture
async def small_day(set_stage: Callable[..., Stage]) -> Stage:
    """One mover's and one leaver's revoke a day."""
    stage = set_stage(policy=limited(movers="1/1/100", leavers="1/1/100"))
    await stage.settle()
    return stage


async def hold_of(stage: Stage, person: str) -> Hold:
    """The one hold of a person."""
    rows = (await stage.app.state.key_holds(PersonKey(person))).value
    (hold,) = rows.holds.values()
    return hold


async def decide(stage: Stage, person: str, status: Status) -> None:
    """A person decides about the holds of somebody."""
    rows = await stage.app.state.key_holds(PersonKey(person))
    decided = {
        hold.id: replace(hold, status=status, by="olga", decided_at=stage.now) for hold in rows.value.holds.values()
    }
    await stage.app.state.put_key_holds(rows.becoming(replace(rows.value, holds=decided)))


async def move_out(stage: Stage, *people: str) -> None:
    """They leave the department; the evidence is seen twice."""
    for person in people:
        stage.change(person, department="Kitchen")
        await stage.event_about(person)
    await stage.advance(minutes=11)


async def set_pause(stage: Stage, pause_kind: PauseKind) -> None:
    pauses = await stage.app.state.pauses()
    set_by_hand = Pauses({Pause(pause_kind): Setting(stage.now, "olga", Code.SAID(said="because"))})
    await stage.app.state.put_pauses(pauses.becoming(set_by_hand))


async def end_pauses(stage: Stage) -> None:
    await stage.app.state.put_pauses((await stage.app.state.pauses()).becoming(Pauses()))


async def test_what_exceeds_a_daily_limit_is_held_and_time_alone_never_applies_it(small_day: Stage) -> None:
    stage = small_day
    await move_out(stage, FEMKE)
    await move_out(stage, DIETER)
    assert stage.row(NL, FEMKE) is None
    assert stage.row(DE, DIETER) is not None
    hold = await hold_of(stage, DIETER)
    assert (hold.kind, hold.profile, hold.status) == (ActionKind.MOVER_REVOKES, DE, Status.OPEN)
    assert hold.stopped_by is StoppedBy.DAILY_LIMIT
    check = await stage.last_check(DIETER)
    assert check.outcome == "held"
    assert check.actions[0].hold == hold.id
    for _ in range(3):
        await stage.advance(hours=24)
        await stage.event_about(DIETER)
        await stage.advance(minutes=11)
    assert stage.row(DE, DIETER) is not None
    renewed = await hold_of(stage, DIETER)
    assert renewed.since == hold.since
    assert renewed.renewed > hold.renewed


async def test_a_daily_limit_is_free_again_after_a_day(small_day: Stage) -> None:
    stage = small_day
    await move_out(stage, FEMKE)
    await stage.advance(hours=25)
    await move_out(stage, DIETER)
    assert stage.row(DE, DIETER) is None


async def test_a_leaver_waits_for_no_movers_daily_limit_and_no_own_hold_as_a_mover(
    small_day: Stage,
) -> None:
    stage = small_day
    await move_out(stage, FEMKE, DIETER)
    held = next(person for person in (FEMKE, DIETER) if stage.held(person))
    stage.change(held, accountEnabled=False)
    await stage.event_about(held)
    assert not stage.held(held)
    assert not (await stage.app.state.key_holds(PersonKey(held))).value.holds


async def test_the_rest_of_a_plan_goes_on(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=limited(movers="0/0/0"))
    await stage.settle()
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.event_about(FEMKE)
    await stage.advance(minutes=11)
    assert stage.held(FEMKE) == {NL, DE}
    assert (await hold_of(stage, FEMKE)).profile == NL


async def test_grants_have_a_daily_limit_as_well(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=limited(grants="5/5/100"))
    await stage.settle()  # three of them
    newcomers = [stage.hire(f"new{number}") for number in range(4)]
    for person in newcomers:
        await stage.event_about(person)
    assert [bool(stage.held(person)) for person in newcomers] == [True, True, False, False]
    await stage.advance(hours=30)
    assert [bool(stage.held(person)) for person in newcomers] == [True, True, False, False]


async def test_the_same_action_counts_once_however_often_it_is_tried(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=limited(grants="4/4/100"))
    await stage.settle()
    stage.fault("arm", Effect(status=503), method="POST", times=2)
    person = stage.hire("anna")
    await stage.event_about(person)
    await stage.advance(hours=1)
    assert stage.held(person) == {NL}
    reserved = (await stage.app.state.reservations(ActionKind.GRANTS)).value
    assert len(reserved.taken) == 4


async def test_a_released_action_is_done_whatever_the_daily_limit_and_takes_no_room(small_day: Stage) -> None:
    stage = small_day
    await move_out(stage, FEMKE)
    await move_out(stage, DIETER)
    await decide(stage, DIETER, Status.RELEASED)
    await stage.event_about(DIETER)
    assert stage.row(DE, DIETER) is None
    assert not (await stage.app.state.key_holds(PersonKey(DIETER))).value.holds
    assert len((await stage.app.state.reservations(ActionKind.MOVER_REVOKES)).value.taken) == 1


async def test_a_release_of_what_has_become_another_action_is_refused_with_the_difference(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage(policy=limited(grants="0/0/0"))
    person = stage.hire("anna")
    await stage.event_about(person)
    first = await hold_of(stage, person)
    await decide(stage, person, Status.RELEASED)
    both = limited(grants="0/0/0").replace("name: own-company", "name: company-of-their-own")
    stage.restart(policy=both)
    await stage.advance(minutes=6)
    assert not stage.held(person)
    again = await hold_of(stage, person)
    assert again.status is Status.OPEN
    assert english(first.basis) in english(again.refused)
    assert "company-of-their-own" in english(again.refused)
    assert again.since > first.since


async def test_a_dismissed_action_is_left_alone_until_it_changes(small_day: Stage) -> None:
    stage = small_day
    await move_out(stage, FEMKE)
    await move_out(stage, DIETER)
    await decide(stage, DIETER, Status.DISMISSED)
    await stage.advance(hours=30)
    await stage.event_about(DIETER)
    await stage.advance(minutes=11)
    assert stage.row(DE, DIETER) is not None
    check = await stage.last_check(DIETER)
    assert check.outcome == "unchanged"
    assert "dismissed by olga" in english(check.actions[0].why)
    stage.change(DIETER, accountEnabled=False)
    await stage.event_about(DIETER)
    assert stage.row(DE, DIETER) is None


async def test_a_hold_closes_when_nobody_wants_it_any_more(small_day: Stage) -> None:
    stage = small_day
    await move_out(stage, FEMKE)
    await move_out(stage, DIETER)
    stage.change(DIETER, department="Finance")
    await stage.event_about(DIETER)
    assert not (await stage.app.state.key_holds(PersonKey(DIETER))).value.holds


async def test_a_hold_stays_while_its_profile_cannot_be_read(small_day: Stage) -> None:
    stage = small_day
    await move_out(stage, FEMKE)
    await move_out(stage, DIETER)
    stage.fault("arm", Effect(status=500), method="GET", path="billingRoleAssignments")
    await stage.event_about(DIETER)
    assert (await hold_of(stage, DIETER)).profile == DE
    stage.faults.lift()


async def test_a_decision_made_during_a_check_stops_it_and_stands(small_day: Stage) -> None:
    stage = small_day
    await move_out(stage, FEMKE)
    await move_out(stage, DIETER)

    async def somebody_decides() -> None:
        await decide(stage, DIETER, Status.RELEASED)

    stage.state_rows.at_write(somebody_decides, "holds", times=1)
    await stage.event_about(DIETER)
    await stage.advance(minutes=11)
    assert stage.row(DE, DIETER) is None


@pytest.mark.parametrize("pause_kind", list(PauseKind))
async def test_the_pause_stops_grants_and_movers(small_day: Stage, pause_kind: PauseKind) -> None:
    stage = small_day
    await set_pause(stage, pause_kind)
    newcomer = stage.hire("anna")
    await stage.event_about(newcomer)
    await move_out(stage, FEMKE)
    assert not stage.held(newcomer)
    assert stage.held(FEMKE) == {NL}
    check = await stage.last_check(newcomer)
    assert check.outcome == "held"
    assert pause_kind.value in english(check.actions[0].why)
    assert not [row async for row in stage.app.state.holds()]
    await end_pauses(stage)
    await stage.settle()
    assert stage.held(newcomer) == {NL}
    assert not stage.held(FEMKE)


@pytest.mark.parametrize("pause_kind", list(PauseKind))
async def test_strong_evidence_passes_every_cause_but_a_pause_and_the_lost_role(
    small_day: Stage, pause_kind: PauseKind
) -> None:
    stage = small_day
    await set_pause(stage, pause_kind)
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert bool(stage.held(FEMKE)) == (pause_kind in {PauseKind.OPERATOR, PauseKind.ROLE_LOST})


async def test_a_pause_that_comes_between_two_writes_stops_the_second(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=limited())
    await stage.settle()
    grant = stage.app.billing.grant_invoice_manager

    async def grant_and_pause(profile: ProfileKey, principal: str) -> object:
        await set_pause(stage, PauseKind.OPERATOR)
        return await grant(profile, principal)

    stage.app.billing.grant_invoice_manager = grant_and_pause  # type: ignore[assignment,method-assign]
    stage.restart(policy=limited().replace('profiles: [{ tag: { company: "{companyName}" } }]', "profiles: all"))
    stage.app.billing.grant_invoice_manager = grant_and_pause  # type: ignore[assignment,method-assign]
    person = stage.hire("anna")
    await stage.event_about(person)
    assert len(stage.held(person)) == 1
    check = await stage.last_check(person)
    assert sorted(action.outcome for action in check.actions) == ["done", "held", "held", "held"]


async def test_the_loss_of_our_own_role_pauses_that_account_alone(small_day: Stage) -> None:
    stage = small_day
    stage.fault("arm", Effect(status=403), path="PARTNER")
    stage.change(FEMKE, companyName="Fabrikam")
    await stage.event_about(FEMKE)
    pauses = (await stage.app.state.pauses()).value
    assert {pause: setting.by for pause, setting in pauses.active.items()} == {
        Pause(PauseKind.ROLE_LOST, MPA): f"person:{FEMKE}"
    }
    stage.faults.lift()
    stage.change(DIETER, accountEnabled=False)
    await stage.event_about(DIETER)
    assert stage.held(DIETER) == set()  # on the other account nothing stops
    anna = stage.hire("anna", companyName="Fabrikam")
    await stage.event_about(anna)
    assert stage.held(anna) == set()
    await stage.settle()  # it reads the account again
    assert not (await stage.app.state.pauses()).value.active
    assert stage.held(anna) == {PARTNER}


async def test_what_is_only_observed_is_not_guarded(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=limited(grants="0/0/0").replace("enforce: all", "enforce: none"))
    await set_pause(stage, PauseKind.OPERATOR)
    await stage.event_about(FEMKE)
    assert (await stage.last_check(FEMKE)).outcome == "would"
    assert not [row async for row in stage.app.state.holds()]
    assert not (await stage.app.state.reservations(ActionKind.GRANTS)).value.taken


async def opt_out(stage: Stage, profile: ProfileKey) -> None:
    stage.set_profile(profile, invoiceEmailOptIn=False)
    await stage.check(profile)
    await stage.advance(minutes=6)


async def test_profile_updates_have_a_daily_limit_as_well(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY + "daily_limits: { profile_updates: 2/2/100 }\n")
    await stage.settle()
    for profile in (NL, DE, HOLDING):
        await opt_out(stage, profile)
    assert [stage.profile(profile)["invoiceEmailOptIn"] for profile in (NL, DE, HOLDING)] == [True, True, False]
    (rows,) = [row async for row in stage.app.state.holds()]
    assert rows.value.key == HOLDING
    stage.set_profile(HOLDING, invoiceEmailOptIn=True)
    await stage.check(HOLDING)
    assert not [row async for row in stage.app.state.holds()]


async def test_a_profile_that_fights_back_is_held_and_a_release_lets_one_update_through(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage()
    await stage.settle()
    for _ in range(4):
        await opt_out(stage, PARTNER)
        await stage.advance(minutes=11)
    assert stage.profile(PARTNER)["invoiceEmailOptIn"] is False
    rows = await stage.app.state.key_holds(PARTNER)
    (hold,) = rows.value.holds.values()
    assert hold.stopped_by is StoppedBy.FIGHTS_BACK
    released = {hold.id: replace(hold, status=Status.RELEASED, by="olga", decided_at=stage.now)}
    await stage.app.state.put_key_holds(rows.becoming(replace(rows.value, holds=released)))
    assert await stage.check(PARTNER) in {Outcome.DONE, Outcome.WAITING}
    await stage.advance(minutes=6)
    assert stage.profile(PARTNER)["invoiceEmailOptIn"] is True
    await opt_out(stage, PARTNER)
    await stage.advance(minutes=11)
    assert stage.profile(PARTNER)["invoiceEmailOptIn"] is False


async def test_reservations_outlive_a_clock_that_runs_ahead(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=limited(movers="1/1/100"))
    await stage.settle()
    await move_out(stage, FEMKE)
    row = await stage.app.state.reservations(ActionKind.MOVER_REVOKES)
    await stage.app.state.put_reservations(
        row.becoming(replace(row.value, taken={each: at + timedelta(hours=2) for each, at in row.value.taken.items()}))
    )
    await stage.advance(hours=25)
    await move_out(stage, DIETER)
    assert stage.held(DIETER) == {DE}


async def test_one_who_holds_by_group_is_limited_like_the_others(small_day: Stage) -> None:
    stage = small_day
    await move_out(stage, FEMKE)
    stage.leave("00000004-0000-4000-8000-000000000001", TESS)
    await stage.event_about(TESS)
    await stage.advance(minutes=11)
    assert stage.held(TESS) == {HOLDING}


async def holds_of(stage: Stage, profile: ProfileKey) -> Hold | None:
    """The one hold of a profile, if there is one."""
    rows = (await stage.app.state.key_holds(profile)).value
    return next(iter(rows.holds.values()), None)


async def hold_an_update(stage: Stage, profile: ProfileKey, **said: object) -> Hold:
    """A hold of the profile's update, as it might have been left."""
    rows = await stage.app.state.key_holds(profile)
    usual = Hold(
        id=action_id(profile, ActionKind.PROFILE_UPDATES, profile),
        key=profile,
        kind=ActionKind.PROFILE_UPDATES,
        profile=profile,
        basis=None,
        why=Code.SAID(said="too many at once"),
        stopped_by=StoppedBy.SWEEP,
        since=stage.now,
        renewed=stage.now,
        group="sweep:profile_updates",
    )
    hold = replace(usual, **said)  # type: ignore[arg-type] # whatever of it a test says
    await stage.app.state.put_key_holds(rows.becoming(replace(rows.value, holds={hold.id: hold})))
    return hold


def released(stage: Stage) -> dict[str, object]:
    return {"status": Status.RELEASED, "by": "olga", "decided_at": stage.now}


@pytest.mark.parametrize("fights", [False, True])
async def test_a_release_of_a_group_does_not_stand_for_what_its_person_was_not_told(
    set_stage: Callable[..., Stage], *, fights: bool
) -> None:
    stage = set_stage()
    await stage.settle()
    row = await stage.app.state.profile(PARTNER)
    times = tuple(stage.now - timedelta(hours=n) for n in range(1, 4))
    state = replace(row.value, updates=times) if fights else replace(row.value, blocked=Code.SAID(said="it harmed"))
    await stage.app.state.put_profile(row.becoming(state))
    await hold_an_update(stage, PARTNER, **released(stage))
    await opt_out(stage, PARTNER)
    assert stage.profile(PARTNER)["invoiceEmailOptIn"] is False
    hold = await holds_of(stage, PARTNER)
    assert hold is not None
    assert (hold.status, hold.group) == (Status.OPEN, "")
    assert hold.stopped_by is (StoppedBy.FIGHTS_BACK if fights else StoppedBy.HARM)
    assert "released as stopped by sweep" in english(hold.refused)
    assert english(hold.why) in english(hold.refused)
    released_alone = KeyHolds(PARTNER, {hold.id: replace(hold, status=Status.RELEASED)})
    await stage.app.state.put_key_holds((await stage.app.state.key_holds(PARTNER)).becoming(released_alone))
    await opt_out(stage, PARTNER)
    assert stage.profile(PARTNER)["invoiceEmailOptIn"] is True


async def test_a_profile_that_waits_in_a_group_and_was_harmed_waits_by_itself(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    await stage.settle()
    row = await stage.app.state.profile(PARTNER)
    await stage.app.state.put_profile(row.becoming(replace(row.value, blocked=Code.SAID(said="it harmed"))))
    await hold_an_update(stage, PARTNER)
    await opt_out(stage, PARTNER)
    hold = await holds_of(stage, PARTNER)
    assert hold is not None
    assert (hold.stopped_by, hold.group, english(hold.why), english(hold.refused)) == (
        StoppedBy.HARM,
        "",
        "it harmed",
        "",
    )


async def test_an_old_release_is_open_again_while_a_second_read_is_waited_for(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    await stage.settle()
    await hold_an_update(stage, PARTNER, **released(stage) | {"decided_at": stage.now - timedelta(hours=73)})
    stage.set_profile(PARTNER, invoiceEmailOptIn=False)
    assert await stage.check(PARTNER) is Outcome.WAITING
    hold = await holds_of(stage, PARTNER)
    assert hold is not None
    assert hold.status is Status.OPEN
    assert hold.refused


@pytest.mark.parametrize("status", list(Status))
async def test_a_hold_that_does_not_say_its_basis_takes_that_of_the_first_check(
    set_stage: Callable[..., Stage], status: Status
) -> None:
    stage = set_stage()
    await stage.settle()
    hold = await hold_an_update(stage, NL, status=status, by="olga", decided_at=stage.now)
    before = len(stage.state_rows.written)
    await opt_out(stage, NL)
    stored = [
        kept
        for partition, operations in stage.state_rows.written[before:]
        for each in operations
        if partition == "holds" and not isinstance(each, Delete)
        for kept in holds_in(Row(partition, each.key, text_of(each.body), "")).holds.values()
    ]
    assert [(one.basis is not None, one.status, one.since) for one in stored] == [(True, status, hold.since)]
    assert stage.profile(NL)["invoiceEmailOptIn"] is (status is Status.RELEASED)
    if status is not Status.DISMISSED:
        return
    rows = await stage.app.state.key_holds(NL)
    other = {hold.id: replace(rows.value.holds[hold.id], basis=Code.EMPLOYED())}
    await stage.app.state.put_key_holds(rows.becoming(KeyHolds(NL, other)))
    await opt_out(stage, NL)
    assert stage.profile(NL)["invoiceEmailOptIn"] is True


@pytest.mark.parametrize("narrowed", ["accounts", "profile"])
async def test_a_release_of_what_is_gone_or_no_longer_managed_is_over(
    set_stage: Callable[..., Stage], narrowed: str
) -> None:
    stage = set_stage()
    await stage.settle()
    await hold_an_update(stage, PARTNER, **released(stage))
    if narrowed == "accounts":
        stage.restart(policy=POLICY.replace("accounts: all", f"accounts: ['{NL.account}']"))
    else:
        catalogue = await stage.app.state.catalogue()
        assert catalogue is not None
        others = tuple(profile for profile in catalogue.profiles if profile.key != PARTNER)
        await stage.app.state.put_catalogue(replace(catalogue, profiles=others))
        stage.restart()
    assert await stage.check(PARTNER) is Outcome.UNCHANGED
    assert await holds_of(stage, PARTNER) is None


@pytest.mark.parametrize("status", [Status.OPEN, Status.DISMISSED])
async def test_one_bulk_read_without_a_profile_does_not_make_anybodys_decision(
    set_stage: Callable[..., Stage], status: Status
) -> None:
    stage = set_stage()
    await stage.settle()
    hold = await hold_an_update(stage, PARTNER, status=status)
    stage.restart(policy=POLICY.replace("accounts: all", f"accounts: ['{NL.account}']"))
    await stage.check(PARTNER)
    assert await holds_of(stage, PARTNER) == hold


async def test_a_released_update_of_a_profile_that_is_no_longer_enforced_is_open_again(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage()
    await stage.settle()
    await hold_an_update(stage, NL, **released(stage))
    stage.restart(policy=POLICY.replace("enforce: all", "enforce: none"))
    await opt_out(stage, NL)
    assert stage.profile(NL)["invoiceEmailOptIn"] is False
    hold = await holds_of(stage, NL)
    assert hold is not None
    refused = "the policy does not enforce there, or the last sweep did not see the profile"
    assert (hold.status, english(hold.refused)) == (Status.OPEN, refused)
    stage.restart(policy=POLICY)
    await opt_out(stage, NL)
    assert stage.profile(NL)["invoiceEmailOptIn"] is False


async def test_a_decision_after_a_check_stored_its_holds_stands_and_nothing_done_is_lost(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage(policy=limited(grants="0/0/0"))
    person = stage.hire("anna")
    await stage.event_about(person)
    await decide(stage, person, Status.RELEASED)
    everywhere = limited(grants="0/0/0").replace('profiles: [{ tag: { company: "{companyName}" } }]', "profiles: all")
    stage.restart(policy=everywhere)
    grant = stage.app.billing.grant_invoice_manager

    async def grant_while_somebody_dismisses(profile: ProfileKey, principal: str) -> object:
        rows = await stage.app.state.key_holds(PersonKey(person))
        assert len(rows.value.holds) == 4
        others = {
            i: replace(h, status=Status.DISMISSED, by="pia") for i, h in rows.value.holds.items() if h.profile != NL
        }
        await stage.app.state.put_key_holds(rows.becoming(replace(rows.value, holds={**rows.value.holds, **others})))
        return await grant(profile, principal)

    stage.app.billing.grant_invoice_manager = grant_while_somebody_dismisses  # type: ignore[assignment,method-assign]
    assert await stage.check(PersonKey(person)) is Outcome.RETRY
    check = await stage.last_check(person)
    outcomes = {(action.action, action.outcome) for action in check.actions}
    assert outcomes == {("grant", "done"), ("grant", "held"), ("hold", "retry")}
    await stage.advance(minutes=30)
    assert stage.held(person) == {NL}
    left = (await stage.app.state.key_holds(PersonKey(person))).value.holds.values()
    assert {hold.profile for hold in left} == {DE, HOLDING, PARTNER}
    assert {hold.status for hold in left} == {Status.DISMISSED}
