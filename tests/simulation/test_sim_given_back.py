"""A daily limit counts what was written or may have been: who reserved and did not write leaves room to others."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sandbox.faults import Effect
from shared.adapters.store.rows import Changed
from shared.domain.guards.pauses import Pause, PauseKind, Pauses, Setting
from shared.domain.keys import PersonKey
from shared.domain.outcome import Outcome
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code
from shared.errors import InvoiceAccessError, Permanent, Transient
from tests.simulation.small_world import DE, DIETER, FEMKE, NL, POLICY
from tests.simulation.stage import Stage

CREATE = "createBillingRoleAssignment"
ONE_LEFT = POLICY + "daily_limits: { grants: 4/4/100, leaver_revokes: 1/1/100 }\n"


@pytest.fixture
async def one_left(set_stage: Callable[..., Stage]) -> Stage:
    """Three of four grants are made, and no leaver's one revoke."""
    stage = set_stage(policy=ONE_LEFT)
    await stage.settle()
    return stage


async def reserved(stage: Stage, kind: ActionKind = ActionKind.GRANTS) -> int:
    return len((await stage.app.state.reservations(kind)).value.taken)


async def test_a_write_that_the_handlers_time_did_not_reach_takes_no_room(one_left: Stage) -> None:
    stage = one_left
    anna, ben = stage.hire("anna"), stage.hire("ben")
    stage.fault("graph", Effect(delay_seconds=25), path=f"/users/{anna}")
    await stage.event_about(anna)
    assert (await stage.last_check(anna)).outcome == "retry"
    assert await reserved(stage) == 3
    await stage.event_about(ben)
    assert stage.held(ben) == {NL}


@pytest.mark.parametrize("status", [400, 429])
async def test_a_write_that_was_surely_refused_takes_no_room(one_left: Stage, status: int) -> None:
    stage = one_left
    anna, ben = stage.hire("anna"), stage.hire("ben")
    stage.fault("arm", Effect(status=status), method="POST", path=CREATE, times=1)
    await stage.event_about(anna)
    assert not stage.held(anna)
    assert await reserved(stage) == 3
    await stage.event_about(ben)
    assert stage.held(ben) == {NL}


async def test_a_write_that_may_have_been_made_takes_its_room(one_left: Stage) -> None:
    stage = one_left
    anna, ben = stage.hire("anna"), stage.hire("ben")
    stage.fault("arm", Effect(status=503), method="POST", path=CREATE, times=1)
    await stage.event_about(anna)
    await stage.event_about(ben)
    assert await reserved(stage) == 4
    assert (await stage.last_check(ben)).outcome == "held"


async def test_a_write_that_a_pause_stopped_takes_no_room(one_left: Stage) -> None:
    stage = one_left
    anna = stage.hire("anna")

    async def pause() -> None:
        paused = Pauses({Pause(PauseKind.OPERATOR): Setting(stage.now, "olga", Code.SAID(said="because"))})
        await stage.app.state.put_pauses((await stage.app.state.pauses()).becoming(paused))

    stage.state_rows.at_write(pause, "people", times=1)  # the intent is stored: the write is next
    await stage.event_about(anna)
    assert (await stage.last_check(anna)).outcome == "held"
    assert await reserved(stage) == 3


INTENT = '"kind":"intent"'
"""Stands in the row of such a record."""


@pytest.mark.parametrize("failure", [Changed("somebody else appended"), Transient("busy"), Permanent("too large")])
async def test_an_intent_that_was_not_recorded_leaves_a_leavers_room_to_other_leavers(
    one_left: Stage, failure: InvoiceAccessError
) -> None:
    stage = one_left
    stage.ledger_rows.at_write(failure, f"ledger:person:{FEMKE}", holds=INTENT)
    for person in (FEMKE, DIETER):
        stage.change(person, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL}
    assert await reserved(stage, ActionKind.LEAVER_REVOKES) == 0
    await stage.event_about(DIETER)
    assert not stage.held(DIETER)
    stage.ledger_rows.lift()
    await stage.advance(hours=1)
    assert stage.held(FEMKE) == {NL}  # the room is Dieter's by now


@pytest.mark.parametrize("behind", [0, 2, 540])
async def test_an_overtaken_check_leaves_the_room_of_the_check_that_overtook_it(one_left: Stage, behind: int) -> None:
    """Two instances check one leaver; the one whose clock is behind reserves last, records first and writes."""
    stage = one_left
    quick = stage.app

    class Slow:
        def now(self) -> datetime:
            return stage.clock.now() - timedelta(seconds=behind)

    async def overtake() -> None:
        stage.app = replace(quick, clock=Slow())
        assert await stage.check(PersonKey(FEMKE)) is Outcome.DONE
        stage.app = quick

    stage.change(FEMKE, accountEnabled=False)
    stage.ledger_rows.at_write(overtake, "ledger:person:", holds=INTENT, times=1)
    await stage.event_about(FEMKE)
    assert not stage.held(FEMKE)
    assert await reserved(stage, ActionKind.LEAVER_REVOKES) == 1


async def test_what_was_written_earlier_keeps_its_room_where_a_later_try_comes_to_nothing(one_left: Stage) -> None:
    """The first create may have been made, the second surely was not: one place, as of the first."""
    stage = one_left
    anna = stage.hire("anna")
    stage.fault("arm", Effect(status=503), method="POST", path=CREATE, times=1)
    await stage.event_about(anna)
    before = (await stage.app.state.reservations(ActionKind.GRANTS)).value
    await asyncio.sleep(130)  # the intent is old enough to be tried again
    stage.fault("arm", Effect(status=429), method="POST", path=CREATE, times=1)
    await stage.run_until_quiet()
    assert "retry" in [check.outcome for check in await stage.checks(anna)]
    assert (await stage.app.state.reservations(ActionKind.GRANTS)).value.taken == before.taken


async def test_a_daily_limit_that_cannot_be_written_gives_nothing_back_and_the_check_ends(one_left: Stage) -> None:
    stage = one_left
    anna = stage.hire("anna")
    stage.state_rows.at_write(Transient("the store is busy"), "guards", holds="reservations:", spare=1)
    stage.fault("arm", Effect(status=429), method="POST", path=CREATE, times=1)
    await stage.event_about(anna)
    assert (await stage.last_check(anna)).outcome == "retry"
    assert await reserved(stage) == 4
    stage.state_rows.lift()
    await stage.advance(minutes=20)
    assert stage.held(anna) == {NL}
    assert await reserved(stage) == 4


async def test_an_update_of_a_profile_that_was_refused_takes_no_room(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY + "daily_limits: { profile_updates: 1/1/100 }\n")
    await stage.settle()
    stage.fault("arm", Effect(status=400), method="PUT", times=1)
    for profile in (NL, DE):
        stage.set_profile(profile, invoiceEmailOptIn=False)
        await stage.check(profile)
        await stage.advance(minutes=6)
    assert [stage.profile(profile)["invoiceEmailOptIn"] for profile in (NL, DE)] == [False, True]
