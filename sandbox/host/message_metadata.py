"""How messages of a queue look to a function: the trigger's value and its metadata.

What may live here: the translation from deliveries to what the Service Bus extension 5.x hands to a worker
(`ServiceBusTriggerBindingStrategy`, and `ToRpc` of the Functions host). Texts travel as text, all else as JSON; a batch
has one `...Array` per field. The extension's own objects (`MessageActions`, `Client` and the like), which mean nothing
to a worker, are left out.
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

_NEVER = "9999-12-31T23:59:59.9999999"


class BindingFailed(Exception):  # noqa: N818 - what happened, as the platform words it
    """A message that the platform cannot hand to any function; the run fails before the worker hears of it."""


def _plain(value: Any) -> Any:
    """What JSON has no word for among the types an AMQP application property may have."""
    if isinstance(value, datetime):
        return f"{_moment(value)}+00:00"
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, UUID | Decimal | date | timedelta):
        return str(value)
    raise TypeError(f"an application property cannot be a {type(value).__name__}")


def _moment(moment: datetime | None) -> str:
    """A moment as a .NET `DateTime` of no kind is written: no offset, and a fraction only where there is one."""
    return _NEVER if moment is None else moment.astimezone(UTC).replace(tzinfo=None).isoformat()


def _json(value: Any) -> Datum:
    return Datum("json", json.dumps(value, default=_plain))


def _fields(delivery: Delivery) -> dict[str, Any]:
    """The members of the extension's binding contract; None where the message has no such thing."""
    message = delivery.message
    expires, enqueued = _moment(delivery.expires_at), _moment(delivery.enqueued_at)
    return {
        # The platform counts deliveries from 1, the wire counts failed ones from 0.
        "DeliveryCount": delivery.delivery_count + 1,
        "DeadLetterSource": message.annotations.get("x-opt-deadletter-source"),
        "LockToken": str(delivery.lock_token),
        "ExpiresAtUtc": expires,
        "ExpiresAt": f"{expires}+00:00",
        "EnqueuedTimeUtc": enqueued,
        "EnqueuedTime": f"{enqueued}+00:00",
        "MessageId": message.message_id,
        "ContentType": message.content_type,
        "ReplyTo": message.reply_to,
        "SequenceNumber": delivery.sequence_number,
        "To": message.to,
        "Subject": message.subject,
        "Label": message.subject,
        "CorrelationId": message.correlation_id,
        "ApplicationProperties": message.application_properties,
        "UserProperties": message.application_properties,
        "SessionId": message.session_id,
        "ReplyToSessionId": message.reply_to_session_id,
        "PartitionKey": message.partition_key,
        "TransactionPartitionKey": message.annotations.get("x-opt-via-partition-key"),
    }


_MOMENTS = frozenset({"ExpiresAtUtc", "ExpiresAt", "EnqueuedTimeUtc", "EnqueuedTime"})
"""Fields that are no texts to .NET, and travel as JSON."""


def _body(delivery: Delivery) -> bytes:
    """What a function may read.

    Raises:
        BindingFailed: it is no AMQP data section; `ServiceBusReceivedMessage.Body` reads no other.
    """
    sections = delivery.message.sections
    if sections is not None and not sections.body_is_data:
        raise BindingFailed(
            f"message {delivery.sequence_number} cannot be bound: its body is an AMQP value or sequence, "
            "and only data sections can be read"
        )
    return delivery.message.body


def one_message(delivery: Delivery, *, binary: bool) -> tuple[Datum, Mapping[str, Datum]]:
    """The trigger's value and metadata for a single message.

    A body that is not declared binary is text to the platform: bytes that are not UTF-8 are lost on the way.

    Raises:
        BindingFailed: the message cannot be handed to a function.
    """
    body = _body(delivery)
    value = Datum("bytes", body) if binary else Datum("string", body.decode(errors="replace"))
    metadata = {
        name: Datum("string", field) if isinstance(field, str) and name not in _MOMENTS else _json(field)
        for name, field in _fields(delivery).items()
        if field is not None
    }
    return value, metadata


def message_batch(deliveries: Sequence[Delivery], *, binary: bool) -> tuple[Datum, Mapping[str, Datum]]:
    """The trigger's value and metadata for a batch; bodies as with `one_message`.

    Raises:
        BindingFailed: one message cannot be handed to a function, and so none of them.
    """
    bodies = [_body(delivery) for delivery in deliveries]
    value = Datum("collection_bytes", bodies) if binary else _texts([body.decode(errors="replace") for body in bodies])
    rows = [_fields(delivery) for delivery in deliveries]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    # So does the extension: the array of one is that of the other.
    columns["TransactionPartitionKey"] = columns["PartitionKey"]
    return value, {f"{name}Array": _collection(name, column) for name, column in columns.items()}


def _collection(name: str, column: list[Any]) -> Datum:
    """An array as the platform sends it: texts and long integers typed, everything else as JSON."""
    if name == "SequenceNumber":
        return Datum("collection_sint64", column)
    if name in _MOMENTS or name in {"DeliveryCount", "ApplicationProperties", "UserProperties"}:
        return _json(column)
    return _texts(column)


def _texts(column: list[str | None]) -> Datum:
    """Texts without the empty ones, which the host drops unless the worker asks for them, and this one does not.

    What stands behind an empty text so takes the place of an earlier message.
    """
    return Datum("collection_string", [text for text in column if text])
