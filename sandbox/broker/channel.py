"""One AMQP session: windows, delivery ids, and the links on it.

AMQP's word is session; here it is called a channel, because a session is something else in Service Bus.
"""

from collections import deque
from collections.abc import Callable

from sandbox.broker.amqp_types import AmqpError, UInt, UShort
from sandbox.broker.carrier import Carrier, Wire
from sandbox.broker.errors import BrokerError
from sandbox.broker.frames import (
    Attach,
    Begin,
    Detach,
    Disposition,
    Flow,
    Performative,
    Transfer,
    error,
    frame,
)
from sandbox.broker.links import Link, OutgoingLink
from sandbox.broker.outcomes import RECEIVED

_WINDOW = 5000
_HANDLE_MAX = 255
_WRAP = 0xFFFFFFFF
_FRAME_OVERHEAD = 128
"""Room for a transfer's own fields beside its payload: a 16-byte tag and fixed-width numbers need less."""


type OpenLink = Callable[[Carrier, Attach], Link]
"""The link that an attach asks for, not yet started. Raises `AmqpError` or `BrokerError`, which refuse it."""


class Channel:
    """One session of a connection, from the peer's begin to either side's end."""

    def __init__(self, wire: Wire, open_link: OpenLink, number: int, begin: Begin) -> None:
        self.number = number
        self._wire = wire
        self._open_link = open_link
        self.links: dict[int, Link] = {}
        self._leaving: set[int] = set()  # handles that we detached and the peer has not yet
        self._deliveries: dict[int, OutgoingLink] = {}
        self._next_delivery_id = 0
        self._next_incoming_id = int(begin.next_outgoing_id)
        self._incoming_window = _WINDOW
        self._next_outgoing_id = 0
        self._remote_window = int(begin.incoming_window)
        self._held: deque[bytes] = deque()  # transfer frames that the peer's window has no room for yet
        self.send(
            Begin(
                remote_channel=UShort(number),
                next_outgoing_id=UInt(0),
                incoming_window=UInt(_WINDOW),
                outgoing_window=UInt(_WINDOW),
                handle_max=UInt(_HANDLE_MAX),
            )
        )

    # --- out -------------------------------------------------------------------------------------

    @property
    def is_clear(self) -> bool:
        """Whether a message sent now would leave at once."""
        return not self._held and self._remote_window > 0 and self._wire.is_clear

    def send(self, body: Performative) -> None:
        """Send a frame on this channel."""
        self._wire.write(frame(self.number, body))

    def send_flow(self, handle: int, delivery_count: int, credit: int, *, drain: bool = False) -> None:
        """Send the state of a link, and with it that of the session."""
        self._incoming_window = _WINDOW
        self.send(
            Flow(
                next_incoming_id=UInt(self._next_incoming_id),
                incoming_window=UInt(_WINDOW),
                next_outgoing_id=UInt(self._next_outgoing_id),
                outgoing_window=UInt(_WINDOW),
                handle=UInt(handle),
                delivery_count=UInt(delivery_count),
                link_credit=UInt(credit),
                drain=drain,
            )
        )

    def send_message(self, handle: int, payload: bytes, tag: bytes, *, settled: bool) -> int:
        """Send a message in as many frames as it needs; returns its delivery id."""
        delivery_id = self._next_delivery_id
        self._next_delivery_id = (delivery_id + 1) & _WRAP
        link = self.links[handle]
        if not settled and isinstance(link, OutgoingLink):
            self._deliveries[delivery_id] = link
        room = self._wire.peer_frame_bytes - _FRAME_OVERHEAD
        for start in range(0, max(len(payload), 1), room):
            transfer = Transfer(
                handle=UInt(handle),
                delivery_id=UInt(delivery_id),
                delivery_tag=tag,
                message_format=UInt(0),
                settled=settled,
                more=start + room < len(payload),
            )
            self._held.append(frame(self.number, transfer, payload[start : start + room]))
        self._release_held()
        return delivery_id

    def detach(self, handle: int, condition: str, description: str) -> None:
        """End a link from our side, with the reason."""
        self._remove(handle, dropped=False)
        self._leaving.add(handle)
        self.send(Detach(handle=UInt(handle), closed=True, error=error(condition, description)))

    def refuse(self, theirs: Attach, condition: str, description: str) -> None:
        """Refuse a link: an attach without source and target, then a detach with the reason (2.6.3)."""
        self.links.pop(theirs.handle, None)
        self._leaving.add(theirs.handle)
        self._answer_without_ends(theirs)
        self.send(Detach(handle=theirs.handle, closed=True, error=error(condition, description)))

    def pump(self) -> None:
        """Send what was held back; called when the way has become free."""
        self._release_held()
        for link in list(self.links.values()):
            link.pump()

    def _release_held(self) -> None:
        while self._held and self._remote_window > 0:
            self._remote_window -= 1
            self._next_outgoing_id = (self._next_outgoing_id + 1) & _WRAP
            self._wire.write(self._held.popleft())

    # --- in --------------------------------------------------------------------------------------

    def on_frame(self, body: Performative, payload: bytes) -> None:
        """Handle one frame of this session. Raises `AmqpError` for what ends the connection."""
        match body:
            case Attach():
                self._on_attach(body)
            case Flow():
                self._on_flow(body)
            case Transfer():
                self._on_transfer(body, payload)
            case Disposition():
                self._on_disposition(body)
            case Detach():
                self._on_detach(body)
            case _:
                raise AmqpError("amqp:not-allowed", f"A {type(body).__name__} has no place within a session.")

    def close(self, *, dropped: bool) -> None:
        """End all links: the session, or its whole connection, is over."""
        for handle in list(self.links):
            self._remove(handle, dropped=dropped)

    def _on_attach(self, attach: Attach) -> None:
        if attach.handle > _HANDLE_MAX or attach.handle in self.links:
            raise AmqpError("amqp:session:handle-in-use", f"Handle {attach.handle} is in use or too large.")
        self._leaving.discard(attach.handle)
        try:
            link = self._open_link(self, attach)
            self.links[attach.handle] = link
            link.start()
        except (AmqpError, BrokerError) as refusal:
            self.refuse(attach, refusal.condition, str(refusal))

    def _on_flow(self, flow: Flow) -> None:
        expected = int(flow.next_incoming_id or 0)
        self._remote_window = max(0, expected + flow.incoming_window - self._next_outgoing_id)
        if flow.handle is not None:
            link = self._link(flow.handle)
            if link is not None:
                link.on_flow(flow)
        elif flow.echo:
            self._send_session_flow()
        self.pump()

    def _on_transfer(self, transfer: Transfer, payload: bytes) -> None:
        self._next_incoming_id = (self._next_incoming_id + 1) & _WRAP
        self._incoming_window -= 1
        if self._incoming_window < 0:
            raise AmqpError("amqp:session:window-violation", "More transfers came than the window allows.")
        link = self._link(transfer.handle)
        if link is not None:
            link.on_transfer(transfer, payload)
        if self._incoming_window <= _WINDOW // 2:
            self._send_session_flow()

    def _on_disposition(self, disposition: Disposition) -> None:
        state = disposition.state
        if not disposition.role or (state is not None and state.descriptor == RECEIVED):
            return  # the peer speaks of what it sent, or of progress: nothing depends on that here
        if state is None and not disposition.settled:
            return
        first = int(disposition.first)
        last = first if disposition.last is None else int(disposition.last)
        # The range is the peer's word: walk what there is when that is less.
        if last - first < len(self._deliveries):
            settled = [number for number in range(first, last + 1) if number in self._deliveries]
        else:
            settled = [number for number in self._deliveries if first <= number <= last]
        for number in settled:
            echo = self._deliveries.pop(number).on_settled(number, state)
            if not disposition.settled and echo is not None:
                self.send(Disposition(role=False, first=UInt(number), settled=True, state=echo))

    def _on_detach(self, detach: Detach) -> None:
        link = self._link(detach.handle)
        self._leaving.discard(detach.handle)
        if link is None:
            return
        self._remove(detach.handle, dropped=False)
        if not link.is_attached:  # the peer cannot make sense of a detach before an attach
            self._answer_without_ends(link.attach)
        self.send(Detach(handle=detach.handle, closed=detach.closed))

    def _answer_without_ends(self, theirs: Attach) -> None:
        self.send(
            Attach(
                name=theirs.name,
                handle=theirs.handle,
                role=not theirs.role,
                initial_delivery_count=UInt(0) if theirs.role else None,
            )
        )

    def _link(self, handle: int) -> Link | None:
        """The link on a handle; None for one that we ended while the peer was still talking."""
        if handle in self._leaving:
            return None
        link = self.links.get(handle)
        if link is None:
            raise AmqpError("amqp:session:unattached-handle", f"There is no link with handle {handle}.")
        return link

    def _remove(self, handle: int, *, dropped: bool) -> None:
        link = self.links.pop(handle)
        for number in [number for number, owner in self._deliveries.items() if owner is link]:
            del self._deliveries[number]
        link.on_detached(dropped=dropped)

    def _send_session_flow(self) -> None:
        self._incoming_window = _WINDOW
        self.send(
            Flow(
                next_incoming_id=UInt(self._next_incoming_id),
                incoming_window=UInt(_WINDOW),
                next_outgoing_id=UInt(self._next_outgoing_id),
                outgoing_window=UInt(_WINDOW),
            )
        )
