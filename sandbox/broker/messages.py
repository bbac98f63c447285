"""What travels through a queue: a message as it was sent, as it is stored, and as it is delivered.

Values only. How they look on the wire belongs to `wire_messages`; what happens to them belongs to `queue`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

_DATA_DESCRIPTORS = (b"\x00\x53\x75", b"\x00\x80\x00\x00\x00\x00\x00\x00\x00\x75", b"\x00\xa3\x10amqp:data:binary")
"""How a data section begins: its descriptor by number, short or long, or by name."""


@dataclass(frozen=True, slots=True)
class Sections:
    """The encoded parts of a message that came over AMQP, kept so that they are delivered exactly as sent.

    `application_properties` is None once the broker has changed them: then they are encoded anew. `durable` and
    `priority` are the header's fields that are the sender's alone, None where it gave none.
    """

    properties: bytes
    application_properties: bytes | None
    body: bytes
    delivery_annotations: bytes = b""
    durable: Any = None
    priority: Any = None

    @property
    def body_is_data(self) -> bool:
        """Whether the body is data sections, or none at all; the others are an AMQP value and AMQP sequences."""
        return not self.body or self.body.startswith(_DATA_DESCRIPTORS)

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        parts = (self.delivery_annotations, self.properties, self.application_properties or b"", self.body)
        return sum(map(len, parts))


@dataclass(frozen=True, slots=True)
class Message:
    """A message as its sender made it.

    `body` is what a consumer reads: the data sections joined; of a body that is an AMQP value, its text in
    UTF-8 or its bytes, and anything else as JSON. `ttl` is the sender's own time to live. `annotations` are
    the sender's message annotations, without the ones that have a field here. `sections` is set on messages
    that came over AMQP. Properties and annotations hold what AMQP has a type for (text, bytes, numbers, UUIDs,
    aware datetimes).
    """

    body: bytes = b""
    message_id: str | None = None
    session_id: str | None = None
    subject: str | None = None
    correlation_id: str | None = None
    content_type: str | None = None
    reply_to: str | None = None
    reply_to_session_id: str | None = None
    to: str | None = None
    partition_key: str | None = None
    ttl: timedelta | None = None
    scheduled_at: datetime | None = None
    application_properties: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, Any] = field(default_factory=dict)
    sections: Sections | None = None

    @property
    def size(self) -> int:
        """Bytes this message counts for; an estimate when it did not come over AMQP."""
        if self.sections is not None:
            return self.sections.size
        texts = (
            self.message_id,
            self.session_id,
            self.subject,
            self.correlation_id,
            self.content_type,
            self.reply_to,
            self.to,
        )
        properties = sum(len(name) + len(str(value)) for name, value in self.application_properties.items())
        return len(self.body) + properties + sum(len(text) for text in texts if text)

    def with_application_properties(self, changed: Mapping[str, Any]) -> "Message":
        """The same message with these application properties added or replaced."""
        if not changed:
            return self
        sections = self.sections and replace(self.sections, application_properties=None)
        return replace(self, application_properties={**self.application_properties, **changed}, sections=sections)


class MessageState(Enum):
    """Where a stored message stands, with the number the service uses in `x-opt-message-state`."""

    ACTIVE = 0
    DEFERRED = 1
    SCHEDULED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A message with what the broker added.

    `delivery_count` is the raw AMQP count of failed deliveries: 0 on the first one (a Functions host shows
    one more). `enqueued_sequence_number` is the number it had in the queue where it was first enqueued, which
    differs for a dead letter.
    """

    message: Message
    sequence_number: int
    enqueued_sequence_number: int
    delivery_count: int
    enqueued_at: datetime
    expires_at: datetime | None
    state: MessageState


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(StoredMessage):
    """A message locked for one receiver, who settles it by `lock_token` before `locked_until`."""

    lock_token: UUID
    locked_until: datetime
