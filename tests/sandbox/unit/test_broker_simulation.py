"""Many clients on the broker in virtual time: nothing is lost or doubled, and what comes, comes in order."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from sandbox.broker.model import Broker, Delivery, LockLost, Message, MessageState, Queue, QueueOptions, SessionLock

LOCK = timedelta(seconds=30)
MAX_DELIVERIES = 4


class Simulation:
    """Clients that send, receive, settle, dawdle and vanish, one random step after the other."""

    def __init__(self, seed: int, *, sessions: bool) -> None:
        self.random = Random(seed)
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.broker = Broker(lambda: self.now, Random(seed))
        self.queue: Queue = self.broker.create_queue(
            QueueOptions(
                name="work",
                requires_session=sessions,
                lock_duration=LOCK,
                max_delivery_count=MAX_DELIVERIES,
            )
        )
        self.uses_sessions = sessions
        self.sent: list[bytes] = []
        self.done: list[Delivery] = []
        self.locks: list[SessionLock] = []
        self.held: list[Delivery] = []

    def step(self) -> None:
        actions: list[Callable[[], None]] = [self.send, self.receive, self.receive, self.settle, self.settle]
        actions += [self.wait, self.accept, self.vanish, self.renew]
        self.random.choice(actions)()
        self.check()

    def send(self) -> None:
        body = str(len(self.sent)).encode()
        later = self.now + timedelta(seconds=self.random.randrange(60)) if self.random.random() < 0.2 else None
        session = f"s{self.random.randrange(3)}" if self.uses_sessions else None
        self.queue.send(Message(body, session_id=session, scheduled_at=later))
        self.sent.append(body)

    def accept(self) -> None:
        if self.uses_sessions:
            lock = self.queue.accept_session()
            if lock is not None:
                self.locks.append(lock)

    def receive(self) -> None:
        count = self.random.randrange(1, 4)
        if not self.uses_sessions:
            self.take(self.queue.receive(count))
        elif self.locks:
            lock = self.random.choice(self.locks)
            try:
                self.take(self.queue.receive(count, session=lock))
            except LockLost:
                self.locks.remove(lock)

    def take(self, batch: list[Delivery]) -> None:
        """Keep what came; nothing that is receivable stands before it."""
        numbers = [delivery.sequence_number for delivery in batch]
        assert numbers == sorted(numbers)
        for delivery in batch[-1:]:
            lane = delivery.message.session_id
            entries = self.queue.shelves.entries
            earlier = [entry for number, entry in entries.items() if number < delivery.sequence_number]
            assert not [
                entry
                for entry in earlier
                if entry.lock_token is None and entry.state is MessageState.ACTIVE and entry.message.session_id == lane
            ]
        self.held += batch

    def settle(self) -> None:
        if not self.held:
            return
        # In a session a careful client settles in order; elsewhere anything goes.
        position = 0 if self.uses_sessions else self.random.randrange(len(self.held))
        delivery = self.held.pop(position)
        try:
            match self.random.randrange(10):
                case 0:
                    self.queue.abandon(delivery.lock_token)
                case 1:
                    self.queue.release(delivery.lock_token)
                case 2:
                    self.queue.dead_letter(delivery.lock_token, "Chosen")
                case _:
                    self.queue.complete(delivery.lock_token)
                    self.done.append(delivery)
        except LockLost:
            assert delivery.locked_until <= self.now or self.uses_sessions

    def wait(self) -> None:
        end = self.now + timedelta(seconds=self.random.randrange(20))
        while (wakeup := self.broker.next_wakeup()) is not None and wakeup <= end:
            assert wakeup > self.now - timedelta(microseconds=1)
            self.now = max(self.now, wakeup)
            self.broker.expire()
        self.now = end

    def vanish(self) -> None:
        if self.random.random() < 0.3:
            self.held.clear()
            for lock in self.locks:
                if self.random.random() < 0.5:
                    try:
                        self.queue.release_session(lock)
                    except LockLost:
                        continue
            self.locks.clear()

    def renew(self) -> None:
        for delivery in self.held[:1]:
            if not self.uses_sessions:
                try:
                    self.queue.renew(delivery.lock_token)
                except LockLost:
                    self.held.remove(delivery)

    def check(self) -> None:
        """Every message is in exactly one place, and no count is beyond its limit."""
        buried = self.queue.dead_letters
        assert buried is not None
        places = [item.message.body for item in self.queue.peek(count=10**6)]
        places += [item.message.body for item in buried.peek(count=10**6)]
        places += [delivery.message.body for delivery in self.done]
        assert sorted(places) == sorted(self.sent)
        assert all(item.delivery_count < MAX_DELIVERIES for item in self.queue.peek(count=10**6))

    def finish(self) -> None:
        """Let everything run out, and work off what is left."""
        self.held.clear()
        self.locks.clear()
        self.now += timedelta(minutes=5)
        self.broker.expire()
        while True:
            lock = self.queue.accept_session() if self.uses_sessions else None
            if self.uses_sessions and lock is None:
                break
            batch = self.queue.receive(1000, session=lock)
            if not batch:
                break
            for delivery in batch:
                self.queue.complete(delivery.lock_token)
                self.done.append(delivery)
            if lock is not None:
                self.queue.release_session(lock)
        assert self.queue.peek() == []
        self.check()


@pytest.mark.parametrize("sessions", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_lost_or_doubled_whatever_clients_do(seed: int, sessions: bool) -> None:
    simulation = Simulation(seed, sessions=sessions)
    for _ in range(400):
        simulation.step()
    simulation.finish()
    assert len(simulation.done) > 20


def test_the_same_seed_plays_the_same_story() -> None:
    def story() -> list[tuple[bytes, datetime]]:
        simulation = Simulation(3, sessions=True)
        for _ in range(300):
            simulation.step()
        return [(delivery.message.body, delivery.locked_until) for delivery in simulation.done]

    assert story() == story() != []
