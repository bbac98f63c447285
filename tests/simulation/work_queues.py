"""The app's queues in virtual time: messages, their due times and MessageIds, and duplicate detection.

Lives here: what `ports.Queues` needs and what a pump asks. Every item goes over the wire format on its way.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from shared.adapters.queues.work_wire import decode, encode
from shared.domain.keys import session_id
from shared.domain.work import RejectedEvent, Scheduled, WorkItem
from shared.errors import Permanent, Transient
from shared.ports import Clock

DUPLICATES_SECONDS: Final = 600
"""For how long a MessageId is remembered."""

DELIVERIES: Final = 10
"""After how many deliveries a message is a dead letter."""


@dataclass(slots=True)
class Message:
    """A check on access-work."""

    body: bytes
    message_id: str
    session: str
    due: datetime
    sent: datetime
    deliveries: int = 0
    trace: str = ""

    @property
    def item(self) -> WorkItem:
        """The work item in it."""
        return decode(self.body)


@dataclass(slots=True)
class WorkQueues:
    """`ports.Queues` in memory. `unreachable` lets every send fail; `refusals` so many of the next, as a role does."""

    clock: Clock
    unreachable: bool = False
    refusals: int = 0
    waiting: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    rejected: list[RejectedEvent] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    dropped: int = 0
    _seen: dict[str, datetime] = field(default_factory=dict)

    async def send_work(self, items: Sequence[Scheduled]) -> None:
        """See `ports.Queues`; a MessageId that was seen within ten minutes is dropped, as Service Bus does."""
        self._reach()
        now = self.clock.now()
        for one in items:
            body = encode(one.item)
            seen = self._seen.get(one.message_id)
            if seen is not None and now - seen < timedelta(seconds=DUPLICATES_SECONDS):
                self.dropped += 1
                continue
            self._seen[one.message_id] = now
            message = Message(body, one.message_id, session_id(one.item.key), one.due or now, now, trace=one.trace)
            self.waiting.append(message)
            self.sent.append(message)

    async def send_rejected(self, events: Sequence[RejectedEvent]) -> None:
        """See `ports.Queues`."""
        self._reach()
        self.rejected += events

    def next_due(self) -> datetime | None:
        """When the next message is due."""
        return min((message.due for message in self.waiting), default=None)

    def take(self, now: datetime) -> Message | None:
        """The next message that is due, in the order of due times and sending; counts a delivery."""
        due = [message for message in self.waiting if message.due <= now]
        if not due:
            return None
        message = min(due, key=lambda one: one.due)
        self.waiting.remove(message)
        message.deliveries += 1
        return message

    def abandon(self, message: Message) -> None:
        """Puts a message back, or with the dead letters."""
        (self.waiting if message.deliveries < DELIVERIES else self.dead).append(message)

    def items(self) -> Iterable[tuple[datetime, WorkItem]]:
        """What waits: when it is due, and what."""
        return sorted(((message.due, message.item) for message in self.waiting), key=lambda pair: pair[0])

    def _reach(self) -> None:
        if self.unreachable:
            raise Transient("the queue cannot be reached")
        if self.refusals:
            self.refusals -= 1
            raise Permanent("the queue refuses us")
