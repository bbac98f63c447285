"""Work items on the wire: what goes in comes out, and whatever else comes in is rejected with a reason."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.queues.work_wire import BODY_BYTES, decode, encode
from shared.domain.keys import NameKey, NameKind, PersonKey, ProfileKey
from shared.domain.work import FUTURE_CHECKS, MOST_HINTS, Cause, CauseKind, Position, WorkItem, again
from shared.errors import Rejected

PERSON = "person:7c0f5a0e-0000-4000-8000-000000000001"
GOOD = {"key": PERSON, "cause": {"kind": "event", "origin": "hr#1"}, "first_asked": "2026-03-01T09:30:00Z"}

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
WORD = st.text(max_size=20).filter(lambda text: bool(text) and text.lower().isprintable() and not set("@ ") & set(text))
NAMES = st.from_regex(r"[A-Za-z0-9:._-]{1,40}", fullmatch=True)
MOMENTS = st.datetimes(
    datetime(1901, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2199, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
PROFILES = st.builds(ProfileKey, NAMES, NAMES)
KEYS = st.one_of(
    st.builds(PersonKey, st.uuids().map(str)),
    PROFILES,
    st.builds(NameKey, st.just(NameKind.EMPLOYEE_ID), WORD),
    st.builds(NameKey, st.sampled_from([NameKind.UPN, NameKind.MAIL]), st.builds("{}@{}".format, WORD, WORD)),
)
ITEMS = st.builds(
    WorkItem,
    key=KEYS,
    cause=st.builds(Cause, st.sampled_from(CauseKind), TEXT, TEXT),
    first_asked=MOMENTS,
    attempt=st.integers(0, 1000),
    hints=st.lists(PROFILES, max_size=5).map(tuple),
    effective=st.none() | MOMENTS,
    failing_since=st.none() | MOMENTS,
    due=st.none() | MOMENTS,
    moments=st.lists(MOMENTS, max_size=FUTURE_CHECKS).map(tuple),
    after=st.none() | st.builds(Position, st.booleans(), PROFILES),
    upto=st.none() | st.builds(Position, st.booleans(), PROFILES),
    only=st.none() | st.frozensets(st.from_regex(r"[0-9a-f]{16}(:[0-9a-f]{16})?", fullmatch=True), max_size=5),
)


@given(ITEMS)
def test_an_item_comes_back_as_it_was_sent(item: WorkItem) -> None:
    found = decode(encode(item))
    assert found == item
    assert str(found.key) == str(item.key)
    assert [str(hint) for hint in found.hints] == [str(hint) for hint in item.hints]


@given(st.binary(max_size=300) | st.text().map(str.encode))
def test_noise_is_rejected_and_nothing_else_happens(body: bytes) -> None:
    with pytest.raises(Rejected):
        decode(body)


def test_a_plain_item_is_understood() -> None:
    assert decode(json.dumps(GOOD).encode()) == WorkItem(
        PersonKey("7c0f5a0e-0000-4000-8000-000000000001"),
        Cause(CauseKind.EVENT, "hr#1"),
        datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    )


def test_unknown_fields_are_ignored() -> None:
    more = {**GOOD, "grant": "everything", "cause": {**GOOD["cause"], "by": "x"}}  # type: ignore[dict-item]
    assert decode(json.dumps(more).encode()) == decode(json.dumps(GOOD).encode())


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"key": None}, "key", "not a text"),
        ({"key": "person:anna"}, "key", "is not an object id"),
        ({"key": "room:1"}, "key", "is not a key"),
        ({"after": {"surplus": True, "profile": "nothing"}}, "after.profile", "is not '<billing account>"),
        ({"upto": {"profile": "a/b"}}, "upto.surplus", "it is missing"),
        ({"only": ["everything"]}, "only[0]", "should match pattern"),
        ({"after": "a/b"}, "after", "object"),
        ({"key": "identity:upn: "}, "key", "names nobody"),
        ({"key": "profile:a/b/c"}, "key", "is not a billing account"),
        ({"cause": "event"}, "cause", "an object"),
        ({"cause": {"kind": "order", "origin": ""}}, "cause.kind", "'event'"),
        ({"cause": {"kind": "event"}}, "cause.origin", "it is missing"),
        ({"first_asked": "yesterday"}, "first_asked", "datetime"),
        ({"first_asked": "2026-03-01T09:30:00"}, "first_asked", "timezone"),
        ({"first_asked": "9999-12-31T23:59:59Z"}, "first_asked", "the year 9999"),
        ({"first_asked": "0001-01-01T00:00:00Z"}, "first_asked", "the year 1"),
        ({"effective": "1600-01-01T00:00:00Z"}, "effective", "the year 1600"),
        ({"first_asked": 1}, "first_asked", "datetime"),
        ({"attempt": -1}, "attempt", "greater than or equal"),
        ({"attempt": True}, "attempt", "integer"),
        ({"attempt": 10**30}, "attempt", "less than or equal"),
        ({"hints": ["a/b"] * (MOST_HINTS + 1)}, "hints", "at most 200"),
        ({"hints": ["a/b", "ab"]}, "hints[1]", "is not '<billing account>/<billing profile>'"),
        ({"hints": "a/b"}, "hints", "not an array"),
        ({"hints": ["a/b", "a/b c"]}, "hints[1]", "are named with"),
        ({"key": "profile:Anna Jansen was fired/call 0800"}, "key", "are named with"),
        ({"key": "profile:a/\x1b[2J"}, "key", "are named with"),
        ({"key": "profile:a/b\u2028c"}, "key", "are named with"),
        ({"key": f"profile:a/{'b' * 129}"}, "key", "are named with"),
        ({"key": "identity:upn:anna\x1b[2J@contoso.example"}, "key", "cannot be seen"),
        ({"key": "identity:upn:\u202eanna"}, "key", "cannot be seen"),
        ({"key": "identity:upn:anna"}, "key", "one '@'"),
        ({"key": "identity:upn:anna was fired@contoso.example"}, "key", "without blanks"),
        ({"key": f"identity:mail:{'a' * 129}@contoso.example"}, "key", "1 to 128 characters"),
        ({"key": f"identity:mail:a@{'b' * 256}"}, "key", "a domain of 1 to 255"),
        ({"key": "identity:employee-id:Anna Jansen was fired"}, "key", "with a blank in it has at most 16"),
        ({"key": f"identity:employee-id:{'7' * 65}"}, "key", "an employee id has at most 64"),
    ],
)
def test_a_wrong_field_is_named_with_its_reason(change: dict[str, object], field: str, reason: str) -> None:
    with pytest.raises(Rejected) as error:
        decode(json.dumps({**GOOD, **change}).encode())
    assert error.value.field == field
    assert reason in error.value.reason
    assert "people-events" in error.value.remedy


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"person"',
        b"\xff\xfe\x00",
        b'{"key": "\\ud800"}',
        b"[" * BODY_BYTES,
        b'{"x":' * 10_000,
        json.dumps(GOOD).encode()[:-1],
        json.dumps({**GOOD, "noise": "x" * BODY_BYTES}).encode(),
        json.dumps({**GOOD, "key": "identity:mail:a\ud800"}).encode(),
    ],
    ids=[
        "empty",
        "null",
        "list",
        "text",
        "bytes",
        "half",
        "deep",
        "deep-unknown",
        "cut",
        "long",
        "surrogate",
    ],
)
def test_a_body_that_is_no_work_item_is_rejected(body: bytes) -> None:
    with pytest.raises(Rejected):
        decode(body)


def test_two_hundred_hints_of_the_longest_names_fit() -> None:
    account = "5f1c3d2e-1111-4222-8333-0123456789ab:6a2b4c8d-4444-4555-8666-abcdef012345_2019-05-31"
    hints = tuple(ProfileKey(account, f"A{number:03}-BCDE-BG7-PGB") for number in range(MOST_HINTS))
    item = WorkItem(PersonKey(PERSON[7:]), Cause(CauseKind.SWEEP, "s"), datetime.now(UTC), hints=hints)
    assert decode(encode(item)).hints == hints
    with pytest.raises(ValueError, match="at most 200"):
        encode(WorkItem(item.key, item.cause, item.first_asked, hints=(*hints, hints[0])))


def test_an_item_too_large_to_be_decoded_is_not_encoded() -> None:
    item = WorkItem(PersonKey(PERSON[7:]), Cause(CauseKind.EVENT, "x" * BODY_BYTES), datetime.now(UTC))
    with pytest.raises(ValueError, match="over 65,536"):
        encode(item)


def test_what_a_terminal_would_act_on_is_in_no_origin() -> None:
    cause = {"kind": "operator", "origin": "\x1b[1A\x1b[2Koperator:olga", "event_type": "\u202eexe.tfird\n"}
    item = decode(json.dumps({**GOOD, "cause": cause}).encode())
    assert item.cause == Cause(CauseKind.OPERATOR, "\ufffd[1A\ufffd[2Koperator:olga", "\ufffdexe.tfird\ufffd")


def test_a_check_that_was_taken_a_million_times_can_be_sent_again() -> None:
    item = decode(json.dumps({**GOOD, "cause": {"kind": "retry", "origin": "x"}, "attempt": 1_000_000}).encode())
    assert decode(encode(again(item, CauseKind.RETRY))).attempt == 1_000_000
