"""Nothing that a stranger can send makes reading fail, and whatever comes out can be stored, keyed and sent on."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.domain.keys import parse_key, session_id
from shared.errors import Rejected
from shared.sources.events import Ignored, PersonEvent
from shared.sources.read import read_message

NOW = datetime(2028, 2, 29, 12, tzinfo=UTC)
PERSON = "7c0f5a0e-0000-4000-8000-00000000a11a"

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/hr",
    "type": "hired",
    "subject": f"id:{PERSON}",
    "time": "2026-01-01T00:00:00Z",
    "data": {"effective": "2028-04-01", "resourceData": {"id": PERSON}},
}
COLLECTION: dict[str, Any] = {
    "value": [
        {
            "changeType": "updated",
            "resource": f"Users/{PERSON}",
            "tenantId": "t",
            "subscriptionId": "s",
            "resourceData": {"id": PERSON, "sequenceNumber": 638059995676961300},
        },
        {"resource": f"Groups/{PERSON}", "resourceData": {"members@delta": [{"id": PERSON, "@removed": "deleted"}]}},
        {"lifecycleEvent": "missed"},
    ]
}

ANY_TEXT = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.builds(
        "{}{}".format, st.sampled_from(["id:", "upn:", "mail:", "employee-id:", "Users/", "groups('"]), st.text()
    ),
    st.builds("{}@{}".format, st.sampled_from(["upn:a", "mail:b"]), st.text(st.characters(exclude_categories=()))),
    st.datetimes(timezones=st.sampled_from([None, UTC])).map(lambda moment: moment.isoformat()),
    st.dates().map(lambda day: day.isoformat()),
)
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [path, *(place for key, child in children for place in places(child, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def can_be_used(body: bytes) -> None:
    """Whatever was read is a value of a known kind that the rest of the app can store, key, log and send."""
    found = read_message(body, now=NOW)
    assert found
    for item in found:
        match item:
            case PersonEvent(key=key, origin=origin, event_type=event_type, effective=effective):
                assert parse_key(key.canonical) == key
                assert 0 <= int(session_id(key)) < 32
                assert (origin + event_type).encode()
                assert effective is None or 1969 <= effective.year <= 2039
                assert not isinstance(effective, datetime) or effective.tzinfo is UTC
            case Ignored(reason=reason):
                assert reason.encode()
            case Rejected():
                texts = (item.field, item.reason, item.remedy)
                assert all(texts)
                assert len(" ".join(texts).encode()) < 4000


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_arbitrary_bytes_never_raise(body: bytes) -> None:
    can_be_used(body)


@given(ANY_JSON)
@settings(max_examples=150, deadline=None)
def test_arbitrary_json_never_raises(value: Any) -> None:
    can_be_used(json.dumps(value).encode())


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_message_with_anything_anywhere_never_raises(data: st.DataObject) -> None:
    message: Any = data.draw(st.sampled_from([EVENT, COLLECTION, [EVENT, EVENT]]))
    for _ in range(data.draw(st.integers(1, 3))):
        message = changed(message, data.draw(st.sampled_from(places(message))), data.draw(ANY_JSON))
    can_be_used(json.dumps(message).encode())


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_message_that_was_damaged_on_its_way_never_raises(data: st.DataObject) -> None:
    body = bytearray(json.dumps(data.draw(st.sampled_from([EVENT, COLLECTION, [EVENT, EVENT]]))).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(begin, min(len(body), begin + 10)))
        body[begin:end] = data.draw(st.binary(max_size=6))
    can_be_used(bytes(body))


@given(st.lists(ANY_JSON, max_size=4), st.integers(0, 4))
@settings(max_examples=100, deadline=None)
def test_a_good_event_is_read_whatever_stands_beside_it(others: list[Any], place: int) -> None:
    batch = json.dumps([*others[:place], EVENT, *others[place:]])
    assume("NaN" not in batch and "Infinity" not in batch)  # that is no JSON at all
    found = read_message(batch.encode(), now=NOW)
    assert any(isinstance(item, PersonEvent) and item.key.canonical == f"person:{PERSON}" for item in found)
