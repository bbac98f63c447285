"""How many messages lie in the app's queues and among their dead letters, by looking at them: nothing is taken.

Counting by the administration API would take the right to manage the namespace (*Data Owner*). A peek takes *Azure
Service Bus Data Receiver*, and has an end: a hundred are counted. `access-work` itself is not among the shelves: it has
sessions, and the SDK opens a receiver before it peeks, which Service Bus refuses there without a session's lock.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC
from typing import Final

from azure.core.credentials import AzureNamedKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.servicebus import ServiceBusReceivedMessage, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver
from azure.servicebus.exceptions import ServiceBusError

from shared.adapters.http.credentials import Tokens
from shared.adapters.queues.kept import DEAD, REJECTED, Shelf
from shared.adapters.queues.service_bus import EVENT_QUEUE, REFUSED, SCOPE, WORK_QUEUE, client_of, is_away
from shared.domain.health import MOST_COUNTED, ShelfCount
from shared.errors import Permanent, Transient

LOOKED_AT: Final = (Shelf(EVENT_QUEUE, is_dead=False), REJECTED, *DEAD)

SECONDS: Final = 20.0
"""How long one shelf may take: five of them within two minutes, and the next look is due in five."""

_SESSIONS: Final = (
    "Service Bus shows what waits in a queue with sessions one session at a time; Azure Monitor's ActiveMessages tells"
)


class QueueShelves:
    """`Shelves` on the namespace and with the identity of `ServiceBusQueues`, over a connection for each look."""

    def __init__(self, namespace: str, credential: AsyncTokenCredential | AzureNamedKeyCredential) -> None:
        self._namespace = namespace
        self._credential = credential

    async def count(self) -> Sequence[ShelfCount]:
        """See `ports.Shelves`."""
        client, known = client_of(self._namespace, self._credential)
        found = [ShelfCount(WORK_QUEUE, is_dead=False, count=None, why=_SESSIONS)]
        async with client:
            for shelf in LOOKED_AT:
                try:
                    async with asyncio.timeout(SECONDS):
                        if isinstance(known, Tokens):
                            await known.get_token(SCOPE)
                        found.append(await _counted(client, shelf))
                except TimeoutError:
                    found.append(_unknown(shelf, f"no answer within {SECONDS:g} s"))
                except ServiceBusError as error:
                    found.append(_unknown(shelf, _explained(error)))
                except (Transient, Permanent) as failure:
                    found.append(_unknown(shelf, str(failure)))
        return found


async def _counted(client: ServiceBusClient, shelf: Shelf) -> ShelfCount:
    sub_queue = ServiceBusSubQueue.DEAD_LETTER if shelf.is_dead else None
    async with client.get_queue_receiver(shelf.queue, sub_queue=sub_queue) as receiver:
        messages = await _peeked(receiver)
    since = [one.enqueued_time_utc.replace(tzinfo=UTC) for one in messages if one.enqueued_time_utc is not None]
    return ShelfCount(
        shelf.queue,
        is_dead=shelf.is_dead,
        count=len(messages),
        more=len(messages) >= MOST_COUNTED,
        oldest=min(since, default=None),
    )


async def _peeked(receiver: ServiceBusReceiver) -> list[ServiceBusReceivedMessage]:
    """The first hundred. One answer may hold fewer than there are; the last one is empty."""
    found: list[ServiceBusReceivedMessage] = []
    while len(found) < MOST_COUNTED:
        number = 1 + (found[-1].sequence_number or 0) if found else 1
        more = await receiver.peek_messages(MOST_COUNTED - len(found), sequence_number=number)
        if not more:
            break
        found += more
    return found


def _unknown(shelf: Shelf, why: str) -> ShelfCount:
    return ShelfCount(shelf.queue, is_dead=shelf.is_dead, count=None, why=why)


def _explained(error: ServiceBusError) -> str:
    if is_away(error):
        return "it is missing or disabled"
    if isinstance(error, REFUSED):
        return "Service Bus refuses it to the app: give its identity Azure Service Bus Data Receiver there"
    return f"it failed: {error}"
