"""The links between a client and a queue: one that sends to it, one that receives from it.

Settlement is in `outcomes`, the queue's rules are in `queue`.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID, uuid4

from sandbox.broker.amqp_types import AmqpError, Described, Long, Symbol, fields_of
from sandbox.broker.carrier import Carrier
from sandbox.broker.errors import BrokerError, SessionLockLost
from sandbox.broker.frames import Attach
from sandbox.broker.links import IncomingLink, OutgoingLink
from sandbox.broker.outcomes import ACCEPTED, rejected, settle
from sandbox.broker.queue import Queue
from sandbox.broker.sessions import SessionLock
from sandbox.broker.wire_messages import decode_transfer, dotnet_ticks, encode_delivery

SESSION_FILTER = "com.microsoft:session-filter"
"""The source filter that asks for a session: its id, or null for the next available one."""

_LOCKED_UNTIL = "com.microsoft:locked-until-utc"
_TIMEOUT = "com.microsoft:timeout"
_DEFAULT_ACCEPT_SECONDS = 65.0
_SETTLED = 1
_FILTER_POSITION = 7
_BURST = 100
"""Messages locked at once for one link, so that links on a queue share it."""


class QueueSender(IncomingLink):
    """What a client sends into a queue."""

    def __init__(self, carrier: Carrier, attach: Attach, queue: Queue) -> None:
        super().__init__(carrier, attach)
        self._queue = queue

    def take(self, payload: bytes, message_format: int) -> Described:
        """Enqueue the message, or the messages of a batch; refusals become rejections."""
        try:
            self._queue.send(*decode_transfer(payload, message_format))
        except (AmqpError, BrokerError) as refusal:
            return rejected(refusal.condition, str(refusal))
        return ACCEPTED


class QueueReceiver(OutgoingLink):
    """What a client receives from a queue, or from one session of it.

    `survives_drop` says whether that session stays locked for its time when the connection is lost.
    """

    def __init__(self, carrier: Carrier, attach: Attach, queue: Queue, *, survives_drop: bool) -> None:
        super().__init__(carrier, attach)
        self.queue = queue
        self._survives_drop = survives_drop
        self.session: SessionLock | None = None
        self._settled = attach.snd_settle_mode == _SETTLED
        self._tokens: dict[int, UUID] = {}
        self._loop = asyncio.get_running_loop()
        self._pump_is_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._end_subscription: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Answer at once, or, when the next available session is asked for, as soon as there is one."""
        filters = self._filters()
        if SESSION_FILTER not in filters:
            if self.queue.options.requires_session:
                raise AmqpError(
                    "amqp:not-allowed",
                    "It is not possible for an entity that requires sessions, "
                    f"'{self.queue.options.name}', to create a non-sessionful message receiver.",
                )
            self.answer_attach(self.attach.source)
            self._end_subscription = self.queue.subscribe(self._note_change)
            return
        wanted = filters[SESSION_FILTER]
        wanted = wanted.value if isinstance(wanted, Described) else wanted
        if wanted is not None and not isinstance(wanted, str):
            raise AmqpError("amqp:invalid-field", "A session filter is neither text nor null.")
        lock = self.queue.accept_session(wanted)
        if lock is not None:
            self._enter(lock)
            return
        self._end_subscription = self.queue.subscribe(self._note_change)
        self._timer = self._loop.call_later(self._accept_seconds(), self._give_up)

    def pump(self) -> None:
        """Send what the queue has, within credit and windows."""
        self._pump_is_due = False
        if not self.is_attached:
            self._try_to_enter()
            return
        try:
            if self.session is not None:
                self.queue.check_session(self.session)
            while self.credit > 0 and self.carrier.is_clear and self._send_some():
                pass
        except SessionLockLost as lost:
            self.session = None
            self.carrier.detach(self.handle, lost.condition, str(lost))
            return
        if self.carrier.is_clear:
            self.finish_drain()

    def on_settled(self, delivery_id: int, outcome: Described | None) -> Described | None:
        """Settle the message that was sent under this delivery id."""
        token = self._tokens.pop(delivery_id, None)
        return None if token is None else settle(self.queue, token, outcome)

    def on_detached(self, *, dropped: bool) -> None:
        """Give the session back; messages of a queue without sessions stay locked for their time."""
        self._end_subscription()
        if self._timer is not None:
            self._timer.cancel()
        if self.session is None or (dropped and self._survives_drop):
            return
        with suppress(SessionLockLost):  # then there is nothing left to give back
            self.queue.release_session(self.session)
        self.session = None

    def _send_some(self) -> bool:
        count = min(self.credit, _BURST)
        if self._settled:
            removed = self.queue.receive_and_delete(count, session=self.session)
            for stored in removed:
                self.deliver(encode_delivery(stored), uuid4().bytes, settled=True)
            return bool(removed)
        locked = self.queue.receive(count, session=self.session)
        for delivery in locked:
            tag = delivery.lock_token.bytes_le
            number = self.deliver(encode_delivery(delivery), tag, settled=False)
            self._tokens[number] = delivery.lock_token
        return bool(locked)

    def _note_change(self) -> None:
        if not self._pump_is_due:
            self._pump_is_due = True
            self._loop.call_soon(self._pump_if_open)

    def _pump_if_open(self) -> None:
        self._pump_is_due = False
        if self.carrier.links.get(self.handle) is self:
            self.pump()

    def _try_to_enter(self) -> None:
        lock = self.queue.accept_session()
        if lock is not None:
            self._end_subscription()
            self._enter(lock)

    def _enter(self, lock: SessionLock) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.session = lock
        self._end_subscription = self.queue.subscribe(self._note_change, session_id=lock.session_id)
        self.answer_attach(
            self._source_with(lock.session_id),
            {Symbol(_LOCKED_UNTIL): Long(dotnet_ticks(lock.locked_until))},
        )

    def _give_up(self) -> None:
        self._end_subscription()
        self.carrier.refuse(
            self.attach,
            _TIMEOUT,
            f"The operation did not complete within the allotted time: '{self.queue.options.name}' has no "
            "session with messages that is not locked.",
        )

    def _accept_seconds(self) -> float:
        wait = (self.attach.properties or {}).get(_TIMEOUT)
        return wait / 1000 if isinstance(wait, int) else _DEFAULT_ACCEPT_SECONDS

    def _filters(self) -> dict[object, object]:
        fields = fields_of(self.attach.source)
        filters = fields[_FILTER_POSITION] if len(fields) > _FILTER_POSITION else None
        return filters if isinstance(filters, dict) else {}

    def _source_with(self, session_id: str) -> Described | None:
        """The peer's source, its session filter filled in with the session that it got."""
        source = self.attach.source
        if source is None:
            return None
        fields = list(fields_of(source))
        filters = dict(self._filters())
        asked = filters[SESSION_FILTER]
        filters[Symbol(SESSION_FILTER)] = (
            Described(asked.descriptor, session_id) if isinstance(asked, Described) else session_id
        )
        fields[_FILTER_POSITION] = filters
        return Described(source.descriptor, fields)
