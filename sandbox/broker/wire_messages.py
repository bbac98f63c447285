"""Messages as they check in AMQP transfers: to and from `Message`, and requests to `$cbs` and `$management`.

Section layout is OASIS amqp-core-messaging-v1.0 (3.2); annotation names are Service Bus's ("AMQP 1.0 in Azure
Service Bus protocol guide"). What a message is allowed to contain is the queue's business.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.broker.amqp_codec import decode, encode
from sandbox.broker.amqp_types import Described, Long, Symbol, Timestamp, UInt, ULong, decode_error
from sandbox.broker.messages import Delivery, Message, Sections, StoredMessage

BATCH_FORMAT: Final = 0x80013700
"""The message-format of a transfer that carries several messages, one in each data section."""

_HEADER: Final = 0x70
_DELIVERY_ANNOTATIONS: Final = 0x71
_MESSAGE_ANNOTATIONS: Final = 0x72
_PROPERTIES: Final = 0x73
_APPLICATION_PROPERTIES: Final = 0x74
_DATA: Final = 0x75
_SEQUENCE: Final = 0x76
_VALUE: Final = 0x77
_FOOTER: Final = 0x78
_SECTIONS_BY_NAME: Final = {
    "amqp:header:list": _HEADER,
    "amqp:delivery-annotations:map": _DELIVERY_ANNOTATIONS,
    "amqp:message-annotations:map": _MESSAGE_ANNOTATIONS,
    "amqp:properties:list": _PROPERTIES,
    "amqp:application-properties:map": _APPLICATION_PROPERTIES,
    "amqp:data:binary": _DATA,
    "amqp:amqp-sequence:list": _SEQUENCE,
    "amqp:amqp-value:*": _VALUE,
    "amqp:footer:map": _FOOTER,
}
_SECTION_TYPES: Final[Mapping[int, type]] = {
    _HEADER: list,
    _DELIVERY_ANNOTATIONS: dict,
    _MESSAGE_ANNOTATIONS: dict,
    _PROPERTIES: list,
    _APPLICATION_PROPERTIES: dict,
    _DATA: bytes,
    _SEQUENCE: list,
    _VALUE: object,
    _FOOTER: dict,
}
_BODY: Final = (_DATA, _SEQUENCE, _VALUE, _FOOTER)

_SCHEDULED_AT: Final = "x-opt-scheduled-enqueue-time"
_PARTITION_KEY: Final = "x-opt-partition-key"
_BROKERS_OWN: Final = frozenset(
    {
        "x-opt-sequence-number",
        "x-opt-enqueue-sequence-number",
        "x-opt-enqueued-time",
        "x-opt-locked-until",
        "x-opt-lock-token",
        "x-opt-message-state",
        "x-opt-deadletter-source",
        "x-opt-partition-id",
    }
)
"""Annotations that say what a broker did with a message; they mean nothing on one that is sent again."""

_MAX_TTL: Final = 0xFFFFFFFF
_NO_SECTIONS: Final = Sections(b"", None, b"")


@dataclass(frozen=True, slots=True)
class Request:
    """A message to a node that answers: `$cbs` or `$management`. `message_id` keeps its AMQP type."""

    message_id: Any
    reply_to: str | None
    application_properties: Mapping[str, Any]
    value: Any


# --- reading -------------------------------------------------------------------------------------


def decode_transfer(payload: bytes, message_format: int) -> list[Message]:
    """The messages that a sender's transfer carries. Raises `AmqpError`."""
    if message_format != BATCH_FORMAT:
        return [decode_message(payload)]
    return [decode_message(value) for code, value, _ in _sections(payload) if code == _DATA]


def decode_message(payload: bytes) -> Message:
    """One encoded message. Raises `AmqpError`."""
    header: list[Any] = []
    annotations: dict[str, Any] = {}
    properties: list[Any] = []
    application_properties: dict[str, Any] = {}
    raw = {_DELIVERY_ANNOTATIONS: b"", _PROPERTIES: b"", _APPLICATION_PROPERTIES: b""}
    raw_body = b""
    body: list[tuple[int, Any]] = []
    for code, value, encoded in _sections(payload):
        if code in raw:
            raw[code] = encoded
        if code == _HEADER:
            header = value
        elif code == _MESSAGE_ANNOTATIONS:
            annotations = _by_name(value)
            if not all(name.isascii() for name in annotations):
                raise decode_error("An annotation has a name that is not ASCII.")
        elif code == _PROPERTIES:
            properties = value
        elif code == _APPLICATION_PROPERTIES:
            application_properties = _by_name(value)
        elif code in _BODY:
            raw_body += encoded
            body.append((code, value))
    fields = _Properties(properties)
    ttl = _field(header, 2, UInt)
    scheduled_at = annotations.pop(_SCHEDULED_AT, None)
    partition_key = _text(annotations.pop(_PARTITION_KEY, None))
    return Message(
        body=_body_bytes(body),
        message_id=fields.text(0),
        to=fields.text(2),
        subject=fields.text(3),
        reply_to=fields.text(4),
        correlation_id=fields.text(5),
        content_type=fields.text(6),
        session_id=fields.text(10),
        reply_to_session_id=fields.text(12),
        partition_key=partition_key,
        ttl=None if ttl is None else timedelta(milliseconds=ttl),
        scheduled_at=scheduled_at.moment() if isinstance(scheduled_at, Timestamp) else None,
        application_properties={name: _plain(value) for name, value in application_properties.items()},
        annotations={name: value for name, value in annotations.items() if name not in _BROKERS_OWN},
        sections=Sections(
            raw[_PROPERTIES],
            raw[_APPLICATION_PROPERTIES],
            raw_body,
            delivery_annotations=raw[_DELIVERY_ANNOTATIONS],
            durable=_field(header, 0, object),
            priority=_field(header, 1, object),
        ),
    )


def decode_request(payload: bytes) -> Request:
    """A message to `$cbs` or `$management`. Raises `AmqpError`."""
    properties: list[Any] = []
    application_properties: dict[str, Any] = {}
    value: Any = None
    for code, content, _ in _sections(payload):
        if code == _PROPERTIES:
            properties = content
        elif code == _APPLICATION_PROPERTIES:
            application_properties = _by_name(content)
        elif code == _VALUE:
            value = content
    message_id = properties[0] if properties else None
    return Request(message_id, _Properties(properties).text(4), application_properties, value)


class _Properties:
    """The properties section by position; fields left out at its end are None."""

    def __init__(self, fields: list[Any]) -> None:
        self._fields = fields

    def text(self, position: int) -> str | None:
        """A field as text, whatever type of id it is (string, number, UUID or bytes)."""
        return _text(self._fields[position]) if position < len(self._fields) else None


def _sections(payload: bytes) -> Iterator[tuple[int, Any, bytes]]:
    """Each section's code, its value, and all its bytes."""
    at = 0
    while at < len(payload):
        described, end = decode(payload, at)
        if not isinstance(described, Described):
            raise decode_error("A message has something that is not a section.")
        code = _SECTIONS_BY_NAME.get(described.descriptor, described.descriptor)
        expected = _SECTION_TYPES.get(code)
        if expected is None or not isinstance(described.value, expected):
            raise decode_error(f"A message has an unknown or malformed section ({described.descriptor!r}).")
        yield code, described.value, payload[at:end]
        at = end


def _field(fields: list[Any], position: int, kind: type) -> Any:
    value = fields[position] if position < len(fields) else None
    return value if isinstance(value, kind) else None


def _by_name(pairs: Mapping[Any, Any]) -> dict[str, Any]:
    if not all(isinstance(name, str) for name in pairs):
        raise decode_error("A property or annotation has a name that is not text.")
    return {str(name): value for name, value in pairs.items()}


def _text(value: Any) -> str | None:
    """A text as text. Clients that read texts as bytes send them on as binary; bytes that are no text become hex."""
    if value is None or not isinstance(value, bytes):
        return None if value is None else str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


def _plain(value: Any) -> Any:
    """A property as Python has it: a timestamp becomes a datetime, a symbol a string."""
    if isinstance(value, Timestamp):
        return value.moment()
    return str(value) if isinstance(value, Symbol) else value


def _body_bytes(body: list[tuple[int, Any]]) -> bytes:
    data = [value for code, value in body if code == _DATA]
    if data:
        return b"".join(data)
    sequence = [item for code, value in body if code == _SEQUENCE for item in value]
    values = [value for code, value in body if code == _VALUE]
    content = values[0] if values else sequence
    if not values and not sequence:
        return b""
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode()
    return json.dumps(_json_of(content), separators=(",", ":")).encode()


def _json_of(value: Any) -> Any:
    if isinstance(value, list):
        return [_json_of(item) for item in value]
    if isinstance(value, dict):
        return {str(_json_of(name)): _json_of(item) for name, item in value.items()}
    if value is None or isinstance(value, str | int | float):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


# --- writing -------------------------------------------------------------------------------------


def encode_delivery(stored: StoredMessage) -> bytes:
    """A message as a receiver gets it, or, when it is no `Delivery`, as a peek shows it."""
    message = stored.message
    annotations: dict[Symbol, Any] = {Symbol(name): value for name, value in message.annotations.items()}
    annotations[Symbol("x-opt-enqueued-time")] = stored.enqueued_at
    annotations[Symbol("x-opt-sequence-number")] = Long(stored.sequence_number)
    annotations[Symbol("x-opt-enqueue-sequence-number")] = Long(stored.enqueued_sequence_number)
    annotations[Symbol("x-opt-message-state")] = Long(stored.state.value)
    if isinstance(stored, Delivery):
        annotations[Symbol("x-opt-locked-until")] = stored.locked_until
    if message.partition_key is not None:
        annotations[Symbol(_PARTITION_KEY)] = message.partition_key
    if message.scheduled_at is not None:
        annotations[Symbol(_SCHEDULED_AT)] = message.scheduled_at
    ttl = None if message.ttl is None else min(message.ttl // timedelta(milliseconds=1), _MAX_TTL)
    sent = message.sections or _NO_SECTIONS
    header = [sent.durable, sent.priority, None if ttl is None else UInt(ttl), None, UInt(stored.delivery_count)]
    parts = (sent.delivery_annotations, _section(_MESSAGE_ANNOTATIONS, annotations), encode_bare(message))
    return _section(_HEADER, header) + b"".join(parts)


def encode_bare(message: Message) -> bytes:
    """The part of a message that is its sender's alone: byte for byte as it came, where it came over AMQP."""
    sections = message.sections
    if sections is None:
        properties = [
            message.message_id,
            None,
            message.to,
            message.subject,
            message.reply_to,
            message.correlation_id,
            None if message.content_type is None else Symbol(message.content_type),
            None,
            None,
            None,
            message.session_id,
            None,
            message.reply_to_session_id,
        ]
        sections = Sections(_section(_PROPERTIES, properties), None, _section(_DATA, message.body))
    application_properties = sections.application_properties
    if application_properties is None:
        pairs = dict(message.application_properties)
        application_properties = _section(_APPLICATION_PROPERTIES, pairs) if pairs else b""
    return sections.properties + application_properties + sections.body


def encode_answer(request: Request, application_properties: dict[str, Any], value: Any) -> bytes:
    """The answer to a request, correlated by its message id."""
    return b"".join(
        (
            _section(_PROPERTIES, [None, None, None, None, None, request.message_id]),
            _section(_APPLICATION_PROPERTIES, application_properties),
            _section(_VALUE, value),
        )
    )


def dotnet_ticks(moment: datetime) -> int:
    """100 ns since the year 1, as .NET counts; link properties carry times like that."""
    return (moment.replace(tzinfo=None) - datetime.min) // timedelta(microseconds=1) * 10  # noqa: DTZ901


def _section(code: int, value: Any) -> bytes:
    return encode(Described(ULong(code), value))
