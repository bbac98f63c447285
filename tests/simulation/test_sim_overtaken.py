"""Whoever is overtaken by another writer writes again: what was overtaken counts as nothing that was done."""

from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from shared.domain.guards.holds import Hold, Status
from shared.domain.keys import PersonKey
from shared.domain.policy.model import ActionKind
from shared.errors import Transient
from shared.services.operate.decisions import dismiss, list_holds, pause, release, resume
from tests.simulation.small_world import DE, DIETER, FEMKE, NL, POLICY
from tests.simulation.stage import Stage

type Verb = Callable[[Stage], Awaitable[object]]

BY = "olga"
ALWAYS: Final = 1_000


async def overtaken(stage: Stage, put: str, verb: Verb, times: int = 1) -> None:
    """Does it while others are quicker `times` times; each time at least one of them was.

    They write the same again: nothing but the version is new.
    """
    state = stage.app.state

    async def somebody_is_quicker() -> None:
        match put:
            case "put_pauses":
                await state.put_pauses(await state.pauses())
            case "put_reservations":
                for kind in ActionKind:
                    await state.put_reservations(await state.reservations(kind))
            case _:
                await state.put_key_holds(*[row async for row in state.holds()])

    rows, key = {
        "put_pauses": ("guards", "pauses="),
        "put_reservations": ("guards", "reservations:"),
        "put_key_holds": ("holds", "hold:"),
    }[put]
    before = stage.state_rows.happened
    stage.state_rows.at_write(somebody_is_quicker, rows, holds=key, times=times)
    try:
        await verb(stage)
    finally:
        stage.state_rows.lift()
        assert stage.state_rows.happened - before >= min(times, 1)


async def pausing(stage: Stage) -> None:
    await pause(stage.app, BY, "something is wrong")


async def resuming(stage: Stage) -> None:
    await resume(stage.app, BY)


async def releasing(stage: Stage) -> None:
    await release(stage.app, None, BY, await list_holds(stage.app))


async def dismissing(stage: Stage) -> None:
    await dismiss(stage.app, [hold.id for hold in (await list_holds(stage.app)).holds], BY)


@pytest.fixture
async def waiting(set_stage: Callable[..., Stage]) -> Stage:
    """Femke and Dieter moved out, and what they hold waits for a person."""
    stage = set_stage(policy=POLICY + "daily_limits: { mover_revokes: 0/0/0, grants: 100/100/100 }\n")
    await stage.settle()
    for person in (FEMKE, DIETER):
        stage.change(person, department="Kitchen")
        await stage.event_about(person)
    await stage.advance(minutes=11)
    return stage


async def holds(stage: Stage) -> list[Hold]:
    return [*(await list_holds(stage.app)).holds]


async def test_a_pause_that_was_overtaken_is_on(stage: Stage) -> None:
    await overtaken(stage, "put_pauses", pausing)
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL}


async def test_a_resume_that_was_overtaken_is_done(stage: Stage) -> None:
    await pausing(stage)
    await overtaken(stage, "put_pauses", resuming)
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()


async def test_a_release_that_was_overtaken_is_carried_out(waiting: Stage) -> None:
    await overtaken(waiting, "put_key_holds", releasing)
    await waiting.run_until_quiet()
    assert waiting.held(FEMKE) | waiting.held(DIETER) == set()


async def test_a_dismissal_that_was_overtaken_stands(waiting: Stage) -> None:
    await overtaken(waiting, "put_key_holds", dismissing)
    assert {hold.status for hold in await holds(waiting)} == {Status.DISMISSED}


async def test_a_reservation_that_was_overtaken_is_stored_before_the_write(stage: Stage) -> None:
    stage.change(FEMKE, accountEnabled=False)

    async def checking(stage: Stage) -> None:
        await stage.event_about(FEMKE)

    await overtaken(stage, "put_reservations", checking)
    assert stage.held(FEMKE) == set()
    assert len((await stage.app.state.reservations(ActionKind.LEAVER_REVOKES)).value.taken) == 1


async def test_what_a_sweep_holds_and_was_overtaken_in_is_held(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY + "daily_limits: { mover_revokes: 0/0/0 }\n")
    await stage.settle()
    await stage.app.state.put_key_holds(await stage.app.state.key_holds(PersonKey(DIETER)))
    for person in (FEMKE, DIETER):
        stage.change(person, companyName="Tailwind Traders")

    async def sweeping(stage: Stage) -> None:
        await stage.sweep()

    await overtaken(stage, "put_key_holds", sweeping)
    assert {hold.key for hold in await holds(stage)} == {PersonKey(FEMKE), PersonKey(DIETER)}
    assert stage.held(FEMKE) | stage.held(DIETER) == {NL, DE}


@pytest.mark.parametrize(
    ("put", "verb"),
    [
        ("put_pauses", pausing),
        ("put_pauses", resuming),
        ("put_key_holds", releasing),
        ("put_key_holds", dismissing),
    ],
)
async def test_who_is_overtaken_each_time_is_told_and_nothing_counts_as_done(
    waiting: Stage, put: str, verb: Verb
) -> None:
    if verb is resuming:
        await pausing(waiting)
    before = (await waiting.app.state.pauses()).value, await holds(waiting)
    with pytest.raises(Transient):
        await overtaken(waiting, put, verb, ALWAYS)
    assert ((await waiting.app.state.pauses()).value, await holds(waiting)) == before
