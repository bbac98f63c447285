"""The app's queues on Azure Service Bus: what is sent, under which session, MessageId and time.

Sending lives here; the triggers receive, and what a work item looks like is `work_wire`'s. What
`ServiceBusQueues` returns from has been taken by the broker; what it raises from may have been taken in
part. Sending again then is harmless, as checks are idempotent. It is done once by itself, on a new link,
because a link that rested is often dead.
"""

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final, Self
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from azure.core.credentials import AzureNamedKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.servicebus import ServiceBusMessage, parse_connection_string
from azure.servicebus.aio import ServiceBusClient, ServiceBusSender
from azure.servicebus.exceptions import (
    MessageSizeExceededError,
    MessagingEntityDisabledError,
    MessagingEntityNotFoundError,
    ServiceBusAuthenticationError,
    ServiceBusAuthorizationError,
    ServiceBusError,
)
from pydantic import SecretStr

from shared.adapters.http.credentials import Tokens
from shared.adapters.queues.work_wire import WAITS, encode
from shared.domain.diagnosis import Reached
from shared.domain.keys import SHARDS, session_id
from shared.domain.work import RejectedEvent, Scheduled
from shared.errors import Permanent, Transient
from shared.settings_values import LOOPBACK
from shared.telemetry import NO_TELEMETRY, Telemetry

WORK_QUEUE: Final = "access-work"
"""Checks to take. A queue with sessions, and not partitioned: such a one may take no batches."""

EVENT_QUEUE: Final = "people-events"
"""Events from anybody. A plain queue, as Event Grid delivers to no other."""

REJECTED_QUEUE: Final = "rejected-events"
"""Events that cannot be used, for their senders to fix."""

WHOLE_BYTES: Final = 128 * 1024
"""A rejected event of up to this many bytes is kept whole: with its properties it fits 256 KiB."""

CUT_BYTES: Final = 64 * 1024
"""How much is kept of a longer one: enough to see what it was. It is too long to be an event."""

TRY_SECONDS: Final = 10.0
"""How long one try may take, opening the link (0.5 s) included. Two leave a handler half of its time."""

SCOPE: Final = "https://servicebus.azure.net//.default"
"""What our token is for, spelled as azure-servicebus asks for it: the credential keeps one token per spelling."""

WAITING_SECONDS: Final = 60
"""How long a rejected event waits on access-work before it is sent again; it is not urgent."""

_TEXT_CHARACTERS: Final = 4_000
"""The longest text of one property of ours: at most 16 KB of the 32 KB that the service allows."""

_UNMANAGED_BYTES: Final = 16 * 1024
"""How much of the sender's own properties a rejected event keeps; the service allows 64 KB for all."""


_GONE: Final = (MessagingEntityNotFoundError, MessagingEntityDisabledError)
REFUSED: Final = (ServiceBusAuthorizationError, ServiceBusAuthenticationError)

_log = logging.getLogger(__name__)


class ServiceBusQueues:
    """`Queues` on a Service Bus namespace.

    `namespace` is its host name. A port on this machine (`127.0.0.1:5672`) means a stand-in without TLS. The
    credential's identity needs *Azure Service Bus Data Sender*; it stays its owner's to close. Links open on
    first use. `telemetry` knows the trace that events are sent in.
    """

    def __init__(
        self,
        namespace: str,
        credential: AsyncTokenCredential | AzureNamedKeyCredential,
        *,
        try_seconds: float = TRY_SECONDS,
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        self._client, known = client_of(namespace, credential)
        self._telemetry = telemetry

        async def open_sender(queue: str) -> ServiceBusSender:
            if isinstance(known, Tokens):
                # Apart: out of the SDK a token that does not come is a link that fails, and worth a second link.
                await known.get_token(SCOPE)
            return self._client.get_queue_sender(queue)

        self._work = _Outlet(open_sender, WORK_QUEUE, try_seconds)
        self._rejected = _Outlet(open_sender, REJECTED_QUEUE, try_seconds)
        self._events = _Outlet(open_sender, EVENT_QUEUE, try_seconds)

    @classmethod
    def from_connection_string(cls, connection_string: str) -> Self:
        """Queues on the namespace of a connection string with a shared access key; raises ValueError for any other."""
        return cls(*named_key(connection_string))

    async def send_work(self, items: Sequence[Scheduled]) -> None:
        """Puts checks on access-work, each under its key's session, its MessageId and its time.

        Checks of one session travel together: a batch must not mix sessions on a partitioned queue. Source:
        troubleshooting guide of Azure.Messaging.ServiceBus, "Cannot send batch with multiple partition keys".
        """
        sessions: dict[str, list[ServiceBusMessage]] = {}
        for scheduled in items:
            session = session_id(scheduled.item.key)
            sessions.setdefault(session, []).append(
                ServiceBusMessage(
                    encode(scheduled.item),
                    session_id=session,
                    message_id=scheduled.message_id,
                    scheduled_enqueue_time_utc=scheduled.due,
                    content_type="application/json",
                    application_properties=_traced(scheduled.trace),
                )
            )
        await self._work.send(sessions.values())

    async def send_rejected(self, events: Sequence[RejectedEvent]) -> None:
        """Puts events that cannot be used on rejected-events, whole up to 128 KiB.

        If that queue is away they wait on access-work, and the function that takes them there sends them again: an
        event that cannot be used must not keep back those that came with it.
        """
        try:
            await self._rejected.send([[_rejected_message(event) for event in events]])
        except (Transient, Permanent) as failure:
            _log.warning("%d rejected events wait on '%s': %s", len(events), self._work.queue, failure.reason)
            due = datetime.now(UTC) + timedelta(seconds=WAITING_SECONDS)
            await self._work.send([[_waiting(event, due)] for event in events])

    async def send_events(self, messages: Sequence[bytes]) -> None:
        """Puts messages on people-events, in as few batches as they fit, with the trace of what runs here."""
        properties = _traced(self._telemetry.trace())
        await self._events.send(
            [
                [
                    ServiceBusMessage(body, content_type="application/json", application_properties=properties)
                    for body in messages
                ]
            ]
        )

    async def reach(self) -> Mapping[str, Reached]:
        """What becomes of a link to each queue, to send to it; nothing is sent. Raises `Transient` without a token."""
        outlets = (self._events, self._work, self._rejected)
        return {outlet.queue: await outlet.reach() for outlet in outlets}

    async def close(self) -> None:
        """Closes the links. Later sends open new ones."""
        await asyncio.gather(self._work.close(), self._rejected.close(), self._events.close())


def client_of(
    namespace: str, credential: AsyncTokenCredential | AzureNamedKeyCredential
) -> tuple[ServiceBusClient, AzureNamedKeyCredential | Tokens]:
    """A client of a namespace that tries once, and the credential as it has it."""
    address = urlsplit(f"//{namespace}")
    known = credential if isinstance(credential, AzureNamedKeyCredential) else Tokens(credential, "Service Bus")
    # The SDK's own repetition stays off: it goes on for longer than a handler has.
    use_tls = not (address.port and address.hostname in LOOPBACK)
    return ServiceBusClient(namespace, known, retry_total=0, use_tls=use_tls), known


def bus_credential(
    emulator: SecretStr | None, credential: AsyncTokenCredential
) -> AsyncTokenCredential | AzureNamedKeyCredential:
    """What opens the queues: the app's credential, or the key of the emulator, which knows no tokens."""
    return credential if emulator is None else named_key(emulator.get_secret_value())[1]


def named_key(connection_string: str) -> tuple[str, AzureNamedKeyCredential]:
    """The namespace and shared access key of a connection string; raises ValueError for one that has none."""
    parts = parse_connection_string(connection_string)
    if not parts.shared_access_key_name or not parts.shared_access_key:
        raise ValueError("the connection string has no SharedAccessKeyName and SharedAccessKey")
    key = AzureNamedKeyCredential(parts.shared_access_key_name, parts.shared_access_key)
    return parts.fully_qualified_namespace, key


class _Outlet:
    """The one sender of a queue. The SDK's are not coroutine-safe, so everything happens behind a lock."""

    def __init__(
        self, open_sender: Callable[[str], Awaitable[ServiceBusSender]], queue: str, try_seconds: float
    ) -> None:
        self._open_sender = open_sender
        self.queue = queue
        self._try_seconds = try_seconds
        self._lock = asyncio.Lock()
        self._sender: ServiceBusSender | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def send(self, groups: Iterable[Sequence[ServiceBusMessage]]) -> None:
        """Sends every message, each group in as few batches as it fits. Raises `Transient` or `Permanent`."""
        async with self._lock:
            for group in groups:
                waiting = deque(group)
                while waiting:
                    await self._try_twice(waiting)

    async def reach(self) -> Reached:
        """Opens a link, and lets go of it."""
        async with self._lock:
            sender = await self._open_sender(self.queue)
            try:
                async with asyncio.timeout(self._try_seconds):
                    await sender.create_message_batch()  # asks the link for its size, and so opens it
            except (ServiceBusError, TimeoutError) as error:
                if is_away(error):
                    return Reached.MISSING
                return Reached.REFUSED if isinstance(error, REFUSED) else Reached.SILENT
            else:
                return Reached.THERE
            finally:
                self._let_go(sender)

    async def close(self) -> None:
        """Closes the link, and waits for those that failed to be closed."""
        async with self._lock:
            if self._sender is not None:
                self._let_go(self._sender)
            if self._closing:
                await asyncio.wait(self._closing)

    async def _try_twice(self, waiting: deque[ServiceBusMessage]) -> None:
        """Sends one batch of what waits: on the open link if there is one, then once more on a new one."""
        try:
            await self._try(waiting)
        except (ServiceBusError, TimeoutError) as first:
            if _is_hopeless(first):
                raise self._explained(first) from first
            _log.info("sending to '%s' once more on a new link after: %r", self.queue, first)
            try:
                await self._try(waiting)
            except (ServiceBusError, TimeoutError) as error:
                raise self._explained(error) from error

    async def _try(self, waiting: deque[ServiceBusMessage]) -> None:
        if self._sender is None:
            self._sender = await self._open_sender(self.queue)
        sender = self._sender
        try:
            async with asyncio.timeout(self._try_seconds):
                batch = await sender.create_message_batch()
                for message in waiting:
                    try:
                        batch.add_message(message)
                    except MessageSizeExceededError:
                        if not len(batch):
                            raise
                        break
                await sender.send_messages(batch)
        except BaseException:  # also when cancelled: nobody knows in which state the link is
            self._let_go(sender)
            raise
        for _ in range(len(batch)):
            waiting.popleft()

    def _let_go(self, sender: ServiceBusSender) -> None:
        """Closes a link in the background: that takes half a second, on a dead connection longer."""
        self._sender = None
        task = asyncio.create_task(self._close(sender))
        self._closing.add(task)
        task.add_done_callback(self._closed)

    async def _close(self, sender: ServiceBusSender) -> None:
        async with asyncio.timeout(self._try_seconds):
            await sender.close()

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.info("a link to '%s' did not close in peace: %r", self.queue, error)

    def _explained(self, error: ServiceBusError | TimeoutError) -> Transient | Permanent:
        if is_away(error):
            said = error.inner_exception if isinstance(error, ServiceBusError) else None
            return Permanent(f"the queue '{self.queue}' is missing or disabled: {said or error}")
        if isinstance(error, REFUSED):
            return Permanent(
                f"Service Bus refuses us '{self.queue}' (Azure Service Bus Data Sender is missing): {error}"
            )
        if isinstance(error, MessageSizeExceededError):
            return Permanent(f"a message is too large for '{self.queue}': {error}")
        if isinstance(error, TimeoutError):
            return Transient(f"'{self.queue}' did not take a batch within {self._try_seconds:g} s")
        return Transient(f"sending to '{self.queue}' failed: {error}")


def _traced(trace: str) -> dict[str | bytes, int | float | bytes | bool | str | UUID] | None:
    """The properties by which a message carries its trace, spelled as azure-servicebus does for whoever receives it.

    Source: azure-servicebus 7.15, `_common.tracing.trace_message`: the second is what older readers know.
    """
    return {"traceparent": trace, "Diagnostic-Id": trace} if trace else None


def _is_hopeless(error: ServiceBusError | TimeoutError) -> bool:
    """Whether a new link would be told the same."""
    return isinstance(error, MessageSizeExceededError) or is_away(error)


def is_away(error: ServiceBusError | TimeoutError) -> bool:
    """Whether the queue does not exist or is disabled.

    The service says 404 when a token is put for it, and the SDK calls every failure there an authentication error:
    the status is only in the exception within (azure-servicebus 7.15, test_sb_client_bad_entity).
    """
    if isinstance(error, _GONE):
        return True
    told = error.inner_exception if isinstance(error, ServiceBusError) else None
    return getattr(told, "status_code", None) == HTTPStatus.NOT_FOUND


def _rejected_message(event: RejectedEvent) -> ServiceBusMessage:
    """The message that a rejected event becomes.

    Its MessageId is new: the same event rejected again must not be dropped as a duplicate of one that somebody
    has taken off the queue already.
    """
    properties: dict[str | bytes, int | float | bytes | bool | str | UUID] = {}
    room = _UNMANAGED_BYTES
    for name, value in event.properties.items():
        kept_name, kept_value = _text(name), _text(value)
        room -= len(kept_name.encode()) + len(kept_value.encode())
        if room >= 0:
            properties[kept_name] = kept_value
    properties |= {"field": _text(event.field_name), "reason": _text(event.reason), "remedy": _text(event.remedy)}
    if event.message_id is not None:
        properties["source-message-id"] = _text(event.message_id)
    body = event.body
    if len(body) > WHOLE_BYTES:
        properties |= {"length": len(body), "sha256": hashlib.sha256(body).hexdigest(), "truncated": True}
        body = body[:CUT_BYTES]
    return ServiceBusMessage(body, message_id=f"rejected:{uuid4()}", application_properties=properties)


def _waiting(event: RejectedEvent, due: datetime) -> ServiceBusMessage:
    """The same message as one that waits on access-work, in any of its sessions."""
    message = _rejected_message(event)
    properties = dict(message.application_properties or {})
    return ServiceBusMessage(
        b"".join(message.body),
        session_id=str(hashlib.sha256(event.body).digest()[0] % SHARDS),
        message_id=message.message_id,
        scheduled_enqueue_time_utc=due,
        application_properties={**properties, WAITS: True},
    )


def _text(text: str) -> str:
    """Text as AMQP can carry it: bounded, and without halves of surrogate pairs, which JSON may hold."""
    return text[:_TEXT_CHARACTERS].encode(errors="backslashreplace").decode()
