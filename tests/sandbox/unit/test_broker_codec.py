"""AMQP values and messages to bytes and back, and the queue file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from sandbox.broker.amqp_codec import decode, encode
from sandbox.broker.amqp_types import (
    AmqpError,
    Array,
    Byte,
    Char,
    Decimal,
    Described,
    Float,
    Int,
    Long,
    Short,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
    array_of_longs,
    array_of_symbols,
    array_of_timestamps,
)
from sandbox.broker.config import QueueConfigError, parse_queues, read_deployed_queues, read_queues
from sandbox.broker.messages import Delivery, Message, MessageState
from sandbox.broker.options import QueueOptions
from sandbox.broker.wire_messages import decode_message, dotnet_ticks, encode_bare, encode_delivery

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
VALUES: list[Any] = [
    None,
    True,
    False,
    *(UByte(200), UShort(60000), UInt(0), UInt(7), UInt(2**32 - 1), ULong(0), ULong(7), ULong(2**64 - 1)),
    *(Byte(-5), Short(-500), Int(-5), Int(2**31 - 1), Long(-5), Long(-(2**63)), 5, 2**40),
    *(Float(0.5), 0.1, Char("é"), Timestamp(253402300800000), Decimal(0x94, bytes(16))),
    *("é", "é" * 300, b"\xff", b"\xff" * 300, Symbol("a:b"), Symbol("a" * 300)),
    UUID(int=2**127 + 1),
    *([], [1, ["x", [None]]], list(range(300)), {}, {"a": {Symbol("b"): [1]}}),
    *(array_of_longs([1, -2]), array_of_symbols(["a", "b"]), array_of_timestamps([NOON]), array_of_longs([])),
    *(Array(0x98, [UUID(int=3)]), Array(0xB0, [b"x" * 300]), Array(0x41, [True, True]), Array(0x73, [Char("x")])),
    Described(ULong(0x24), [Described(Symbol("x:y"), {})]),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__}-{value!r:.20}")
def test_a_value_comes_back_as_it_was_and_as_nothing_when_cut_short(value: Any) -> None:
    encoded = encode(value)
    decoded, end = decode(encoded)
    assert (decoded, end) == (value, len(encoded))
    assert encode(decoded) == encoded
    for length in range(len(encoded)):
        with pytest.raises(AmqpError):
            decode(encoded[:length])


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x00" * 100,  # a descriptor of a descriptor of ...
        b"\xc0\x03\x05\x40\x40",  # five items in two bytes
        b"\xc0\x03\x01\x40\x40",  # one item, and something after it
        b"\xc1\x02\x01\x40",  # a key without a value
        b"\xc1\x03\x02\x45\x40",  # a list as a key
        b"\xf0\x00\x00\x00\x05\xff\xff\xff\xff\x41",  # four thousand million times true
        b"\xe0\x03\x01\xc0\x40",  # an array of lists
        b"\xa1\x01\xff",  # not UTF-8
        b"\x73\xff\xff\xff\xff",  # not a character
        b"\x3f",
    ],
)
def test_what_is_no_value_is_a_decode_error(rubbish: bytes) -> None:
    with pytest.raises(AmqpError):
        decode(rubbish)


def test_random_bytes_are_a_value_or_an_amqp_error() -> None:
    random = Random(3)
    values = 0
    for _ in range(20_000):
        try:
            decode(random.randbytes(random.randrange(1, 40)))
        except AmqpError:
            continue
        values += 1
    assert 0 < values < 20_000


def test_what_amqp_has_no_type_for_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="complex"):
        encode(1j)


def test_a_message_made_here_reads_the_same_after_the_wire() -> None:
    message = Message(
        body=b"\x00body",
        message_id="m",
        session_id="s",
        subject="su",
        correlation_id="c",
        content_type="text/plain",
        reply_to="r",
        reply_to_session_id="rs",
        to="t",
        application_properties={"a": 1, "b": "x", "c": NOON, "d": None},
    )
    again = decode_message(encode_bare(message))
    assert again.sections is not None
    assert {name: getattr(again, name) for name in MESSAGE_FIELDS} == {
        name: getattr(message, name) for name in MESSAGE_FIELDS
    }


MESSAGE_FIELDS = (
    "body",
    "message_id",
    "session_id",
    "subject",
    "correlation_id",
    "content_type",
    "reply_to",
    "reply_to_session_id",
    "to",
    "application_properties",
)


@pytest.mark.parametrize(
    ("section", "body"),
    [
        (Described(ULong(0x77), "té"), "té".encode()),
        (Described(ULong(0x77), b"\xff"), b"\xff"),
        (Described(ULong(0x77), {"a": [1, None]}), b'{"a":[1,null]}'),
        (Described(ULong(0x77), {UUID(int=1): Symbol("x"), 2: b"\xff"}), f'{{"{UUID(int=1)}":"x","2":"ff"}}'.encode()),
        (Described(ULong(0x76), [1, "x"]), b'[1,"x"]'),
        (Described(Symbol("amqp:data:binary"), b"raw"), b"raw"),
    ],
)
def test_other_bodies_have_bytes_to_read_and_go_on_untouched(section: Described, body: bytes) -> None:
    encoded = encode(section)
    message = decode_message(encoded)
    assert message.body == body
    assert encode_bare(message) == encoded
    changed = message.with_application_properties({"why": "x"})
    assert encode_bare(changed).endswith(encoded)
    assert decode_message(encode_bare(changed)).application_properties == {"why": "x"}


def test_a_message_that_could_not_be_delivered_is_not_taken() -> None:
    with pytest.raises(AmqpError, match="not ASCII"):
        decode_message(encode(Described(ULong(0x72), {Symbol("a"): 1, "é": 2})))
    with pytest.raises(AmqpError, match="not text"):
        decode_message(encode(Described(ULong(0x74), {1: 2})))
    with pytest.raises(AmqpError, match="section"):
        decode_message(encode(Described(ULong(0x75), "text")))


def test_a_delivery_says_what_the_broker_knows_and_what_the_sender_said() -> None:
    header = Described(ULong(0x70), [None, None, UInt(60_000)])
    annotations = Described(
        ULong(0x72),
        {
            Symbol("x-opt-partition-key"): "p",
            Symbol("x-opt-scheduled-enqueue-time"): Timestamp.of(NOON),
            Symbol("x-opt-sequence-number"): Long(99),  # of another queue, where it came from
            Symbol("mine"): UByte(3),
        },
    )
    message = decode_message(encode(header) + encode(annotations) + encode(Described(ULong(0x75), b"x")))
    assert (message.ttl, message.partition_key, message.scheduled_at) == (timedelta(minutes=1), "p", NOON)
    assert message.annotations == {"mine": 3}
    delivery = Delivery(
        message=message,
        sequence_number=4,
        enqueued_sequence_number=3,
        delivery_count=2,
        enqueued_at=NOON,
        expires_at=None,
        state=MessageState.DEFERRED,
        lock_token=UUID(int=1),
        locked_until=NOON + timedelta(minutes=1),
    )
    encoded = encode_delivery(delivery)
    sent_header, at = decode(encoded)
    sent_annotations, _ = decode(encoded, at)
    assert sent_header.value == [None, None, 60_000, None, 2]
    assert sent_annotations.value == {
        "mine": 3,
        "x-opt-partition-key": "p",
        "x-opt-scheduled-enqueue-time": Timestamp.of(NOON),
        "x-opt-enqueued-time": Timestamp.of(NOON),
        "x-opt-sequence-number": 4,
        "x-opt-enqueue-sequence-number": 3,
        "x-opt-message-state": 1,
        "x-opt-locked-until": Timestamp.of(NOON + timedelta(minutes=1)),
    }


def test_ticks_count_from_the_year_one() -> None:
    assert dotnet_ticks(datetime(1970, 1, 1, tzinfo=UTC)) == 621355968000000000


# --- the queue file ------------------------------------------------------------------------------


def in_file(queues: str, more: str = "") -> str:
    return f'{{"UserConfig": {{"Namespaces": [{{"Name": "n", "Queues": [{queues}]{more}}}]}}}}'


def test_queues_are_read_as_the_official_emulator_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(
        in_file(
            """{"Name": "access-work", "Properties": {
                "DeadLetteringOnMessageExpiration": true, "DefaultMessageTimeToLive": "PT1H",
                "DuplicateDetectionHistoryTimeWindow": "PT20S", "ForwardDeadLetteredMessagesTo": "",
                "ForwardTo": "", "LockDuration": "PT1M30S", "MaxDeliveryCount": 3,
                "RequiresDuplicateDetection": true, "RequiresSession": true}},
            {"Name": "plain"}""",
            ', "Topics": []',
        )
    )
    assert read_queues(file) == [
        QueueOptions(
            name="access-work",
            requires_session=True,
            lock_duration=timedelta(seconds=90),
            max_delivery_count=3,
            default_time_to_live=timedelta(hours=1),
            requires_duplicate_detection=True,
            duplicate_detection_window=timedelta(seconds=20),
            dead_lettering_on_message_expiration=True,
        ),
        QueueOptions(name="plain"),
    ]


def test_queues_of_a_deployment_are_read_as_resource_manager_spells_them(tmp_path: Path) -> None:
    file = tmp_path / "queues.json"
    file.write_text(
        """{"queues": [{"name": "access-work", "properties": {"requiresSession": true, "lockDuration": "PT1M30S"}}]}"""
    )
    (queue,) = read_deployed_queues(file)
    assert queue == QueueOptions(name="access-work", requires_session=True, lock_duration=timedelta(seconds=90))
    file.write_text("""{"queues": [{"name": "q", "properties": {"lockDuratoin": "PT1M"}}]}""")
    with pytest.raises(ValidationError, match="LockDuratoin"):
        read_deployed_queues(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "the file: Invalid JSON"),
        ("{}", "UserConfig: Field required"),
        (in_file('{"Name": "q"}, {"Name": "Q"}'), "Namespaces[0].Queues: names two queues alike: q"),
        (in_file('{"Name": "q", "Propertys": {}}'), "Queues[0].Propertys: Extra inputs"),
        (in_file('{"Name": "a b"}'), "Queues[0].Name: "),
        (in_file('{"Name": "q", "Properties": {"LockDuration": "PT6M"}}'), "LockDuration: is longer than PT5M"),
        (in_file('{"Name": "q", "Properties": {"LockDuration": 60}}'), "LockDuration: is not an ISO 8601"),
        (in_file('{"Name": "q", "Properties": {"LockDuration": "PT0S"}}'), "LockDuration: is not longer"),
        (in_file('{"Name": "q", "Properties": {"MaxDeliveryCount": 0}}'), "MaxDeliveryCount: "),
        (in_file('{"Name": "q", "Properties": {"ForwardTo": "r"}}'), "ForwardTo: asks for forwarding"),
        (
            in_file('{"Name": "q", "Properties": {"DuplicateDetectionHistoryTimeWindow": "PT1S"}}'),
            "DuplicateDetectionHistoryTimeWindow: is not between PT20S and P7D",
        ),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(text: str, said: str) -> None:
    with pytest.raises(QueueConfigError) as refused:
        parse_queues(text, origin="queues.json")
    assert str(refused.value).startswith("Queue file queues.json cannot be used:")
    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(QueueConfigError, match="cannot be read"):
        read_queues(tmp_path / "none.json")


def test_topics_in_the_emulators_file_are_left_out_and_queues_beside_them_are_made() -> None:
    text = in_file('{"Name": "q"}', ', "Topics": [{"Name": "t"}]')
    assert [queue.name for queue in parse_queues(text, origin="config.json")] == ["q"]
