"""The queue pump against the broker model, in a time of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from azure.functions.servicebus import ServiceBusMessageInConverter

from sandbox.broker.model import Broker, Message, Queue, QueueOptions, Sections
from sandbox.host.bindings import Function, QueueTrigger
from sandbox.host.configuration import ServiceBusOptions, read_host_json
from sandbox.host.frames import Datum
from sandbox.host.message_metadata import BindingFailed
from sandbox.host.pump import Dispatch, QueuePump
from sandbox.settings import standard_queues

NAME = "work"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def ahead(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Bench:
    """A queue, a pump on it, and the time."""

    def __init__(self, trigger: QueueTrigger, options: ServiceBusOptions | None = None, **queue: Any) -> None:
        self.clock = Clock()
        self.broker = Broker(self.clock, Random(1))
        self.queue: Queue = self.broker.create_queue(
            QueueOptions(name=NAME, requires_session=trigger.sessions, **queue)
        )
        self.changes = 0
        ids: Iterator[int] = count()
        self.pump = QueuePump(
            Function("id", "f", "msg", trigger, {}),
            self.queue,
            options or ServiceBusOptions(),
            clock=self.clock,
            new_id=lambda: str(next(ids)),
            on_change=self._changed,
        )

    def _changed(self) -> None:
        self.changes += 1

    def send(self, *bodies: str, session: str | None = None) -> None:
        self.queue.send(*[Message(body=body.encode(), session_id=session) for body in bodies])

    def poll(self) -> list[Dispatch]:
        self.pump.keep()
        return self.pump.poll()

    def pass_time(self, seconds: float) -> None:
        """Lets time pass the way a driver does: stopping wherever broker or pump has something to do."""
        end = self.clock.now + timedelta(seconds=seconds)
        while True:
            moments = [moment for moment in (self.broker.next_wakeup(), self.pump.next_moment()) if moment]
            soonest = min(moments, default=end)
            if soonest > end:
                break
            self.clock.now = max(soonest, self.clock.now)
            self.pump.keep()
            self.broker.expire()
            if soonest == end:
                break
        self.clock.now = end


def bodies(dispatches: list[Dispatch]) -> list[list[str]]:
    return [[delivery.message.body.decode() for delivery in each.deliveries] for each in dispatches]


def test_single_messages_run_up_to_the_concurrency_limit() -> None:
    bench = Bench(QueueTrigger(NAME), ServiceBusOptions(max_concurrent_calls=2))
    bench.send("a", "b", "c")
    first = bench.poll()
    assert bodies(first) == [["a"], ["b"]]
    assert bench.poll() == []
    bench.pump.settle(first[0], ok=True)
    assert bodies(bench.poll()) == [["c"]]


def test_batches_run_one_at_a_time() -> None:
    bench = Bench(QueueTrigger(NAME, batches=True), ServiceBusOptions(max_message_batch_size=2))
    bench.send("a", "b", "c")
    (first,) = bench.poll()
    assert bodies([first]) == [["a", "b"]]
    assert bench.poll() == []
    bench.pump.settle(first, ok=True)
    assert bodies(bench.poll()) == [["c"]]


def test_a_failure_is_delivered_again_at_once_and_a_whole_batch_fails_together() -> None:
    bench = Bench(QueueTrigger(NAME, batches=True))
    bench.send("a", "b")
    (first,) = bench.poll()
    bench.pump.settle(first, ok=False)
    (again,) = bench.poll()
    assert bodies([again]) == [["a", "b"]]
    assert [delivery.delivery_count for delivery in again.deliveries] == [1, 1]


def test_a_session_runs_one_message_at_a_time_in_order_also_after_a_failure() -> None:
    bench = Bench(QueueTrigger(NAME, sessions=True))
    bench.send("1", "2", session="a")
    bench.send("1", session="b")
    first = bench.poll()
    assert [(each.session and each.session.lock.session_id, bodies([each])) for each in first] == [
        ("a", [["1"]]),
        ("b", [["1"]]),
    ]
    bench.pump.settle(first[0], ok=False)
    (again,) = bench.poll()
    assert bodies([again]) == [["1"]]
    bench.pump.settle(again, ok=True)
    assert bodies(bench.poll()) == [["2"]]


def test_no_more_sessions_are_held_than_allowed_until_one_has_idled_long_enough() -> None:
    options = ServiceBusOptions(max_concurrent_sessions=1, session_idle_timeout=timedelta(seconds=30))
    bench = Bench(QueueTrigger(NAME, sessions=True), options)
    bench.send("x", session="a")
    bench.send("y", session="b")
    (first,) = bench.poll()
    bench.pump.settle(first, ok=True)
    bench.pass_time(29)
    assert bench.poll() == []
    assert bench.pump.session_ids == ["a"]
    bench.pass_time(1)
    assert bodies(bench.poll()) == [["y"]]
    assert bench.pump.session_ids == ["b"]


def test_an_idle_session_is_given_back_by_the_time_of_the_last_receive() -> None:
    options = ServiceBusOptions(session_idle_timeout=timedelta(seconds=30))
    bench = Bench(QueueTrigger(NAME, sessions=True), options)
    bench.send("x", session="a")
    (first,) = bench.poll()
    bench.pass_time(40)
    assert bench.pump.session_ids == ["a"]
    bench.pump.settle(first, ok=True)
    bench.pump.keep()
    assert bench.pump.session_ids == []


def test_a_lock_is_renewed_through_a_long_run_but_not_for_ever() -> None:
    options = ServiceBusOptions(max_auto_lock_renewal_duration=timedelta(minutes=5))
    bench = Bench(QueueTrigger(NAME), options, lock_duration=timedelta(seconds=30))
    bench.send("x")
    (first,) = bench.poll()
    bench.pass_time(299)
    assert bench.poll() == []
    bench.pass_time(40)
    (second,) = bench.poll()
    assert second.deliveries[0].delivery_count == 1
    bench.pump.settle(first, ok=True)
    assert bench.pump.lost_locks == 1
    bench.pump.settle(second, ok=True)
    assert bench.queue.counts().active == bench.queue.counts().locked == 0


def test_a_session_is_renewed_from_its_acceptance_on_whatever_it_had_meanwhile() -> None:
    options = ServiceBusOptions(max_auto_lock_renewal_duration=timedelta(minutes=5))
    bench = Bench(QueueTrigger(NAME, sessions=True), options, lock_duration=timedelta(seconds=60))
    for _ in range(12):
        bench.send("x", session="a")
        (run,) = bench.poll()
        bench.pass_time(20)
        bench.pump.settle(run, ok=True)
        bench.pass_time(5)
    assert bench.pump.lost_locks == 0
    bench.send("y", session="a")
    (last,) = bench.poll()
    bench.pass_time(60)
    other = bench.queue.accept_session("a")
    assert other is not None
    assert bodies([last]) == [["y"]]
    assert [delivery.message.body for delivery in bench.queue.receive(session=other)] == [b"y"]


def test_a_shard_busy_for_hours_keeps_its_session_and_runs_nothing_twice_at_once() -> None:
    """Two instances with the host.json that is deployed, and a check of 20 s every 25 s."""
    clock = Clock()
    broker = Broker(clock, Random(1))
    (options,) = (queue for queue in standard_queues() if queue.name == "access-work")
    queue = broker.create_queue(options)
    ids = count()
    deployed = read_host_json(Path(__file__).parents[3] / "host.json").service_bus
    pumps = [
        QueuePump(
            Function("id", "f", "m", QueueTrigger("access-work", sessions=True), {}),
            queue,
            deployed,
            clock=clock,
            new_id=lambda: str(next(ids)),
            on_change=lambda: None,
        )
        for _ in range(2)
    ]
    running: list[tuple[datetime, QueuePump, Dispatch]] = []
    ran: list[int] = []
    for second in range(0, 6 * 3600, 5):
        clock.ahead(5)
        if second % 25 == 0:
            queue.send(Message(body=b"check", message_id=str(second), session_id="7"))
        broker.expire()
        for pump in pumps:
            pump.keep()
        for item in [one for one in running if one[0] <= clock.now]:
            running.remove(item)
            item[1].settle(item[2], ok=True)
        for pump in pumps:
            for dispatch in pump.poll():
                ran.append(dispatch.deliveries[0].sequence_number)
                running.append((clock.now + timedelta(seconds=20), pump, dispatch))
        assert len(running) <= 1
    assert len(ran) == len(set(ran)) > 800
    assert sum(pump.lost_locks for pump in pumps) == 0


def test_a_session_lock_is_renewed_through_a_long_run_and_while_idle() -> None:
    bench = Bench(
        QueueTrigger(NAME, sessions=True),
        ServiceBusOptions(session_idle_timeout=timedelta(minutes=4)),
        lock_duration=timedelta(seconds=30),
    )
    bench.send("x", session="a")
    (first,) = bench.poll()
    bench.pass_time(200)
    bench.pump.settle(first, ok=True)
    bench.pass_time(30)
    bench.send("y", session="a")
    assert bodies(bench.poll()) == [["y"]]
    assert bench.pump.lost_locks == 0


def test_a_run_that_outlives_its_session_lock_meets_a_second_copy() -> None:
    options = ServiceBusOptions(max_auto_lock_renewal_duration=timedelta(seconds=60))
    bench = Bench(QueueTrigger(NAME, sessions=True), options, lock_duration=timedelta(seconds=30))
    bench.send("x", session="a")
    (first,) = bench.poll()
    bench.pass_time(120)
    other = bench.queue.accept_session("a")
    assert other is not None
    assert [delivery.delivery_count for delivery in bench.queue.receive(session=other)] == [1]
    bench.pump.settle(first, ok=True)
    assert bench.pump.lost_locks >= 1
    bench.pump.keep()
    assert bench.pump.session_ids == []


def test_batches_are_not_renewed() -> None:
    bench = Bench(QueueTrigger(NAME, batches=True), lock_duration=timedelta(seconds=30))
    bench.send("x")
    (first,) = bench.poll()
    bench.pass_time(31)
    bench.pump.settle(first, ok=True)
    assert bench.pump.lost_locks == 1
    assert bodies(bench.poll()) == [["x"]]


@pytest.mark.parametrize(("own", "general"), [(False, True), (None, False)])
def test_without_auto_complete_nothing_is_settled(own: bool | None, general: bool) -> None:
    bench = Bench(QueueTrigger(NAME, auto_complete=own), ServiceBusOptions(auto_complete_messages=general))
    bench.send("x")
    (first,) = bench.poll()
    bench.pump.settle(first, ok=True)
    assert bench.poll() == []
    bench.pass_time(60)
    (again,) = bench.poll()
    assert again.deliveries[0].delivery_count == 1


def test_the_driver_is_told_of_new_messages_and_of_room() -> None:
    bench = Bench(QueueTrigger(NAME, sessions=True))
    bench.send("x", session="a")
    assert bench.changes == 1
    (first,) = bench.poll()
    bench.send("y", session="a")
    assert bench.changes == 2
    bench.pump.settle(first, ok=True)
    assert bench.changes > 2


def test_closing_gives_everything_back() -> None:
    bench = Bench(QueueTrigger(NAME, sessions=True))
    bench.send("x", session="a")
    bench.poll()
    bench.pump.close()
    lock = bench.queue.accept_session("a")
    assert lock is not None
    assert [delivery.delivery_count for delivery in bench.queue.receive(session=lock)] == [1]


_CONTRACT = {
    "DeliveryCount",
    "DeadLetterSource",
    "LockToken",
    "ExpiresAtUtc",
    "ExpiresAt",
    "EnqueuedTimeUtc",
    "EnqueuedTime",
    "MessageId",
    "ContentType",
    "ReplyTo",
    "SequenceNumber",
    "To",
    "Subject",
    "Label",
    "CorrelationId",
    "ApplicationProperties",
    "UserProperties",
    "SessionId",
    "ReplyToSessionId",
    "PartitionKey",
    "TransactionPartitionKey",
}
"""The members of the Service Bus extension's binding contract, but for its own objects."""


def test_a_run_carries_what_a_function_reads() -> None:
    bench = Bench(QueueTrigger(NAME, sessions=True))
    bench.queue.send(
        Message(
            body=b"caf\xc3\xa9",
            message_id="m",
            session_id="s",
            subject="about",
            application_properties={"when": bench.clock.now, "raw": b"\x00"},
            ttl=timedelta(hours=2),
        )
    )
    (dispatch,) = bench.poll()
    invocation = dispatch.invocation()
    assert invocation.inputs[0][1].value == "café"
    assert invocation.metadata.keys() <= _CONTRACT
    said = {name: datum.value for name, datum in invocation.metadata.items()}
    assert said["MessageId"] == "m"
    assert said["SessionId"] == "s"
    assert said["Subject"] == said["Label"] == "about"
    assert said["DeliveryCount"] == "1"
    assert said["SequenceNumber"] == "1"
    assert said["UserProperties"] == '{"when": "2026-01-01T00:00:00+00:00", "raw": "AA=="}'
    assert said["EnqueuedTimeUtc"] == '"2026-01-01T00:00:00"'
    assert said["EnqueuedTime"] == '"2026-01-01T00:00:00+00:00"'
    assert said["ExpiresAtUtc"] == '"2026-01-01T02:00:00"'
    assert said["LockToken"] == str(dispatch.deliveries[0].lock_token)


def read(dispatch: Dispatch) -> list[Any]:
    """A batch as the worker library gives it to a function."""
    invocation = dispatch.invocation()
    arguments = {name: as_worker(datum) for name, datum in invocation.metadata.items()}
    messages = ServiceBusMessageInConverter.decode(as_worker(invocation.inputs[0][1]), trigger_metadata=arguments)
    assert isinstance(messages, list)
    return messages


def as_worker(datum: Datum) -> Any:
    values = {datum.kind.removeprefix("collection_"): datum.value} if datum.kind and "_" in datum.kind else {}
    return SimpleNamespace(type=datum.kind, value=SimpleNamespace(**values) if values else datum.value)


def test_a_batch_has_every_array_of_the_contract_and_times_without_an_offset() -> None:
    bench = Bench(QueueTrigger(NAME, batches=True, binary=True))
    bench.send("a", "b")
    (batch,) = bench.poll()
    metadata = batch.invocation().metadata
    assert metadata.keys() == {f"{name}Array" for name in _CONTRACT}
    assert metadata["SequenceNumberArray"] == Datum("collection_sint64", [1, 2])
    assert metadata["DeliveryCountArray"] == Datum("json", "[1, 1]")
    first, second = read(batch)
    assert (first.get_body(), second.get_body()) == (b"a", b"b")
    assert first.enqueued_time_utc == datetime(2026, 1, 1)  # noqa: DTZ001 - naive, as on the platform
    assert first.expires_at_utc == datetime(9999, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001 - naive as well
    assert (first.time_to_live, first.locked_until, first.state) == (None, None, None)


def test_in_a_batch_a_message_takes_a_later_ones_id_but_keeps_its_sequence_number() -> None:
    """The host drops empty texts from an array, and nothing says whose they were."""
    bench = Bench(QueueTrigger(NAME, batches=True, binary=True))
    bench.queue.send(Message(body=b"a"), Message(body=b"b", message_id="of b"))
    (batch,) = bench.poll()
    first, second = read(batch)
    assert (first.get_body(), first.message_id, first.sequence_number) == (b"a", "of b", 1)
    assert (second.get_body(), second.message_id, second.sequence_number) == (b"b", None, 2)


@pytest.mark.parametrize("batches", [True, False])
def test_a_body_that_is_no_data_section_cannot_be_bound(batches: bool) -> None:
    for descriptor in (b"\x76", b"\x77"):
        bench = Bench(QueueTrigger(NAME, batches=batches, binary=True))
        sections = Sections(b"", None, b"\x00\x53" + descriptor + b"\xa1\x01x")
        bench.queue.send(Message(body=b"x", sections=sections))
        (run,) = bench.poll()
        with pytest.raises(BindingFailed, match="message 1 cannot be bound"):
            run.invocation()


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\x00\x53\x75\xa0\x01x",
        b"\x00\x80\x00\x00\x00\x00\x00\x00\x00\x75\xa0\x01x",
        b"\x00\xa3\x10amqp:data:binary\xa0\x01x",
    ],
)
def test_a_data_section_is_bound_however_it_is_written_and_so_is_none(encoded: bytes) -> None:
    bench = Bench(QueueTrigger(NAME, binary=True))
    bench.queue.send(Message(body=b"x", sections=Sections(b"", None, encoded)))
    (run,) = bench.poll()
    assert run.invocation().inputs[0][1] == Datum("bytes", b"x")
