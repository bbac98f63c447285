"""What an operator decides, from the verb to what becomes of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.adapters.store.rows import Changed, Replace
from shared.domain.access.plan import StoppedBy
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.holds import Hold, KeyHolds, Status, action_id
from shared.domain.guards.pauses import Pause, PauseKind, Pauses, Setting
from shared.domain.history.records import DecidedHold, DecisionBody, Verb
from shared.domain.keys import PersonKey
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code
from shared.errors import Transient
from shared.ports import Stored
from shared.services.operate.decisions import (
    CHAIN,
    Paused,
    dismiss,
    harm,
    list_holds,
    log,
    pause,
    read_pauses,
    release,
    resume,
)
from tests.english import english
from tests.simulation.small_world import DE, DIETER, FEMKE, NL, POLICY, guid
from tests.simulation.stage import Stage

NO_MOVERS = POLICY + "daily_limits: { mover_revokes: 0/0/0, leaver_revokes: 5/50/50, grants: 100/100/100 }\n"
BY = "olga"
TOO_MANY = Code.SAID(said="too many")


@pytest.fixture
async def waiting(set_stage: Callable[..., Stage]) -> Stage:
    """Femke and Dieter moved out, and what they hold waits for a person."""
    stage = set_stage(policy=NO_MOVERS)
    await stage.settle()
    for person in (FEMKE, DIETER):
        stage.change(person, department="Kitchen")
        await stage.event_about(person)
    await stage.advance(minutes=11)
    assert stage.held(FEMKE) | stage.held(DIETER) == {NL, DE}
    return stage


async def hold_of(stage: Stage, person: str) -> Hold:
    (hold,) = (await stage.app.state.key_holds(PersonKey(person))).value.holds.values()
    return hold


async def change(stage: Stage, person: str, **changes: Any) -> None:
    """Somebody else changes the hold of a person."""
    row = await stage.app.state.key_holds(PersonKey(person))
    holds = {hold.id: replace(hold, **changes) for hold in row.value.holds.values()}
    await stage.app.state.put_key_holds(row.becoming(replace(row.value, holds=holds)))


async def put_in_a_group(stage: Stage, *people: str, group: str = "sweep:mover_revokes") -> None:
    for person in people:
        await change(stage, person, group=group, stopped_by=StoppedBy.SWEEP)


async def snapshot(stage: Stage) -> tuple[object, ...]:
    """Everything that a decision may change."""
    return (
        [row async for row in stage.app.state.holds()],
        await stage.app.ledger.head(CHAIN),
        len(stage.queues.sent),
    )


async def decisions(stage: Stage) -> list[DecisionBody]:
    assert not await stage.app.ledger.verify(CHAIN)
    return [decision for _, decision in await log(stage.app)]


async def some_holds(stage: Stage, number: int, kind: ActionKind = ActionKind.MOVER_REVOKES) -> list[Hold]:
    """A group of holds on people whom nobody knows."""
    rows = []
    for each in range(number):
        key = PersonKey(guid(8 if kind is ActionKind.MOVER_REVOKES else 7, each))
        name = action_id(key, kind, NL)
        hold = Hold(name, key, kind, NL, None, TOO_MANY, StoppedBy.SWEEP, stage.now, stage.now, group=f"sweep:{kind}")
        rows.append(Stored(KeyHolds(key, {name: hold})))
    await stage.app.state.put_key_holds(*rows)
    return [hold for row in rows for hold in row.value.holds.values()]


# -- listing


async def test_one_line_carries_a_group_and_shows_its_members(waiting: Stage) -> None:
    await put_in_a_group(waiting, FEMKE, DIETER)
    (line,) = (await list_holds(waiting.app)).groups
    assert (line.id, line.is_group) == ("sweep:mover_revokes", True)
    assert {hold.key for hold in line.holds} == {PersonKey(FEMKE), PersonKey(DIETER)}


async def test_single_holds_have_lines_of_their_own_oldest_first(waiting: Stage) -> None:
    await change(waiting, FEMKE, since=waiting.now, group="")
    await change(waiting, DIETER, group="")
    lines = (await list_holds(waiting.app)).groups
    assert [(line.id, line.is_group) for line in lines] == [
        ((await hold_of(waiting, person)).id, False) for person in (DIETER, FEMKE)
    ]


# -- releasing


async def test_a_release_is_recorded_stored_and_carried_out_by_a_check(waiting: Stage) -> None:
    hold = await hold_of(waiting, FEMKE)
    listing = await list_holds(waiting.app)
    decided = await release(waiting.app, [hold.id], BY, listing.at, why="they really moved")
    assert [one.id for one in decided.holds] == [hold.id]
    assert not decided.differences
    await waiting.run_until_quiet()
    assert waiting.held(FEMKE) == set()
    assert waiting.held(DIETER) == {DE}, "nobody released this one"
    assert [row.value.key async for row in waiting.app.state.holds()] == [PersonKey(DIETER)]
    (said,) = await decisions(waiting)
    about = DecidedHold(
        hold.id, PersonKey(FEMKE), ActionKind.MOVER_REVOKES, NL, hold.basis, "daily_limit:mover_revokes"
    )
    assert said == DecisionBody(Verb.RELEASE, BY, "they really moved", holds=(about,))
    check = await waiting.last_check(FEMKE)
    assert (check.cause, check.origin) == ("operator", "operator:olga")


@pytest.mark.parametrize("names", [["sweep:mover_revokes"], None])
async def test_a_group_or_everything_is_released_at_once(waiting: Stage, names: list[str] | None) -> None:
    await put_in_a_group(waiting, FEMKE, DIETER)
    decided = await release(waiting.app, names, BY, await list_holds(waiting.app))
    assert len(decided.holds) == 2
    await waiting.run_until_quiet()
    assert not waiting.held(FEMKE) | waiting.held(DIETER)
    assert not (await list_holds(waiting.app)).holds


@pytest.mark.parametrize("by_time", [True, False])
async def test_a_member_that_came_in_after_the_listing_refuses_the_whole_group(waiting: Stage, by_time: bool) -> None:
    await put_in_a_group(waiting, FEMKE)
    listing = await list_holds(waiting.app)
    await waiting.advance(minutes=1)
    await put_in_a_group(waiting, DIETER)
    await change(waiting, DIETER, since=waiting.now)
    # As it was listed, Dieter's was another line.
    listing = replace(listing, holds=tuple(hold for hold in listing.holds if hold.group.startswith("sweep:")))
    before = await snapshot(waiting)
    decided = await release(waiting.app, ["sweep:mover_revokes"], BY, listing.at if by_time else listing)
    assert not decided.holds
    assert [difference.name for difference in decided.differences] == [(await hold_of(waiting, DIETER)).id]
    assert "came in" in english(decided.differences[0].what)
    assert await snapshot(waiting) == before


async def test_every_difference_is_named_and_nothing_is_changed(waiting: Stage) -> None:
    femkes, dieters = await hold_of(waiting, FEMKE), await hold_of(waiting, DIETER)
    listing = await list_holds(waiting.app)
    await waiting.advance(minutes=1)
    await change(waiting, FEMKE, since=waiting.now, basis=Code.SAID(said="another reason"))
    await dismiss(waiting.app, [dieters.id], "pete")
    before = await snapshot(waiting)
    decided = await release(waiting.app, [femkes.id, dieters.id, "0123456789abcdef"], BY, listing)
    said = {difference.name: difference.what for difference in decided.differences}
    assert "another reason" in english(said[femkes.id])
    assert "pete dismissed it meanwhile" in english(said[dieters.id])
    assert "no hold or group of this name" in english(said["0123456789abcdef"])
    assert await snapshot(waiting) == before
    by_time = await release(waiting.app, [femkes.id, dieters.id], BY, listing.at)
    assert {difference.name for difference in by_time.differences} == {femkes.id, dieters.id}


async def test_a_member_that_went_refuses_what_was_listed_with_it(waiting: Stage) -> None:
    await put_in_a_group(waiting, FEMKE, DIETER)
    listing = await list_holds(waiting.app)
    waiting.change(FEMKE, department="Finance")
    await waiting.event_about(FEMKE)
    before = await snapshot(waiting)
    decided = await release(waiting.app, ["sweep:mover_revokes"], BY, listing)
    assert [english(difference.what) for difference in decided.differences] == [
        "it is gone: nobody wants this action any more"
    ]
    assert await snapshot(waiting) == before


async def test_that_a_sweep_wanted_it_once_more_is_no_difference(waiting: Stage) -> None:
    listing = await list_holds(waiting.app)
    await waiting.advance(hours=3)
    await change(waiting, FEMKE, renewed=waiting.now)
    assert not (await release(waiting.app, None, BY, listing)).differences


async def test_the_check_checks_once_more_and_opens_it_again_with_the_difference(waiting: Stage) -> None:
    hold = await hold_of(waiting, FEMKE)
    await change(waiting, FEMKE, basis=Code.SAID(said="a reason of yesterday"))
    assert (await release(waiting.app, [hold.id], BY, await list_holds(waiting.app))).holds
    await waiting.run_until_quiet()
    assert waiting.held(FEMKE) == {NL}
    (again,) = [one for one in (await list_holds(waiting.app)).holds if one.key == PersonKey(FEMKE)]
    assert again.status is Status.OPEN
    assert "a reason of yesterday" in english(again.refused)


async def test_a_release_that_broke_off_before_it_was_stored_does_nothing_and_is_repeated(waiting: Stage) -> None:
    listing = await list_holds(waiting.app)
    waiting.state_rows.at_write(Transient("the store is gone"), "holds")
    with pytest.raises(Transient):
        await release(waiting.app, None, BY, listing)
    waiting.state_rows.lift()
    await waiting.run_until_quiet()
    assert waiting.held(FEMKE) | waiting.held(DIETER) == {NL, DE}
    assert len(await decisions(waiting)) == 1
    assert len((await release(waiting.app, None, BY, listing)).holds) == 2
    await waiting.run_until_quiet()
    assert not waiting.held(FEMKE) | waiting.held(DIETER)


async def test_a_release_that_broke_off_before_it_was_enqueued_may_be_repeated(waiting: Stage) -> None:
    listing = await list_holds(waiting.app)
    waiting.queues.unreachable = True
    with pytest.raises(Transient):
        await release(waiting.app, None, BY, listing)
    waiting.queues.unreachable = False
    assert len((await release(waiting.app, None, BY, listing)).holds) == 2
    await waiting.run_until_quiet()
    assert not waiting.held(FEMKE) | waiting.held(DIETER)


async def test_a_conflict_is_read_anew_and_judged_anew(waiting: Stage) -> None:
    listing = await list_holds(waiting.app)

    async def somebody_is_quicker() -> None:
        await waiting.advance(seconds=1)
        await change_by(waiting, DIETER, since=waiting.now, basis=Code.SAID(said="another reason"))

    waiting.state_rows.at_write(somebody_is_quicker, "holds", times=1)
    decided = await release(waiting.app, None, BY, listing)
    assert not decided.holds
    assert [difference.name for difference in decided.differences] == [(await hold_of(waiting, DIETER)).id]
    assert {hold.status for hold in (await list_holds(waiting.app)).holds} == {Status.OPEN}
    first, second = await decisions(waiting)
    assert not first.refused
    assert second.verb == "release"
    assert "another reason" in english(second.refused[0])


async def change_by(stage: Stage, person: str, **changes: Any) -> None:
    row = await stage.app.state.key_holds(PersonKey(person))
    changed = {hold.id: replace(hold, **changes) for hold in row.value.holds.values()}
    await stage.app.state.put_key_holds(row.becoming(KeyHolds(PersonKey(person), changed)))


async def test_a_world_that_never_stands_still_says_so(waiting: Stage) -> None:
    waiting.state_rows.at_write(Changed("somebody else was quicker"), "holds")
    with pytest.raises(Transient, match="decide again"):
        await release(waiting.app, None, BY, await list_holds(waiting.app))


async def test_what_was_released_reaches_the_queue_in_batches_leavers_first(waiting: Stage) -> None:
    waiting.restart(sweep_batch=100, sweep_batch_seconds=60)
    await some_holds(waiting, 210)
    leavers = await some_holds(waiting, 5, ActionKind.LEAVER_REVOKES)
    sent = len(waiting.queues.sent)
    now = waiting.now
    decided = await release(waiting.app, None, BY, await list_holds(waiting.app))
    assert len(decided.holds) == 217
    released = waiting.queues.sent[sent:]
    assert {message.item.key for message in released[:5]} == {hold.key for hold in leavers}
    dues: dict[datetime, int] = {}
    for message in released:
        dues[message.due] = dues.get(message.due, 0) + 1
    assert list(dues.values()) == [100, 100, 17]
    assert [due - now < timedelta(seconds=60 * number + 31) for number, due in enumerate(dues)] == [True] * 3
    assert all(message.item.hints == (NL,) for message in released[:5])


async def test_a_hold_gone_between_two_batches_of_rows_is_told_and_released_ones_stay_so(waiting: Stage) -> None:
    holds = await some_holds(waiting, 150)
    listing = await list_holds(waiting.app)

    async def somebody_is_quicker() -> None:
        listed = (await list_holds(waiting.app)).holds
        last = next(hold for hold in listed if hold.group == holds[0].group and hold.status is Status.OPEN)
        row = await waiting.app.state.key_holds(last.key)
        await waiting.app.state.put_key_holds(row.becoming(KeyHolds(last.key)))

    waiting.state_rows.at_write(somebody_is_quicker, "holds", spare=1, times=1)
    decided = await release(waiting.app, [holds[0].group], BY, listing)
    assert (len(decided.holds), len(decided.differences)) == (100, 1)
    by_status = [hold.status for hold in (await list_holds(waiting.app)).holds if hold.group.startswith("sweep:")]
    assert (by_status.count(Status.RELEASED), by_status.count(Status.OPEN)) == (100, 49)
    assert len({message.item.key for message in waiting.queues.sent if message.item.cause.kind == "operator"}) == 100


# -- dismissing


async def test_a_dismissed_hold_is_left_until_released_by_its_own_name(waiting: Stage) -> None:
    hold = await hold_of(waiting, FEMKE)
    assert len((await dismiss(waiting.app, [hold.id], BY)).holds) == 1
    assert len((await release(waiting.app, None, BY, await list_holds(waiting.app))).holds) == 1, "Dieter's alone"
    await waiting.advance(hours=2)
    assert (waiting.held(FEMKE), waiting.held(DIETER)) == ({NL}, set())
    assert len((await release(waiting.app, [hold.id], BY, await list_holds(waiting.app))).holds) == 1
    await waiting.run_until_quiet()
    assert not waiting.held(FEMKE)
    assert [said.verb for said in await decisions(waiting)] == ["dismiss", "release", "release"]


async def test_dismissing_what_is_not_there_changes_nothing(waiting: Stage) -> None:
    before = await snapshot(waiting)
    hold = await hold_of(waiting, FEMKE)
    decided = await dismiss(waiting.app, [hold.id, "policy:0123"], BY)
    assert [difference.name for difference in decided.differences] == ["policy:0123"]
    assert await snapshot(waiting) == before


async def test_who_came_into_a_group_while_it_was_dismissed_is_in_the_record_as_well(waiting: Stage) -> None:
    group = "sweep:mover_revokes"
    await put_in_a_group(waiting, FEMKE)
    femkes, dieters = await hold_of(waiting, FEMKE), await hold_of(waiting, DIETER)

    async def dieter_comes_in() -> None:
        await change_by(waiting, DIETER, group=group)
        await change_by(waiting, FEMKE, renewed=waiting.now)

    waiting.state_rows.at_write(dieter_comes_in, "holds", times=1)
    decided = await dismiss(waiting.app, [group], BY)
    assert {hold.id for hold in decided.holds} == {femkes.id, dieters.id}
    assert {hold.status for hold in (await list_holds(waiting.app)).holds} == {Status.DISMISSED}
    said = await decisions(waiting)
    assert [[hold.id for hold in one.holds] for one in said] == [[femkes.id], [dieters.id]]


async def test_dismissing_twice_is_dismissing_once(waiting: Stage) -> None:
    hold = await hold_of(waiting, FEMKE)
    await dismiss(waiting.app, [hold.id], BY)
    stored = await hold_of(waiting, FEMKE)
    assert not (await dismiss(waiting.app, [hold.id], "pete")).differences
    assert await hold_of(waiting, FEMKE) == stored


# -- the pause


async def test_a_pause_stands_until_it_is_resumed_and_the_sweep_takes_up_what_it_stopped(waiting: Stage) -> None:
    assert await pause(waiting.app, BY, "audit") == Paused(already=False)
    await waiting.advance(seconds=5)
    assert await pause(waiting.app, "pete", "audit, too") == Paused(already=True)
    assert (await read_pauses(waiting.app)).active[Pause(PauseKind.OPERATOR)].by == BY
    newcomer = waiting.hire("anna")
    await waiting.event_about(newcomer)
    await waiting.settle()
    assert not waiting.held(newcomer)
    resumed = await resume(waiting.app, BY)
    assert (set(resumed.cleared), dict(resumed.remaining)) == ({Pause(PauseKind.OPERATOR)}, {})
    assert not (await read_pauses(waiting.app)).active
    sent = len(waiting.queues.sent)
    await waiting.run_until_quiet()
    assert len(waiting.queues.sent) == sent, "nothing is enqueued by it"
    await waiting.settle()
    assert waiting.held(newcomer) == {NL}
    said = await decisions(waiting)
    assert [(one.verb, one.by) for one in said] == [("pause", BY), ("pause", "pete"), ("resume", BY)]
    assert said[2].pauses is not None
    assert english(said[2].pauses["operator-stop"].why) == "audit"


async def test_a_pause_stops_writes_where_its_chain_is_damaged(waiting: Stage) -> None:
    await pause(waiting.app, BY, "audit")
    await resume(waiting.app, BY)
    head = await waiting.ledger_rows.get(f"ledger:{CHAIN}", "head")
    assert head is not None
    await waiting.ledger_rows.write(head.partition, Replace(head.key, {"nothing": 1}, head.etag))
    paused = await pause(waiting.app, BY, "stop")
    assert paused.unrecorded is not None
    assert (await read_pauses(waiting.app)).active[Pause(PauseKind.OPERATOR)].why == Code.SAID(said="stop")
    newcomer = waiting.hire("anna")
    await waiting.event_about(newcomer)
    await waiting.settle()
    assert not waiting.held(newcomer)


async def test_what_the_operator_did_not_agree_to_stays_and_is_not_accepted(waiting: Stage) -> None:
    await pause(waiting.app, BY, "audit")
    agreed = (await read_pauses(waiting.app)).active
    await waiting.advance(seconds=5)
    await shrunk(waiting, 4)
    before = (await waiting.app.state.baseline()).value
    row = await waiting.app.state.pauses()
    await waiting.app.state.put_pauses(row.becoming(Pauses({**row.value.active, **agreed})))
    resumed = await resume(waiting.app, BY, agreed)
    assert (set(resumed.cleared), set(resumed.remaining)) == (
        {Pause(PauseKind.OPERATOR)},
        {Pause(PauseKind.POPULATION_SHRANK)},
    )
    assert (await waiting.app.state.baseline()).value == before
    nothing = await resume(waiting.app, BY, agreed)
    assert (set(nothing.cleared), set(nothing.remaining)) == (set(), {Pause(PauseKind.POPULATION_SHRANK)})
    assert (await waiting.app.state.baseline()).value == before


async def test_resuming_where_nothing_stands_does_and_records_nothing(waiting: Stage) -> None:
    assert not (await resume(waiting.app, BY)).cleared
    assert await decisions(waiting) == []


async def shrunk(stage: Stage, seen: int) -> None:
    """The population was 20, and a sweep set a pause for what it saw."""
    setting = Setting(stage.now, "sweep", Code.SAID(said="the population shrank"), seen=seen)
    await put_counted(stage, Baseline(stage.now, 7, 4, 20, "digest"))
    shrank = Pauses({Pause(PauseKind.POPULATION_SHRANK): setting})
    await stage.app.state.put_pauses((await stage.app.state.pauses()).becoming(shrank))


async def put_counted(stage: Stage, counted: Baseline) -> None:
    """A sweep counted so much."""
    await stage.app.state.put_baseline((await stage.app.state.baseline()).becoming(counted))


@pytest.mark.parametrize("seen", [4, 0])
async def test_resuming_accepts_the_population_that_was_seen(waiting: Stage, seen: int) -> None:
    await shrunk(waiting, seen)
    await resume(waiting.app, BY)
    assert (await waiting.app.state.baseline()).value == Baseline(waiting.now, 7, 4, seen, "digest")


async def test_resuming_after_the_loss_of_our_role_accepts_the_accounts_that_are_left(waiting: Stage) -> None:
    known = Baseline(waiting.now, 7, 4, 20, "digest", accounts=("mca:1", "mca:2"))
    await put_counted(waiting, known)
    lost = Setting(waiting.now, "sweep", Code.SAID(said="an account is not listed any more"))
    paused = Pauses({Pause(PauseKind.ROLE_LOST): lost})
    await waiting.app.state.put_pauses((await waiting.app.state.pauses()).becoming(paused))
    await resume(waiting.app, BY)
    assert (await waiting.app.state.baseline()).value == replace(known, accounts=())


async def test_resuming_puts_back_nothing_of_a_baseline_that_a_sweep_replaced_meanwhile(waiting: Stage) -> None:
    await shrunk(waiting, 4)
    newer = Baseline(waiting.now, 8, 5, 20, "another policy")

    async def a_sweep_is_quicker() -> None:
        await waiting.app.state.put_baseline((await waiting.app.state.baseline()).becoming(newer))

    waiting.state_rows.at_write(a_sweep_is_quicker, "guards", holds="baseline=", times=1)
    await resume(waiting.app, BY)
    assert (await waiting.app.state.baseline()).value == replace(newer, population=4)
    assert not (await read_pauses(waiting.app)).active


async def test_a_baseline_that_never_stands_still_leaves_the_pause_on(waiting: Stage) -> None:
    await shrunk(waiting, 4)
    waiting.state_rows.at_write(Changed("somebody else was quicker"), "guards", holds="baseline=")
    with pytest.raises(Transient, match="nothing was resumed"):
        await resume(waiting.app, BY)
    assert set((await read_pauses(waiting.app)).active) == {Pause(PauseKind.POPULATION_SHRANK)}


async def test_every_decision_is_in_the_log_the_newest_last(waiting: Stage) -> None:
    assert not await log(waiting.app)
    await pause(waiting.app, BY, "audit")
    await waiting.advance(seconds=5)
    await resume(waiting.app, "pete")
    said = await log(waiting.app)
    assert [(decision.verb, decision.by) for _, decision in said] == [("pause", BY), ("resume", "pete")]
    assert said[0][0].at < said[1][0].at


async def test_a_cause_that_comes_in_while_one_resumes_stays(waiting: Stage) -> None:
    await pause(waiting.app, BY, "audit")
    late = Setting(waiting.now, f"person:{FEMKE}", Code.SAID(said="403"))

    async def role_is_lost_meanwhile() -> None:
        fresh = await waiting.app.state.pauses()
        active = {**fresh.value.active, Pause(PauseKind.ROLE_LOST): late}
        await waiting.app.state.put_pauses(fresh.becoming(Pauses(active)))

    waiting.state_rows.at_write(role_is_lost_meanwhile, "guards", holds="pauses=", times=1)
    resumed = await resume(waiting.app, BY)
    assert set(resumed.cleared) == {Pause(PauseKind.OPERATOR)}
    assert dict(resumed.remaining) == {Pause(PauseKind.ROLE_LOST): late}
    assert (await read_pauses(waiting.app)).active == {Pause(PauseKind.ROLE_LOST): late}


# -- profiles


async def test_a_harmful_update_is_shown_by_field_and_a_release_lets_one_more_through(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage()
    await stage.settle()
    opt_in = stage.app.billing.opt_in

    async def careless(profile: Any) -> Any:
        answer = await opt_in(profile)
        stage.set_profile(NL, poNumber="PO-2")
        assert answer is not None
        return replace(answer, properties={**answer.properties, "poNumber": "PO-2"})

    stage.app.billing.opt_in = careless  # type: ignore[method-assign] # the service changes more than it was told
    await turn_off(stage)
    assert set((await read_pauses(stage.app)).active) == {Pause(PauseKind.HARM, NL.folded)}
    await resume(stage.app, BY)
    await turn_off(stage)
    (hold,) = (await list_holds(stage.app)).holds
    assert hold.stopped_by is StoppedBy.HARM
    assert (await harm(stage.app, hold))["properties.poNumber"] == ("PO-1", "PO-2")
    await release(stage.app, [hold.id], BY, await list_holds(stage.app))
    await stage.advance(minutes=30)
    assert stage.profile(NL)["invoiceEmailOptIn"] is True
    assert not (await list_holds(stage.app)).holds


async def turn_off(stage: Stage) -> None:
    stage.set_profile(NL, invoiceEmailOptIn=False)
    await stage.check(NL)
    await stage.advance(minutes=30)
