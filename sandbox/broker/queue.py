"""One queue as its users see it: what they may ask, what is refused, and who is told of changes.

Socket-free and single-threaded. Every public method first does what has come due by the injected clock, then
its own work, then tells subscribers. Nothing here waits, and nothing here knows AMQP; how messages move is in
`shelves`.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count as numbers_from
from itertools import islice
from random import Random
from typing import Any
from uuid import UUID

from sandbox.broker.errors import EntityDisabled, InvalidOperation, MessageTooLarge
from sandbox.broker.messages import Delivery, Message, MessageState, StoredMessage
from sandbox.broker.options import MAX_ID_CHARACTERS, MAX_MESSAGE_BYTES, QueueOptions
from sandbox.broker.sessions import SessionLock
from sandbox.broker.shelves import Shelves
from sandbox.wire import Clock


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many messages a queue holds. `active` are receivable now, `locked` are with a receiver."""

    active: int
    locked: int
    deferred: int
    scheduled: int
    dead_lettered: int


class Queue:
    """One queue, made by `Broker.create_queue`.

    `dead_letters` is its dead-letter queue, None on a dead-letter queue itself. Methods that take a `session`
    need it on a queue that requires sessions and refuse it elsewhere (`InvalidOperation`); they raise
    `SessionLockLost` when that lock is over. What a vanished receiver held comes back when its lock runs out.
    """

    def __init__(
        self,
        options: QueueOptions,
        clock: Clock,
        random: Random,
        on_earlier_wakeup: Callable[[], None],
        dead_letters: "Queue | None",
    ) -> None:
        self.options = options
        self.is_disabled = False
        self.dead_letters = dead_letters
        self.shelves: Shelves = Shelves(  # for the queue whose dead letters these are; others use the methods
            options,
            lambda: UUID(int=random.getrandbits(128), version=4),
            on_earlier_wakeup,
            None if dead_letters is None else dead_letters.shelves,
        )
        self._clock = clock
        self._seen_ids: OrderedDict[str, datetime] = OrderedDict()
        self._subscribers: dict[int, tuple[str | None, Callable[[], None]]] = {}
        self._subscriptions = numbers_from()

    def refuse_if_disabled(self) -> None:
        """Raises `EntityDisabled` where somebody set `is_disabled`: for what goes in, and for new links."""
        if self.is_disabled:
            raise EntityDisabled(f"Entity '{self.options.name}' is disabled.")

    # --- sending ---------------------------------------------------------------------------------

    def send(self, *messages: Message) -> None:
        """Enqueue messages, all or none.

        A message whose `scheduled_at` lies ahead waits until then. With duplicate detection, a message with
        an id seen within the window is dropped without a word, as the service does.

        Raises `InvalidOperation` (session id missing, an id too long, a dead-letter queue) or
        `MessageTooLarge`.
        """
        self.schedule(*messages)

    def schedule(self, *messages: Message) -> list[int]:
        """Enqueue messages as `send` does; returns the numbers by which scheduled ones are cancelled.

        A duplicate gets a number too, but is never delivered. A message that becomes due is enqueued then and
        there, under a new number ("Message sequencing and timestamps" page).
        """
        self.refuse_if_disabled()
        with self._present() as now:
            for message in messages:
                self._check(message)
            return [
                self.shelves.next_sequence_number()
                if self._is_duplicate(message, now)
                else self.shelves.admit(message, now)
                for message in messages
            ]

    def cancel_scheduled(self, *sequence_numbers: int) -> None:
        """Remove scheduled messages; raises `MessageNotFound`, removing none, when one is not scheduled."""
        with self._present():
            distinct = dict.fromkeys(sequence_numbers)
            for entry in self.shelves.find(distinct, MessageState.SCHEDULED, None):
                self.shelves.cancel(entry)

    # --- receiving -------------------------------------------------------------------------------

    def receive(self, count: int = 1, *, session: SessionLock | None = None) -> list[Delivery]:
        """Lock and return up to `count` messages in order; an empty list when there are none now."""
        with self._present() as now:
            held = self._held(session)
            taken = self.shelves.take(held.session_id if held else None, count)
            return [self.shelves.lock(entry, held, now) for entry in taken]

    def receive_and_delete(self, count: int = 1, *, session: SessionLock | None = None) -> list[StoredMessage]:
        """Remove and return up to `count` messages in order."""
        with self._present():
            held = self._held(session)
            taken = self.shelves.take(held.session_id if held else None, count)
            for entry in taken:
                self.shelves.forget(entry)
            return [entry.snapshot() for entry in taken]

    def receive_deferred(
        self, sequence_numbers: Sequence[int], *, session: SessionLock | None = None
    ) -> list[Delivery]:
        """Lock and return deferred messages; raises `MessageNotFound` when one is not there or is locked."""
        with self._present() as now:
            held = self._held(session)
            found = self.shelves.find(dict.fromkeys(sequence_numbers), MessageState.DEFERRED, held)
            return [self.shelves.lock(entry, held, now) for entry in found]

    def receive_and_delete_deferred(
        self, sequence_numbers: Sequence[int], *, session: SessionLock | None = None
    ) -> list[StoredMessage]:
        """Remove and return deferred messages; raises `MessageNotFound` as `receive_deferred` does."""
        with self._present():
            held = self._held(session)
            found = self.shelves.find(dict.fromkeys(sequence_numbers), MessageState.DEFERRED, held)
            for entry in found:
                self.shelves.forget(entry)
            return [entry.snapshot() for entry in found]

    def peek(
        self, from_sequence_number: int = 0, count: int = 1, *, session_id: str | None = None
    ) -> list[StoredMessage]:
        """Look at up to `count` messages from a sequence number on, locking none.

        Locked, deferred and scheduled messages are shown too. `session_id` narrows it to one session.
        """
        with self._present():
            matching = (
                entry.snapshot()
                for entry in self.shelves.entries.values()
                if entry.sequence_number >= from_sequence_number
                and (session_id is None or entry.message.session_id == session_id)
            )
            return list(islice(matching, count))

    # --- settling --------------------------------------------------------------------------------

    def complete(self, lock_token: UUID) -> None:
        """Remove a locked message; raises `LockLost`."""
        with self._present():
            self.shelves.forget(self.shelves.unlock(lock_token))

    def abandon(self, lock_token: UUID, properties: Mapping[str, Any] | None = None) -> None:
        """Put a locked message back at its place and count the delivery as failed; raises `LockLost`.

        `properties` are added to its application properties.
        """
        with self._present() as now:
            entry = self.shelves.unlock(lock_token)
            entry.message = entry.message.with_application_properties(properties or {})
            self.shelves.put_back(entry, now, failed=True)

    def release(self, lock_token: UUID) -> None:
        """Put a locked message back at its place without counting the delivery; raises `LockLost`."""
        with self._present() as now:
            self.shelves.put_back(self.shelves.unlock(lock_token), now, failed=False)

    def defer(self, lock_token: UUID, properties: Mapping[str, Any] | None = None) -> None:
        """Set a locked message aside, to be had by its sequence number only; raises `LockLost`."""
        with self._present():
            entry = self.shelves.unlock(lock_token)
            entry.message = entry.message.with_application_properties(properties or {})
            entry.state = MessageState.DEFERRED

    def dead_letter(
        self,
        lock_token: UUID,
        reason: str | None = None,
        description: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> None:
        """Move a locked message to the dead-letter queue.

        Raises `LockLost`, or `InvalidOperation` on a dead-letter queue.
        """
        with self._present() as now:
            if self.dead_letters is None:
                raise InvalidOperation(
                    f"'{self.options.name}' is a dead-letter queue: its messages can only be completed, "
                    "abandoned or deferred."
                )
            entry = self.shelves.unlock(lock_token)
            entry.message = entry.message.with_application_properties(properties or {})
            self.shelves.bury(entry, now, reason, description)

    def renew(self, lock_token: UUID) -> datetime:
        """Prolong the lock on a message from now on; returns when it runs out then.

        Raises `LockLost`, or `InvalidOperation` on a queue with sessions: there the session is renewed.
        """
        with self._present() as now:
            if self.options.requires_session:
                raise InvalidOperation("Messages of a session have no lock of their own: renew the session.")
            until = now + self.options.lock_duration
            self.shelves.prolong(self.shelves.locked(lock_token), lock_token, until)
            return until

    # --- sessions --------------------------------------------------------------------------------

    def accept_session(self, session_id: str | None = None) -> SessionLock | None:
        """Lock a session for one holder.

        With None, the session that has waited longest of those with something to receive; None is returned
        when no session has. Raises `SessionCannotBeLocked` when a named session is held, `InvalidOperation`
        on a queue without sessions.
        """
        with self._present() as now:
            self._require_sessions()
            chosen = self.shelves.sessions.first_waiting() if session_id is None else session_id
            return None if chosen is None else self.shelves.sessions.lock(chosen, now)

    def renew_session(self, session: SessionLock) -> SessionLock:
        """Prolong a session lock from now on; returns it with its new end. Raises `SessionLockLost`."""
        with self._present() as now:
            return self.shelves.sessions.renew(session, now)

    def release_session(self, session: SessionLock) -> None:
        """Give a session back; what was not settled returns to its place and counts no delivery.

        Raises `SessionLockLost`.
        """
        with self._present() as now:
            self.shelves.sessions.release(session)
            self.shelves.return_session(session.session_id, now, failed=False)

    def check_session(self, session: SessionLock) -> SessionLock:
        """The lock as it stands now, renewals included. Raises `SessionLockLost`."""
        with self._present():
            return self.shelves.sessions.held(session)

    def session_state(self, session: SessionLock) -> bytes | None:
        """The state stored with a session; None when there is none. Raises `SessionLockLost`."""
        with self._present():
            return self.shelves.sessions.state(self.shelves.sessions.held(session).session_id)

    def set_session_state(self, session: SessionLock, state: bytes | None) -> None:
        """Store or (None) clear a session's state; raises `SessionLockLost` or `MessageTooLarge`."""
        with self._present() as now:
            if state is not None and len(state) > MAX_MESSAGE_BYTES:
                raise MessageTooLarge(
                    f"A session state of {len(state)} bytes is over the limit of {MAX_MESSAGE_BYTES}."
                )
            held = self.shelves.sessions.held(session)
            self.shelves.sessions.set_state(held.session_id, state, now)

    def session_ids(self, *, state_set_after: datetime | None = None) -> list[str]:
        """The sessions with active messages or a state, sorted; or those whose state was set after a time."""
        with self._present():
            self._require_sessions()
            if state_set_after is not None:
                return sorted(self.shelves.sessions.with_state(state_set_after))
            active = {
                entry.message.session_id
                for entry in self.shelves.entries.values()
                if entry.state is MessageState.ACTIVE and entry.message.session_id is not None
            }
            return sorted(active.union(self.shelves.sessions.with_state()))

    # --- watching --------------------------------------------------------------------------------

    def subscribe(self, callback: Callable[[], None], *, session_id: str | None = None) -> Callable[[], None]:
        """Have `callback` called whenever something may have become receivable; returns what ends that.

        On a queue with sessions that is a session to accept, or with `session_id`, a message in that session
        while it is held, and the end of its lock. The call comes at the end of the operation that caused it,
        and only makes a note: it must not use the queue. Subscribers are called in turns, so that none is
        always first.
        """
        number = next(self._subscriptions)
        self._subscribers[number] = (session_id, callback)

        def end() -> None:
            self._subscribers.pop(number, None)

        return end

    @property
    def subscribers(self) -> int:
        """How many are told of what may have become receivable."""
        return len(self._subscribers)

    def counts(self) -> QueueCounts:
        """How many messages are in which state."""
        with self._present():
            unlocked = [entry.state for entry in self.shelves.entries.values() if entry.lock_token is None]
            return QueueCounts(
                active=unlocked.count(MessageState.ACTIVE),
                locked=self.shelves.locked_count,
                deferred=unlocked.count(MessageState.DEFERRED),
                scheduled=unlocked.count(MessageState.SCHEDULED),
                dead_lettered=0 if self.dead_letters is None else len(self.dead_letters.shelves.entries),
            )

    def expire(self) -> None:
        """Do what has come due by now: locks run out, scheduled messages arrive, messages expire."""
        with self._present():
            if self.dead_letters is not None:
                self.dead_letters.expire()

    def next_wakeup(self) -> datetime | None:
        """When `expire` has something to do next; None when time changes nothing."""
        own = self.shelves.next_wakeup()
        buried = None if self.dead_letters is None else self.dead_letters.next_wakeup()
        return min((moment for moment in (own, buried) if moment is not None), default=None)

    # --- inside ----------------------------------------------------------------------------------

    @contextmanager
    def _present(self) -> Iterator[datetime]:
        """Bring the queue up to the present, and tell subscribers at the end, whatever the end is."""
        now = self._clock()
        try:
            self.shelves.catch_up(now)
            while self._seen_ids and next(iter(self._seen_ids.values())) <= now:
                self._seen_ids.popitem(last=False)
            yield now
        finally:
            self.tell()
            if self.dead_letters is not None:
                self.dead_letters.tell()

    def tell(self) -> None:
        """Call the subscribers whose lanes changed since the last time; every operation ends with it."""
        changed = self.shelves.changed_lanes
        if not changed:
            return
        self.shelves.changed_lanes = set()
        told = [(key, callback) for key, (lane, callback) in self._subscribers.items() if lane in changed]
        for key, _ in told[:1]:
            self._subscribers[key] = self._subscribers.pop(key)
        for _, callback in told:
            callback()

    def _check(self, message: Message) -> None:
        name = self.options.name
        if self.dead_letters is None:
            raise InvalidOperation(f"'{name}' is a dead-letter queue: nothing can be sent to it.")
        if self.options.requires_session and message.session_id is None:
            raise InvalidOperation(
                f"The SessionId was not set on a message, and it cannot be sent to '{name}'. "
                "Entities that have session support enabled can only receive messages with a SessionId."
            )
        if message.size > MAX_MESSAGE_BYTES:
            raise MessageTooLarge(
                f"A message of {message.size} bytes is over the limit of {MAX_MESSAGE_BYTES} of '{name}'."
            )
        for what, text in (
            ("message id", message.message_id),
            ("session id", message.session_id),
            ("partition key", message.partition_key),
        ):
            if text is not None and len(text) > MAX_ID_CHARACTERS:
                raise InvalidOperation(f"The {what} is longer than {MAX_ID_CHARACTERS} characters.")
        if None not in (message.session_id, message.partition_key) and (message.session_id != message.partition_key):
            raise InvalidOperation("Where both are set, partition key and session id must be equal.")

    def has_seen(self, message_id: str) -> bool:
        """Whether a message of that id would be dropped now as a duplicate."""
        until = self._seen_ids.get(message_id)
        return until is not None and until > self._clock()

    def _is_duplicate(self, message: Message, now: datetime) -> bool:
        """Whether the id was seen within the window; notes it when it was not."""
        if not self.options.requires_duplicate_detection or message.message_id is None:
            return False
        if message.message_id in self._seen_ids:
            return True
        self._seen_ids[message.message_id] = now + self.options.duplicate_detection_window
        return False

    def _held(self, session: SessionLock | None) -> SessionLock | None:
        if session is not None:
            self._require_sessions()
            return self.shelves.sessions.held(session)
        if self.options.requires_session:
            raise InvalidOperation(
                f"It is not possible for an entity that requires sessions, '{self.options.name}', to create "
                "a non-sessionful message receiver: accept a session first."
            )
        return None

    def _require_sessions(self) -> None:
        if not self.options.requires_session:
            raise InvalidOperation(
                f"A sessionful message receiver cannot be created on '{self.options.name}', which does not "
                "require sessions."
            )
