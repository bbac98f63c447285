"""The queues through azure-servicebus, on a broker that speaks AMQP: what is sent arrives, or fails loudly."""

import asyncio
import gc
import hashlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Self

import pytest
import pytest_asyncio
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from sandbox.broker.model import Broker, MessageState, QueueOptions, StoredMessage
from sandbox.broker.server import Server, serve
from shared.adapters.queues.service_bus import CUT_BYTES, WHOLE_BYTES, ServiceBusQueues
from shared.adapters.queues.work_wire import decode, waiting_event
from shared.domain.diagnosis import Reached
from shared.domain.keys import PersonKey, ProfileKey, session_id
from shared.domain.work import Cause, CauseKind, RejectedEvent, Scheduled, WorkItem, at_once, later
from shared.errors import Permanent, Rejected, Transient
from shared.telemetry import Span
from tests.heard import Heard, trace_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
TOKEN = "a token that the broker takes"
WORK = QueueOptions(name="access-work", requires_session=True, requires_duplicate_detection=True)
UNIQUE = count()
REJECTED = QueueOptions(name="rejected-events")
EVENTS = QueueOptions(name="people-events")


class Credential:
    """An identity with one token, or none."""

    def __init__(self, token: str | None = TOKEN) -> None:
        self.token = token

    async def get_token(self, *_: str, **__: object) -> AccessToken:
        if self.token is None:
            raise ClientAuthenticationError("the identity endpoint is away")
        return AccessToken(self.token, 9_999_999_999)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


class Namespace:
    """A broker that can be taken off its port and put back."""

    def __init__(self, *queues: QueueOptions) -> None:
        self.broker = Broker(lambda: datetime.now(UTC), Random(1))
        for queue in queues:
            self.broker.create_queue(queue)
        self.port = 0
        self._server: Server | None = None
        self._seen: dict[str, int] = {}

    async def start(self, *, anybody: bool = False) -> None:
        self._server = await serve(
            self.broker, port=self.port, accept_token=lambda token, _audience: anybody or token == TOKEN
        )
        self.port = self._server.port

    async def stop(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            await server.close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stored(self, queue: str) -> list[StoredMessage]:
        """What came into a queue since it was last checked, in that order."""
        found = self.broker.queue(queue).peek(self._seen.get(queue, 0), count=10_000)
        found.sort(key=lambda stored: stored.sequence_number)
        if found:
            self._seen[queue] = found[-1].sequence_number + 1
        return found


# One for all tests, as opening a link takes the SDK half a second, and closing it again as much.
@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def namespace() -> AsyncIterator[Namespace]:
    made = Namespace(WORK, REJECTED, EVENTS)
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def queues(namespace: Namespace) -> AsyncIterator[ServiceBusQueues]:
    made = ServiceBusQueues(namespace.host, Credential())
    yield made
    await made.close()


def check(number: int, due: datetime | None = None) -> Scheduled:
    key = PersonKey(f"7c0f5a0e-0000-4000-8000-{number:012}")
    item = WorkItem(key, Cause(CauseKind.SWEEP, "sweep-1"), AT, hints=(ProfileKey("Account", f"Profile-{number}"),))
    return at_once(item, str(next(UNIQUE))) if due is None else later(item, due, coalesce=timedelta(seconds=30))


def checks(namespace: Namespace) -> list[WorkItem]:
    return [decode(stored.message.body) for stored in namespace.stored("access-work")]


async def test_a_sweep_of_two_hundred_keys_arrives_each_under_its_own_session_id_and_time(
    namespace: Namespace, queues: ServiceBusQueues
) -> None:
    due = datetime.now(UTC) + timedelta(days=300)
    sent = [check(number, due if number % 2 else None) for number in range(200)]
    await queues.send_work(sent)
    stored = {item.message.message_id: item for item in namespace.stored("access-work")}
    assert len(stored) == 200
    for scheduled in sent:
        found = stored[scheduled.message_id]
        assert decode(found.message.body) == scheduled.item
        assert found.message.session_id == session_id(scheduled.item.key)
        assert found.message.scheduled_at == scheduled.due
        assert found.message.content_type == "application/json"
        assert found.state is (MessageState.ACTIVE if scheduled.due is None else MessageState.SCHEDULED)


async def test_a_rejected_event_whose_queue_is_away_waits_and_is_sent_on_whole(
    namespace: Namespace, queues: ServiceBusQueues
) -> None:
    event = RejectedEvent(b"\xff no JSON", "body", "not UTF-8", "send UTF-8", "hr-7", {"origin": "/hr#7"})
    without = Namespace(WORK)
    await without.start()
    nowhere = ServiceBusQueues(without.host, Credential())
    try:
        await nowhere.send_rejected([event])
    finally:
        await nowhere.close()
        await without.stop()
    (waiting,) = without.stored("access-work")
    assert waiting.state is MessageState.SCHEDULED
    message = waiting.message
    assert message.scheduled_at is not None
    assert timedelta(seconds=30) < message.scheduled_at - datetime.now(UTC) < timedelta(seconds=61)
    with pytest.raises(Rejected):
        decode(message.body, message.session_id)
    again = waiting_event(message.body, message.application_properties)
    assert again == event
    await queues.send_rejected([again])
    (arrived,) = namespace.stored("rejected-events")[-1:]
    assert arrived.message.body == event.body
    told = {"field": "body", "reason": "not UTF-8", "remedy": "send UTF-8", "source-message-id": "hr-7"}
    assert arrived.message.application_properties == {**told, "origin": "/hr#7"}
    assert waiting_event(b"{}", {"field": "body"}) is None


async def test_unusable_events_wait_while_their_queue_is_off_on_an_open_and_a_new_link(
    namespace: Namespace, queues: ServiceBusQueues
) -> None:
    event = RejectedEvent(b"noise", "subject", "missing", "add one")
    await queues.send_rejected([event])  # the link is open now
    namespace.stored("rejected-events")
    namespace.stored("access-work")
    namespace.broker.queue("rejected-events").is_disabled = True
    try:
        for _ in range(2):
            await queues.send_rejected([event])
    finally:
        namespace.broker.queue("rejected-events").is_disabled = False
    waiting = [
        waiting_event(each.message.body, each.message.application_properties)
        for each in namespace.stored("access-work")
    ]
    assert waiting == [event, event]
    assert namespace.stored("rejected-events") == []
    await queues.send_rejected([event])
    assert len(namespace.stored("rejected-events")) == 1


async def test_checks_of_one_session_keep_their_order(namespace: Namespace, queues: ServiceBusQueues) -> None:
    sent = [check(number) for number in range(100)]
    await queues.send_work(sent)
    expected, found = defaultdict(list), defaultdict(list)
    for scheduled in sent:
        expected[session_id(scheduled.item.key)].append(scheduled.item)
    for item in checks(namespace):
        found[session_id(item.key)].append(item)
    assert found == expected


async def test_many_who_send_at_once_lose_nothing(namespace: Namespace, queues: ServiceBusQueues) -> None:
    event = RejectedEvent(b"noise", "subject", "missing", "add one")
    await asyncio.gather(
        *(queues.send_work([check(number)]) for number in range(40)),
        *(queues.send_rejected([event]) for _ in range(10)),
    )
    assert Counter(item.key.canonical for item in checks(namespace)) == Counter(
        check(number).item.key.canonical for number in range(40)
    )
    assert len(namespace.stored("rejected-events")) == 10


async def test_checks_for_the_same_moment_coalesce_and_checks_for_now_do_not(
    namespace: Namespace, queues: ServiceBusQueues
) -> None:
    due = datetime.now(UTC) + timedelta(days=7)
    item = check(1).item
    await queues.send_work([check(1, due)])
    await queues.send_work([check(1, due), at_once(item, "a"), at_once(item, "b")])
    assert len(checks(namespace)) == 3


async def test_nothing_to_send_opens_nothing() -> None:
    queues = ServiceBusQueues("127.0.0.1:9", Credential())
    await queues.send_work([])
    await queues.send_rejected([])
    await queues.close()


async def test_a_rejected_event_is_kept_whole_with_what_is_wrong_with_it(
    namespace: Namespace, queues: ServiceBusQueues
) -> None:
    body = bytes(Random(2).randbytes(WHOLE_BYTES))
    await queues.send_rejected(
        [
            RejectedEvent(
                body, "data.effective", "absurd \ud800", "send a date", "hr-17", {"tenant": "nl", "field": "theirs"}
            )
        ]
    )
    (stored,) = namespace.stored("rejected-events")
    assert stored.message.body == body
    assert stored.message.application_properties == {
        "tenant": "nl",
        "field": "data.effective",
        "reason": "absurd \\ud800",
        "remedy": "send a date",
        "source-message-id": "hr-17",
    }


async def test_a_rejected_event_beyond_128_kib_is_cut_and_says_so(
    namespace: Namespace, queues: ServiceBusQueues
) -> None:
    body = b"x" * (WHOLE_BYTES + 1)
    await queues.send_rejected([RejectedEvent(body, "body", "too long", "send less")])
    (stored,) = namespace.stored("rejected-events")
    assert stored.message.body == body[:CUT_BYTES]
    properties = stored.message.application_properties
    assert properties["length"] == len(body)
    assert properties["sha256"] == hashlib.sha256(body).hexdigest()
    assert properties["truncated"] is True
    assert "source-message-id" not in properties


async def test_the_same_event_rejected_twice_is_kept_twice(namespace: Namespace, queues: ServiceBusQueues) -> None:
    event = RejectedEvent(b"{}", "subject", "missing", "add one", "hr-1")
    await queues.send_rejected([event])
    await queues.send_rejected([event])
    ids = {stored.message.message_id for stored in namespace.stored("rejected-events")}
    assert len(ids) == 2


async def test_events_that_exceed_one_batch_together_all_arrive(namespace: Namespace, queues: ServiceBusQueues) -> None:
    bodies = [bytes([number]) * 100_000 for number in range(7)]
    await queues.send_rejected([RejectedEvent(body, "body", "noise", "send json") for body in bodies])
    assert [stored.message.body for stored in namespace.stored("rejected-events")] == bodies


async def test_an_event_with_boundless_properties_is_kept_with_bounded_ones(
    namespace: Namespace, queues: ServiceBusQueues
) -> None:
    properties = {f"name-{number}": "€" * 3_000 for number in range(50)}
    long = "z" * 100_000
    await queues.send_rejected([RejectedEvent(b"x" * WHOLE_BYTES, long, long, long, long, properties)])
    (stored,) = namespace.stored("rejected-events")
    assert stored.message.body == b"x" * WHOLE_BYTES
    kept = stored.message.application_properties
    assert sum(len(str(value).encode()) for value in kept.values()) < 64_000
    assert kept["reason"] == "z" * 4_000
    assert kept["name-0"] == "€" * 3_000


async def test_a_broker_that_restarts_between_two_sends_is_not_noticed(
    namespace: Namespace, queues: ServiceBusQueues
) -> None:
    await queues.send_work([check(1)])
    await namespace.stop()
    await namespace.start()
    await queues.send_work([check(2)])
    assert [item.key for item in checks(namespace)] == [check(1).item.key, check(2).item.key]


async def test_a_broker_that_is_away_is_transient_and_takes_what_is_sent_on_its_return(
    namespace: Namespace, queues: ServiceBusQueues
) -> None:
    await queues.send_work([check(1)])
    await namespace.stop()
    with pytest.raises(Transient):
        await queues.send_work([check(2)])
    await namespace.start()
    await queues.send_work([check(3)])
    assert [item.key for item in checks(namespace)] == [check(1).item.key, check(3).item.key]


async def test_a_missing_queue_is_permanent_and_named() -> None:
    namespace = Namespace(REJECTED)
    await namespace.start()
    queues = ServiceBusQueues(namespace.host, Credential())
    with pytest.raises(Permanent, match="'access-work' is missing") as missing:
        await queues.send_work([check(1)])
    assert "Data Sender" not in missing.value.reason
    await queues.send_rejected([RejectedEvent(b"", "body", "empty", "send one")])
    assert len(namespace.stored("rejected-events")) == 1
    await queues.close()
    await namespace.stop()


async def test_a_link_to_each_queue_tells_what_became_of_it_and_sends_nothing(namespace: Namespace) -> None:
    queues, stranger = (ServiceBusQueues(namespace.host, Credential(token)) for token in (TOKEN, "stolen"))
    assert await queues.reach() == dict.fromkeys(("people-events", "access-work", "rejected-events"), Reached.THERE)
    assert set((await stranger.reach()).values()) == {Reached.REFUSED}
    assert [namespace.stored(queue) for queue in ("people-events", "access-work", "rejected-events")] == [[], [], []]
    nobody = ServiceBusQueues(namespace.host, Credential(None))
    with pytest.raises(Transient, match="no token for Service Bus"):
        await nobody.reach()
    for one in (queues, stranger, nobody):
        await one.close()


async def test_a_link_to_a_missing_queue_tells_so_and_hides_no_other() -> None:
    namespace = Namespace(REJECTED, EVENTS)
    await namespace.start()
    queues = ServiceBusQueues(namespace.host, Credential())
    there = {"people-events": Reached.THERE, "access-work": Reached.MISSING, "rejected-events": Reached.THERE}
    assert await queues.reach() == there
    await namespace.stop()
    assert set((await queues.reach()).values()) == {Reached.SILENT}
    await queues.close()


async def test_a_refused_token_is_permanent_and_a_missing_one_transient(namespace: Namespace) -> None:
    credential = Credential("stolen")
    queues = ServiceBusQueues(namespace.host, credential)
    with pytest.raises(Permanent, match="Azure Service Bus Data Sender"):
        await queues.send_work([check(1)])
    await queues.close()
    credential.token = None
    queues = ServiceBusQueues(namespace.host, credential)
    with pytest.raises(Transient, match=r"no token for Service Bus: .*the identity endpoint is away"):
        await queues.send_work([check(1)])
    credential.token = TOKEN
    await queues.send_work([check(1)])
    assert [item.key for item in checks(namespace)] == [check(1).item.key]
    await queues.close()


async def test_a_message_that_fits_no_batch_is_permanent_and_the_link_stays_good(
    namespace: Namespace, queues: ServiceBusQueues
) -> None:
    with pytest.raises(Permanent, match="too large"):
        await queues.send_events([b"x" * 300_000])
    await queues.send_events([b"y"])
    assert [stored.message.body for stored in namespace.stored("people-events")] == [b"y"]


@pytest.mark.parametrize(("opening", "turns"), [(False, 1), (False, 3), (True, 40)])
async def test_a_send_that_was_cancelled_does_not_harm_the_next_one(
    namespace: Namespace, queues: ServiceBusQueues, opening: bool, turns: int
) -> None:
    if opening:
        await queues.close()
    cancelled = asyncio.ensure_future(queues.send_work([check(1)]))
    for _ in range(turns):
        await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    await queues.send_work([check(2)])
    assert check(2).item.key in [item.key for item in checks(namespace)]


# The SDK leaves a socket on which the handshake never ended to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*StreamWriter:pytest.PytestUnraisableExceptionWarning")
async def test_a_broker_that_never_answers_is_given_up() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    queues = ServiceBusQueues(host, Credential(), try_seconds=0.3)
    with pytest.raises(Transient, match="access-work"):
        await asyncio.wait_for(queues.send_work([check(1)]), 10)
    await queues.close()
    del queues
    gc.collect()
    server.close()
    await server.wait_closed()


async def test_closed_queues_open_again_by_themselves(namespace: Namespace, queues: ServiceBusQueues) -> None:
    await queues.send_work([check(1)])
    await queues.close()
    await queues.send_work([check(2)])
    assert len(checks(namespace)) == 2


async def test_a_check_carries_the_trace_that_it_was_asked_for_in(
    namespace: Namespace, queues: ServiceBusQueues
) -> None:
    trace = "00-11111111111111111111111111111111-2222222222222222-01"
    await queues.send_work([replace(check(1), trace=trace), check(2)])
    found = {decode(one.message.body).key: one.message for one in namespace.stored("access-work")}
    told = found[check(1).item.key].application_properties
    assert told == {"traceparent": trace, "Diagnostic-Id": trace}
    assert not found[check(2).item.key].application_properties


async def test_events_go_on_with_the_trace_of_the_request_that_brought_them(namespace: Namespace) -> None:
    heard = Heard()
    queues = ServiceBusQueues(namespace.host, Credential(), telemetry=heard.telemetry)
    try:
        with heard.telemetry.span(Span.INTAKE):
            await queues.send_events([b"{}"])
    finally:
        await queues.close()
    (stored,) = namespace.stored("people-events")
    (span,) = heard.spans()
    assert f"-{trace_of(span):032x}-" in stored.message.application_properties["traceparent"]
