"""The broker without sockets: named queues under one clock.

This is what the AMQP server, a Functions host in the same process and a simulation in virtual time all drive.
It never waits and starts nothing: whoever drives it calls `expire` at `next_wakeup` (`sandbox.broker.server`
does, on the real clock). Single-threaded: use it from one event loop.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from random import Random

from sandbox.broker.errors import (
    BrokerError,
    EntityExists,
    EntityNotFound,
    InvalidOperation,
    LockLost,
    MessageNotFound,
    MessageTooLarge,
    SessionCannotBeLocked,
    SessionLockLost,
)
from sandbox.broker.messages import Delivery, Message, MessageState, Sections, StoredMessage
from sandbox.broker.options import DEAD_LETTER_SUFFIX, QueueOptions
from sandbox.broker.queue import Queue, QueueCounts
from sandbox.broker.sessions import SessionLock
from sandbox.wire import Clock

__all__ = [
    "Broker",
    "BrokerError",
    "Delivery",
    "EntityExists",
    "EntityNotFound",
    "InvalidOperation",
    "LockLost",
    "Message",
    "MessageNotFound",
    "MessageState",
    "MessageTooLarge",
    "Queue",
    "QueueCounts",
    "QueueOptions",
    "Sections",
    "SessionCannotBeLocked",
    "SessionLock",
    "SessionLockLost",
    "StoredMessage",
]


class Broker:
    """A Service Bus namespace of queues. `clock` gives aware UTC times; `random` makes the lock tokens."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._queues: dict[str, Queue] = {}
        self._watchers: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """The time by the broker's clock."""
        return self._clock()

    def create_queue(self, options: QueueOptions) -> Queue:
        """Make a queue and its dead-letter queue; raises `EntityExists`."""
        key = options.name.lower()
        if key in self._queues:
            raise EntityExists(f"A queue named '{options.name}' exists already.")
        buried = QueueOptions(
            name=options.name + DEAD_LETTER_SUFFIX,
            lock_duration=options.lock_duration,
            max_delivery_count=None,
        )
        dead_letters = Queue(buried, self._clock, self._random, self._wakeup_moved, None)
        queue = Queue(options, self._clock, self._random, self._wakeup_moved, dead_letters)
        self._queues[key] = queue
        return queue

    def queue(self, name: str) -> Queue:
        """The queue of that name, or the dead-letter queue for `<name>/$deadletterqueue`, whatever the case.

        Raises `EntityNotFound`.
        """
        key = name.strip("/").lower()
        queue = self._queues.get(key.removesuffix(DEAD_LETTER_SUFFIX))
        if queue is not None and key.endswith(DEAD_LETTER_SUFFIX):
            queue = queue.dead_letters
        if queue is None:
            raise EntityNotFound(f"The messaging entity '{name}' could not be found.")
        return queue

    def queues(self) -> Iterable[Queue]:
        """All queues, without their dead-letter queues."""
        return tuple(self._queues.values())

    def next_wakeup(self) -> datetime | None:
        """When `expire` has something to do next; None when time changes nothing."""
        moments = [queue.next_wakeup() for queue in self._queues.values()]
        return min((moment for moment in moments if moment is not None), default=None)

    def expire(self) -> None:
        """Do what has come due by now in every queue."""
        for queue in self._queues.values():
            queue.expire()

    def subscribe_wakeup(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called when `next_wakeup` moves to an earlier time; returns what ends that."""
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback)

    def _wakeup_moved(self) -> None:
        for callback in self._watchers:
            callback()
