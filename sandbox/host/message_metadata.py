"""How messages of a queue look to a function: the trigger's value and its metadata.

What may live here: the translation from deliveries to what `azure.functions.ServiceBusMessage` reads.
Numbers and property bags travel as JSON text, texts and times as text; a batch has one `...Array` per field.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sandbox.broker.model import Delivery
from sandbox.host.frames import Datum

_NEVER = datetime.max.replace(tzinfo=UTC)


def _plain(value: Any) -> Any:
    """What JSON has no word for among the types an AMQP application property may have."""
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, UUID | Decimal | date | timedelta):
        return str(value)
    raise TypeError(f"an application property cannot be a {type(value).__name__}")


def _moment(moment: datetime) -> str:
    # The worker library tries formats in turn, and knows this one early.
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def _json(value: Any) -> Datum:
    return Datum("json", json.dumps(value, default=_plain))


def _span(span: timedelta | None) -> str | None:
    """A time to live the way the worker library can read it, which knows no days."""
    if span is None or span >= timedelta(days=1):
        return None
    whole = int(span.total_seconds())
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def _fields(delivery: Delivery) -> dict[str, Any]:
    message = delivery.message
    properties = dict(message.application_properties)
    return {
        "ApplicationProperties": properties,
        "ContentType": message.content_type,
        "CorrelationId": message.correlation_id,
        "DeadLetterErrorDescription": properties.get("DeadLetterErrorDescription"),
        "DeadLetterReason": properties.get("DeadLetterReason"),
        "DeadLetterSource": message.annotations.get("x-opt-deadletter-source"),
        # The platform counts deliveries from 1, the wire counts failed ones from 0.
        "DeliveryCount": delivery.delivery_count + 1,
        "EnqueuedSequenceNumber": delivery.enqueued_sequence_number,
        "EnqueuedTimeUtc": _moment(delivery.enqueued_at),
        "ExpiresAtUtc": _moment(delivery.expires_at or _NEVER),
        "Label": message.subject,
        "LockToken": str(delivery.lock_token),
        "LockedUntil": _moment(delivery.locked_until),
        "MessageId": message.message_id,
        "PartitionKey": message.partition_key,
        "ReplyTo": message.reply_to,
        "ReplyToSessionId": message.reply_to_session_id,
        "ScheduledEnqueueTimeUtc": _moment(message.scheduled_at) if message.scheduled_at else None,
        "SequenceNumber": delivery.sequence_number,
        "SessionId": message.session_id,
        "State": delivery.state.value,
        "Subject": message.subject,
        "TimeToLive": _span(message.ttl),
        "To": message.to,
        "UserProperties": properties,
    }


def one_message(delivery: Delivery, *, binary: bool) -> tuple[Datum, Mapping[str, Datum]]:
    """The trigger's value and metadata for a single message.

    A body that is not declared binary is text to the platform: bytes that are not UTF-8 are lost on the way.
    """
    body = delivery.message.body
    value = Datum("bytes", body) if binary else Datum("string", body.decode(errors="replace"))
    metadata = {
        name: Datum("string", field) if isinstance(field, str) else _json(field)
        for name, field in _fields(delivery).items()
        if field is not None
    }
    return value, metadata


def message_batch(deliveries: Sequence[Delivery], *, binary: bool) -> tuple[Datum, Mapping[str, Datum]]:
    """The trigger's value and metadata for a batch; bodies as with `one_message`."""
    bodies = [delivery.message.body for delivery in deliveries]
    value = (
        Datum("collection_bytes", bodies)
        if binary
        else Datum("collection_string", [body.decode(errors="replace") for body in bodies])
    )
    rows = [_fields(delivery) for delivery in deliveries]
    columns = {f"{name}Array": [row[name] for row in rows] for name in rows[0]}
    # A field that no message has is left out: the worker library reads every array anew for every message.
    return value, {
        name: _collection(column) for name, column in columns.items() if any(field is not None for field in column)
    }


def _collection(column: list[Any]) -> Datum:
    """An array as the platform sends it: texts and whole numbers typed, everything else as JSON text."""
    if all(field is None or isinstance(field, str) for field in column):
        return Datum("collection_string", column)
    if all(isinstance(field, int) for field in column):
        return Datum("collection_sint64", column)
    return _json(column)
