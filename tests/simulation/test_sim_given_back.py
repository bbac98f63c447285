"""A daily limit counts what was written or may have been: who reserved and did not write leaves room to others."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sandbox.faults import Effect
from shared.domain.guards.pauses import Pause, PauseCause, Pauses, Setting
from shared.domain.history.records import Record
from shared.domain.keys import PersonKey
from shared.domain.outcome import Outcome
from shared.domain.policy.model import ActionKind
from shared.errors import Conflict, InvoiceAccessError, Permanent, Transient
from shared.ports import Chain
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
    assert (await stage.last_check(anna))["outcome"] == "retry"
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
    assert (await stage.last_check(ben))["outcome"] == "held"


async def test_a_write_that_a_pause_stopped_takes_no_room(one_left: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = one_left
    anna = stage.hire("anna")
    put = stage.app.state.put_person

    async def put_and_pause(state: Any) -> Any:
        paused = Pauses({Pause(PauseCause.PAUSE): Setting(stage.now, "olga", "because")})
        await stage.app.state.put_pauses((await stage.app.state.pauses()).becoming(paused))
        return await put(state)

    monkeypatch.setattr(stage.app.state, "put_person", put_and_pause)  # the intent is stored: the write is next
    await stage.event_about(anna)
    assert (await stage.last_check(anna))["outcome"] == "held"
    assert await reserved(stage) == 3


class Refusing:
    """A chain that takes no intent."""

    def __init__(self, chain: Chain, failure: InvoiceAccessError) -> None:
        self._chain, self._failure = chain, failure

    async def append(self, kind: str, at: datetime, body: Any) -> Record:
        if kind == "intent":
            raise self._failure
        return await self._chain.append(kind, at, body)


@pytest.mark.parametrize("failure", [Conflict("somebody else appended"), Transient("busy"), Permanent("too large")])
async def test_an_intent_that_was_not_recorded_leaves_a_leavers_room_to_other_leavers(
    one_left: Stage, monkeypatch: pytest.MonkeyPatch, failure: InvoiceAccessError
) -> None:
    stage = one_left
    open_chain = stage.app.ledger.open

    async def refusing(key: str) -> Chain:
        chain = await open_chain(key)
        return Refusing(chain, failure) if key == PersonKey(FEMKE).canonical else chain

    monkeypatch.setattr(stage.app.ledger, "open", refusing)
    for person in (FEMKE, DIETER):
        stage.change(person, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL}
    assert await reserved(stage, ActionKind.LEAVER_REVOKES) == 0
    await stage.event_about(DIETER)
    assert not stage.held(DIETER)
    monkeypatch.undo()
    await stage.advance(hours=1)
    assert stage.held(FEMKE) == {NL}  # the room is Dieter's by now


@pytest.mark.parametrize("behind", [0, 2, 540])
async def test_an_overtaken_check_leaves_the_room_of_the_check_that_overtook_it(
    one_left: Stage, monkeypatch: pytest.MonkeyPatch, behind: int
) -> None:
    """Two instances check one leaver; the one whose clock is behind reserves last, records first and writes."""
    stage = one_left
    open_chain, quick = stage.app.ledger.open, stage.app

    class Slow:
        def now(self) -> datetime:
            return stage.clock.now() - timedelta(seconds=behind)

    class Overtaken(Refusing):
        async def append(self, kind: str, at: datetime, body: Any) -> Record:
            if kind == "intent":
                monkeypatch.undo()
                stage.app = replace(quick, clock=Slow())
                assert await stage.check(PersonKey(FEMKE)) is Outcome.DONE
                stage.app = quick
            return await self._chain.append(kind, at, body)

    async def overtaken(key: str) -> Chain:
        return Overtaken(await open_chain(key), Conflict("not raised here: the chain itself says so"))

    stage.change(FEMKE, accountEnabled=False)
    monkeypatch.setattr(stage.app.ledger, "open", overtaken)
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
    assert "retry" in [check["outcome"] for check in await stage.checks(anna)]
    assert (await stage.app.state.reservations(ActionKind.GRANTS)).value.taken == before.taken


async def test_a_daily_limit_that_cannot_be_written_gives_nothing_back_and_the_check_ends(
    one_left: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = one_left
    anna = stage.hire("anna")
    put, puts = stage.app.state.put_reservations, 0

    async def once(row: Any) -> Any:
        nonlocal puts
        puts += 1
        if puts > 1:
            raise Transient("the store is busy")
        return await put(row)

    monkeypatch.setattr(stage.app.state, "put_reservations", once)
    stage.fault("arm", Effect(status=429), method="POST", path=CREATE, times=1)
    await stage.event_about(anna)
    assert (await stage.last_check(anna))["outcome"] == "retry"
    assert await reserved(stage) == 4
    monkeypatch.undo()
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
