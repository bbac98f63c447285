"""Queue triggers without sockets, tasks or waiting: which messages run next, and what becomes of them.

One `QueuePump` serves one function on one queue. Whoever drives it (the host on the real clock, a simulation
in virtual time) calls `keep` and `poll` when told that something changed and at `next_moment`, runs what
`poll` returns, and reports back by `settle`. The rules are those of the Service Bus extension 5.x:

* single messages: up to `max_concurrent_calls` runs, locks renewed up to `max_auto_lock_renewal_duration`;
* sessions: up to `max_concurrent_sessions` held, `max_concurrent_calls_per_session` runs in each, a session
  kept until `session_idle_timeout` has passed since the last receive, its lock renewed meanwhile, but only up to
  `max_auto_lock_renewal_duration` from its acceptance, however many messages it had by then (SessionReceiverManager
  of Azure.Messaging.ServiceBus starts one renewal for each acceptance);
* batches: one run at a time (with sessions: of one session), no renewal of locks;
* success completes, failure abandons, which is delivered again at once; without auto-complete nothing is
  done.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sandbox.broker.model import Delivery, LockLost, Queue, SessionLock
from sandbox.host.bindings import Function, QueueTrigger
from sandbox.host.configuration import ServiceBusOptions
from sandbox.host.frames import Datum, Invocation
from sandbox.host.message_metadata import message_batch, one_message
from sandbox.wire import Clock

_logger = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Dispatch:
    """Messages on their way through one run of a function."""

    id: str
    function: Function
    deliveries: tuple[Delivery, ...]
    started_at: datetime
    session: "HeldSession | None" = None
    renew_at: datetime | None = None

    def invocation(self) -> Invocation:
        """The run as a worker needs it."""
        trigger = self.function.trigger
        assert isinstance(trigger, QueueTrigger), "a pump has queue functions only"
        value: Datum
        if trigger.batches:
            value, metadata = message_batch(self.deliveries, binary=trigger.binary)
        else:
            value, metadata = one_message(self.deliveries[0], binary=trigger.binary)
        return Invocation(self.id, self.function.id, ((self.function.parameter, value),), metadata)


@dataclass(eq=False, slots=True)
class HeldSession:
    """A session whose lock this pump has, or had: `lost` ones only wait for their run to end."""

    lock: SessionLock
    unsubscribe: Callable[[], None]
    accepted_at: datetime
    last_receive: datetime
    renew_at: datetime | None
    running: dict[str, Dispatch] = field(default_factory=dict)
    lost: bool = False


class QueuePump:
    """Feeds one queue function; see the module. `on_change` is called when `poll` may have something new.

    `new_id` gives each run its id. The pump only reads the clock, it never waits.
    """

    def __init__(
        self,
        function: Function,
        queue: Queue,
        options: ServiceBusOptions,
        *,
        clock: Clock,
        new_id: Callable[[], str],
        on_change: Callable[[], None],
    ) -> None:
        assert isinstance(function.trigger, QueueTrigger), "a pump is for a queue function"
        self.function = function
        self.queue = queue
        self._trigger = function.trigger
        self._options = options
        self._clock = clock
        self._new_id = new_id
        self._on_change = on_change
        self._renewal = queue.options.lock_duration / 2
        self._running: dict[str, Dispatch] = {}
        # By lock and not by session: a lost one may still run while the session is held anew.
        self._sessions: dict[UUID, HeldSession] = {}
        self._unsubscribe = queue.subscribe(on_change)
        self.lost_locks = 0

    @property
    def running(self) -> int:
        """How many runs are under way."""
        return len(self._running)

    @property
    def session_ids(self) -> list[str]:
        """The sessions held, sorted."""
        return sorted(session.lock.session_id for session in self._sessions.values() if not session.lost)

    # --- taking messages ------------------------------------------------------------------------------------

    def poll(self) -> list[Dispatch]:
        """Takes what may run now; each dispatch is to be run and reported by `settle`."""
        if self._trigger.sessions:
            return self._poll_sessions()
        if self._trigger.batches:
            room, size = 1 - len(self._running), self._options.max_message_batch_size
        else:
            room, size = self._options.max_concurrent_calls - len(self._running), 1
        taken: list[Dispatch] = []
        while len(taken) < room and (deliveries := self.queue.receive(size)):
            taken.append(self._begin(tuple(deliveries), None))
        return taken

    def _poll_sessions(self) -> list[Dispatch]:
        taken: list[Dispatch] = []
        # Sessions already held come first: a session in hand is served before the next one is accepted.
        for session in list(self._sessions.values()):
            taken += self._poll_session(session)
        most = 1 if self._trigger.batches else self._options.max_concurrent_sessions
        while len(self._sessions) < most and (lock := self.queue.accept_session()) is not None:
            now = self._clock()
            session = HeldSession(
                lock=lock,
                unsubscribe=self.queue.subscribe(self._on_change, session_id=lock.session_id),
                accepted_at=now,
                last_receive=now,
                renew_at=None if self._trigger.batches else now + self._renewal,
            )
            self._sessions[lock.token] = session
            taken += self._poll_session(session)
        return taken

    def _poll_session(self, session: HeldSession) -> list[Dispatch]:
        taken: list[Dispatch] = []
        most = 1 if self._trigger.batches else self._options.max_concurrent_calls_per_session
        size = self._options.max_message_batch_size if self._trigger.batches else 1
        while not session.lost and len(session.running) < most:
            try:
                deliveries = self.queue.receive(size, session=session.lock)
            except LockLost:
                self._lose(session)
                break
            if not deliveries:
                break
            session.last_receive = self._clock()
            dispatch = self._begin(tuple(deliveries), session)
            session.running[dispatch.id] = dispatch
            taken.append(dispatch)
        return taken

    def _begin(self, deliveries: tuple[Delivery, ...], session: HeldSession | None) -> Dispatch:
        now = self._clock()
        renews = session is None and not self._trigger.batches
        dispatch = Dispatch(
            id=self._new_id(),
            function=self.function,
            deliveries=deliveries,
            started_at=now,
            session=session,
            renew_at=now + self._renewal if renews else None,
        )
        self._running[dispatch.id] = dispatch
        return dispatch

    # --- keeping locks --------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Renews the locks that need it now and gives back the sessions that have idled long enough."""
        now = self._clock()
        for dispatch in self._running.values():
            if dispatch.renew_at is not None and dispatch.renew_at <= now:
                dispatch.renew_at = self._renew(dispatch, now)
        for session in list(self._sessions.values()):
            if session.renew_at is not None and session.renew_at <= now:
                session.renew_at = self._renew_session(session, now)
            if not session.running and (
                session.lost or now - session.last_receive >= self._options.session_idle_timeout
            ):
                self._give_back(session)

    def _renew(self, dispatch: Dispatch, now: datetime) -> datetime | None:
        if now - dispatch.started_at >= self._options.max_auto_lock_renewal_duration:
            return None
        try:
            for delivery in dispatch.deliveries:
                self.queue.renew(delivery.lock_token)
        except LockLost as lost:
            self._count_lost(dispatch, lost)
            return None
        return now + self._renewal

    def _renew_session(self, session: HeldSession, now: datetime) -> datetime | None:
        if now - session.accepted_at >= self._options.max_auto_lock_renewal_duration:
            return None
        try:
            session.lock = self.queue.renew_session(session.lock)
        except LockLost:
            self._lose(session)
            return None
        return now + self._renewal

    def _lose(self, session: HeldSession) -> None:
        session.lost = True
        self.lost_locks += 1
        _logger.warning("%s lost the lock on session %r", self.function.name, session.lock.session_id)
        # Given back by the next `keep`.
        self._on_change()

    def _give_back(self, session: HeldSession) -> None:
        del self._sessions[session.lock.token]
        session.unsubscribe()
        if session.lost:
            return
        try:
            self.queue.release_session(session.lock)
        except LockLost:
            self.lost_locks += 1

    def next_moment(self) -> datetime | None:
        """When `keep` has something to do next; None when only a change can bring something."""
        moments = [dispatch.renew_at for dispatch in self._running.values()]
        for session in self._sessions.values():
            moments.append(session.renew_at)
            if not session.running:
                moments.append(session.last_receive + self._options.session_idle_timeout)
        return min((moment for moment in moments if moment is not None), default=None)

    # --- settling -------------------------------------------------------------------------------------------

    def settle(self, dispatch: Dispatch, *, ok: bool) -> None:
        """Reports how a run ended: completes its messages or abandons them, as the trigger says.

        A lock that was lost meanwhile is counted and logged; the broker has the messages back already.
        """
        del self._running[dispatch.id]
        session = dispatch.session
        if session is not None:
            del session.running[dispatch.id]
        chosen = self._trigger.auto_complete
        if self._options.auto_complete_messages if chosen is None else chosen:
            settle = self.queue.complete if ok else self.queue.abandon
            for delivery in dispatch.deliveries:
                try:
                    settle(delivery.lock_token)
                except LockLost as lost:
                    self._count_lost(dispatch, lost)
        self._on_change()

    def _count_lost(self, dispatch: Dispatch, lost: LockLost) -> None:
        self.lost_locks += 1
        _logger.warning("%s, run %s: %s", self.function.name, dispatch.id, lost)

    def die(self) -> None:
        """Ends as its process does when that is killed: what it held comes back when its locks run out."""
        self._unsubscribe()
        for session in self._sessions.values():
            session.unsubscribe()

    def close(self) -> None:
        """Stops taking messages: gives back every session and abandons what still runs."""
        self._unsubscribe()
        for dispatch in list(self._running.values()):
            self.settle(dispatch, ok=False)
        for session in list(self._sessions.values()):
            self._give_back(session)
