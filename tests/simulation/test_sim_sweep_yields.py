"""What others get of the event loop while a sweep decides for thousands of people."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from shared.domain.access.ownership import Held
from shared.services.estate import read_estate
from shared.services.sweep.drift import find_drift
from tests.app.unit.front_desk import Desk, RememberedQueue
from tests.simulation.small_world import guid, user, world
from tests.simulation.stage import Stage

PEOPLE: Final = 2000

TURNS: Final = 12
"""How often an answer waits for the loop: for the request, for the queue's link, and on the way back."""


class CountedRows(Mapping[str, Sequence[Held]]):
    """Nothing is held; counts for how many people it was asked."""

    asked = 0

    def __getitem__(self, key: str) -> Sequence[Held]:
        self.asked += 1
        return ()

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[str]:
        return iter(())


class QueueBehindASocket(RememberedQueue):
    """A queue to which sending takes some turns of the loop."""

    async def send_events(self, messages: Sequence[bytes]) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        await super().send_events(messages)


async def test_an_http_request_is_answered_before_a_sweep_has_decided_for_a_tenth(
    set_stage: Callable[..., Stage],
) -> None:
    given = world()
    given["users"] += [user(guid(77, number), f"clerk{number}", "Contoso Nederland") for number in range(PEOPLE)]
    stage = set_stage(given=given)
    estate = await read_estate(stage.app)
    assert len(estate.people) > PEOPLE
    held = CountedRows()
    deciding = asyncio.create_task(find_drift(stage.app, estate, held))
    await asyncio.sleep(0)
    desk = Desk(queue=QueueBehindASocket())
    event = {"specversion": "1.0", "id": "1", "source": "/hr", "type": "hired", "subject": "employee-id:004711"}
    answer = await desk.post("hr", json.dumps(event).encode())
    decided_by_then = held.asked
    assert answer.status == 202
    assert 0 < decided_by_then < PEOPLE / 10
    drift = await deciding
    assert drift.kinds["missing"] > PEOPLE
    assert held.asked > PEOPLE
