"""Outages and bugs on the queues themselves: locks, delivery counts, dead letters, in virtual time."""

import asyncio
import json
from dataclasses import replace

import pytest

from sandbox.faults import Effect
from shared.domain.keys import PersonKey
from shared.services.bugs import BUG_RUNS
from tests.simulation.site import Site
from tests.simulation.small_world import FEMKE, NL, guid
from tests.simulation.stage import Stage
from tests.simulation.test_sim_bugs import WithABug

SECONDS = 10.0
"""How soon everything goes on once a queue can be reached again."""


def nobody(number: int) -> str:
    """Somebody whom the directory does not know."""
    return guid(9, number)


def about(stage: Stage, people: range) -> list[bytes]:
    return [stage.event(f"id:{nobody(number)}") for number in people]


@pytest.mark.parametrize("hours", [24, 30])
async def test_a_day_in_which_no_queue_can_be_reached_dead_letters_no_event(stage: Stage, hours: int) -> None:
    async with Site.running(stage) as site:
        site.unreachable = True
        site.receive(*about(stage, range(120)))
        await asyncio.sleep(hours * 3600)
        assert site.dead(site.events) == 0
        assert not site.sent
        site.unreachable = False
        await asyncio.sleep(SECONDS)
        counts = site.events.counts()
        assert (counts.active, counts.locked, counts.dead_lettered) == (0, 0, 0)
        assert site.sent == {PersonKey(nobody(number)).canonical: 1 for number in range(120)}
        assert site.lost_locks == 0


@pytest.mark.parametrize("hours", [24, 30])
async def test_a_day_in_which_no_check_can_be_sent_on_dead_letters_no_check(stage: Stage, hours: int) -> None:
    """Checks that are on their way when the queue goes away: what follows from them can be sent nowhere."""
    anna = stage.hire("anna")
    async with Site.running(stage) as site:
        site.receive(stage.event(f"id:{anna}"))
        await asyncio.sleep(60)
        assert stage.held(anna) == {NL}
        site.receive(stage.event(f"id:{anna}"))
        await asyncio.sleep(60)
        assert site.work.counts().scheduled == 1  # changed nothing: it is checked again
        away = stage.fault("graph", Effect(status=503))
        site.unreachable = True
        await asyncio.sleep(hours * 3600)
        assert site.runs["reconcile", "Transient"] >= hours * 15
        assert site.dead(site.work) == 0
        assert site.lost_locks == 0
        stage.change(anna, accountEnabled=False)
        stage.faults.lift(away.id)
        site.unreachable = False
        await asyncio.sleep(SECONDS)
        counts = site.work.counts()
        assert (counts.active, counts.locked, counts.dead_lettered) == (0, 0, 0)
        await asyncio.sleep(15 * 60)
        assert stage.held(anna) == set()


async def test_events_that_arrive_during_an_outage_wait_behind_those_that_wait(stage: Stage) -> None:
    async with Site.running(stage) as site:
        site.unreachable = True
        for number in range(24):
            site.receive(*about(stage, range(number, number + 1)))
            await asyncio.sleep(3600)
        site.unreachable = False
        await asyncio.sleep(SECONDS)
        assert set(site.sent.values()) == {1}
        assert len(site.sent) == 24


async def test_a_check_that_meets_a_bug_is_tried_ten_times_and_then_left_for_a_person(stage: Stage) -> None:
    async with Site.running(stage) as site:
        good, site.app = site.app, replace(site.app, directory=WithABug())  # type: ignore[arg-type] # lacks the rest
        site.receive(stage.event(f"id:{FEMKE}"))
        await asyncio.sleep(1)
        assert site.runs["reconcile", "KeyError"] == BUG_RUNS - 1
        (shelved,) = site.rejected.peek(count=9)
        assert json.loads(shelved.message.body)["key"] == f"person:{FEMKE}"
        properties = shelved.message.application_properties
        assert properties["reason"] == "this app has a bug: KeyError"
        assert properties["queue"] == "access-work"
        assert site.dead(site.work) == 0
        # After the release that fixes it, it is sent again as it lies there.
        site.app = good
        site.work.send(replace(shelved.message, message_id="again", session_id=properties["session-id"]))
        await asyncio.sleep(1)
        assert (await stage.last_check(FEMKE)).outcome in {"done", "unchanged"}


async def test_a_bug_after_an_outage_has_its_ten_tries_all_the_same(stage: Stage) -> None:
    async with Site.running(stage) as site:
        site.receive(stage.event(f"id:{FEMKE}"))
        await asyncio.sleep(1)
        away = stage.fault("graph", Effect(status=503))
        site.receive(stage.event(f"id:{FEMKE}"))
        await asyncio.sleep(1)
        site.unreachable = True
        await asyncio.sleep(2 * 3600)
        assert site.runs["reconcile", "Transient"] > BUG_RUNS
        stage.faults.lift(away.id)
        site.app = replace(site.app, directory=WithABug())  # type: ignore[arg-type] # it lacks the rest on purpose
        site.unreachable = False
        await asyncio.sleep(SECONDS)
        shelved = site.rejected.counts().active
        assert shelved
        assert site.runs["reconcile", "KeyError"] == shelved * (BUG_RUNS - 1)


async def test_an_event_whose_check_cannot_be_sent_for_a_bug_burns_nobody_else(stage: Stage) -> None:
    poison = nobody(7)
    async with Site.running(stage) as site:
        site.buggy = lambda item: poison in item.key.canonical
        site.receive(*about(stage, range(50)))
        await asyncio.sleep(SECONDS)
        assert site.sent == {PersonKey(nobody(number)).canonical: 1 for number in range(50) if number != 7}
        (shelved,) = site.rejected.peek(count=9)
        assert poison in shelved.message.body.decode()
        assert "ZeroDivisionError" in shelved.message.application_properties["reason"]
        counts = site.events.counts()
        assert (counts.active, counts.locked, counts.dead_lettered) == (0, 0, 0)
        assert site.runs["intake", "ZeroDivisionError"] == BUG_RUNS - 1


async def test_a_batch_with_more_events_than_fit_its_time_stops_and_goes_on_where_it_was(stage: Stage) -> None:
    """A hundred messages of sixty events each, and a queue that takes nine seconds for every thousand."""
    async with Site.running(stage) as site:
        site.send_seconds = 9.0
        for message in range(100):
            people = range(message * 60, message * 60 + 60)
            site.receive(b"[" + b",".join(about(stage, people)) + b"]")
        await asyncio.sleep(9.5)
        assert len(site.sent) == 1020  # nobody waits for the whole batch
        await asyncio.sleep(50)
        assert site.runs["intake", "Transient"] == 1
        await asyncio.sleep(20)
        assert site.sent == {PersonKey(nobody(number)).canonical: 1 for number in range(6000)}
        assert site.events.counts().active == site.events.counts().locked == 0
        assert site.lost_locks == 0
