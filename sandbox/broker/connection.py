"""One client's connection: headers, SASL, open and close, heartbeats, and its channels.

An asyncio protocol. What is wrong in a peer's bytes ends this connection with AMQP's own error, and no other.
"""

import asyncio
from typing import TYPE_CHECKING, cast

from sandbox.broker.amqp_types import AmqpError, UInt, UShort, array_of_symbols
from sandbox.broker.channel import Channel
from sandbox.broker.errors import SessionLockLost
from sandbox.broker.frames import (
    AMQP_HEADER,
    EMPTY_FRAME,
    MAX_FRAME_BYTES,
    SASL_HEADER,
    Begin,
    Close,
    End,
    Frame,
    FrameReader,
    Open,
    Performative,
    SaslInit,
    SaslMechanisms,
    SaslOutcome,
    error,
    frame,
    sasl_frame,
)
from sandbox.broker.model import Broker
from sandbox.broker.nodes import AcceptToken, Tokens
from sandbox.broker.queue import Queue
from sandbox.broker.queue_links import QueueReceiver
from sandbox.broker.routing import Routes
from sandbox.broker.sessions import SessionLock

if TYPE_CHECKING:
    from collections.abc import Callable

_MECHANISMS = ["MSSBCBS", "ANONYMOUS", "EXTERNAL"]
"""Ways in that leave it to `$cbs` to say who it is; the service's PLAIN would need keys to check."""

_CHANNEL_MAX = 4999
_MIN_FRAME_BYTES = 512
_AUTH_FAILED = 1


class Connection(asyncio.Protocol):
    """The server's side of one connection.

    `sessions_survive_drop` says whether a Service Bus session stays locked for its time when its holder is
    cut off without a close; what the service does is not documented. `on_lost` is called last.
    """

    def __init__(
        self,
        broker: Broker,
        accept_token: AcceptToken,
        *,
        sessions_survive_drop: bool,
        idle_seconds: float,
        on_lost: "Callable[[Connection], None]",
    ) -> None:
        self.peer_frame_bytes = _MIN_FRAME_BYTES
        self.is_clear = True
        self.tokens = Tokens(accept_token, broker)
        self._routes = Routes(broker, self.tokens, self._session_lock, sessions_survive_drop=sessions_survive_drop)
        self._idle_seconds = idle_seconds
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader()
        self._awaits_header = True
        self._is_authenticated = False
        self._is_open = False
        self._is_closing = False
        self._channels: dict[int, Channel] = {}
        self._ended: set[int] = set()
        self._out: list[bytes] = []
        self._last_heard = self._loop.time()
        self._idle_check: asyncio.TimerHandle | None = None
        self._heartbeat: asyncio.TimerHandle | None = None

    # --- what its channels and its server ask ----------------------------------------------------

    def write(self, encoded: bytes) -> None:
        """Send bytes; those of one turn of the event loop leave together."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(encoded)

    def shut_down(self) -> None:
        """Close from our side, because the server stops."""
        self._close("amqp:connection:forced", "The broker is shutting down.")

    def abort(self) -> None:
        """Cut the connection; what is not written yet is lost."""
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio.Protocol ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected; wait for its header."""
        self._transport = cast("asyncio.Transport", transport)
        self._idle_check = self._loop.call_later(self._idle_seconds, self._check_idle)

    def data_received(self, data: bytes) -> None:
        """Handle what arrived."""
        if self._is_closing:
            return
        self._last_heard = self._loop.time()
        self._reader.feed(data)
        try:
            while self._advance():
                pass
        except AmqpError as mistake:
            self._close(mistake.condition, str(mistake))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's
        """The connection is gone, with or without goodbye; its channels went before if there was one."""
        self._is_closing = True
        for timer in (self._idle_check, self._heartbeat):
            if timer is not None:
                timer.cancel()
        self._end_channels(dropped=True)
        self._on_lost(self)

    def pause_writing(self) -> None:
        """The peer reads more slowly than we write: let no more messages out."""
        self.is_clear = False

    def resume_writing(self) -> None:
        """The way is free again."""
        self.is_clear = True
        for channel in list(self._channels.values()):
            channel.pump()

    # --- inside ----------------------------------------------------------------------------------

    def _session_lock(self, queue: Queue, session_id: str) -> SessionLock:
        """The lock that a link of this connection has on a session; raises `SessionLockLost` without one."""
        for channel in self._channels.values():
            for link in channel.links.values():
                if (
                    isinstance(link, QueueReceiver)
                    and link.queue is queue
                    and link.session is not None
                    and link.session.session_id == session_id
                ):
                    return link.session
        raise SessionLockLost(f"This connection does not hold session '{session_id}'. Accept it again.")

    def _advance(self) -> bool:
        """Take the next header or the frames up to it; False when more bytes are needed first."""
        return self._take_header() if self._awaits_header else self._take_frames()

    def _take_header(self) -> bool:
        header = self._reader.header()
        if header is None:
            return False
        self._on_header(header)
        return not self._is_closing

    def _take_frames(self) -> bool:
        for received in self._reader.frames():
            self._on_frame(received)
            if self._is_closing:
                return False
            if self._awaits_header:
                return True
        return False

    def _on_header(self, header: bytes) -> None:
        expected = AMQP_HEADER if self._is_authenticated else SASL_HEADER
        self.write(expected)
        if header != expected:  # say what we speak, and hang up (2.2)
            self._hang_up()
            return
        self._awaits_header = False
        if not self._is_authenticated:
            self.write(sasl_frame(SaslMechanisms(array_of_symbols(_MECHANISMS))))

    def _on_frame(self, received: Frame) -> None:
        body = received.body
        if body is None:
            return
        if not self._is_authenticated:
            self._on_sasl(body)
        elif isinstance(body, Open):
            self._on_open(body)
        elif not self._is_open:
            raise AmqpError("amqp:not-allowed", f"A {type(body).__name__} came before the open.")
        elif isinstance(body, Close):
            self._end_channels(dropped=False)
            self.write(frame(0, Close()))
            self._hang_up()
        elif isinstance(body, Begin):
            self._on_begin(received.channel, body)
        elif isinstance(body, End):
            self._on_end(received.channel)
        elif received.channel in self._channels:
            self._channels[received.channel].on_frame(body, received.payload)
        elif received.channel not in self._ended:  # a peer may detach its links after their session's end
            raise AmqpError("amqp:not-allowed", f"Channel {received.channel} has no session.")

    def _on_sasl(self, body: Performative) -> None:
        if not isinstance(body, SaslInit):
            raise AmqpError("amqp:not-allowed", f"A {type(body).__name__} came before authentication.")
        if body.mechanism not in _MECHANISMS:
            self.write(sasl_frame(SaslOutcome(_AUTH_FAILED)))
            self._hang_up()
            return
        self._is_authenticated = True
        self._awaits_header = True
        self.write(sasl_frame(SaslOutcome(0)))

    def _on_open(self, opened: Open) -> None:
        if self._is_open:
            raise AmqpError("amqp:not-allowed", "The connection is open already.")
        self._is_open = True
        theirs = MAX_FRAME_BYTES if opened.max_frame_size is None else int(opened.max_frame_size)
        if theirs < _MIN_FRAME_BYTES:
            raise AmqpError("amqp:invalid-field", f"max-frame-size is below {_MIN_FRAME_BYTES}.")
        self.peer_frame_bytes = min(theirs, MAX_FRAME_BYTES)
        self.write(
            frame(
                0,
                Open(
                    container_id="sandbox-service-bus",
                    max_frame_size=UInt(MAX_FRAME_BYTES),
                    channel_max=UShort(_CHANNEL_MAX),
                    idle_time_out=UInt(int(self._idle_seconds * 1000)),
                ),
            )
        )
        if opened.idle_time_out:
            self._beat(opened.idle_time_out / 1000 / 2)

    def _on_begin(self, number: int, begin: Begin) -> None:
        if number in self._channels or number > _CHANNEL_MAX:
            raise AmqpError("amqp:not-allowed", f"Channel {number} is in use or too large.")
        self._ended.discard(number)
        self._channels[number] = Channel(self, self._routes.open_link, number, begin)

    def _on_end(self, number: int) -> None:
        channel = self._channels.pop(number, None)
        if channel is not None:
            channel.close(dropped=False)
            self._ended.add(number)
            self.write(frame(number, End()))

    def _end_channels(self, *, dropped: bool) -> None:
        while self._channels:
            self._channels.popitem()[1].close(dropped=dropped)

    def _close(self, condition: str, description: str) -> None:
        if self._is_closing:
            return
        self._end_channels(dropped=False)
        if self._is_open:
            self.write(frame(0, Close(error(condition, description))))
        self._hang_up()

    def _hang_up(self) -> None:
        self._is_closing = True
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def _flush(self) -> None:
        if self._out and self._transport is not None:
            encoded, self._out = b"".join(self._out), []
            self._transport.write(encoded)

    def _beat(self, seconds: float) -> None:
        self.write(EMPTY_FRAME)
        self._heartbeat = self._loop.call_later(seconds, self._beat, seconds)

    def _check_idle(self) -> None:
        left = self._last_heard + self._idle_seconds - self._loop.time()
        if left <= 0:
            self._close("amqp:resource-limit-exceeded", "Nothing was heard for longer than idle-time-out.")
        else:
            self._idle_check = self._loop.call_later(left, self._check_idle)
