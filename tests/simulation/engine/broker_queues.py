"""The app's queues on the broker's model: what `ports.Queues` puts there, and how the broker itself has bad days.

Lives here: the three queues of a deployment, a port on them for each process, and the drive that lets the broker's time
pass. Who takes messages out is `process`.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sandbox.broker.model import Broker, Message, MessageState, Queue
from sandbox.settings import standard_queues
from shared.adapters.queues.work_wire import decode, encode
from shared.domain.keys import session_id
from shared.domain.work import RejectedEvent, Scheduled, WorkItem
from shared.errors import Transient
from tests.simulation.engine.book import RUN
from tests.simulation.engine.faults import Fault, Weather

type SentCheck = Callable[[Scheduled, bool], None]
"""Told of each check that reached the broker, and whether it was dropped as a duplicate."""

_LEAST: Final = timedelta(microseconds=1)


class Post:
    """The namespace with its queues, and whether it can be reached."""

    def __init__(self, now: Callable[[], datetime], rng: random.Random) -> None:
        self.now = now
        self.broker = Broker(now, random.Random(rng.random()))
        self.events, self.work, self.rejected = (self.broker.create_queue(each) for each in standard_queues())
        self.down_until = now()
        self.sends_fail_until = now()
        """Until when nothing can be sent, although messages are delivered: the host has a link of its own."""
        self._earlier = asyncio.Event()
        self.broker.subscribe_wakeup(self._earlier.set)

    @property
    def is_down(self) -> bool:
        """Whether nobody reaches it now."""
        return self.now() < self.down_until

    @property
    def is_deaf(self) -> bool:
        """Whether nothing can be sent to it now."""
        return self.is_down or self.now() < self.sends_fail_until

    async def back(self) -> None:
        """Waits until it can be reached."""
        while self.is_down:  # noqa: ASYNC110 - it may have gone down again meanwhile
            await asyncio.sleep((self.down_until - self.now()).total_seconds())

    async def drive(self) -> None:
        """Lets locks run out and scheduled messages arrive in time; runs for ever."""
        while True:
            self.broker.expire()
            self._earlier.clear()
            moment = self.broker.next_wakeup()
            try:
                async with asyncio.timeout(None if moment is None else _seconds(moment - self.now())):
                    await self._earlier.wait()
            except TimeoutError:
                continue

    def seen(self, message_id: str) -> bool:
        """Whether duplicate detection would drop this MessageId now."""
        return self.work.has_seen(message_id)

    def lose_lock(self, session: str) -> None:
        """The broker forgets who holds a session, as it may; what was locked under it can be received again."""
        sessions = self.work.shelves.sessions
        lock = sessions.lock_of(session)
        if lock is not None:
            sessions.release(lock)
            self.work.shelves.return_session(session, self.now(), failed=True)
            self.work.shelves.changed_lanes.add(session)
            self.work.tell()

    def waiting(self) -> list[tuple[WorkItem, datetime, str]]:
        """Every check that is queued, locked or scheduled: the item, when it is due, and its MessageId."""
        return [
            (decode(one.message.body), one.message.scheduled_at or one.enqueued_at, one.message.message_id or "")
            for one in self.work.peek(count=100_000)
        ]

    def dead(self, queue: Queue) -> list[Message]:
        """A queue's dead letters."""
        assert queue.dead_letters is not None, "only a dead-letter queue has none"
        return [one.message for one in queue.dead_letters.peek(count=100_000)]

    def is_quiet_of_events(self) -> bool:
        """Whether every event was taken in."""
        return not self.events.peek(count=1)

    def is_quiet(self) -> bool:
        """Whether nothing is due or being worked on."""
        return all(
            one.state is MessageState.SCHEDULED
            for queue in (self.events, self.work)
            for one in queue.peek(count=100_000)
        )


class PostOffice:
    """`ports.Queues` of one process."""

    def __init__(self, post: Post, weather: Weather, rng: random.Random, sent: SentCheck) -> None:
        self._post = post
        self._weather = weather
        self._rng = rng
        self._sent = sent

    async def send_work(self, items: Sequence[Scheduled]) -> None:
        """Sends session by session, as the adapter for Service Bus does; breaks off where one fails."""
        sessions: dict[str, list[Scheduled]] = {}
        for one in items:
            sessions.setdefault(session_id(one.item.key), []).append(one)
        for session, group in sessions.items():
            await self._before()
            for one in group:
                dropped = self._post.seen(one.message_id)
                self._post.work.send(
                    Message(encode(one.item), one.message_id, session, scheduled_at=one.due),
                )
                self._sent(one, dropped)
            await self._after()

    async def send_rejected(self, events: Sequence[RejectedEvent]) -> None:
        """Puts events on rejected-events."""
        await self._before()
        for event in events:
            said = {"field": event.field_name, "reason": event.reason, "remedy": event.remedy}
            self._post.rejected.send(Message(event.body, application_properties=said))
        if (run := RUN.get()) is not None:
            run.rejected += len(events)
        await self._after()

    async def send_events(self, messages: Sequence[bytes]) -> None:
        """Puts messages on people-events."""
        await self._before()
        self._post.events.send(*(Message(body) for body in messages))
        await self._after()

    async def _before(self) -> None:
        await asyncio.sleep(self._rng.uniform(0.002, 0.05))
        if self._post.is_deaf or self._weather.strikes(Fault.SEND_BEFORE):
            raise Transient("the queue cannot be reached (simulated)")

    async def _after(self) -> None:
        await asyncio.sleep(self._rng.uniform(0.002, 0.05))
        if self._weather.strikes(Fault.SEND_AFTER):
            raise Transient("the queue's answer was lost (simulated)")


def _seconds(duration: timedelta) -> float:
    return max(_LEAST, duration).total_seconds()
