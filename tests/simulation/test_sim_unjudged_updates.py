"""What an update of a profile did is judged by some check, whatever came between the update and its read-back."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sandbox.faults import Effect
from shared.adapters.store.rows import Changed
from shared.domain.access.plan import StoppedBy
from shared.domain.billing import BillingProfile
from shared.domain.guards.holds import Hold, Status
from shared.domain.guards.pauses import Pause, PauseKind, Pauses, Setting
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code
from shared.errors import Transient
from shared.services.operate.decisions import harm, list_holds, release, resume
from tests.english import english
from tests.simulation.small_world import DE, NL, POLICY, world
from tests.simulation.stage import Stage

type Careless = Callable[..., None]

HARM = {"poNumber": "lost"}


@pytest.fixture
async def careless(stage: Stage) -> Careless:
    """Makes every update from now on do what `then` does as well, which the service's answer to it shows.

    With `by_others` somebody else does it, after the update was answered.
    """
    opt_in = stage.app.billing.opt_in

    def make(then: Callable[[], Any], *, by_others: bool = False) -> None:
        async def opted_in(profile: Any) -> BillingProfile | None:
            answer = await opt_in(profile)
            then()
            if answer is None or by_others:
                return answer
            return replace(answer, properties={**answer.properties, **stage.profile(profile.key)})

        stage.app.billing.opt_in = opted_in  # type: ignore[method-assign] # the service changes more than it was told

    return make


async def opt_out(stage: Stage, profile: ProfileKey = NL) -> None:
    """Somebody opts a profile out, and an event names it."""
    stage.set_profile(profile, invoiceEmailOptIn=False)
    await stage.enqueue(profile)


async def take_the_second_check(stage: Stage) -> None:
    """Lets time pass up to the check that writes, and no further."""
    await stage.run_until_quiet()
    ((_, due),) = stage.awaited(NL)
    await stage.advance(to=due)


async def pauses_seen(stage: Stage) -> set[Pause]:
    return {*(await stage.app.state.pauses()).value.active}


async def only_hold(stage: Stage, key: ProfileKey = NL) -> Hold:
    (hold,) = (await stage.app.state.key_holds(key)).value.holds.values()
    return hold


async def is_told_as_harm(stage: Stage) -> bool:
    """The finding, the pause, and that nothing is updated by itself any more."""
    checks = await stage.checks(NL)
    told = [check for check in checks if check.finding == "profile-update-harm" and check.outcome == "gave-up"]
    state = (await stage.app.state.profile(NL)).value
    assert "done" not in [check.outcome for check in checks]
    return (
        len(told) == 1
        and bool(told[0].alert)
        and told[0].changed == (*HARM,)
        and await pauses_seen(stage) == {Pause(PauseKind.HARM, NL.folded)}
        and state.blocked is not None
        and state.unjudged is None
    )


def do_harm(stage: Stage) -> None:
    stage.set_profile(NL, **HARM)


# -- harm


async def test_harm_is_told_where_the_read_back_failed_once(stage: Stage, careless: Careless) -> None:
    def harm_and_fail() -> None:
        do_harm(stage)
        stage.fault("arm", Effect(status=400), method="GET", path="NL-BG7$", times=1)

    careless(harm_and_fail)
    await opt_out(stage)
    await stage.advance(minutes=40)
    assert await is_told_as_harm(stage)


async def test_harm_is_told_where_the_update_showed_after_the_handlers_time(stage: Stage) -> None:
    stage.turn(update_seconds=70.0)
    await opt_out(stage)
    await stage.advance(minutes=5, seconds=30)
    for _ in range(40):
        if stage.profile(NL)["invoiceEmailOptIn"]:
            break
        await asyncio.sleep(5)
    do_harm(stage)
    await stage.advance(minutes=40)
    assert await is_told_as_harm(stage)


async def test_harm_is_told_where_the_process_died_before_the_read_back(stage: Stage, careless: Careless) -> None:
    def harm_and_die() -> None:
        do_harm(stage)
        raise RuntimeError("the process is gone")

    careless(harm_and_die)
    await opt_out(stage)
    await stage.advance(minutes=40)
    assert [str(error) for error in stage.raised] == ["the process is gone"]
    assert await is_told_as_harm(stage)


async def test_harm_is_told_where_the_store_was_busy(stage: Stage, careless: Careless) -> None:
    def harm_and_keep_busy() -> None:
        do_harm(stage)
        # The answer is not kept, and then not what came of it.
        stage.state_rows.at_write(Transient("busy"), "profiles", times=2)

    careless(harm_and_keep_busy)
    await opt_out(stage)
    await take_the_second_check(stage)
    check = await stage.last_check(NL)
    assert (check.outcome, check.finding, check.changed) == ("retry", "profile-update-harm", (*HARM,))
    assert await pauses_seen(stage) == {Pause(PauseKind.HARM, NL.folded)}
    await stage.advance(minutes=40)
    assert await is_told_as_harm(stage)


async def test_harm_is_told_where_the_pause_could_not_be_set_at_once(stage: Stage, careless: Careless) -> None:
    def harm_and_keep_busy() -> None:
        do_harm(stage)
        stage.state_rows.at_write(Transient("busy"), "guards", holds="pauses=", times=1)

    careless(harm_and_keep_busy)
    await opt_out(stage)
    await take_the_second_check(stage)
    check = await stage.last_check(NL)
    assert (check.outcome, check.finding) == ("retry", "profile-update-harm")
    assert "busy" in english(check.why)
    assert (await stage.app.state.profile(NL)).value.blocked is None
    await stage.advance(minutes=40)
    assert await is_told_as_harm(stage)


@pytest.mark.parametrize("change", [{"soldTo": {"country": "BE"}}, {"currentPaymentTerm": {"term": "net60"}}])
async def test_harm_to_what_an_update_leaves_out_is_shown_field_by_field(
    stage: Stage, careless: Careless, change: dict[str, Any]
) -> None:
    before = dict(stage.profile(NL))
    careless(lambda: stage.set_profile(NL, **change))
    await opt_out(stage)
    await stage.advance(minutes=30)
    ((field, now),) = change.items()
    assert (await stage.last_check(NL)).changed == (field,)
    await resume(stage.app, "olga")
    await opt_out(stage)
    await stage.advance(minutes=30)
    shown = await harm(stage.app, await only_hold(stage))
    ((leaf, value),) = now.items()
    assert shown[f"properties.{field}.{leaf}"] == ((before.get(field) or {}).get(leaf), value)
    said = str(await stage.bodies(NL))
    assert value not in said


# -- somebody else's edit


async def test_what_somebody_else_wrote_before_the_read_back_is_no_harm(stage: Stage, careless: Careless) -> None:
    careless(lambda: stage.set_profile(NL, poNumber="PO-2"), by_others=True)
    await opt_out(stage)
    await stage.advance(minutes=30)
    check = await stage.last_check(NL)
    assert (check.outcome, check.changed_by_others) == ("done", ("poNumber",))
    assert not await pauses_seen(stage)
    assert (await stage.app.state.profile(NL)).value.blocked is None
    assert stage.profile(NL)["poNumber"] == "PO-2"


async def test_what_somebody_else_wrote_is_no_harm_to_a_later_check_either(stage: Stage, careless: Careless) -> None:
    def edit_and_fail() -> None:
        stage.set_profile(NL, poNumber="PO-2")
        stage.fault("arm", Effect(status=500), method="GET", path="NL-BG7$", times=3)

    careless(edit_and_fail, by_others=True)
    await opt_out(stage)
    await stage.advance(minutes=30)
    assert [check.outcome for check in await stage.checks(NL)] == ["waiting", "unverified", "done"]
    assert not await pauses_seen(stage)


async def test_an_edit_while_an_update_does_not_show_yet_is_no_harm_of_it(stage: Stage) -> None:
    stage.turn(update_seconds=70.0)
    await opt_out(stage)
    await stage.advance(minutes=5, seconds=40)
    stage.set_profile(NL, poNumber="PO-2")
    await stage.advance(seconds=40)
    assert (await stage.last_check(NL)).outcome == "unverified"
    assert not await pauses_seen(stage)


async def test_a_difference_where_the_answer_was_lost_pauses_that_profile_and_blames_none(stage: Stage) -> None:
    stage.turn(update_status=200)
    stage.fault("arm", Effect(hang_up=True, after=True), method="PUT", times=1)
    opt_in = stage.app.billing.opt_in

    async def edited(profile: Any) -> Any:
        try:
            return await opt_in(profile)
        finally:
            stage.set_profile(NL, poNumber="PO-2")

    stage.app.billing.opt_in = edited  # type: ignore[method-assign] # somebody edits it just then
    await opt_out(stage)
    await stage.advance(minutes=30)
    check = await stage.last_check(NL)
    assert english(check.why).startswith("more than the flag differs after an update whose answer was lost: poNumber")
    assert await pauses_seen(stage) == {Pause(PauseKind.HARM, NL.folded)}


async def test_what_differs_after_an_update_that_never_showed_is_told(stage: Stage) -> None:
    async def taken(profile: Any) -> None:
        del profile
        stage.set_profile(NL, poNumber="PO-2")

    stage.app.billing.opt_in = taken  # type: ignore[method-assign] # the service forgets it
    await opt_out(stage)
    await stage.advance(minutes=20)
    assert await stage.check(NL) is Outcome.GAVE_UP
    assert (await stage.last_check(NL)).finding == "profile-update-unjudged"
    assert not await pauses_seen(stage)


@pytest.mark.parametrize("behind", [-4, 4])
async def test_updates_rest_by_billings_clock_whatever_the_instances_say(stage: Stage, behind: int) -> None:
    right = stage.app

    class Off:
        def now(self) -> datetime:
            return right.clock.now() - timedelta(minutes=behind)

    await opt_out(stage)
    await stage.run_until_quiet()
    stage.queues.waiting.clear()
    await asyncio.sleep(301)
    stage.app = replace(right, clock=Off())
    row = await stage.app.state.profile(NL)
    await stage.app.state.put_profile(row.becoming(replace(row.value, agreed=None)))
    assert await stage.check(NL) is Outcome.WAITING
    stage.queues.waiting.clear()
    await asyncio.sleep(301)
    assert await stage.check(NL) is Outcome.DONE
    stage.app = right
    stage.set_profile(NL, invoiceEmailOptIn=False)
    for _ in range(40):
        stage.queues.waiting.clear()
        await asyncio.sleep(30)
        if await stage.check(NL) is Outcome.DONE:
            break
    first, second = (entry.time for entry in stage.billing.audit if entry.operation == "put-profile")
    assert timedelta(minutes=10) - timedelta(seconds=3) <= second - first <= timedelta(minutes=11)


# -- no harm


async def test_an_update_judged_by_a_later_check_is_done_once(stage: Stage, careless: Careless) -> None:
    def die() -> None:
        raise RuntimeError("the process is gone")

    careless(die)
    await opt_out(stage)
    await stage.advance(hours=1)
    await stage.check(NL)
    done = [check for check in await stage.checks(NL) if check.outcome == "done"]
    assert [check.actions[0].outcome for check in done] == ["done"]
    assert english((await stage.last_check(NL)).why) == "opted in"
    assert (await stage.app.state.profile(NL)).value.unjudged is None
    assert not await pauses_seen(stage)


async def test_done_is_recorded_once_where_the_store_was_busy(stage: Stage, careless: Careless) -> None:
    # The answer is not kept, and then not what came of it.
    careless(lambda: stage.state_rows.at_write(Transient("busy"), "profiles", times=2))
    await opt_out(stage)
    await stage.advance(minutes=30)
    assert [check.outcome for check in await stage.checks(NL)] == ["waiting", "retry", "done"]


async def test_an_update_that_never_shows_is_given_up_unjudged_and_judged_when_it_does(stage: Stage) -> None:
    async def taken(profile: Any) -> None:
        del profile

    stage.app.billing.opt_in = taken  # type: ignore[method-assign] # the service forgets it
    await opt_out(stage)
    await stage.advance(minutes=20)
    checks = await stage.checks(NL)
    assert [check.outcome for check in checks] == ["waiting", *["unverified"] * 3, "gave-up"]
    assert english(checks[-1].alert) == "a write was accepted and never became visible"
    assert (await stage.app.state.profile(NL)).value.unjudged is not None
    stage.set_profile(NL, invoiceEmailOptIn=True)
    assert await stage.check(NL) is Outcome.DONE
    assert await stage.check(NL) is Outcome.UNCHANGED


async def test_an_update_that_never_showed_is_made_again_after_the_pause(stage: Stage) -> None:
    opt_in = stage.app.billing.opt_in

    async def taken(profile: Any) -> None:
        del profile
        stage.app.billing.opt_in = opt_in  # type: ignore[method-assign]

    stage.app.billing.opt_in = taken  # type: ignore[method-assign] # the service forgets the first
    await opt_out(stage)
    await stage.advance(minutes=20)
    await stage.settle()
    assert stage.profile(NL)["invoiceEmailOptIn"] is True
    assert (await stage.last_check(NL)).outcome == "done"
    assert len((await stage.app.state.profile(NL)).value.updates) == 2


@pytest.mark.parametrize(("minutes", "is_harm"), [(14, True), (16, False)])
async def test_what_differs_much_later_is_told_without_a_pause(
    stage: Stage, careless: Careless, minutes: int, is_harm: bool
) -> None:
    careless(lambda: stage.fault("arm", Effect(status=400), method="GET", path="NL-BG7$", times=1))
    await opt_out(stage)
    await take_the_second_check(stage)
    stage.queues.waiting.clear()
    row = await stage.app.state.profile(NL)
    await stage.app.state.put_profile(row.becoming(replace(row.value, answered=None)))
    made = row.value.unjudged
    assert made is not None
    do_harm(stage)
    await stage.advance(to=made + timedelta(minutes=minutes))
    assert await stage.check(NL) is Outcome.GAVE_UP
    check = await stage.last_check(NL)
    assert check.finding == ("profile-update-harm" if is_harm else "profile-update-unjudged")
    assert check.changed == (*HARM,)
    assert check.alert
    assert await pauses_seen(stage) == ({Pause(PauseKind.HARM, NL.folded)} if is_harm else set())
    state = (await stage.app.state.profile(NL)).value
    assert (state.blocked is not None) is is_harm
    assert state.unjudged is None
    assert await stage.check(NL) is Outcome.UNCHANGED


async def test_an_update_that_was_refused_leaves_the_state_as_it_was(stage: Stage, careless: Careless) -> None:
    careless(lambda: do_harm(stage))
    await opt_out(stage)
    await stage.advance(minutes=30)
    await resume(stage.app, "olga")
    await opt_out(stage)
    await stage.advance(minutes=30)
    before = (await stage.app.state.profile(NL)).value
    assert before.blocked is not None
    stage.fault("arm", Effect(status=400, body={"error": {"code": "x", "message": "x"}}), method="PUT")
    await release(stage.app, [(await only_hold(stage)).id], "olga", await list_holds(stage.app))
    await stage.advance(minutes=30)
    assert (await stage.last_check(NL)).outcome == "gave-up"
    assert (await stage.app.state.profile(NL)).value == before


async def test_what_is_only_observed_is_not_judged(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("enforce: all", "enforce: none"))
    await stage.settle()
    read = stage.app.billing.profile
    reads: list[ProfileKey] = []

    async def edited_at_the_third_read(key: ProfileKey) -> Any:
        reads.append(key)
        if len(reads) == 3:
            do_harm(stage)
        return await read(key)

    stage.app.billing.profile = edited_at_the_third_read  # type: ignore[method-assign] # somebody edits it just then
    await opt_out(stage)
    await stage.advance(minutes=10)
    assert (await stage.last_check(NL)).outcome == "would"
    assert not await pauses_seen(stage)
    assert (await stage.app.state.profile(NL)).value.blocked is None


# -- what a check keeps beside its verdict


async def release_a_fight(stage: Stage) -> None:
    """The profile was opted out once too often, and a person released it."""
    for _ in range(4):
        await opt_out(stage)
        await stage.advance(minutes=16)
    hold = await only_hold(stage)
    assert hold.stopped_by is StoppedBy.FIGHTS_BACK
    rows = await stage.app.state.key_holds(NL)
    decided = replace(hold, status=Status.RELEASED, by="olga", decided_at=stage.now)
    await stage.app.state.put_key_holds(rows.becoming(replace(rows.value, holds={hold.id: decided})))


async def test_a_hold_that_could_not_be_closed_does_not_lose_what_was_done(stage: Stage) -> None:
    await release_a_fight(stage)
    stage.state_rows.at_write(Changed("somebody else wrote"), "holds", times=1)
    await stage.check(NL)
    await stage.advance(minutes=30)
    with_actions = [check for check in await stage.checks(NL) if check.actions]
    assert with_actions[-1].outcome == "retry"
    assert with_actions[-1].actions[0].outcome == "done"
    assert (await stage.last_check(NL)).outcome == "unchanged"
    assert not (await stage.app.state.key_holds(NL)).value.holds


async def test_a_release_has_served_also_where_its_update_did_harm(stage: Stage, careless: Careless) -> None:
    await release_a_fight(stage)
    careless(lambda: do_harm(stage))
    await stage.check(NL)
    await stage.advance(minutes=20)
    assert Pause(PauseKind.HARM, NL.folded) in await pauses_seen(stage)
    await resume(stage.app, "olga")
    updates = len((await stage.app.state.profile(NL)).value.updates)
    await opt_out(stage)
    await stage.advance(minutes=30)
    hold = await only_hold(stage)
    assert (hold.stopped_by, hold.status) == (StoppedBy.HARM, Status.OPEN)
    assert len((await stage.app.state.profile(NL)).value.updates) == updates


async def test_a_released_update_of_a_harmed_profile_lifts_what_blocked_it(stage: Stage, careless: Careless) -> None:
    harmed = [True]
    careless(lambda: do_harm(stage) if harmed else None)
    await opt_out(stage)
    await stage.advance(minutes=30)
    harmed.clear()
    await resume(stage.app, "olga")
    await opt_out(stage)
    await stage.advance(minutes=30)
    await release(stage.app, [(await only_hold(stage)).id], "olga", await list_holds(stage.app))
    await stage.advance(minutes=30)
    state = (await stage.app.state.profile(NL)).value
    assert (state.blocked, state.after, state.unjudged) == (None, None, None)
    assert stage.profile(NL)["invoiceEmailOptIn"] is True
    await opt_out(stage)
    await stage.advance(minutes=30)
    assert (await stage.last_check(NL)).outcome == "done"


async def test_a_pause_that_comes_right_before_the_update_stops_it(stage: Stage) -> None:
    async def somebody_pauses() -> None:
        pause = Pauses({Pause(PauseKind.OPERATOR): Setting(stage.now, "olga", Code.SAID(said="because"))})
        await stage.app.state.put_pauses((await stage.app.state.pauses()).becoming(pause))

    await opt_out(stage)
    await stage.advance(minutes=4)
    stage.state_rows.at_read(somebody_pauses, "guards", key="pauses", times=1)
    await stage.advance(minutes=4)
    check = await stage.last_check(NL)
    assert check.outcome == "held"
    assert "operator-stop" in english(check.why)
    assert stage.profile(NL)["invoiceEmailOptIn"] is False
    state = (await stage.app.state.profile(NL)).value
    assert (state.updates, state.unjudged) == ((), None)


# -- our own role


@pytest.mark.parametrize("enforce", ["all", "none"])
async def test_a_profile_we_may_not_read_any_more_sets_the_pause_where_the_policy_writes(
    set_stage: Callable[..., Stage], enforce: str
) -> None:
    stage = set_stage(given=world(), policy=POLICY.replace("enforce: all", f"enforce: {enforce}"))
    await stage.settle()
    stage.fault("arm", Effect(status=403), method="GET", path="DE-BG7$")
    assert await stage.check(DE) is Outcome.GAVE_UP
    pauses = (await stage.app.state.pauses()).value
    assert {pause_kind: setting.by for pause_kind, setting in pauses.active.items()} == (
        {Pause(PauseKind.ROLE_LOST, DE.account): DE.canonical} if enforce == "all" else {}
    )
