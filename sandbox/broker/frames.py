"""AMQP 1.0 frames and the performatives they carry (OASIS amqp-core-transport-v1.0, -security-v1.0).

`FrameReader` cuts a byte stream into frames; each performative is a dataclass that checks the types of its
fields. What a frame means is for `connection` and its sessions and links.
"""

import struct
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from types import UnionType
from typing import Any, ClassVar, get_args

from sandbox.broker.amqp_codec import decode, encode
from sandbox.broker.amqp_types import AmqpError, Described, Symbol, UInt, ULong, UShort, decode_error

AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"
EMPTY_FRAME = b"\x00\x00\x00\x08\x02\x00\x00\x00"
"""A frame without a body: it only shows that the connection lives."""

MAX_FRAME_BYTES = 65536
"""The largest frame that the service takes, and that it sends to whoever takes it."""

_PREFIX = struct.Struct(">IBBH")
_SASL_TYPE = 1


@dataclass(slots=True)
class Performative:
    """A frame's body. Subclasses list their fields in wire order; None stands for null and for left out."""

    code: ClassVar[int]

    @classmethod
    def of(cls, values: list[Any]) -> "Performative":
        """Build from the decoded list; `AmqpError` for a field too many, missing or of a wrong type."""
        expected = _field_types(cls)
        if len(values) > len(expected):
            raise decode_error(f"{cls.__name__} has {len(values)} fields.")
        for (name, types, _), value in zip(expected, values, strict=False):
            if not isinstance(value, types):
                raise AmqpError("amqp:invalid-field", f"{cls.__name__}.{name} cannot be a {type(value).__name__}.")
        missing = [name for name, _, is_required in expected[len(values) :] if is_required]
        if missing:
            raise AmqpError("amqp:invalid-field", f"{cls.__name__} lacks {missing[0]}.")
        return cls(*values)

    def encode(self) -> bytes:
        """The described list; null fields at its end are left out."""
        values = [getattr(self, name) for name, _, _ in _field_types(type(self))]
        while values and values[-1] is None:
            values.pop()
        return encode(Described(ULong(self.code), values))


@dataclass(slots=True)
class Open(Performative):
    """Opens a connection (2.7.1)."""

    code = 0x10
    container_id: str
    hostname: str | None = None
    max_frame_size: UInt | None = None
    channel_max: UShort | None = None
    idle_time_out: UInt | None = None
    outgoing_locales: object = None
    incoming_locales: object = None
    offered_capabilities: object = None
    desired_capabilities: object = None
    properties: dict[Any, Any] | None = None


@dataclass(slots=True)
class Begin(Performative):
    """Opens a session on a channel (2.7.2)."""

    code = 0x11
    remote_channel: UShort | None
    next_outgoing_id: UInt
    incoming_window: UInt
    outgoing_window: UInt
    handle_max: UInt | None = None
    offered_capabilities: object = None
    desired_capabilities: object = None
    properties: dict[Any, Any] | None = None


@dataclass(slots=True)
class Attach(Performative):
    """Opens a link (2.7.3); `role` is True for the receiver's side of the link."""

    code = 0x12
    name: str
    handle: UInt
    role: bool
    snd_settle_mode: int | None = None
    rcv_settle_mode: int | None = None
    source: Described | None = None
    target: Described | None = None
    unsettled: dict[Any, Any] | None = None
    incomplete_unsettled: bool | None = None
    initial_delivery_count: UInt | None = None
    max_message_size: ULong | None = None
    offered_capabilities: object = None
    desired_capabilities: object = None
    properties: dict[Any, Any] | None = None


@dataclass(slots=True)
class Flow(Performative):
    """Updates credit and windows (2.7.4)."""

    code = 0x13
    next_incoming_id: UInt | None
    incoming_window: UInt
    next_outgoing_id: UInt
    outgoing_window: UInt
    handle: UInt | None = None
    delivery_count: UInt | None = None
    link_credit: UInt | None = None
    available: UInt | None = None
    drain: bool | None = None
    echo: bool | None = None
    properties: dict[Any, Any] | None = None


@dataclass(slots=True)
class Transfer(Performative):
    """Carries a delivery (2.7.5); the message, or a part of it, follows in the frame's payload."""

    code = 0x14
    handle: UInt
    delivery_id: UInt | None = None
    delivery_tag: bytes | None = None
    message_format: UInt | None = None
    settled: bool | None = None
    more: bool | None = None
    rcv_settle_mode: int | None = None
    state: Described | None = None
    resume: bool | None = None
    aborted: bool | None = None
    batchable: bool | None = None


@dataclass(slots=True)
class Disposition(Performative):
    """Settles deliveries (2.7.6); `role` is True when the receiver of the deliveries says it."""

    code = 0x15
    role: bool
    first: UInt
    last: UInt | None = None
    settled: bool | None = None
    state: Described | None = None
    batchable: bool | None = None


@dataclass(slots=True)
class Detach(Performative):
    """Ends a link (2.7.7)."""

    code = 0x16
    handle: UInt
    closed: bool | None = None
    error: Described | None = None


@dataclass(slots=True)
class End(Performative):
    """Ends a session (2.7.8)."""

    code = 0x17
    error: Described | None = None


@dataclass(slots=True)
class Close(Performative):
    """Ends a connection (2.7.9)."""

    code = 0x18
    error: Described | None = None


@dataclass(slots=True)
class SaslMechanisms(Performative):
    """Names the ways to authenticate (security 5.3.3.1)."""

    code = 0x40
    mechanisms: object


@dataclass(slots=True)
class SaslInit(Performative):
    """Chooses one and begins (security 5.3.3.2)."""

    code = 0x41
    mechanism: Symbol
    initial_response: bytes | None = None
    hostname: str | None = None


@dataclass(slots=True)
class SaslOutcome(Performative):
    """Ends authentication (security 5.3.3.5); code 0 is success, 1 a failed authentication."""

    code = 0x44
    outcome: int
    additional: bytes | None = None


_PERFORMATIVES = {
    kind.code: kind
    for kind in (
        Open,
        Begin,
        Attach,
        Flow,
        Transfer,
        Disposition,
        Detach,
        End,
        Close,
        SaslMechanisms,
        SaslInit,
        SaslOutcome,
    )
}


def _types_of(annotation: Any) -> tuple[type, ...]:
    kinds = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return tuple(dict if kind == dict[Any, Any] else kind for kind in kinds)


_TYPES: dict[type[Performative], list[tuple[str, tuple[type, ...], bool]]] = {
    kind: [(member.name, _types_of(member.type), member.default is MISSING) for member in fields(kind)]
    for kind in _PERFORMATIVES.values()
}


def _field_types(kind: type[Performative]) -> list[tuple[str, tuple[type, ...], bool]]:
    """Name, types and whether it is mandatory, of each field."""
    return _TYPES[kind]


def error(condition: str, description: str) -> Described:
    """An error to be carried by a detach, end, close or rejected outcome (2.8.14)."""
    # The null at the end could be left out, but azure-servicebus reads all three fields of a rejection.
    return Described(ULong(0x1D), [Symbol(condition), description, None])


def frame(channel: int, body: Performative, payload: bytes = b"") -> bytes:
    """A whole AMQP frame."""
    return _whole(0, channel, body.encode() + payload)


def sasl_frame(body: Performative) -> bytes:
    """A whole SASL frame."""
    return _whole(_SASL_TYPE, 0, body.encode())


def _whole(kind: int, channel: int, content: bytes) -> bytes:
    return _PREFIX.pack(_PREFIX.size + len(content), 2, kind, channel) + content


@dataclass(frozen=True, slots=True)
class Frame:
    """One received frame; `body` is None in an empty one."""

    channel: int
    body: Performative | None
    payload: bytes


class FrameReader:
    """Cuts what arrives into protocol headers and frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, received: bytes) -> None:
        """Add what arrived."""
        self._buffer += received

    def header(self) -> bytes | None:
        """The next 8 bytes, a protocol header; None when they are not all there."""
        if len(self._buffer) < len(AMQP_HEADER):
            return None
        header = bytes(self._buffer[: len(AMQP_HEADER)])
        del self._buffer[: len(AMQP_HEADER)]
        return header

    def frames(self) -> Iterator[Frame]:
        """Take out every whole frame. Raises `AmqpError`."""
        while len(self._buffer) >= _PREFIX.size:
            size, offset, kind, channel = _PREFIX.unpack_from(self._buffer)
            start = 4 * offset
            if not _PREFIX.size <= start <= size <= MAX_FRAME_BYTES or kind not in {0, _SASL_TYPE}:
                raise AmqpError("amqp:connection:framing-error", f"A frame of {size} bytes has a bad prefix.")
            if len(self._buffer) < size:
                return
            content = bytes(self._buffer[start:size])
            del self._buffer[:size]
            yield _read(0 if kind == _SASL_TYPE else channel, content)


def _read(channel: int, content: bytes) -> Frame:
    if not content:
        return Frame(channel, None, b"")
    described, end = decode(content)
    if not isinstance(described, Described) or not isinstance(described.value, list):
        raise decode_error("A frame does not begin with a performative.")
    kind = _PERFORMATIVES.get(described.descriptor)
    if kind is None:
        raise AmqpError("amqp:not-implemented", f"There is no performative {described.descriptor!r}.")
    return Frame(channel, kind.of(described.value), content[end:])
