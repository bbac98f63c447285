"""What carries a link, and what carries that: a link sees its session, a session its connection, and no more."""

from collections.abc import Mapping
from typing import Protocol

from sandbox.broker.frames import Attach, Performative


class Wire(Protocol):
    """A connection, as its sessions see it."""

    peer_frame_bytes: int
    """The longest frame that the peer takes."""
    is_clear: bool
    """Whether the peer reads as fast as we write."""

    def write(self, encoded: bytes) -> None:
        """Send bytes."""


class Carrier(Protocol):
    """An AMQP session, as its links see it."""

    @property
    def links(self) -> Mapping[int, object]:
        """The links that are on this session now, by handle."""

    @property
    def is_clear(self) -> bool:
        """Whether a message sent now would leave at once."""

    def send(self, body: Performative) -> None:
        """Send a frame."""

    def send_flow(self, handle: int, delivery_count: int, credit: int, *, drain: bool = False) -> None:
        """Send the state of a link."""

    def send_message(self, handle: int, payload: bytes, tag: bytes, *, settled: bool) -> int:
        """Send a message; returns its delivery id."""

    def detach(self, handle: int, condition: str, description: str) -> None:
        """End a link from our side, with the reason."""

    def refuse(self, theirs: Attach, condition: str, description: str) -> None:
        """Refuse a link that was asked for, with the reason."""
