"""A short run of the fuzz, and the proof that it would notice."""

from collections.abc import Sequence

import pytest

from benchmarks.fuzz import fuzz
from tests.app.unit.front_desk import Desk, RememberedQueue


async def test_no_promise_is_broken_by_two_thousand_mutated_requests() -> None:
    told: list[str] = []
    assert await fuzz(2000, 7, told.append) == 0, told[0]


class LossyQueue(RememberedQueue):
    """Loses the last message."""

    async def send_events(self, messages: Sequence[bytes]) -> None:
        self.messages += messages[:-1]


class DoublingQueue(RememberedQueue):
    """Keeps a message twice."""

    async def send_events(self, messages: Sequence[bytes]) -> None:
        self.messages += [*messages, *messages]


class InventiveQueue(RememberedQueue):
    """Changes whom an event names."""

    async def send_events(self, messages: Sequence[bytes]) -> None:
        for message in messages:
            self.messages.append(message.replace(b"a11a", b"a11b").replace(b"employee-id:", b"employee-id:9"))


@pytest.mark.parametrize("queue", [LossyQueue, DoublingQueue, InventiveQueue])
async def test_a_lost_a_doubled_and_an_invented_event_are_noticed(queue: type[RememberedQueue]) -> None:
    assert await fuzz(200, 7, lambda _: None, Desk(queue=queue())) > 10
