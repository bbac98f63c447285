"""The two directions of an AMQP link, without what is at its end.

`IncomingLink` puts transfers together and keeps the sender in credit; `OutgoingLink` counts the receiver's
credit. Subclasses say what happens to messages. Addresses and permissions are for `routing`.
"""

from sandbox.broker.amqp_types import AmqpError, Described, UInt, ULong
from sandbox.broker.carrier import Carrier
from sandbox.broker.errors import MessageTooLarge
from sandbox.broker.frames import Attach, Disposition, Flow, Transfer
from sandbox.broker.options import MAX_MESSAGE_BYTES
from sandbox.broker.outcomes import rejected

_WRAP = 0xFFFFFFFF
_CREDIT = 1000
"""Messages a sender may have under way; what the service grants."""


class Link:
    """One link, from our side. `attach` is the peer's attach; our handle is the same number as its."""

    def __init__(self, carrier: Carrier, attach: Attach) -> None:
        self.carrier = carrier
        self.attach = attach
        self.handle = attach.handle
        self.is_attached = False

    def start(self) -> None:
        """Answer the attach, now or when the link can be had; `AmqpError` or `BrokerError` refuses it."""
        raise NotImplementedError

    def on_flow(self, flow: Flow) -> None:
        """The peer changed credit, or asks for ours."""
        raise NotImplementedError

    def on_transfer(self, transfer: Transfer, payload: bytes) -> None:
        """The peer sent a message, or a part of one."""
        raise NotImplementedError

    def pump(self) -> None:
        """Send what can be sent; called when the way has become free."""

    def on_detached(self, *, dropped: bool) -> None:
        """The link is over; `dropped` when its connection was lost instead of closed."""


class IncomingLink(Link):
    """A link on which the peer sends."""

    def __init__(self, carrier: Carrier, attach: Attach) -> None:
        super().__init__(carrier, attach)
        self._delivery_count = int(attach.initial_delivery_count or 0)
        self._credit = 0
        self._first: Transfer | None = None
        self._payload = bytearray()
        self._is_too_large = False

    def start(self) -> None:
        """Answer the attach and grant credit."""
        theirs = self.attach
        self.is_attached = True
        self.carrier.send(
            Attach(
                name=theirs.name,
                handle=self.handle,
                role=True,
                snd_settle_mode=theirs.snd_settle_mode,
                rcv_settle_mode=theirs.rcv_settle_mode,
                source=theirs.source,
                target=theirs.target,
                max_message_size=ULong(MAX_MESSAGE_BYTES),
            )
        )
        self._grant()

    def on_flow(self, flow: Flow) -> None:
        """Nothing changes for us; answer when asked to."""
        if flow.echo:
            self._grant()

    def on_transfer(self, transfer: Transfer, payload: bytes) -> None:
        """Put the parts together; settle the whole."""
        if self._first is None:
            if transfer.delivery_id is None:
                raise AmqpError("amqp:invalid-field", "The first transfer of a delivery has no delivery-id.")
            if self._credit <= 0:
                raise AmqpError("amqp:link:transfer-limit-exceeded", "A message came without link credit.")
            self._first = transfer
        if transfer.aborted:
            self._finish()
            return
        self._payload += payload
        if len(self._payload) > MAX_MESSAGE_BYTES:  # read to its end, and kept no longer
            self._is_too_large = True
            self._payload = bytearray()
        if transfer.more:
            return
        first, whole, is_too_large = self._first, bytes(self._payload), self._is_too_large
        self._finish()
        if is_too_large:
            outcome = rejected(MessageTooLarge.condition, f"A message is over the limit of {MAX_MESSAGE_BYTES} bytes.")
        else:
            outcome = self.take(whole, first.message_format or 0)
        if not (first.settled or transfer.settled):
            assert first.delivery_id is not None, "checked when the delivery began"
            self.carrier.send(Disposition(role=True, first=first.delivery_id, settled=True, state=outcome))
        if self._credit <= _CREDIT // 2:
            self._grant()

    def take(self, payload: bytes, message_format: int) -> Described:
        """Do with one whole message what it is for; returns the outcome for its sender."""
        raise NotImplementedError

    def _finish(self) -> None:
        self._first = None
        self._payload = bytearray()
        self._is_too_large = False
        self._delivery_count = (self._delivery_count + 1) & _WRAP
        self._credit -= 1

    def _grant(self) -> None:
        self._credit = _CREDIT
        self.carrier.send_flow(self.handle, self._delivery_count, self._credit)


class OutgoingLink(Link):
    """A link on which we send."""

    def __init__(self, carrier: Carrier, attach: Attach) -> None:
        super().__init__(carrier, attach)
        self.credit = 0
        self._delivery_count = 0
        self._drain = False

    def answer_attach(self, source: Described | None, properties: dict[object, object] | None = None) -> None:
        """Tell the peer that the link is there."""
        theirs = self.attach
        self.is_attached = True
        self.carrier.send(
            Attach(
                name=theirs.name,
                handle=self.handle,
                role=False,
                snd_settle_mode=theirs.snd_settle_mode,
                rcv_settle_mode=theirs.rcv_settle_mode,
                source=source,
                target=theirs.target,
                initial_delivery_count=UInt(0),
                max_message_size=ULong(MAX_MESSAGE_BYTES),
                properties=properties,
            )
        )

    def on_flow(self, flow: Flow) -> None:
        """Take the new credit, send on it, and give back what a draining peer leaves unused."""
        if flow.link_credit is not None:
            seen = int(flow.delivery_count or 0)
            self.credit = max(0, (seen + flow.link_credit - self._delivery_count) & _WRAP)
            if self.credit > _WRAP // 2:  # a peer that has not seen our latest deliveries yet grants less
                self.credit = 0
        self._drain = bool(flow.drain)
        self.pump()
        if flow.echo:
            self.carrier.send_flow(self.handle, self._delivery_count, self.credit)

    def on_transfer(self, transfer: Transfer, payload: bytes) -> None:  # noqa: ARG002 - the base's
        """Refuse: on this link we send."""
        raise AmqpError("amqp:not-allowed", "A message came on a link that only sends.")

    def deliver(self, payload: bytes, tag: bytes, *, settled: bool) -> int:
        """Send one message on credit; returns its delivery id."""
        self.credit -= 1
        self._delivery_count = (self._delivery_count + 1) & _WRAP
        return self.carrier.send_message(self.handle, payload, tag, settled=settled)

    def finish_drain(self) -> None:
        """Use up what credit is left when the peer asked for that and there is nothing more to send."""
        if self._drain and self.credit > 0:
            self._delivery_count = (self._delivery_count + self.credit) & _WRAP
            self.credit = 0
            self._drain = False
            self.carrier.send_flow(self.handle, self._delivery_count, 0, drain=True)

    def on_settled(self, delivery_id: int, outcome: Described | None) -> Described | None:
        """The peer settled a delivery; returns the outcome to confirm, or None for one that is not known."""
        raise NotImplementedError
