"""The broker through azure-servicebus's blocking client, which knows only the real service."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.servicebus import (
    NEXT_AVAILABLE_SESSION,
    AutoLockRenewer,
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusMessageState,
    ServiceBusReceivedMessage,
    ServiceBusReceiveMode,
    ServiceBusReceiver,
    ServiceBusSender,
    ServiceBusSubQueue,
)
from azure.servicebus.exceptions import (
    MessageLockLostError,
    MessageSizeExceededError,
    OperationTimeoutError,
    ServiceBusAuthenticationError,
    ServiceBusError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)

from sandbox.broker.frames import AMQP_HEADER, SASL_HEADER
from sandbox.broker.model import Message, QueueOptions
from tests.sandbox.contract.broker_standin import GOOD_TOKEN, LOCK, RunningBroker, running_broker


class Desk:
    """One client with links that stay open, because opening one costs half a second."""

    def __init__(self, client: ServiceBusClient, links: ExitStack) -> None:
        self.client = client
        self._links = links
        self.sender: ServiceBusSender = links.enter_context(client.get_queue_sender("plain"))
        self.receiver: ServiceBusReceiver = links.enter_context(client.get_queue_receiver("plain", max_wait_time=5))
        self.dead_letters: ServiceBusReceiver = links.enter_context(
            client.get_queue_receiver("plain", sub_queue=ServiceBusSubQueue.DEAD_LETTER, max_wait_time=5)
        )
        self.session_sender: ServiceBusSender = links.enter_context(client.get_queue_sender("sessions"))

    def receive(self, count: int = 1) -> list[ServiceBusReceivedMessage]:
        """Exactly `count` messages."""
        received: list[ServiceBusReceivedMessage] = []
        while len(received) < count:
            more = self.receiver.receive_messages(count - len(received))
            assert more, f"only {len(received)} of {count} messages came"
            received += more
        return received

    def session(self, session_id: Any, **options: Any) -> ServiceBusReceiver:
        options.setdefault("max_wait_time", 5)
        return self.client.get_queue_receiver("sessions", session_id=session_id, **options)


@pytest.fixture(scope="module")
def broker() -> Iterator[RunningBroker]:
    with running_broker(
        QueueOptions(name="plain", lock_duration=LOCK, max_delivery_count=2),
        QueueOptions(name="unique", requires_duplicate_detection=True),
        QueueOptions(name="sessions", requires_session=True, lock_duration=LOCK),
    ) as running:
        yield running


@pytest.fixture(scope="module")
def desk(broker: RunningBroker) -> Iterator[Desk]:
    with (
        ServiceBusClient.from_connection_string(broker.connection_string, retry_total=0) as client,
        ExitStack() as links,
    ):
        yield Desk(client, links)


def is_empty(broker: RunningBroker, queue: str) -> bool:
    return broker.run(lambda model: model.queue(queue).peek()) == []


def test_one_message_a_list_and_a_batch_arrive_in_order_and_complete(desk: Desk, broker: RunningBroker) -> None:
    desk.sender.send_messages(ServiceBusMessage("one", message_id="m", application_properties={"a": 1}))
    desk.sender.send_messages([ServiceBusMessage("two"), ServiceBusMessage("three")])
    batch = desk.sender.create_message_batch()
    batch.add_message(ServiceBusMessage("four"))
    desk.sender.send_messages(batch)
    received = desk.receive(4)
    assert [str(message) for message in received] == ["one", "two", "three", "four"]
    assert (received[0].message_id, received[0].application_properties) == ("m", {b"a": 1})
    for message in received:
        desk.receiver.complete_message(message)
    assert is_empty(broker, "plain")


def test_a_batch_is_full_where_the_service_says_so_and_a_larger_message_is_refused(desk: Desk) -> None:
    batch = desk.sender.create_message_batch()
    assert batch.max_size_in_bytes == 256 * 1024
    with pytest.raises(MessageSizeExceededError):
        batch.add_message(ServiceBusMessage(bytes(256 * 1024)))


def test_an_abandoned_message_counts_and_its_last_failure_buries_it(desk: Desk) -> None:
    desk.sender.send_messages(ServiceBusMessage("x"))
    for count in range(2):
        (message,) = desk.receive()
        assert message.delivery_count == count
        desk.receiver.abandon_message(message)
    (buried,) = desk.dead_letters.receive_messages(1)
    assert buried.dead_letter_reason == "MaxDeliveryCountExceeded"
    desk.dead_letters.complete_message(buried)


def test_a_dead_letter_carries_its_reason(desk: Desk) -> None:
    desk.sender.send_messages(ServiceBusMessage("x"))
    (message,) = desk.receive()
    desk.receiver.dead_letter_message(message, reason="Why", error_description="Because")
    (buried,) = desk.dead_letters.receive_messages(1)
    assert (buried.dead_letter_reason, buried.dead_letter_error_description) == ("Why", "Because")
    desk.dead_letters.complete_message(buried)


def test_a_renewed_lock_holds_and_one_that_ran_out_is_lost(desk: Desk, broker: RunningBroker) -> None:
    desk.sender.send_messages(ServiceBusMessage("x"))
    (message,) = desk.receive()
    broker.advance(LOCK * 0.7)
    desk.receiver.renew_message_lock(message)
    broker.advance(LOCK * 1.1)
    with pytest.raises(MessageLockLostError):
        desk.receiver.complete_message(message)
    (again,) = desk.receive()
    assert again.delivery_count == 1
    desk.receiver.complete_message(again)


def test_scheduled_messages_wait_and_can_be_cancelled(desk: Desk, broker: RunningBroker) -> None:
    due = broker.now() + timedelta(minutes=5)
    (cancelled,) = desk.sender.schedule_messages(ServiceBusMessage("cancelled"), due)
    desk.sender.send_messages(ServiceBusMessage("on send", scheduled_enqueue_time_utc=due))
    desk.sender.cancel_scheduled_messages(cancelled)
    (seen,) = desk.receiver.peek_messages(5, sequence_number=1)
    assert (str(seen), seen.state) == ("on send", ServiceBusMessageState.SCHEDULED)
    broker.advance(timedelta(minutes=5, seconds=1))
    (message,) = desk.receive()
    assert str(message) == "on send"
    desk.receiver.complete_message(message)


def test_a_deferred_message_is_received_by_its_number(desk: Desk, broker: RunningBroker) -> None:
    desk.sender.send_messages(ServiceBusMessage("x"))
    (message,) = desk.receive()
    desk.receiver.defer_message(message)
    (again,) = desk.receiver.receive_deferred_messages(message.sequence_number or 0)
    desk.receiver.complete_message(again)
    assert is_empty(broker, "plain")


def test_receive_and_delete_and_duplicate_detection(desk: Desk, broker: RunningBroker) -> None:
    with desk.client.get_queue_sender("unique") as sender:
        for text in ("first", "second"):
            sender.send_messages(ServiceBusMessage(text, message_id="same"))
    with desk.client.get_queue_receiver(
        "unique", receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE, max_wait_time=5
    ) as receiver:
        assert [str(message) for message in receiver.receive_messages(2)] == ["first"]
    assert is_empty(broker, "unique")


def test_refusals_have_the_services_own_names(desk: Desk) -> None:
    with pytest.raises(ServiceBusAuthenticationError) as told, desk.client.get_queue_receiver("nowhere"):
        pass
    assert "Status code: 404" in str(told.value.inner_exception)
    with pytest.raises(ServiceBusError, match="SessionId was not set"):
        desk.session_sender.send_messages(ServiceBusMessage("x"))


def test_a_session_is_one_holders_in_order_with_its_state(desk: Desk) -> None:
    for number in range(3):
        desk.session_sender.send_messages(ServiceBusMessage(str(number), session_id="fifo"))
    with desk.session(NEXT_AVAILABLE_SESSION) as holder:
        assert holder.session.session_id == "fifo"
        with pytest.raises(SessionCannotBeLockedError), desk.session("fifo"):
            pass
        holder.session.set_state(b"step 1")
        assert holder.session.get_state() == b"step 1"
        assert holder.session.renew_lock() > datetime.now(UTC)
        for number in range(3):
            (message,) = holder.receive_messages(1)
            assert str(message) == str(number)
            holder.complete_message(message)
        assert list(desk.client.list_queue_sessions("sessions")) == ["fifo"]
        holder.session.set_state(None)
        assert holder.session.get_state() is None
    with pytest.raises(OperationTimeoutError), desk.session(NEXT_AVAILABLE_SESSION, max_wait_time=0.3):
        pass


def test_a_lost_session_lock_is_reported_and_counts_as_a_delivery(desk: Desk, broker: RunningBroker) -> None:
    desk.session_sender.send_messages(ServiceBusMessage("x", session_id="lost"))
    with desk.session("lost") as holder:
        (message,) = holder.receive_messages(1)
        broker.advance(LOCK * 1.1)
        with pytest.raises(SessionLockLostError):
            holder.complete_message(message)
    with desk.session("lost") as holder:
        (message,) = holder.receive_messages(1)
        assert message.delivery_count == 1
        holder.complete_message(message)


def test_a_session_is_renewed_for_as_long_as_it_is_worked_on() -> None:
    with running_broker(QueueOptions(name="short", requires_session=True, lock_duration=timedelta(seconds=5))) as own:
        own.run(lambda model: model.queue("short").send(Message(b"x", session_id="a")))
        renewer = AutoLockRenewer()
        with (
            ServiceBusClient.from_connection_string(own.connection_string) as client,
            client.get_queue_receiver("short", session_id="a", auto_lock_renewer=renewer) as holder,
        ):
            first_end = holder.session.locked_until_utc
            assert first_end is not None
            (message,) = holder.receive_messages(1)
            # Waiting for what never comes keeps the link served while the renewer does its work.
            while holder.session.locked_until_utc == first_end:
                assert datetime.now(UTC) < first_end, "the lock ran out without having been renewed"
                holder.receive_messages(1, max_wait_time=0.2)
            holder.complete_message(message)
            renewer.close()
        assert is_empty(own, "short")


class FixedToken:
    """A credential with one token for everything."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_: Any) -> AccessToken:
        return AccessToken(self._token, int(datetime.now(UTC).timestamp()) + 3600)


def test_a_token_opens_the_broker_and_a_wrong_one_does_not() -> None:
    with running_broker(QueueOptions(name="plain"), accept_token=lambda token, _: token == GOOD_TOKEN) as own:
        with (
            ServiceBusClient(own.namespace, FixedToken(GOOD_TOKEN), use_tls=False) as client,
            client.get_queue_sender("plain") as sender,
        ):
            sender.send_messages(ServiceBusMessage("x"))
        with (
            ServiceBusClient(own.namespace, FixedToken("forged"), use_tls=False, retry_total=0) as client,
            pytest.raises(ServiceBusAuthenticationError),
            client.get_queue_sender("plain"),
        ):
            pass
        assert not is_empty(own, "plain")


@pytest.mark.parametrize(
    "rubbish",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        SASL_HEADER + b"\xff" * 64,
        SASL_HEADER + b"\x00\x00\x00\x04",
        SASL_HEADER + b"\x00\x00\x00\x10\x02\x01\x00\x00\x00\x53\x41\xc0\xff\xff\xa3\x09",
        SASL_HEADER + AMQP_HEADER,
        SASL_HEADER + b"\x00\x00\x00\x0c\x02\x01\x00\x00\x00\x53\x10\x45",
        b"\x00" * 8,
    ],
)
def test_rubbish_ends_its_own_connection_and_no_other(desk: Desk, broker: RunningBroker, rubbish: bytes) -> None:
    with socket.create_connection(("127.0.0.1", broker.port), timeout=5) as stranger:
        stranger.sendall(rubbish)
        stranger.shutdown(socket.SHUT_WR)
        while stranger.recv(4096):
            pass
    desk.sender.send_messages(ServiceBusMessage("still here"))
    (message,) = desk.receive()
    desk.receiver.complete_message(message)
    assert str(message) == "still here"
