"""Health: what a look sees of queues, senders and subscriptions, and that it never says more than is known."""

import json
from datetime import timedelta

import pytest

from shared.domain.health import (
    MOST_SOURCES,
    Health,
    LastHeard,
    ShelfCount,
    SubscriptionEnd,
    SubscriptionsKept,
)
from shared.errors import Transient
from shared.services.health import look
from shared.services.intake.intake import Incoming, Progress, intake
from tests.simulation.shelves import Shelves
from tests.simulation.small_world import FEMKE, TENANT, guid
from tests.simulation.stage import Stage

SUBSCRIPTION = guid(7, 1)


async def seen(stage: Stage, *counted: ShelfCount) -> Health:
    """A look, as whoever asks finds it."""
    taken = await look(stage.app, Shelves(*counted))
    found = await stage.app.state.health()
    assert found == taken
    return taken


def notification(subscription: str, person: str) -> bytes:
    item = {
        "subscriptionId": subscription,
        "tenantId": TENANT,
        "changeType": "updated",
        "resource": f"Users/{person}",
        "resourceData": {"id": person},
    }
    return json.dumps({"value": [item]}).encode()


async def test_before_the_first_look_nothing_is_known(stage: Stage) -> None:
    assert await stage.app.state.health() is None


async def test_the_last_event_of_each_sender_is_told_the_latest_first(stage: Stage) -> None:
    await stage.tell(f"id:{FEMKE}")
    first = stage.now
    await stage.advance(minutes=7)
    await stage.receive(notification(SUBSCRIPTION, FEMKE))
    health = await seen(stage)
    assert health.at == stage.now
    assert health.sources == (LastHeard(f"graph/{TENANT}/{SUBSCRIPTION}", stage.now), LastHeard("/hr", first))


async def test_a_process_notes_a_sender_once_in_five_minutes(stage: Stage) -> None:
    progress = Progress()
    noted = []
    for _ in range(4):
        written = len(stage.state_rows.written)
        await intake(stage.app, [Incoming(stage.event(f"id:{FEMKE}"))], progress)
        noted.append(len(stage.state_rows.written) - written)
        await stage.advance(minutes=2)
    assert noted == [1, 0, 0, 1]


async def test_a_sender_that_cannot_be_noted_keeps_no_event_back(stage: Stage) -> None:
    stage.state_rows.at_write(Transient("away"), "watch")
    await stage.tell(f"id:{FEMKE}")
    await stage.run_until_quiet()
    assert (await stage.last_check(FEMKE)).cause == "event"


async def test_senders_whom_somebody_invents_drive_out_none_but_the_oldest(stage: Stage) -> None:
    for number in range(MOST_SOURCES + 5):
        event = json.loads(stage.event(f"id:{FEMKE}")) | {"source": f"/invented/{number}"}
        await stage.receive(json.dumps(event).encode())
        await stage.advance(seconds=1)
    sources = (await seen(stage)).sources
    assert len(sources) == MOST_SOURCES
    assert sources[0].source == f"/invented/{MOST_SOURCES + 4}"


async def test_a_subscription_is_told_with_its_end_and_its_last_notification(stage: Stage) -> None:
    ends = stage.now + timedelta(days=28)
    kept = SubscriptionsKept(stage.now, on=True, found=(SubscriptionEnd("users", SUBSCRIPTION, ends),))
    await stage.app.state.put_subscriptions_kept(kept)
    await stage.receive(notification(SUBSCRIPTION, FEMKE))
    found = (await seen(stage)).subscriptions
    assert found is not None
    assert found.found == (SubscriptionEnd("users", SUBSCRIPTION, ends, heard=stage.now),)


async def test_dead_letters_are_added_up_and_not_known_where_one_queue_is_not(stage: Stage) -> None:
    long_ago = stage.now - timedelta(days=3)
    dead = [
        ShelfCount("people-events", is_dead=True, count=2, oldest=stage.now),
        ShelfCount("access-work", is_dead=True, count=100, more=True, oldest=long_ago),
    ]
    health = await seen(stage, *dead, ShelfCount("rejected-events", is_dead=False, count=7))
    assert (health.dead.said, health.dead.oldest) == ("102 or more", long_ago)
    assert health.rejected is not None
    assert health.rejected.count == 7
    unknown = ShelfCount("rejected-events", is_dead=True, count=None, why="refused")
    assert (await seen(stage, *dead, unknown)).dead.said == "not known"


async def test_a_queue_that_cannot_be_looked_at_is_an_error_in_the_log(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await seen(stage, ShelfCount("rejected-events", is_dead=False, count=None, why="refused"))
    (line,) = [one for one in caplog.records if one.name == "shared.services.health"]
    assert line.levelname == "ERROR"
    assert "refused" in line.getMessage()


async def test_the_queue_in_which_nobody_can_look_is_no_error(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    untold = ShelfCount("access-work", is_dead=False, count=None, why="one session at a time")
    await seen(stage, untold, ShelfCount("access-work", is_dead=True, count=0))
    (line,) = [one for one in caplog.records if one.name == "shared.services.health"]
    assert line.levelname == "INFO"


async def test_a_look_is_stale_once_two_are_missed(stage: Stage) -> None:
    health = await seen(stage)
    assert not health.is_stale(stage.now + timedelta(minutes=15))
    assert health.is_stale(stage.now + timedelta(minutes=16))
