"""What lies on rejected-events and among dead letters: looking at it, and sending one of it again.

No command of Service Bus receives one message by its number unless somebody deferred it. So to take one, those before
it are received as well, kept locked meanwhile, and given back: each counts a delivery more. Whatever has too many on
rejected-events becomes a dead letter there, where it is found again: nothing is lost.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from azure.core.credentials import AzureNamedKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusReceiver
from azure.servicebus.amqp import AmqpMessageBodyType
from azure.servicebus.exceptions import ServiceBusError

from shared.adapters.http.credentials import Tokens
from shared.adapters.queues.service_bus import (
    EVENT_QUEUE,
    REFUSED,
    REJECTED_QUEUE,
    SCOPE,
    WORK_QUEUE,
    client_of,
    is_away,
)
from shared.errors import Permanent, Rejected, Transient
from shared.sources.strict_json import JsonObject, parse

MOST: Final = 100
"""How many messages are looked at, and may be passed over for one."""

SECONDS: Final = 30.0
"""How long looking or sending again may take: less than a lock lasts (60 s)."""

_WAIT_SECONDS: Final = 2.0
"""How long an empty queue is listened to."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where messages lie: a queue, or the dead letters of one."""

    queue: str
    is_dead: bool


REJECTED: Final = Shelf(REJECTED_QUEUE, is_dead=False)
DEAD: Final = tuple(Shelf(queue, is_dead=True) for queue in (EVENT_QUEUE, WORK_QUEUE, REJECTED_QUEUE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A message that lies there, without its body. `source` and `event_type` are its sender's words, or "".

    `goes_to` is the queue that it is sent to again. It cannot be where it is not `whole`: only its beginning was kept,
    or its body is no bytes.
    """

    shelf: Shelf
    number: int
    since: datetime | None
    source: str
    event_type: str
    field: str
    reason: str
    remedy: str
    length: int
    deliveries: int
    goes_to: str
    whole: bool


class KeptMessages:
    """Looks at kept messages and sends them again, on the namespace and with the identity of `ServiceBusQueues`.

    It needs *Azure Service Bus Data Receiver* on the queues, and *Data Sender* on those that are sent to.
    """

    def __init__(self, namespace: str, credential: AsyncTokenCredential | AzureNamedKeyCredential) -> None:
        self._client, self._known = client_of(namespace, credential)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def peek(self, shelf: Shelf) -> list[Kept]:
        """The first hundred messages, oldest first. Nothing changes by it. Raises `Permanent` and `Transient`."""
        async with self._receiver(shelf) as receiver:
            return [_kept(shelf, one) for one in await receiver.peek_messages(MOST)]

    async def replay(self, shelf: Shelf, number: int) -> str:
        """Sends a message again to where it came from, then takes it away; the MessageId of the copy.

        Raises `Permanent` where no message of that number can be taken, or it is not whole: nothing was sent.
        Raises `Transient` also where the copy was sent and the message could not be taken away: to check somebody once
        more does no harm.
        """
        passed: list[ServiceBusReceivedMessage] = []
        async with self._receiver(shelf) as receiver:
            try:
                found = await _take(receiver, number, passed)
                return await self._send_again(shelf, receiver, found)
            finally:
                with suppress(ServiceBusError):  # else their locks run out, a minute from now
                    for one in passed:
                        await receiver.abandon_message(one)

    async def _send_again(self, shelf: Shelf, receiver: ServiceBusReceiver, found: ServiceBusReceivedMessage) -> str:
        kept = _kept(shelf, found)
        message_id = f"{kept.number}/replay-1"
        try:
            copy = _copy(kept, found, message_id)
            async with self._client.get_queue_sender(kept.goes_to) as sender:
                await sender.send_messages(copy)
        except BaseException:
            await receiver.abandon_message(found)
            raise
        await receiver.complete_message(found)
        return message_id

    @asynccontextmanager
    async def _receiver(self, shelf: Shelf) -> AsyncIterator[ServiceBusReceiver]:
        try:
            async with asyncio.timeout(SECONDS):
                if isinstance(self._known, Tokens):
                    await self._known.get_token(SCOPE)
                sub_queue = ServiceBusSubQueue.DEAD_LETTER if shelf.is_dead else None
                async with self._client.get_queue_receiver(shelf.queue, sub_queue=sub_queue) as receiver:
                    yield receiver
        except TimeoutError as late:
            raise Transient(f"'{shelf.queue}' did not answer within {SECONDS:g} s") from late
        except ServiceBusError as error:
            raise _explained(error, shelf) from error


async def _take(
    receiver: ServiceBusReceiver, number: int, passed: list[ServiceBusReceivedMessage]
) -> ServiceBusReceivedMessage:
    """Receives one message; those before it are `passed`."""
    while len(passed) < MOST:
        batch = await receiver.receive_messages(MOST - len(passed), max_wait_time=_WAIT_SECONDS)
        found = next((one for one in batch if one.sequence_number == number), None)
        passed += [one for one in batch if one is not found]
        if found is not None:
            return found
        if not batch:
            break
    raise Permanent(f"{number} cannot be taken: it is gone, or somebody has it for a minute")


def _kept(shelf: Shelf, message: ServiceBusReceivedMessage) -> Kept:
    told = _properties(message)
    body = _body(message)
    source, event_type = _sender(body)
    reason = told.get("reason") or message.dead_letter_reason or ""
    return Kept(
        shelf=shelf,
        number=message.sequence_number or 0,
        since=None if message.enqueued_time_utc is None else message.enqueued_time_utc.replace(tzinfo=UTC),
        source=source,
        event_type=event_type,
        field=told.get("field", ""),
        reason=reason,
        remedy=told.get("remedy", "") or (message.dead_letter_error_description or ""),
        length=int(told.get("length", 0 if body is None else len(body))),
        deliveries=message.delivery_count or 0,
        goes_to=shelf.queue if shelf.is_dead else WORK_QUEUE if told.get("queue") == WORK_QUEUE else EVENT_QUEUE,
        whole=body is not None and "truncated" not in told,
    )


def _copy(kept: Kept, message: ServiceBusReceivedMessage, message_id: str) -> ServiceBusMessage:
    """The message as it came. What we wrote onto a rejected one is left out; a dead letter keeps its own properties."""
    body = _body(message)
    if body is None or not kept.whole:
        raise Permanent(f"{kept.number} is not kept whole; have its sender send it anew")
    session = message.session_id or _properties(message).get("session-id")
    return ServiceBusMessage(
        body,
        message_id=message_id,
        session_id=session if kept.goes_to == WORK_QUEUE else None,
        content_type="application/json",
        application_properties=message.application_properties if kept.shelf.is_dead else None,
    )


def _sender(body: bytes | None) -> tuple[str, str]:
    """What an event calls its source and type."""
    try:
        event = parse(body or b"")
    except Rejected:
        return "", ""
    said = event if isinstance(event, JsonObject) else {}
    source, event_type = said.get("source"), said.get("type")
    return source if isinstance(source, str) else "", event_type if isinstance(event_type, str) else ""


def _body(message: ServiceBusReceivedMessage) -> bytes | None:
    if message.body_type is not AmqpMessageBodyType.DATA:
        return None
    return b"".join(message.body)


def _properties(message: ServiceBusReceivedMessage) -> Mapping[str, str]:
    return {_text(name): _text(value) for name, value in (message.application_properties or {}).items()}


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _explained(error: ServiceBusError, shelf: Shelf) -> Transient | Permanent:
    if is_away(error):
        return Permanent(f"the queue '{shelf.queue}' is missing or disabled: {error}")
    if isinstance(error, REFUSED):
        return Permanent(f"Service Bus refuses you '{shelf.queue}' (Azure Service Bus Data Receiver?): {error}")
    return Transient(f"'{shelf.queue}' failed: {error}")
