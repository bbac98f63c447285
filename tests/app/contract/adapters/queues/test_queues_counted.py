"""What lies in queues and among dead letters, counted through azure-servicebus on a broker that speaks AMQP."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from sandbox.broker.model import Broker, Message, QueueOptions
from sandbox.broker.server import serve
from sandbox.settings import standard_queues
from shared.adapters.queues.counts import QueueShelves
from shared.domain.health import ShelfCount
from shared.domain.keys import PersonKey, session_id
from tests.app.contract.adapters.queues.test_queues_service_bus import TOKEN, Credential

KEY = PersonKey("7c0f5a0e-0000-4000-8000-000000000001")


class Bus:
    """A namespace with some queues, on a port."""

    def __init__(self, *queues: QueueOptions) -> None:
        self.broker = Broker(lambda: datetime.now(UTC), Random(1))
        for queue in queues:
            self.broker.create_queue(queue)
        self.accepts = {TOKEN}
        self.port = 0

    def send(self, queue: str, count: int, session: str | None = None) -> None:
        self.broker.queue(queue).send(*(Message(b"{}", f"{queue}-{n}", session) for n in range(count)))

    def bury(self, queue: str, session: str | None = None) -> None:
        """One more dead letter."""
        self.send(queue, 1, session)
        held = self.broker.queue(queue)
        lock = None if session is None else held.accept_session(session)
        (delivery,) = held.receive(1, session=lock)
        held.dead_letter(delivery.lock_token, "a test", "", {})
        if lock is not None:
            held.release_session(lock)

    async def count(self, token: str | None = TOKEN) -> dict[tuple[str, bool], ShelfCount]:
        found: Sequence[ShelfCount] = await QueueShelves(f"127.0.0.1:{self.port}", Credential(token)).count()
        return {(one.queue, one.is_dead): one for one in found}


@pytest.fixture
async def bus() -> AsyncIterator[Bus]:
    made = Bus(*standard_queues())
    server = await serve(made.broker, port=0, accept_token=lambda token, _audience: token in made.accepts)
    made.port = server.port
    yield made
    await server.close()


async def test_every_shelf_is_counted_and_nothing_is_taken(bus: Bus) -> None:
    before = datetime.now(UTC)
    bus.send("people-events", 130)
    bus.send("rejected-events", 2)
    bus.bury("rejected-events")
    bus.bury("access-work", session_id(KEY))
    bus.send("access-work", 1, session_id(KEY))
    found = await bus.count()
    assert {place: one.said for place, one in found.items()} == {
        ("people-events", False): "100 or more",
        ("rejected-events", False): "2",
        ("access-work", False): "not known",
        ("people-events", True): "0",
        ("access-work", True): "1",
        ("rejected-events", True): "1",
    }
    assert "sessions" in found["access-work", False].why
    oldest = found["rejected-events", False].oldest
    assert oldest is not None
    assert before - timedelta(seconds=1) <= oldest <= datetime.now(UTC)
    assert found["people-events", True].oldest is None
    counts = bus.broker.queue("people-events").counts()
    assert (counts.active, counts.dead_lettered) == (130, 0)


async def test_a_queue_that_is_missing_hides_no_other() -> None:
    bus = Bus(*(one for one in standard_queues() if one.name != "rejected-events"))
    server = await serve(bus.broker, port=0, accept_token=lambda token, _audience: token == TOKEN)
    bus.port = server.port
    bus.send("people-events", 1)
    found = await bus.count()
    await server.close()
    assert found["people-events", False].count == 1
    missing = found["rejected-events", False]
    assert missing.count is None
    assert "missing" in missing.why


async def test_whom_service_bus_refuses_is_told_which_role_to_give(bus: Bus) -> None:
    bus.accepts = set()
    found = await bus.count()
    assert all(one.count is None for one in found.values())
    assert "Azure Service Bus Data Receiver" in found["rejected-events", False].why


async def test_an_identity_without_a_token_knows_nothing_and_raises_nothing(bus: Bus) -> None:
    found = await bus.count(token=None)
    assert all(one.count is None for one in found.values())
