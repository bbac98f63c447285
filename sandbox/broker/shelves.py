"""Where one queue keeps its messages, and how they become receivable, locked, deferred, scheduled and dead.

Every method is told the time and does one move; when moves happen, and who may ask for them, is decided in
`queue`. `changed_lanes` collects where something became receivable, for `queue` to tell subscribers.
"""

import heapq
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from uuid import UUID

from sandbox.broker.deadlines import Deadlines
from sandbox.broker.entries import Entry
from sandbox.broker.errors import LockLost, MessageNotFound, SessionLockLost
from sandbox.broker.messages import Delivery, Message, MessageState
from sandbox.broker.options import QueueOptions
from sandbox.broker.sessions import SessionLock, SessionTable

_FOREVER = datetime.max.replace(tzinfo=UTC)


class Shelves:
    """The messages of one queue. A lane is a session id, or None for all of a queue without sessions.

    `graveyard` takes the dead letters; a dead-letter queue has none.
    """

    def __init__(
        self,
        options: QueueOptions,
        new_token: Callable[[], UUID],
        on_earlier: Callable[[], None],
        graveyard: "Shelves | None",
    ) -> None:
        self.entries: dict[int, Entry] = {}  # in order of sequence number, because numbers only grow
        self.changed_lanes: set[str | None] = set()
        self.sessions = SessionTable(options.lock_duration, new_token, on_earlier)
        self._options = options
        self._new_token = new_token
        self._graveyard = graveyard
        self._last_sequence_number = 0
        self._receivable: dict[str | None, list[int]] = {}  # a heap of sequence numbers per lane
        self._locked: dict[UUID, Entry] = {}
        self._tokens_of_session: dict[str, dict[UUID, None]] = {}
        self._lock_expiry: Deadlines[UUID] = Deadlines(on_earlier)
        self._activation: Deadlines[int] = Deadlines(on_earlier)
        self._expiration: Deadlines[int] = Deadlines(on_earlier)

    @property
    def locked_count(self) -> int:
        """How many messages are locked."""
        return len(self._locked)

    def next_sequence_number(self) -> int:
        """A number that no message of this queue has had."""
        self._last_sequence_number += 1
        return self._last_sequence_number

    # --- time ------------------------------------------------------------------------------------

    def next_wakeup(self) -> datetime | None:
        """When `catch_up` has something to do next."""
        moments = (
            self._lock_expiry.earliest(),
            self._activation.earliest(),
            self._expiration.earliest(),
            self.sessions.next_expiry(),
        )
        return min((moment for moment in moments if moment is not None), default=None)

    def catch_up(self, now: datetime) -> None:
        """Do what came due by `now`: locks run out, scheduled messages arrive, messages expire."""
        for token in self._lock_expiry.due(now):
            self.put_back(self.unlock(token), now, failed=True)
        for lost in self.sessions.run_out(now):
            self.return_session(lost.session_id, now, failed=True)
            self.changed_lanes.add(lost.session_id)  # its holder learns that it holds nothing any more
        for number in self._activation.due(now):
            message = self.entries.pop(number).message
            # It counts as enqueued when it was due, not when somebody next checked the clock.
            self._activate(message, message.scheduled_at or now, now)
        for number in self._expiration.due(now):
            entry = self.entries[number]
            if entry.state is MessageState.ACTIVE and entry.lock_token is None:
                self._lapse(entry, now)

    # --- coming in -------------------------------------------------------------------------------

    def admit(self, message: Message, now: datetime) -> int:
        """Take a new message in, now or for its scheduled time; returns its sequence number."""
        if message.scheduled_at is None or message.scheduled_at <= now:
            return self._activate(message, now, now)
        number = self.next_sequence_number()
        self.entries[number] = Entry(number, number, message, message.scheduled_at, MessageState.SCHEDULED)
        self._activation.put(number, message.scheduled_at)
        return number

    def cancel(self, entry: Entry) -> None:
        """Take a scheduled message away."""
        self._activation.drop(entry.sequence_number)
        del self.entries[entry.sequence_number]

    # --- going out -------------------------------------------------------------------------------

    def take(self, lane: str | None, count: int) -> list[Entry]:
        """Up to `count` receivable messages of a lane in order, to be locked or forgotten by the caller."""
        heap = self._receivable.get(lane, [])
        taken: list[Entry] = []
        while len(taken) < count and self._has_receivable(heap):
            taken.append(self.entries[heapq.heappop(heap)])
        if not heap:
            self._receivable.pop(lane, None)
        return taken

    def find(self, sequence_numbers: Iterable[int], state: MessageState, session: SessionLock | None) -> list[Entry]:
        """Unlocked messages in `state` by number; raises `MessageNotFound` when one of them is missing."""
        found = []
        for number in sequence_numbers:
            entry = self.entries.get(number)
            if (
                entry is None
                or entry.state is not state
                or entry.lock_token is not None
                or (session is not None and entry.message.session_id != session.session_id)
            ):
                raise MessageNotFound(
                    f"'{self._options.name}' has no {state.name.lower()} message {number} that is free."
                )
            found.append(entry)
        return found

    def lock(self, entry: Entry, session: SessionLock | None, now: datetime) -> Delivery:
        """Lock a message for one receiver: for the lock duration, or as long as its session is locked."""
        token = self._new_token()
        self._locked[token] = entry
        entry.lock_token = token
        if session is None:
            entry.locked_until = now + self._options.lock_duration
            self._lock_expiry.put(token, entry.locked_until)
        else:
            entry.locked_until = session.locked_until
            self._tokens_of_session.setdefault(session.session_id, {})[token] = None
        return entry.delivery(token, entry.locked_until)

    def locked(self, lock_token: UUID) -> Entry:
        """The message locked under a token; raises `LockLost`."""
        entry = self._locked.get(lock_token)
        if entry is not None:
            return entry
        if self._options.requires_session:
            raise SessionLockLost("The session lock has expired or was released, or the message was settled before.")
        raise LockLost(
            "The lock supplied is invalid. Either the lock expired, or the message has already been removed "
            f"from the queue '{self._options.name}'."
        )

    def prolong(self, entry: Entry, lock_token: UUID, until: datetime) -> None:
        """Move the end of a message's own lock."""
        entry.locked_until = until
        self._lock_expiry.put(lock_token, until)

    def unlock(self, lock_token: UUID) -> Entry:
        """End a lock; the caller says what becomes of the message. Raises `LockLost`."""
        entry = self.locked(lock_token)
        del self._locked[lock_token]
        self._lock_expiry.drop(lock_token)
        entry.lock_token = entry.locked_until = None
        lane = self._lane_of(entry)
        if lane is not None:
            self._tokens_of_session[lane].pop(lock_token)
        return entry

    # --- coming back -----------------------------------------------------------------------------

    def put_back(self, entry: Entry, now: datetime, *, failed: bool) -> None:
        """Return an unlocked message to its place, or bury it when it has failed too often."""
        entry.delivery_count += failed
        limit = self._options.max_delivery_count
        if limit is not None and entry.delivery_count >= limit:
            self.bury(
                entry,
                now,
                "MaxDeliveryCountExceeded",
                f"Message could not be consumed after {limit} delivery attempts.",
            )
        elif entry.state is MessageState.ACTIVE:
            self._show(entry, now)

    def return_session(self, session_id: str, now: datetime, *, failed: bool) -> None:
        """Return everything locked under a session whose lock is over, and line the session up again."""
        for token in self._tokens_of_session.pop(session_id, {}):
            entry = self._locked.pop(token)
            entry.lock_token = entry.locked_until = None
            self.put_back(entry, now, failed=failed)
        if self._has_receivable(self._receivable.get(session_id, [])):
            self._mark(session_id)

    # --- leaving ---------------------------------------------------------------------------------

    def forget(self, entry: Entry) -> None:
        """Remove a message for good."""
        del self.entries[entry.sequence_number]
        self._expiration.drop(entry.sequence_number)
        lane = self._lane_of(entry)
        if lane is not None and not self._has_receivable(self._receivable.get(lane, [])):
            self.sessions.withdraw(lane)

    def bury(self, entry: Entry, now: datetime, reason: str | None, description: str | None) -> None:
        """Move a message to the dead-letter queue, where it has no time to live and a number of its own."""
        assert self._graveyard is not None, "messages are only buried by queues that have a dead-letter queue"
        self.forget(entry)
        said = {"DeadLetterReason": reason, "DeadLetterErrorDescription": description}
        message = entry.message.with_application_properties(
            {name: text for name, text in said.items() if text is not None}
        )
        self._graveyard.receive_dead(message, entry, now)

    def receive_dead(self, message: Message, entry: Entry, now: datetime) -> None:
        """Take in what another queue buried."""
        number = self.next_sequence_number()
        buried = Entry(
            number,
            entry.enqueued_sequence_number,
            message,
            entry.enqueued_at,
            MessageState.ACTIVE,
            delivery_count=entry.delivery_count,
        )
        self.entries[number] = buried
        self._show(buried, now)

    # --- inside ----------------------------------------------------------------------------------

    def _activate(self, message: Message, enqueued_at: datetime, now: datetime) -> int:
        number = self.next_sequence_number()
        entry = Entry(number, number, message, enqueued_at, MessageState.ACTIVE)
        entry.expires_at = self._expiry_of(message, enqueued_at)
        self.entries[number] = entry
        if entry.expires_at is not None:
            self._expiration.put(number, entry.expires_at)
        self._show(entry, now)
        return number

    def _expiry_of(self, message: Message, enqueued_at: datetime) -> datetime | None:
        """The sooner of the message's and the queue's time to live."""
        lives = [life for life in (message.ttl, self._options.default_time_to_live) if life is not None]
        if not lives or min(lives) >= _FOREVER - enqueued_at:
            return None
        return enqueued_at + min(lives)

    def _lapse(self, entry: Entry, now: datetime) -> None:
        if self._options.dead_lettering_on_message_expiration:
            self.bury(entry, now, "TTLExpiredException", "The message expired and was dead lettered.")
        else:
            self.forget(entry)

    def _show(self, entry: Entry, now: datetime) -> None:
        """Make an unlocked, active message receivable at its place."""
        if entry.expires_at is not None and entry.expires_at <= now:
            self._lapse(entry, now)
            return
        lane = self._lane_of(entry)
        heapq.heappush(self._receivable.setdefault(lane, []), entry.sequence_number)
        self._mark(lane)

    def _mark(self, lane: str | None) -> None:
        """Note for subscribers that this lane, or a session that nobody holds, has something to receive."""
        unheld = lane is not None and self.sessions.offer(lane)
        self.changed_lanes.add(None if unheld else lane)

    def _has_receivable(self, heap: list[int]) -> bool:
        # Messages that expired in their place leave their number behind in the heap.
        while heap and heap[0] not in self.entries:
            heapq.heappop(heap)
        return bool(heap)

    def _lane_of(self, entry: Entry) -> str | None:
        return entry.message.session_id if self._options.requires_session else None
