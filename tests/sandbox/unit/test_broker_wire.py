"""The AMQP side of the broker without a socket: what a client must not do, and what no SDK shows."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from sandbox.broker.amqp_codec import encode
from sandbox.broker.amqp_types import Described, Symbol, UInt, ULong
from sandbox.broker.connection import Connection
from sandbox.broker.frames import (
    AMQP_HEADER,
    EMPTY_FRAME,
    SASL_HEADER,
    Attach,
    Begin,
    Close,
    Detach,
    Disposition,
    End,
    Flow,
    Frame,
    FrameReader,
    Open,
    Performative,
    SaslInit,
    SaslMechanisms,
    SaslOutcome,
    Transfer,
    frame,
    sasl_frame,
)
from sandbox.broker.messages import Message
from sandbox.broker.model import Broker, QueueOptions
from sandbox.broker.queue import Queue, QueueCounts
from sandbox.broker.queue_links import SESSION_FILTER
from sandbox.broker.server import accept_any_token
from sandbox.broker.wire_messages import BATCH_FORMAT, Request, decode_message, encode_bare

LOCK = timedelta(minutes=1)


class Wire(asyncio.Transport):
    """Keeps what the broker writes, for the peer to read."""

    def __init__(self) -> None:
        super().__init__()
        self.written = FrameReader()
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.feed(bytes(data))

    def close(self) -> None:
        self.is_closed = True


class Peer:
    """A client that says exactly what a test wants."""

    def __init__(self, **options: Any) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.broker = Broker(lambda: self.now, Random(5))
        self.queue = self.broker.create_queue(QueueOptions(name="plain", lock_duration=LOCK))
        self.sessions = self.broker.create_queue(
            QueueOptions(name="sessions", requires_session=True, lock_duration=LOCK)
        )
        self.lost: list[Connection] = []
        self._options = options
        self.connect()

    def connect(self) -> None:
        options = {
            "accept_token": accept_any_token,
            "sessions_survive_drop": False,
            "idle_seconds": 240.0,
            **self._options,
        }
        self.wire = Wire()
        self.connection = Connection(self.broker, on_lost=self.lost.append, **options)
        self.connection.connection_made(self.wire)

    def say(self, *bodies: Performative, payload: bytes = b"", channel: int = 0) -> None:
        self.connection.data_received(b"".join(frame(channel, body, payload) for body in bodies))

    async def hear(self) -> list[Any]:
        """The performatives that came since the last time."""
        return [received.body for received in await self.hear_frames()]

    async def hear_frames(self) -> list[Frame]:
        for _ in range(3):
            await asyncio.sleep(0)  # what links do when told, and the write at the end of a turn
        return list(self.wire.written.frames())

    async def authenticate(self, mechanism: str = "ANONYMOUS") -> None:
        self.connection.data_received(SASL_HEADER)
        self.connection.data_received(sasl_frame(SaslInit(Symbol(mechanism))))
        await asyncio.sleep(0)
        assert self.wire.written.header() == SASL_HEADER
        mechanisms, outcome = await self.hear()
        assert isinstance(mechanisms, SaslMechanisms)
        assert isinstance(outcome, SaslOutcome)
        assert outcome.outcome == 0

    def show_token(self, audience: str = "sb://127.0.0.1/") -> None:
        put_token = {"operation": "put-token", "type": "jwt", "name": audience}
        answer, _ = self.connection.tokens.answer(Request(None, None, put_token, "a token"))
        assert answer["status-code"] == 202

    async def open(self, *, tokens: bool = True, max_frame_size: int = 65536, idle: int | None = None) -> None:
        await self.authenticate()
        if tokens:
            self.show_token()
        self.connection.data_received(AMQP_HEADER)
        self.say(
            Open("test", max_frame_size=UInt(max_frame_size), idle_time_out=None if idle is None else UInt(idle)),
            begin(),
        )
        await asyncio.sleep(0)
        assert self.wire.written.header() == AMQP_HEADER
        opened, begun = [body for body in await self.hear() if body is not None]
        assert isinstance(opened, Open)
        assert isinstance(begun, Begin)

    async def attach_sender(self, address: str = "plain", handle: int = 0) -> list[Any]:
        self.say(
            Attach(
                "to", UInt(handle), False, source=source("here"), target=target(address), initial_delivery_count=UInt(0)
            )
        )
        return await self.hear()

    async def attach_receiver(
        self, address: str = "plain", handle: int = 1, filters: dict[Any, Any] | None = None, **fields: Any
    ) -> list[Any]:
        self.say(Attach("from", UInt(handle), True, source=source(address, filters), target=target("here"), **fields))
        return await self.hear()

    async def grant(self, credit: int, *, seen: int = 0, drain: bool = False, window: int = 100) -> list[Any]:
        self.say(Flow(UInt(seen), UInt(window), UInt(0), UInt(100), UInt(1), UInt(seen), UInt(credit), drain=drain))
        return await self.hear()


def begin() -> Begin:
    return Begin(None, UInt(0), UInt(100), UInt(100))


def source(address: str, filters: dict[Any, Any] | None = None) -> Described:
    return Described(ULong(0x28), [address, None, None, None, None, None, None, filters])


def target(address: str) -> Described:
    return Described(ULong(0x29), [address])


def transfer(number: int = 0, **fields: Any) -> Transfer:
    return Transfer(UInt(0), UInt(number), bytes([number]), UInt(0), **fields)


def condition(body: Any) -> str:
    """The condition of an error in a detach, close or rejection."""
    problem: Any = body.error if not isinstance(body, Disposition) else body.state and body.state.value[0]
    return str(problem.value[0])


def stored(queue: Queue) -> list[bytes]:
    return [item.message.body for item in queue.peek(count=99)]


# --- getting in ----------------------------------------------------------------------------------


async def test_without_a_token_nothing_can_be_attached() -> None:
    peer = Peer()
    await peer.open(tokens=False)
    refused, gone = await peer.attach_sender()
    assert (refused.source, refused.target) == (None, None)
    assert condition(gone) == "amqp:unauthorized-access"


async def test_a_token_opens_its_entity_and_what_belongs_to_it_and_nothing_else() -> None:
    peer = Peer()
    await peer.open(tokens=False)
    peer.broker.create_queue(QueueOptions(name="plainer"))
    peer.show_token("amqps://127.0.0.1/PLAIN")
    addresses = ["plain", "plain/$management", "plain/$deadletterqueue", "plainer", "sessions"]
    opened = [
        address
        for handle, address in enumerate(addresses)
        if (await peer.attach_receiver(address, handle))[0].source is not None
    ]
    assert opened == addresses[:3]


async def test_an_unknown_way_to_authenticate_is_refused() -> None:
    peer = Peer()
    peer.connection.data_received(SASL_HEADER + sasl_frame(SaslInit(Symbol("SCRAM-SHA-256"))))
    assert peer.wire.written.header() == SASL_HEADER
    outcome = (await peer.hear())[-1]
    assert outcome.outcome == 1
    assert peer.wire.is_closed


async def test_skipping_authentication_is_answered_with_the_header_that_is_spoken() -> None:
    peer = Peer()
    peer.connection.data_received(AMQP_HEADER)
    assert peer.wire.written.header() == SASL_HEADER
    assert peer.wire.is_closed


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ([Transfer(UInt(9))], "amqp:session:unattached-handle"),
        ([Begin(None, UInt(0), UInt(1), UInt(1))], "amqp:not-allowed"),
        ([Open("again")], "amqp:not-allowed"),
        ([SaslInit(Symbol("ANONYMOUS"))], "amqp:not-allowed"),
    ],
)
async def test_what_has_no_place_ends_the_connection_with_its_reason(bodies: list[Performative], expected: str) -> None:
    peer = Peer()
    await peer.open()
    peer.say(*bodies)
    closed = (await peer.hear())[-1]
    assert isinstance(closed, Close)
    assert condition(closed) == expected
    assert peer.wire.is_closed


async def test_close_and_end_are_answered_and_late_words_on_an_ended_session_forgiven() -> None:
    peer = Peer()
    await peer.open()
    await peer.attach_sender()
    peer.say(End(), Detach(UInt(0), True))
    assert [type(body) for body in await peer.hear()] == [End]
    peer.say(Close())
    assert [type(body) for body in await peer.hear()] == [Close]
    assert peer.wire.is_closed


# --- sending -------------------------------------------------------------------------------------


async def test_a_message_in_parts_is_put_together_and_a_broken_one_rejected() -> None:
    peer = Peer()
    await peer.open()
    attached, credit = await peer.attach_sender()
    assert (attached.max_message_size, credit.link_credit) == (256 * 1024, 1000)
    whole = encode_bare(Message(b"x" * 100))
    peer.say(transfer(0, more=True), payload=whole[:50])
    peer.say(transfer(0), payload=whole[50:])
    peer.say(transfer(1), payload=b"\x00\x53\x75\xb0")
    peer.say(transfer(2, more=True), payload=whole)
    peer.say(transfer(2, aborted=True))
    peer.say(transfer(3, settled=True), payload=encode_bare(Message(b"y")))
    good, bad = await peer.hear()
    assert (good.first, good.settled, good.state.descriptor) == (0, True, 0x24)
    assert (bad.first, condition(bad)) == (1, "amqp:decode-error")
    assert stored(peer.queue) == [b"x" * 100, b"y"]


async def test_a_batch_is_taken_whole_or_not_at_all() -> None:
    peer = Peer()
    await peer.open()
    await peer.attach_sender("sessions")

    def batch(*messages: Message) -> bytes:
        return b"".join(encode(Described(ULong(0x75), encode_bare(message))) for message in messages)

    in_session = Message(b"1", session_id="a")
    peer.say(Transfer(UInt(0), UInt(0), b"0", UInt(BATCH_FORMAT)), payload=batch(in_session, Message(b"2")))
    (refused,) = await peer.hear()
    assert condition(refused) == "amqp:not-allowed"
    assert stored(peer.sessions) == []
    peer.say(Transfer(UInt(0), UInt(1), b"1", UInt(BATCH_FORMAT)), payload=batch(in_session, in_session))
    await peer.hear()
    assert stored(peer.sessions) == [b"1", b"1"]


async def test_a_message_over_the_limit_is_read_to_its_end_and_rejected_and_its_link_stays() -> None:
    peer = Peer()
    await peer.open()
    await peer.attach_sender()
    for _ in range(10):
        peer.say(transfer(0, more=True), payload=bytes(60_000))
    assert await peer.hear() == []
    peer.say(transfer(0), payload=bytes(10))
    (refused,) = await peer.hear()
    assert isinstance(refused, Disposition)
    assert condition(refused) == "amqp:link:message-size-exceeded"
    peer.say(transfer(1), payload=encode_bare(Message(b"small")))
    (taken,) = await peer.hear()
    assert isinstance(taken, Disposition)
    assert stored(peer.queue) == [b"small"]


async def test_credit_and_windows_are_renewed_before_they_are_used_up() -> None:
    peer = Peer()
    await peer.open()
    await peer.attach_sender()
    payload = encode_bare(Message(b"x"))
    for number in range(1500):
        peer.say(Transfer(UInt(0), UInt(number), b"t", UInt(0), settled=True), payload=payload)
    flows = await peer.hear()
    assert [flow.delivery_count for flow in flows] == [500, 1000, 1500]
    assert len(stored(peer.queue)) == 99
    assert peer.queue.counts().active == 1500


# --- receiving -----------------------------------------------------------------------------------


async def test_messages_leave_within_credit_only_and_a_drained_link_gives_the_rest_back() -> None:
    peer = Peer()
    await peer.open()
    await peer.attach_receiver()
    peer.queue.send(*[Message(bytes([number])) for number in range(3)])
    assert await peer.hear() == []
    assert [type(body) for body in await peer.grant(2)] == [Transfer, Transfer]
    last, drained = await peer.grant(10, seen=2, drain=True)
    assert isinstance(last, Transfer)
    assert (drained.delivery_count, drained.link_credit, drained.drain) == (12, 0, True)
    peer.queue.send(Message(b"later"))
    assert await peer.hear() == []


async def test_a_message_is_cut_to_the_peers_frames_and_held_by_its_window() -> None:
    peer = Peer()
    await peer.open(max_frame_size=512)
    await peer.attach_receiver()
    peer.queue.send(Message(b"z" * 1500))
    peer.say(Flow(UInt(0), UInt(2), UInt(0), UInt(100), UInt(1), UInt(0), UInt(1)))
    first = await peer.hear_frames()
    assert len(first) == 2
    peer.say(Flow(UInt(2), UInt(100), UInt(0), UInt(100)))
    frames = first + await peer.hear_frames()
    assert [item.body.more for item in frames if isinstance(item.body, Transfer)] == [True] * (len(frames) - 1) + [
        False
    ]
    assert decode_message(b"".join(item.payload for item in frames)).body == b"z" * 1500


@pytest.mark.parametrize(
    ("outcome", "left"),
    [
        (Described(ULong(0x24), []), []),
        (Described(ULong(0x26), []), [("ACTIVE", 0)]),
        (Described(ULong(0x27), [True]), [("ACTIVE", 1)]),
        (Described(ULong(0x27), []), [("ACTIVE", 0)]),
        (Described(ULong(0x27), [True, True]), [("DEFERRED", 0)]),
        (Described(ULong(0x25), []), []),
    ],
)
async def test_outcomes_do_what_they_say_and_are_confirmed(outcome: Described, left: list[Any]) -> None:
    peer = Peer()
    await peer.open()
    await peer.attach_receiver()
    peer.queue.send(Message(b"x"))
    await peer.grant(1)
    peer.say(Disposition(True, UInt(0), state=Described(ULong(0x23), [UInt(0), ULong(0)])))
    assert await peer.hear() == []
    peer.say(Disposition(True, UInt(0), UInt(2**32 - 1), state=outcome))
    (confirmed,) = await peer.hear()
    assert (confirmed.role, confirmed.settled, confirmed.state) == (
        False,
        True,
        Described(outcome.descriptor, []),
    )
    assert [(item.state.name, item.delivery_count) for item in peer.queue.peek()] == left
    assert peer.queue.counts().dead_lettered == (outcome.descriptor == 0x25)


async def test_a_settlement_that_comes_too_late_is_rejected_with_the_reason() -> None:
    peer = Peer()
    await peer.open()
    await peer.attach_receiver()
    peer.queue.send(Message(b"x"))
    await peer.grant(1)
    peer.now += LOCK
    peer.say(Disposition(True, UInt(0), state=Described(ULong(0x24), [])))
    (refused,) = await peer.hear()
    assert condition(refused) == "com.microsoft:message-lock-lost"


async def test_a_settlement_that_asks_for_no_answer_gets_none() -> None:
    peer = Peer()
    await peer.open()
    await peer.attach_receiver()
    peer.queue.send(Message(b"x"))
    await peer.grant(1)
    peer.say(Disposition(True, UInt(0), settled=True, state=Described(ULong(0x24), [])))
    assert await peer.hear() == []
    assert stored(peer.queue) == []


async def test_credit_granted_before_the_latest_deliveries_were_seen_is_not_counted_twice() -> None:
    peer = Peer()
    await peer.open()
    await peer.attach_receiver()
    peer.queue.send(*[Message(bytes([number])) for number in range(9)])
    assert len(await peer.grant(5)) == 5
    assert len(await peer.grant(6)) == 1
    assert await peer.grant(2) == []
    assert peer.queue.counts().locked == 6


async def test_what_is_sent_settled_is_gone_at_once() -> None:
    peer = Peer()
    await peer.open()
    await peer.attach_receiver(snd_settle_mode=1)
    peer.queue.send(Message(b"x"))
    (delivered,) = await peer.grant(1)
    assert delivered.settled
    assert stored(peer.queue) == []


async def test_a_slow_reader_gets_no_more_until_it_has_read() -> None:
    peer = Peer()
    await peer.open()
    await peer.attach_receiver()
    peer.connection.pause_writing()
    peer.queue.send(Message(b"x"))
    assert await peer.grant(5) == []
    assert peer.queue.counts().locked == 0
    peer.connection.resume_writing()
    assert [type(body) for body in await peer.hear()] == [Transfer]


# --- sessions ------------------------------------------------------------------------------------


async def hold_a_session(peer: Peer) -> None:
    await peer.open()
    peer.sessions.send(Message(b"x", session_id="a"))
    (attached,) = await peer.attach_receiver("sessions", filters={Symbol(SESSION_FILTER): "a"})
    assert attached.source.value[7] == {SESSION_FILTER: "a"}
    assert attached.properties["com.microsoft:locked-until-utc"] > 0
    await peer.grant(1)


@pytest.mark.parametrize("survives", [False, True])
async def test_a_dropped_connection_frees_its_session_at_once_or_when_the_lock_ends(survives: bool) -> None:
    peer = Peer(sessions_survive_drop=survives)
    await hold_a_session(peer)
    peer.connection.connection_lost(ConnectionResetError())
    assert peer.lost == [peer.connection]
    assert (peer.sessions.accept_session() is None) == survives
    peer.now += LOCK
    assert peer.sessions.accept_session() is not None


@pytest.mark.parametrize("goodbye", [Detach(UInt(1), True), End(), Close()])
async def test_every_way_to_say_goodbye_frees_the_session(goodbye: Performative) -> None:
    peer = Peer(sessions_survive_drop=True)
    await hold_a_session(peer)
    peer.say(goodbye)
    lock = peer.sessions.accept_session()
    assert lock is not None
    assert peer.sessions.receive(session=lock)[0].delivery_count == 0


async def test_a_session_whose_lock_ran_out_is_taken_from_its_link() -> None:
    peer = Peer()
    await hold_a_session(peer)
    peer.now += LOCK
    peer.broker.expire()
    (gone,) = await peer.hear()
    assert condition(gone) == "com.microsoft:session-lock-lost"


async def test_who_stops_waiting_for_a_session_gets_none() -> None:
    peer = Peer()
    await peer.open()
    assert await peer.attach_receiver("sessions", filters={Symbol(SESSION_FILTER): None}) == []
    peer.say(Detach(UInt(1), True))
    assert [type(body) for body in await peer.hear()] == [Attach, Detach]
    peer.sessions.send(Message(b"x", session_id="a"))
    assert await peer.hear() == []
    assert peer.sessions.accept_session() is not None


async def test_waiting_for_a_session_ends_with_the_clients_own_limit() -> None:
    peer = Peer()
    await peer.open()
    asked = {Symbol("com.microsoft:timeout"): UInt(1)}
    await peer.attach_receiver("sessions", filters={Symbol(SESSION_FILTER): None}, properties=asked)
    heard: list[Any] = []
    async with asyncio.timeout(5):
        while len(heard) < 2:
            heard += await peer.hear()
    assert condition(heard[1]) == "com.microsoft:timeout"


# --- staying alive -------------------------------------------------------------------------------


async def test_heartbeats_are_sent_as_often_as_the_peer_needs_them() -> None:
    peer = Peer()
    await peer.open(idle=20)
    beats = 0
    async with asyncio.timeout(5):
        while beats < 3:
            beats += (await peer.hear()).count(None)
    peer.connection.connection_lost(None)


async def test_a_silent_peer_is_hung_up_on_and_one_that_beats_is_not() -> None:
    peer = Peer(idle_seconds=0.2)
    await peer.open()
    loop = asyncio.get_running_loop()
    busy_until = loop.time() + 0.5
    async with asyncio.timeout(5):
        while not peer.wire.is_closed:
            if loop.time() < busy_until:
                peer.connection.data_received(EMPTY_FRAME)
            await asyncio.sleep(0.01)
    assert loop.time() > busy_until
    assert condition((await peer.hear())[-1]) == "amqp:resource-limit-exceeded"


async def test_whatever_bytes_come_the_connection_ends_in_order_or_goes_on() -> None:
    random = Random(11)
    link = Attach("to", UInt(0), False, source=source("here"), target=target("plain"), initial_delivery_count=UInt(0))
    talk = [
        frame(0, Open("test")),
        frame(0, begin()),
        frame(0, link),
        frame(0, Attach("from", UInt(1), True, source=source("plain"), target=target("here"))),
        frame(0, Flow(UInt(0), UInt(100), UInt(0), UInt(100), UInt(1), UInt(0), UInt(10))),
        frame(0, transfer(0), encode_bare(Message(b"x", message_id="m", application_properties={"a": 1}))),
        frame(0, Disposition(True, UInt(0), UInt(3), state=Described(ULong(0x27), [True]))),
        frame(0, Detach(UInt(1), True)),
    ]
    changes: list[Callable[[bytearray], None]] = [
        lambda raw: raw.__setitem__(random.randrange(len(raw)), random.randrange(256)),
        lambda raw: raw.__delitem__(random.randrange(len(raw))),
        lambda raw: raw.insert(random.randrange(len(raw)), random.randrange(256)),
    ]
    arrived = 0
    for _ in range(1500):
        peer = Peer()
        await peer.authenticate()
        peer.show_token()
        raw = bytearray(b"".join(talk))
        for _ in range(random.randrange(1, 4)):
            random.choice(changes)(raw)
        peer.connection.data_received(AMQP_HEADER + bytes(raw))
        await asyncio.sleep(0)
        peer.connection.connection_lost(None)
        arrived += peer.queue.counts() != QueueCounts(0, 0, 0, 0, 0)
    assert 0 < arrived < 1500
