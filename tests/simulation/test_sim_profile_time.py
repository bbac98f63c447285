"""What a check of a profile leaves alone: a write too late to begin, and holds of which its read says nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sandbox.faults import Effect
from shared.domain.access.plan import StoppedBy
from shared.domain.guards.holds import Hold, Status, action_id
from shared.domain.outcome import Outcome
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code, Reason
from shared.domain.remembered import ProfileState
from shared.errors import Conflict, InvoiceAccessError, Permanent, Transient
from shared.ports import State, Stored
from tests.english import english
from tests.simulation.small_world import NL, POLICY
from tests.simulation.stage import Stage

WHY = Code.OPTED_OUT()
USED_UP = Code.DAILY_LIMIT_USED_UP(kind="profile_updates", most=10)
HANDLER = timedelta(seconds=45)
TOO_LATE = "the handler's time was over before this write could begin"


class Slow:
    """A state of which every call takes a while. `fail` is raised where no update under way would be stored."""

    def __init__(self, state: State, seconds: float, fail: InvoiceAccessError | None = None) -> None:
        self._state, self._seconds, self._fail = state, seconds, fail

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._state, name)

        async def slow(*arguments: Any) -> Any:
            await asyncio.sleep(self._seconds)
            return await call(*arguments)

        return slow

    async def put_profile(self, row: Stored[ProfileState]) -> Stored[ProfileState]:
        await asyncio.sleep(self._seconds)
        if self._fail is not None and row.value.unjudged is None:
            raise self._fail
        return await self._state.put_profile(row)


async def check_slowly(
    stage: Stage, seconds: float, fail: InvoiceAccessError | None = None
) -> tuple[Outcome, datetime]:
    """One check while each call of the state takes so long; how it ended, and when it began."""
    state, began = stage.app.state, stage.now
    slow: Any = Slow(state, seconds, fail)
    stage.app = replace(stage.app, state=slow)
    outcome = await stage.check(NL)
    stage.app = replace(stage.app, state=state)
    return outcome, began


async def settled(stage: Stage) -> Stored[ProfileState]:
    """Somebody opts the profile out, and one check has read it: the next one may write. Returns what is remembered."""
    stage.set_profile(NL, invoiceEmailOptIn=False)
    assert await stage.check(NL) is Outcome.WAITING
    stage.queues.waiting.clear()
    await asyncio.sleep(301)
    return await stage.app.state.profile(NL)


def updates(stage: Stage) -> list[datetime]:
    """When billing took an update of a profile from the app."""
    return [entry.time for entry in stage.billing.audit if entry.operation == "put-profile"]


# -- a write begins within the handler's time, or not at all


@pytest.mark.parametrize("seconds", [6.0, 6.6, 7.2, 9.1])
async def test_no_update_begins_once_the_handlers_time_is_over(stage: Stage, seconds: float) -> None:
    before = await settled(stage)
    outcome, began = await check_slowly(stage, seconds)
    assert updates(stage) == []
    assert outcome is Outcome.RETRY
    check = await stage.last_check(NL)
    assert english(check.why) == TOO_LATE
    took = stage.now - began
    # What was kept of it may be under way and is taken back then, and so is its place in the daily limit: two calls
    # more.
    assert HANDLER < took < HANDLER + 4 * timedelta(seconds=seconds)
    assert (await stage.app.state.profile(NL)).value == before.value
    assert not (await stage.app.state.reservations(ActionKind.PROFILE_UPDATES)).value.taken
    await stage.advance(minutes=5)
    assert len(updates(stage)) == 1
    assert (await stage.last_check(NL)).outcome == "done"
    assert len((await stage.app.state.profile(NL)).value.updates) == 1


async def test_two_reads_are_the_settling_time_apart_however_slow_the_state_is(stage: Stage) -> None:
    stage.set_profile(NL, invoiceEmailOptIn=False)
    assert await stage.check(NL) is Outcome.WAITING
    await asyncio.sleep(297)
    assert (await check_slowly(stage, 3.0))[0] is Outcome.WAITING
    assert updates(stage) == []


async def test_an_update_that_can_begin_within_the_handlers_time_does(stage: Stage) -> None:
    await settled(stage)
    outcome, began = await check_slowly(stage, 4.2)
    assert outcome is Outcome.DONE
    (at,) = updates(stage)
    assert timedelta(seconds=33) < at - began < HANDLER


async def test_an_edit_after_an_update_that_never_began_is_no_harm(stage: Stage) -> None:
    await settled(stage)
    await check_slowly(stage, 6.0)
    stage.set_profile(NL, poNumber="PO-2")
    await stage.advance(minutes=20)
    assert not (await stage.app.state.pauses()).value.active
    assert {check.finding for check in await stage.checks(NL)} == {None}
    assert stage.profile(NL)["poNumber"] == "PO-2"
    assert stage.profile(NL)["invoiceEmailOptIn"] is True
    assert len(updates(stage)) == 1


async def test_an_update_that_never_began_leaves_what_blocks_it_and_its_release(stage: Stage) -> None:
    blocked = Code.UPDATE_DID_HARM(fields=("poNumber",))
    image = {"properties": {"poNumber": "PO-0"}, "tags": {}}
    held = a_hold(stage, Status.RELEASED, StoppedBy.HARM, blocked)
    await put_hold(stage, held)
    before = await settled(stage)
    earlier = (stage.now - timedelta(hours=2),)
    before = await stage.app.state.put_profile(
        before.becoming(replace(before.value, updates=earlier, before=image, blocked=blocked, after=image))
    )
    # A release reserves nothing: two calls and a write of the state fewer.
    outcome, _ = await check_slowly(stage, 9.5)
    assert (outcome, updates(stage)) == (Outcome.RETRY, [])
    assert (await stage.app.state.profile(NL)).value == before.value
    assert (await stage.app.state.key_holds(NL)).value.holds == {held.id: held}


@pytest.mark.parametrize("failure", [Transient("busy"), Conflict("somebody else wrote"), Permanent("not allowed")])
async def test_a_check_that_cannot_say_that_it_wrote_nothing_is_taken_again(
    stage: Stage, failure: InvoiceAccessError
) -> None:
    await settled(stage)
    outcome, _ = await check_slowly(stage, 6.0, failure)
    assert (outcome, updates(stage)) == (Outcome.RETRY, [])
    check = await stage.last_check(NL)
    assert english(check.why) == f"{TOO_LATE}; that it did not could not be kept: {failure}"
    await stage.advance(hours=1)
    await stage.settle()
    assert len(updates(stage)) == 1
    assert stage.profile(NL)["invoiceEmailOptIn"] is True
    assert (await stage.app.state.profile(NL)).value.unjudged is None
    assert not (await stage.app.state.pauses()).value.active


async def test_an_update_is_waited_for_no_longer_than_the_handler_has(stage: Stage) -> None:
    await settled(stage)
    stage.turn(update_seconds=70.0)
    outcome, began = await check_slowly(stage, 5.0)
    assert outcome is Outcome.UNVERIFIED
    check = (await stage.records(NL))[-1]
    assert english((await stage.last_check(NL)).why) == "the service did not answer within the handler's time"
    assert timedelta(0) <= check.at - (began + HANDLER) < timedelta(seconds=1)
    await stage.advance(minutes=20)
    assert len(updates(stage)) == 1
    assert (await stage.last_check(NL)).outcome == "done"


# -- what a read says nothing about keeps its holds


def a_hold(stage: Stage, status: Status, stopped_by: StoppedBy, why: Reason) -> Hold:
    """A hold of the profile's update, as somebody decided about it."""
    decided: dict[str, Any] = {} if status is Status.OPEN else {"by": "olga", "decided_at": stage.now}
    return Hold(
        id=action_id(NL, ActionKind.PROFILE_UPDATES, NL),
        key=NL,
        kind=ActionKind.PROFILE_UPDATES,
        profile=NL,
        basis=WHY,
        why=why,
        stopped_by=stopped_by,
        since=stage.now,
        renewed=stage.now,
        status=status,
        **decided,
    )


async def put_hold(stage: Stage, hold: Hold) -> None:
    rows = await stage.app.state.key_holds(NL)
    await stage.app.state.put_key_holds(rows.becoming(replace(rows.value, holds={hold.id: hold})))


def say_nothing(stage: Stage) -> None:
    """From now on billing's answer leaves the flag out."""
    scope = stage.billing.account(NL.account).profiles[NL.profile.lower()]  # type: ignore[union-attr]
    scope.properties = {name: value for name, value in scope.properties.items() if name != "invoiceEmailOptIn"}


def deny_it(stage: Stage) -> None:
    """Billing says once that there is no such profile."""
    absent = Effect(status=404, body={"error": {"code": "NotFound", "message": "x"}})
    stage.fault("arm", absent, method="GET", path="NL-BG7$", times=1)


@pytest.mark.parametrize("status", [Status.OPEN, Status.DISMISSED])
@pytest.mark.parametrize(
    ("doubt", "why"),
    [
        (say_nothing, "the answer does not say whether invoices are mailed"),
        (deny_it, "there is no such profile"),
    ],
)
async def test_a_hold_stays_while_nobody_knows_whether_it_is_wanted(
    stage: Stage, status: Status, doubt: Callable[[Stage], None], why: str
) -> None:
    hold = a_hold(stage, status, StoppedBy.DAILY_LIMIT, USED_UP)
    await put_hold(stage, hold)
    stage.set_profile(NL, invoiceEmailOptIn=False)
    doubt(stage)
    assert await stage.check(NL) is Outcome.UNCHANGED
    assert english((await stage.last_check(NL)).why) == why
    assert (await stage.app.state.key_holds(NL)).value.holds == {hold.id: hold}
    stage.set_profile(NL, invoiceEmailOptIn=False)
    await stage.check(NL)
    await stage.advance(minutes=30)
    (kept,) = (await stage.app.state.key_holds(NL)).value.holds.values()
    assert (kept.status, kept.since) == (status, hold.since)
    assert updates(stage) == []
    assert stage.profile(NL)["invoiceEmailOptIn"] is False


async def test_a_release_waits_for_a_read_that_says_something(stage: Stage) -> None:
    stage.restart(policy=POLICY + "daily_limits: { profile_updates: 0/0/0 }\n")
    await put_hold(stage, a_hold(stage, Status.RELEASED, StoppedBy.DAILY_LIMIT, USED_UP))
    await settled(stage)
    deny_it(stage)
    await stage.check(NL)
    await settled(stage)
    assert await stage.check(NL) is Outcome.DONE
    assert len(updates(stage)) == 1
    assert not (await stage.app.state.key_holds(NL)).value.holds


@pytest.mark.parametrize("status", [*Status])
async def test_a_hold_goes_once_the_profile_is_read_as_opted_in(stage: Stage, status: Status) -> None:
    await put_hold(stage, a_hold(stage, status, StoppedBy.DAILY_LIMIT, USED_UP))
    assert await stage.check(NL) is Outcome.UNCHANGED
    assert not (await stage.app.state.key_holds(NL)).value.holds


async def test_a_hold_goes_whatever_it_says_when_the_policy_no_longer_opts_the_profile_in(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage(policy=POLICY.replace("opt_in: all", 'opt_in: [{ name: "Contoso Deutschland" }]'))
    await stage.settle()
    await put_hold(stage, a_hold(stage, Status.DISMISSED, StoppedBy.DAILY_LIMIT, USED_UP))
    say_nothing(stage)
    assert await stage.check(NL) is Outcome.UNCHANGED
    assert not (await stage.app.state.key_holds(NL)).value.holds


@pytest.mark.parametrize("status", [*Status])
async def test_a_sweep_closes_no_hold_of_a_profile_that_does_not_say_how_it_is(stage: Stage, status: Status) -> None:
    hold = a_hold(stage, status, StoppedBy.DAILY_LIMIT, USED_UP)
    await put_hold(stage, hold)
    say_nothing(stage)
    await stage.advance(hours=1)
    for _ in range(2):
        await stage.settle()
    assert (await stage.app.state.key_holds(NL)).value.holds == {hold.id: hold}
