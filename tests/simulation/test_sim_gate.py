"""The gates before ARM and Graph: pace, share and outages, with the real adapters on stand-ins that count as they do.

What was sent is counted by the stand-ins. A refused read is repeated, so that as many requests as reads means that not
one was refused.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest

from sandbox.faults import Effect
from shared.background import in_background
from shared.domain.keys import PersonKey
from shared.errors import MaybeWritten, Transient
from shared.ports import Billing
from tests.simulation.small_world import FEMKE, NL, guid
from tests.simulation.stage import Stage

READS: Final = 2000
LATENCY: Final = Effect(delay_seconds=0.1)
AWAY: Final = Effect(status=503, body="<html>try later")

type Stages = Callable[..., Stage]


def people(count: int) -> list[str]:
    return [guid(7, number) for number in range(count)]


def seconds() -> float:
    return asyncio.get_running_loop().time()


def sent(stage: Stage, target: str = "arm") -> int:
    return sum(count for call, count in stage.calls().items() if call.startswith(target))


async def read(billing: Billing, person: str) -> None:
    """Reads an assignment, and comes again as told where that is put off."""
    while True:
        try:
            await billing.assignment(NL, person)
        except Transient as put_off:
            await asyncio.sleep(put_off.retry_after.total_seconds() if put_off.retry_after else 1)
        else:
            return


async def read_all(billing: Billing, wanted: Sequence[str]) -> None:
    await asyncio.gather(*(read(billing, person) for person in wanted))


@in_background
async def bulk(billing: Billing, wanted: Sequence[str], *, at_once: int = 4) -> None:
    """Reads as a sweep does, a few at a time."""
    left = iter(wanted)

    async def some() -> None:
        for person in left:
            await read(billing, person)

    await asyncio.gather(*(some() for _ in range(at_once)))


async def test_two_thousand_reads_at_once_take_as_long_as_arm_grants_and_none_is_refused(
    set_stage: Stages,
) -> None:
    stage = set_stage()
    stage.fault("arm", LATENCY)
    begun = seconds()
    await read_all(stage.app.billing, people(READS))
    assert sent(stage) == READS
    assert (READS - 250) / 25 - 1 < seconds() - begun < (READS - 250) / 25 + 15


async def test_what_is_left_is_not_slowed_down(set_stage: Stages) -> None:
    stage = set_stage()
    begun = seconds()
    await read_all(stage.app.billing, people(200))
    assert seconds() - begun < 0.01


async def test_instances_that_do_not_know_of_each_other_share_what_arm_grants(set_stage: Stages) -> None:
    stage = set_stage()
    stage.fault("arm", LATENCY)
    first = stage.app.billing
    stage.restart()
    begun = seconds()
    await asyncio.gather(read_all(first, people(500)), read_all(stage.app.billing, people(500)))
    assert sent(stage) <= 1000 + 300  # each thinks that the first burst is its own
    assert seconds() - begun < (1000 - 250) / 25 + 20


async def test_a_sweep_of_two_thousand_reads_leaves_events_quick(set_stage: Stages) -> None:
    stage = set_stage()
    stage.fault("arm", LATENCY)
    took = []
    async with asyncio.TaskGroup() as group:
        sweep = group.create_task(bulk(stage.app.billing, people(READS)))
        while not sweep.done():
            begun = seconds()
            for person in people(3):
                await stage.app.billing.assignment(NL, person)
            took.append(seconds() - begun)
            await asyncio.sleep(1)
    assert len(took) > 90
    assert max(took) < 0.5


async def test_events_that_want_all_get_at_least_forty_percent_and_the_sweep_gets_on(
    set_stage: Stages,
) -> None:
    stage = set_stage()
    stage.fault("arm", LATENCY)
    billing: Any = stage.app.billing
    read_by = {"events": 0, "sweep": 0}

    async def one_after_another(who: str) -> None:
        while True:
            await read(billing, FEMKE)
            read_by[who] += 1

    sweeping = in_background(one_after_another)
    tasks = [asyncio.ensure_future(sweeping("sweep")) for _ in range(32)]
    await asyncio.sleep(30)  # the sweep has used up what it may
    before = dict(read_by)
    tasks += [asyncio.ensure_future(one_after_another("events")) for _ in range(32)]
    await asyncio.sleep(60)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    during = {who: read_by[who] - before[who] for who in read_by}
    assert before["sweep"] >= 25 * 0.6 * 29
    assert during["events"] >= 0.4 * 25 * 60
    assert during["sweep"] >= 0.05 * 25 * 60
    assert sum(during.values()) >= 0.9 * 25 * 60


async def test_a_sweep_keeps_to_its_share_also_where_nothing_is_told(set_stage: Stages) -> None:
    stage = set_stage()
    stage.fault("arm", Effect(status=404, body={"error": {"code": "NotFound", "message": "no"}}))
    begun = seconds()
    await read_all(stage.app.billing, people(600))
    assert seconds() - begun < 30  # the first answer tells, that is, that nothing is told
    stage = set_stage()
    stage.fault("arm", Effect(status=404, body={"error": {"code": "NotFound", "message": "no"}}))
    begun = seconds()
    await bulk(stage.app.billing, people(600))
    assert (600 - 150) / 15 - 1 < seconds() - begun < (600 - 150) / 15 + 12


async def test_nothing_is_asked_while_the_service_asked_for_a_pause(set_stage: Stages) -> None:
    stage = set_stage()
    wait = Effect(status=429, headers={"retry-after": "200"}, body={"error": {"code": "429", "message": "slow down"}})
    stage.fault("arm", wait, method="GET", times=1)
    with pytest.raises(Transient):
        await stage.app.billing.assignment(NL, FEMKE)
    before = sent(stage)
    rest = []
    for after in (0, 100, 89):
        await asyncio.sleep(after)
        with pytest.raises(Transient, match="was not called") as put_off:
            await stage.app.billing.assignment(NL, FEMKE)
        assert put_off.value.retry_after is not None
        rest.append(put_off.value.retry_after.total_seconds())
    assert rest == [pytest.approx(left, abs=0.01) for left in (200, 100, 11)]
    assert sent(stage) == before
    await stage.app.billing.grant_invoice_manager(NL, FEMKE)  # writes are counted apart
    await asyncio.sleep(3)
    await stage.app.billing.assignment(NL, FEMKE)  # waits for what little is left
    assert seconds() == pytest.approx(200, abs=0.01)


async def test_a_service_that_is_down_is_asked_seldom_and_all_is_done_on_its_return(set_stage: Stages) -> None:
    stage = set_stage(retry_hours=1)
    await stage.settle()
    newcomers = [stage.hire(f"newcomer{number}") for number in range(6)]
    away = stage.fault("arm", AWAY)
    before = sent(stage)
    for person in newcomers:
        await stage.tell(f"id:{person}")
    await stage.advance(minutes=10)
    assert before < sent(stage) <= before + 12 + 20  # each person's first, and one every half minute
    assert not any(stage.held(person) for person in newcomers)
    checks = sum([len(await stage.checks(person)) for person in newcomers])
    assert checks >= 24  # most of them put off without a call
    stage.faults.lift(away.id)
    await stage.advance(minutes=21)
    assert [stage.held(person) for person in newcomers] == [{NL}] * 6


async def test_a_directory_that_hangs_up_is_left_alone_as_well(set_stage: Stages) -> None:
    stage = set_stage()
    gone = stage.fault("graph", Effect(hang_up=True))
    for _ in range(3):
        for person in people(20):
            with pytest.raises(Transient):
                await stage.app.directory.person(person, frozenset())
        await asyncio.sleep(10)
    assert sent(stage, "graph") == 13  # four people three times each, and the fifth once
    stage.faults.lift(gone.id)
    await asyncio.sleep(1)
    await stage.app.directory.person(FEMKE, frozenset())


async def test_one_object_that_always_fails_keeps_nobody_from_the_others(set_stage: Stages) -> None:
    stage = set_stage()
    stage.fault("arm", Effect(status=500), path=FEMKE)
    for _ in range(20):
        with pytest.raises(Transient, match="500"):
            await stage.app.billing.assignment(NL, FEMKE)
    assert await stage.app.billing.assignment(NL, people(1)[0]) is None


async def test_a_write_that_the_gate_refuses_was_surely_not_made(set_stage: Stages) -> None:
    stage = set_stage()
    stage.fault("arm", AWAY)
    for person in people(5):
        with pytest.raises(Transient):
            await stage.app.billing.assignment(NL, person)
    before = sent(stage)
    await asyncio.sleep(31)  # a read would be let through now, to see
    with pytest.raises(Transient, match="it is down") as refused:
        await stage.app.billing.grant_invoice_manager(NL, FEMKE)
    assert not isinstance(refused.value, MaybeWritten)
    assert sent(stage) == before


async def test_a_busy_directory_is_slowed_down_for_before_it_refuses(set_stage: Stages) -> None:
    stage = set_stage(graph_calls_per_second=50)
    stage.graph.switches.throttle = True
    stage.graph.switches.resource_units_per_10_seconds = 500
    stage.fault("graph", LATENCY)
    begun = seconds()

    async def person() -> None:
        while True:
            try:
                await stage.app.directory.person(FEMKE, frozenset())
            except Transient as put_off:
                await asyncio.sleep(put_off.retry_after.total_seconds() if put_off.retry_after else 1)
            else:
                return

    await asyncio.gather(*(person() for _ in range(1000)))
    assert sent(stage, "graph") <= 1000 + 50
    assert seconds() - begun < 1000 / 50 + 30


async def test_checks_that_are_put_off_say_why(set_stage: Stages) -> None:
    stage = set_stage()
    await stage.settle()
    stage.fault("arm", AWAY)
    for person in people(5):
        with pytest.raises(Transient):
            await stage.app.billing.assignment(NL, person)
    await stage.event_about(FEMKE)
    check = await stage.last_check(PersonKey(FEMKE))
    assert check.outcome == "retry"
    assert "Azure Resource Manager was not called: it is down" in str(check)
