"""The broker through azure-servicebus's asyncio client, which knows only the real service."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from azure.core.credentials import AccessToken
from azure.servicebus import (
    NEXT_AVAILABLE_SESSION,
    ServiceBusMessage,
    ServiceBusMessageState,
    ServiceBusReceivedMessage,
    ServiceBusReceiveMode,
    ServiceBusSubQueue,
)
from azure.servicebus.aio import (
    AutoLockRenewer,
    ServiceBusClient,
    ServiceBusReceiver,
    ServiceBusSender,
)
from azure.servicebus.amqp import AmqpAnnotatedMessage, AmqpMessageBodyType
from azure.servicebus.exceptions import (
    MessageLockLostError,
    MessageNotFoundError,
    MessageSizeExceededError,
    OperationTimeoutError,
    ServiceBusAuthenticationError,
    ServiceBusError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)

from sandbox.broker.model import Message, QueueOptions
from tests.sandbox.contract.broker_standin import GOOD_TOKEN, LOCK, RunningBroker, running_broker, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Desk:
    """One client with links that stay open, because opening one costs half a second."""

    def __init__(self, client: ServiceBusClient, links: AsyncExitStack) -> None:
        self.client = client
        self._links = links
        self._senders: dict[str, ServiceBusSender] = {}
        self._receivers: dict[str, ServiceBusReceiver] = {}

    async def sender(self, queue: str) -> ServiceBusSender:
        if queue not in self._senders:
            self._senders[queue] = self.client.get_queue_sender(queue)
            await self._links.enter_async_context(self._senders[queue])
        return self._senders[queue]

    async def receiver(self, queue: str, sub_queue: ServiceBusSubQueue | None = None) -> ServiceBusReceiver:
        key = f"{queue}/{sub_queue}"
        if key not in self._receivers:
            made = self.client.get_queue_receiver(queue, sub_queue=sub_queue, max_wait_time=5)
            self._receivers[key] = made
            await self._links.enter_async_context(made)
        return self._receivers[key]

    async def send(self, queue: str, *messages: Any) -> None:
        await (await self.sender(queue)).send_messages(list(messages))

    async def receive(self, queue: str, count: int = 1) -> list[ServiceBusReceivedMessage]:
        """Exactly `count` messages."""
        receiver = await self.receiver(queue)
        received: list[ServiceBusReceivedMessage] = []
        while len(received) < count:
            more = await receiver.receive_messages(count - len(received))
            assert more, f"only {len(received)} of {count} messages came"
            received += more
        return received

    def session(self, queue: str, session_id: Any, **options: Any) -> ServiceBusReceiver:
        return self.client.get_queue_receiver(queue, session_id=session_id, **options)


@pytest.fixture(scope="module")
def broker() -> Iterator[RunningBroker]:
    with running_broker(
        QueueOptions(name="plain", lock_duration=LOCK, max_delivery_count=3),
        QueueOptions(name="unique", requires_duplicate_detection=True),
        QueueOptions(name="sessions", requires_session=True, lock_duration=LOCK),
    ) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(broker: RunningBroker) -> AsyncIterator[Desk]:
    async with (
        ServiceBusClient.from_connection_string(broker.connection_string, retry_total=0) as client,
        AsyncExitStack() as links,
    ):
        yield Desk(client, links)


async def dead_letter(desk: Desk, queue: str) -> ServiceBusReceivedMessage:
    receiver = await desk.receiver(queue, ServiceBusSubQueue.DEAD_LETTER)
    (message,) = await receiver.receive_messages(1)
    await receiver.complete_message(message)
    return message


def is_empty(broker: RunningBroker, queue: str) -> bool:
    return broker.run(lambda model: model.queue(queue).peek()) == []


# --- sending and what arrives --------------------------------------------------------------------


async def test_one_message_a_list_and_a_batch_arrive_in_order(desk: Desk, broker: RunningBroker) -> None:
    sender = await desk.sender("plain")
    await sender.send_messages(ServiceBusMessage("one"))
    await sender.send_messages([ServiceBusMessage("two"), ServiceBusMessage("three")])
    batch = await sender.create_message_batch()
    for text in ("four", "five"):
        batch.add_message(ServiceBusMessage(text))
    await sender.send_messages(batch)
    received = await desk.receive("plain", 5)
    assert [str(message) for message in received] == ["one", "two", "three", "four", "five"]
    numbers = [message.sequence_number or 0 for message in received]
    assert numbers == sorted(set(numbers))
    for message in received:
        await (await desk.receiver("plain")).complete_message(message)
    assert is_empty(broker, "plain")


async def test_every_field_arrives_as_it_was_sent(desk: Desk) -> None:
    reference = uuid4()
    sent = ServiceBusMessage(
        b"\x00\xffbody",
        application_properties={
            "text": "é",
            "number": 7,
            "large": 2**30,
            "fraction": 0.5,
            "flag": True,
            "id": reference,
            "when": datetime(2026, 3, 1, tzinfo=UTC),  # type: ignore[dict-item] # the SDK encodes it
        },
        session_id="of no matter here",
        message_id="m-1",
        subject="subject",
        correlation_id="c-1",
        content_type="application/json",
        reply_to="elsewhere",
        reply_to_session_id="s-2",
        to="there",
        time_to_live=timedelta(minutes=10),
    )
    await desk.send("plain", sent)
    (received,) = await desk.receive("plain")
    assert b"".join(received.body) == b"\x00\xffbody"
    fields = (
        "session_id",
        "message_id",
        "subject",
        "correlation_id",
        "content_type",
        "reply_to",
        "reply_to_session_id",
        "to",
        "time_to_live",
    )
    assert {name: getattr(received, name) for name in fields} == {name: getattr(sent, name) for name in fields}
    assert received.application_properties == {
        b"text": "é".encode(),
        b"number": 7,
        b"large": 2**30,
        b"fraction": 0.5,
        b"flag": True,
        b"id": reference,
        b"when": int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000),
    }
    assert received.delivery_count == 0
    assert received.state is ServiceBusMessageState.ACTIVE
    assert isinstance(received.lock_token, UUID)
    assert received.enqueued_time_utc is not None
    assert received.expires_at_utc == received.enqueued_time_utc + timedelta(minutes=10)
    await (await desk.receiver("plain")).complete_message(received)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"value_body": {"a": [1, "b", None]}}, AmqpMessageBodyType.VALUE),
        ({"sequence_body": [[1, 2], ["x"]]}, AmqpMessageBodyType.SEQUENCE),
        ({"data_body": [b"part 1", b"part 2"]}, AmqpMessageBodyType.DATA),
    ],
)
async def test_every_kind_of_amqp_body_comes_back_as_it_was(
    desk: Desk, body: dict[str, Any], kind: AmqpMessageBodyType
) -> None:
    sent = AmqpAnnotatedMessage(**body, annotations={"own": "note"}, footer={"end": "note"})
    await desk.send("plain", sent)
    (received,) = await desk.receive("plain")
    await (await desk.receiver("plain")).complete_message(received)
    raw = received.raw_amqp_message
    assert raw.body_type is kind
    expected = next(iter(body.values()))
    content = raw.body if kind is AmqpMessageBodyType.VALUE else list(raw.body)
    as_received = {b"a": [1, b"b", None]} if kind is AmqpMessageBodyType.VALUE else expected
    assert content == ([[1, 2], [b"x"]] if kind is AmqpMessageBodyType.SEQUENCE else as_received)
    assert raw.annotations is not None
    assert raw.annotations[b"own"] == b"note"
    assert raw.footer == {b"end": b"note"}


async def test_what_only_its_sender_and_receiver_understand_travels_along(desk: Desk) -> None:
    token = UUID("7c0f5a0e-0000-4000-8000-000000000001")
    sent = AmqpAnnotatedMessage(
        data_body=[b"x"],
        header={"durable": True, "priority": 10},
        delivery_annotations={"x-opt-lock-token": token, "own": "note"},
    )
    await desk.send("plain", sent)
    (received,) = await desk.receive("plain")
    await (await desk.receiver("plain")).complete_message(received)
    raw = received.raw_amqp_message
    assert raw.delivery_annotations == {b"x-opt-lock-token": token, b"own": b"note"}
    assert raw.header is not None
    assert (raw.header.durable, raw.header.priority) == (True, 10)


async def test_a_received_message_that_is_sent_on_keeps_every_field(desk: Desk, broker: RunningBroker) -> None:
    fields: dict[str, Any] = {
        "message_id": "m",
        "correlation_id": "c",
        "content_type": "text/x",
        "subject": "s",
        "to": "t",
        "reply_to": "r",
        "reply_to_session_id": "rs",
        "partition_key": "pk",
    }
    await desk.send("plain", ServiceBusMessage(b"x", application_properties={"a": "b"}, **fields))
    (received,) = await desk.receive("plain")
    receiver = await desk.receiver("plain")
    await desk.send("plain", received)
    await receiver.complete_message(received)
    (stored,) = broker.run(lambda model: model.queue("plain").peek())
    assert {name: getattr(stored.message, name) for name in fields} == fields
    (again,) = await desk.receive("plain")
    await receiver.complete_message(again)
    assert {name: getattr(again, name) for name in fields} == fields
    assert again.application_properties == {b"a": b"b"}


async def test_a_message_over_the_limit_is_refused_and_its_link_stays_good(
    desk: Desk, broker: RunningBroker, caplog: pytest.LogCaptureFixture
) -> None:
    sender, other = await desk.sender("plain"), desk.client.get_queue_sender("plain")
    caplog.set_level(logging.INFO, "azure.servicebus")
    async with other:
        assert "ATTACH_SENT" in caplog.text, "the client says so when it opens a link"
    caplog.clear()
    for size in (257 * 1024, 3 * 1024 * 1024):
        with pytest.raises(MessageSizeExceededError):
            await sender.send_messages(ServiceBusMessage(bytes(size)))
    await sender.send_messages(ServiceBusMessage("small"))
    assert "ATTACH_SENT" not in caplog.text
    (received,) = await desk.receive("plain")
    await (await desk.receiver("plain")).complete_message(received)
    assert str(received) == "small"
    assert is_empty(broker, "plain")


async def test_a_message_of_many_frames_survives_and_a_larger_one_than_allowed_is_refused(desk: Desk) -> None:
    large = bytes(range(256)) * 1000
    await desk.send("plain", ServiceBusMessage(large))
    (received,) = await desk.receive("plain")
    await (await desk.receiver("plain")).complete_message(received)
    assert b"".join(received.body) == large
    with pytest.raises(MessageSizeExceededError):
        await desk.send("plain", ServiceBusMessage(bytes(257 * 1024)))


async def test_a_duplicate_is_dropped_in_silence(desk: Desk, broker: RunningBroker) -> None:
    for text in ("first", "second"):
        await desk.send("unique", ServiceBusMessage(text, message_id="same"))
    assert broker.run(lambda model: [item.message.body for item in model.queue("unique").peek(0, 9)]) == [b"first"]


async def test_an_entity_that_does_not_exist_is_named_as_such(desk: Desk) -> None:
    # The service says so when the token is put; the SDK calls all that fails there an authentication error.
    with pytest.raises(ServiceBusAuthenticationError) as told:
        async with desk.client.get_queue_sender("nowhere"):
            pass
    said = str(told.value.inner_exception)
    assert "Status code: 404" in said
    assert "/nowhere' could not be found" in said


async def test_a_session_queue_refuses_a_message_and_a_receiver_without_a_session(
    desk: Desk,
) -> None:
    with pytest.raises(ServiceBusError, match="SessionId was not set"):
        await desk.send("sessions", ServiceBusMessage("x"))
    with pytest.raises(ServiceBusError, match="non-sessionful"):
        async with desk.client.get_queue_receiver("sessions"):
            pass


# --- settling ------------------------------------------------------------------------------------


async def test_an_abandoned_message_comes_again_and_its_last_failure_buries_it(desk: Desk) -> None:
    receiver = await desk.receiver("plain")
    await desk.send("plain", ServiceBusMessage("x", application_properties={"kept": 1}))
    for count in range(3):
        (message,) = await desk.receive("plain")
        assert message.delivery_count == count
        await receiver.abandon_message(message)
    buried = await dead_letter(desk, "plain")
    assert buried.dead_letter_reason == "MaxDeliveryCountExceeded"
    assert buried.application_properties is not None
    assert buried.application_properties[b"kept"] == 1


async def test_a_dead_letter_carries_its_reason(desk: Desk) -> None:
    await desk.send("plain", ServiceBusMessage("x", message_id="m", subject="s"))
    (message,) = await desk.receive("plain")
    await (await desk.receiver("plain")).dead_letter_message(message, reason="Why", error_description="Because")
    buried = await dead_letter(desk, "plain")
    assert (buried.dead_letter_reason, buried.dead_letter_error_description) == ("Why", "Because")
    assert (str(buried), buried.message_id, buried.subject) == ("x", "m", "s")


async def test_a_deferred_message_is_received_by_number_and_settled(desk: Desk, broker: RunningBroker) -> None:
    receiver = await desk.receiver("plain")
    await desk.send("plain", *[ServiceBusMessage(text) for text in "abc"])
    messages = await desk.receive("plain", 3)
    for message in messages:
        await receiver.defer_message(message)
    numbers = [message.sequence_number for message in messages]
    assert None not in numbers
    again = await receiver.receive_deferred_messages([number for number in numbers if number is not None])
    assert [(str(message), message.state) for message in again] == [
        (text, ServiceBusMessageState.DEFERRED) for text in "abc"
    ]
    await receiver.renew_message_lock(again[0])
    await receiver.complete_message(again[0])
    await receiver.dead_letter_message(again[1], reason="Mine")
    await receiver.abandon_message(again[2])
    assert (await dead_letter(desk, "plain")).dead_letter_reason == "Mine"
    (last,) = await receiver.receive_deferred_messages(numbers[2] or 0)
    assert last.delivery_count == 1
    await receiver.complete_message(last)
    with pytest.raises(MessageNotFoundError):
        await receiver.receive_deferred_messages(numbers[2] or 0)
    assert is_empty(broker, "plain")


async def test_a_renewed_lock_holds_and_one_that_ran_out_is_lost(desk: Desk, broker: RunningBroker) -> None:
    receiver = await desk.receiver("plain")
    await desk.send("plain", ServiceBusMessage("x"))
    (message,) = await desk.receive("plain")
    first_end = message.locked_until_utc
    assert first_end is not None
    broker.advance(LOCK * 0.7)
    assert await receiver.renew_message_lock(message) > first_end
    broker.advance(LOCK * 0.7)
    await receiver.renew_message_lock(message)
    broker.advance(LOCK * 1.1)
    with pytest.raises(MessageLockLostError):
        await receiver.renew_message_lock(message)
    with pytest.raises(MessageLockLostError):
        await receiver.complete_message(message)
    (again,) = await desk.receive("plain")
    assert again.delivery_count == 1
    await receiver.complete_message(again)


async def test_receive_and_delete_leaves_nothing_behind(desk: Desk, broker: RunningBroker) -> None:
    await desk.send("plain", *[ServiceBusMessage(str(number)) for number in range(5)])
    async with desk.client.get_queue_receiver(
        "plain", receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE, max_wait_time=5, prefetch_count=10
    ) as receiver:
        got: list[str] = []
        while len(got) < 5:
            got += [str(message) for message in await receiver.receive_messages(5)]
    assert got == ["0", "1", "2", "3", "4"]
    assert is_empty(broker, "plain")


async def test_what_a_closed_receiver_had_prefetched_goes_back_uncounted(desk: Desk) -> None:
    await desk.send("plain", *[ServiceBusMessage(str(number)) for number in range(4)])
    async with desk.client.get_queue_receiver("plain", prefetch_count=10, max_wait_time=5) as receiver:
        (first,) = await receiver.receive_messages(1)
        await receiver.complete_message(first)
    rest = await desk.receive("plain", 3)
    assert [(str(message), message.delivery_count) for message in rest] == [("1", 0), ("2", 0), ("3", 0)]
    for message in rest:
        await (await desk.receiver("plain")).complete_message(message)


async def test_a_locked_message_is_renewed_for_as_long_as_it_is_worked_on() -> None:
    with running_broker(QueueOptions(name="short", lock_duration=timedelta(seconds=5))) as own:
        own.run(lambda model: model.queue("short").send(Message(b"x")))
        async with (
            AutoLockRenewer() as renewer,
            ServiceBusClient.from_connection_string(own.connection_string) as client,
            client.get_queue_receiver("short", max_wait_time=5, auto_lock_renewer=renewer) as receiver,
        ):
            (message,) = await receiver.receive_messages(1)
            received_until = message.locked_until_utc
            assert received_until is not None
            await until(lambda: (message.locked_until_utc or received_until) > received_until)
            await receiver.complete_message(message)
        assert is_empty(own, "short")


# --- time and checking ----------------------------------------------------------------------------


async def test_scheduled_messages_wait_for_their_time_and_can_be_cancelled(desk: Desk, broker: RunningBroker) -> None:
    sender, receiver = await desk.sender("plain"), await desk.receiver("plain")
    due = broker.now() + timedelta(minutes=5)
    cancelled, kept = await sender.schedule_messages([ServiceBusMessage("cancelled"), ServiceBusMessage("kept")], due)
    await sender.send_messages(ServiceBusMessage("on send", scheduled_enqueue_time_utc=due))
    seen = await receiver.peek_messages(9)
    assert [(str(message), message.state) for message in seen] == [
        (text, ServiceBusMessageState.SCHEDULED) for text in ("cancelled", "kept", "on send")
    ]
    await sender.cancel_scheduled_messages(cancelled)
    with pytest.raises(MessageNotFoundError):
        await sender.cancel_scheduled_messages(cancelled)
    broker.advance(timedelta(minutes=5, seconds=1))
    received = await desk.receive("plain", 2)
    assert [str(message) for message in received] == ["kept", "on send"]
    assert received[0].sequence_number is not None
    assert received[0].sequence_number > kept
    assert received[0].scheduled_enqueue_time_utc is not None
    assert abs(received[0].scheduled_enqueue_time_utc - due) < timedelta(milliseconds=1)
    for message in received:
        await receiver.complete_message(message)


async def test_peek_locks_nothing_and_starts_where_it_is_told(desk: Desk) -> None:
    receiver = await desk.receiver("plain")
    assert await receiver.peek_messages(5, sequence_number=1) == []
    await desk.send("plain", *[ServiceBusMessage(text) for text in "abc"])
    seen = await receiver.peek_messages(5, sequence_number=1)
    assert [str(message) for message in seen] == ["a", "b", "c"]
    assert seen[1].sequence_number is not None
    assert [str(item) for item in await receiver.peek_messages(1, sequence_number=seen[1].sequence_number)] == ["b"]
    for message in await desk.receive("plain", 3):
        assert message.delivery_count == 0
        await receiver.complete_message(message)


# --- sessions ------------------------------------------------------------------------------------


async def test_a_session_is_one_holders_in_order_with_its_state(desk: Desk, broker: RunningBroker) -> None:
    for number in range(3):
        for name in ("fifo", "other"):
            await desk.send("sessions", ServiceBusMessage(f"{name} {number}", session_id=name))
    async with desk.session("sessions", "fifo", max_wait_time=5) as holder:
        assert holder.session.session_id == "fifo"
        with pytest.raises(SessionCannotBeLockedError):
            async with desk.session("sessions", "fifo", max_wait_time=5):
                pass
        first_end = holder.session.locked_until_utc
        assert first_end is not None
        assert await holder.session.get_state() is None
        await holder.session.set_state(b"step 1")
        assert await holder.session.renew_lock() >= first_end
        for number in range(3):
            (message,) = await holder.receive_messages(1)
            assert (str(message), message.session_id) == (f"fifo {number}", "fifo")
            await holder.complete_message(message)
        assert [str(message) for message in await holder.peek_messages(9)] == []
    async with desk.session("sessions", NEXT_AVAILABLE_SESSION, max_wait_time=5) as holder:
        assert holder.session.session_id == "other"
        (message,) = await holder.receive_messages(1)
        await holder.defer_message(message)
        (message,) = await holder.receive_deferred_messages(message.sequence_number or 0)
        await holder.complete_message(message)
    listed = [name async for name in desk.client.list_queue_sessions("sessions")]
    assert listed == ["fifo", "other"]
    broker.run(lambda model: drain_session(model.queue("sessions"), "other"))
    broker.run(lambda model: drain_session(model.queue("sessions"), "fifo"))


def drain_session(queue: Any, session_id: str) -> None:
    lock = queue.accept_session(session_id)
    queue.receive_and_delete(99, session=lock)
    queue.set_session_state(lock, None)
    queue.release_session(lock)


async def test_without_a_session_to_have_accepting_times_out(desk: Desk) -> None:
    with pytest.raises(OperationTimeoutError):
        async with desk.session("sessions", NEXT_AVAILABLE_SESSION, max_wait_time=0.3):
            pass


async def test_a_waiting_receiver_gets_the_session_that_arrives(desk: Desk, broker: RunningBroker) -> None:
    await desk.sender("sessions")
    async with ServiceBusClient.from_connection_string(broker.connection_string) as waiting:
        receiver = waiting.get_queue_receiver("sessions", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=10)
        accepting = asyncio.create_task(receiver.__aenter__())
        await until(lambda: broker.run(lambda model: model.queue("sessions").subscribers))
        assert not accepting.done()
        await desk.send("sessions", ServiceBusMessage("hello", session_id="late"))
        async with await accepting:
            assert receiver.session.session_id == "late"
            (message,) = await receiver.receive_messages(1)
            await receiver.complete_message(message)


async def test_a_lost_session_lock_is_reported_and_counts_as_a_delivery(desk: Desk, broker: RunningBroker) -> None:
    await desk.send("sessions", ServiceBusMessage("x", session_id="lost"))
    async with desk.session("sessions", "lost", max_wait_time=5) as holder:
        (message,) = await holder.receive_messages(1)
        broker.advance(LOCK * 1.1)
        with pytest.raises(SessionLockLostError):
            await holder.complete_message(message)
        with pytest.raises(SessionLockLostError):
            await holder.session.renew_lock()
        with pytest.raises(SessionLockLostError):
            await holder.session.set_state(b"x")
    async with desk.session("sessions", NEXT_AVAILABLE_SESSION, max_wait_time=5) as holder:
        (message,) = await holder.receive_messages(1)
        assert (holder.session.session_id, message.delivery_count) == ("lost", 1)
        await holder.dead_letter_message(message, reason="Done")
    assert (await dead_letter(desk, "sessions")).dead_letter_reason == "Done"


async def test_a_session_closed_without_settling_counts_no_delivery(desk: Desk) -> None:
    await desk.send("sessions", ServiceBusMessage("x", session_id="closed"))
    async with desk.session("sessions", "closed", max_wait_time=5) as holder:
        await holder.receive_messages(1)
    async with desk.session("sessions", "closed", max_wait_time=5) as holder:
        (message,) = await holder.receive_messages(1)
        assert message.delivery_count == 0
        await holder.complete_message(message)


# --- who may -------------------------------------------------------------------------------------


class FixedToken:
    """A credential with one token for everything."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.scopes: list[str] = []

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        return AccessToken(self._token, int(datetime.now(UTC).timestamp()) + 3600)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *details: object) -> None:
        pass


async def test_a_token_opens_the_broker_and_a_wrong_one_does_not() -> None:
    asked: list[str] = []

    def accept(token: str, audience: str) -> bool:
        asked.append(audience)
        return token == GOOD_TOKEN

    with running_broker(QueueOptions(name="plain"), accept_token=accept) as own:
        good, bad = FixedToken(GOOD_TOKEN), FixedToken("forged")
        async with (
            ServiceBusClient(own.namespace, good, use_tls=False) as client,
            client.get_queue_sender("plain") as sender,
        ):
            await sender.send_messages(ServiceBusMessage("x"))
        async with ServiceBusClient(own.namespace, bad, use_tls=False, retry_total=0) as client:
            with pytest.raises(ServiceBusAuthenticationError):
                async with client.get_queue_sender("plain"):
                    pass
        assert not is_empty(own, "plain")
        assert good.scopes == ["https://servicebus.azure.net//.default"]
        assert set(asked) == {f"sb://{own.namespace}/plain"}
