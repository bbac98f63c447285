"""What the ledger promises on every store: append-only, one writer, a chain that shows what was done."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.ledger_rows import FIRST_PREVIOUS, FORMAT, RECORD_CHARACTERS, body_text
from shared.adapters.store.rows import Damaged, Delete, Insert, Replace, Row, Rows
from shared.domain.history.checks import Told
from shared.domain.history.records import Record
from shared.domain.keys import ProfileKey
from shared.domain.reasons import Code
from shared.errors import Conflict, Permanent, TooLarge, Transient
from tests.ledger_records import check_body, digest_of, forge

NL = ProfileKey("account", "NL")
KEY = "person:7c0f5a0e-0000-4000-8000-000000000001"
AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def ledger(rows: Rows) -> RowsLedger:
    return RowsLedger(rows)


async def append(ledger: RowsLedger, count: int, key: str = KEY) -> list[Record]:
    chain = await ledger.open(key)
    return [await chain.append(AT + timedelta(minutes=n), check_body(n)) for n in range(count)]


async def records(ledger: RowsLedger, key: str = KEY) -> list[Record]:
    return [record async for record in ledger.read(key)]


def digest_with(record: Record, body: dict[str, Any], previous: str) -> str:
    """The digest that a record would have with another body."""
    said = {"key": KEY, "sequence": record.sequence, "at": record.at.isoformat(), "kind": "check", "format": FORMAT}
    return digest_of(said | {"body": body, "previous": previous})


async def tamper(rows: Rows, sequence: int, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Changes a stored record behind the ledger's back, or takes it out."""
    partition, key = f"ledger:{KEY}", f"record:{sequence:012}"
    row = await rows.get(partition, key)
    assert row is not None
    body = change(row.body)
    await rows.write(partition, Delete(key, row.etag) if body is None else Replace(key, body, row.etag))


async def test_records_are_read_back_in_order_as_they_were_appended(ledger: RowsLedger) -> None:
    appended = await append(ledger, 3)
    assert await records(ledger) == appended
    assert [record.sequence for record in appended] == [1, 2, 3]
    assert [record.previous for record in appended] == [
        FIRST_PREVIOUS,
        appended[0].digest,
        appended[1].digest,
    ]
    assert await ledger.verify(KEY) == []


async def test_a_digest_can_be_recomputed_by_anybody_from_what_is_stored(ledger: RowsLedger) -> None:
    (record,) = await append(ledger, 1)
    text = (
        '{"at":"2026-03-01T09:30:00+00:00","body":{"cause":"event","origin":"/hr#1","outcome":"unchanged"},"format":1,'
        f'"key":"{KEY}","kind":"check","previous":"{"0" * 64}","sequence":1}}'
    )
    assert record.digest == hashlib.sha256(text.encode()).hexdigest()  # and nothing else goes into it


async def test_a_chain_goes_on_where_an_earlier_one_ended(ledger: RowsLedger) -> None:
    first = await append(ledger, 2)
    second = await append(ledger, 2)
    assert [record.sequence for record in second] == [3, 4]
    assert second[0].previous == first[-1].digest
    assert await ledger.verify(KEY) == []


@pytest.mark.parametrize("count", [1, 2, 5, 9])
async def test_the_latest_records_are_the_end_of_the_chain_oldest_first(ledger: RowsLedger, count: int) -> None:
    appended = await append(ledger, 5)
    assert await ledger.latest(KEY, count) == appended[-count:]


async def test_the_latest_records_of_no_chain_and_no_latest_records_of_one_are_none(ledger: RowsLedger) -> None:
    assert await ledger.latest(KEY, 3) == []
    await append(ledger, 2)
    assert await ledger.latest(KEY, 0) == []


async def test_the_latest_records_are_read_whatever_became_of_those_before(ledger: RowsLedger, rows: Rows) -> None:
    appended = await append(ledger, 4)
    await tamper(rows, 1, lambda _: {})
    assert await ledger.latest(KEY, 2) == appended[-2:]
    with pytest.raises(Damaged):
        await ledger.latest(KEY, 4)


async def test_keys_have_chains_of_their_own(ledger: RowsLedger) -> None:
    other = "profile:acc:ount_2019-05-31/ab-cd/../#?%"
    await append(ledger, 2)
    await append(ledger, 3, other)
    assert [record.key for record in await records(ledger, other)] == [other] * 3
    assert len(await records(ledger)) == 2
    assert await ledger.verify(other) == []


@pytest.mark.parametrize("key", ["identity:mail:" + "x" * 1000 + "@contoso.com", "identity:upn:jörg@contoso.com"])
async def test_a_key_too_long_or_too_foreign_for_a_row_key_has_a_chain_too(ledger: RowsLedger, key: str) -> None:
    appended = await append(ledger, 2, key)
    assert await records(ledger, key) == appended
    assert await ledger.verify(key) == []


async def test_whoever_opened_before_another_append_gets_a_conflict_and_changes_nothing(
    ledger: RowsLedger,
) -> None:
    await append(ledger, 1)
    stale = await ledger.open(KEY)
    winner = await ledger.open(KEY)
    won = await winner.append(AT, check_body(origin="winner"))
    for _ in range(2):
        with pytest.raises(Conflict, match="somebody else appended"):
            await stale.append(AT, check_body(origin="stale"))
    last = await winner.append(AT, check_body(origin="winner"))
    assert (await records(ledger))[1:] == [won, last]
    assert won.sequence == 2
    assert await ledger.verify(KEY) == []


async def test_of_many_who_open_an_empty_chain_at_once_one_appends(ledger: RowsLedger) -> None:
    chains = await asyncio.gather(*(ledger.open(KEY) for _ in range(6)))
    outcomes = await asyncio.gather(
        *(chain.append(AT, check_body(n)) for n, chain in enumerate(chains)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Record) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 5
    assert len(await records(ledger)) == 1
    assert await ledger.verify(KEY) == []


async def test_a_returned_record_is_what_a_reader_gets(ledger: RowsLedger) -> None:
    chain = await ledger.open(KEY)
    local = datetime(2026, 3, 1, 11, 30, tzinfo=timezone(timedelta(hours=2)))
    told = Told(why=Code.SAID(said="é\U0001f600"), wanted={NL: ("b", "a")}, held={})
    record = await chain.append(local, check_body(told=told))
    assert record.at == AT
    assert await records(ledger) == [record]
    assert await ledger.verify(KEY) == []


async def test_a_text_that_is_not_unicode_is_kept_as_it_is(ledger: RowsLedger) -> None:
    """A service's words may hold half of a pair, and what was done must be told all the same."""
    chain = await ledger.open(KEY)
    record = await chain.append(AT, check_body(told=Told(why=Code.SAID(said="odd \ud800"))))
    assert await records(ledger) == [record]
    assert await ledger.verify(KEY) == []


@pytest.mark.parametrize(
    ("why", "at", "error"), [("", AT.replace(tzinfo=None), ValueError), ("x" * RECORD_CHARACTERS, AT, TooLarge)]
)
async def test_what_cannot_be_kept_is_refused_and_the_chain_goes_on(
    ledger: RowsLedger, why: str, at: datetime, error: type[Exception]
) -> None:
    chain = await ledger.open(KEY)
    with pytest.raises(error):
        await chain.append(at, check_body(told=Told(why=Code.SAID(said=why))))
    fits = await chain.append(AT, check_body())
    assert await records(ledger) == [fits]


async def test_a_record_of_the_longest_kind_is_kept(ledger: RowsLedger) -> None:
    chain = await ledger.open(KEY)
    longest = "x" * (RECORD_CHARACTERS - len(body_text(check_body(told=Told(why=Code.SAID(said="x"))))) + 1)
    record = await chain.append(AT, check_body(told=Told(why=Code.SAID(said=longest))))
    assert await records(ledger) == [record]


async def test_a_changed_record_is_named(ledger: RowsLedger, rows: Rows) -> None:
    await append(ledger, 3)
    await tamper(rows, 2, lambda body: {**body, "body": {"n": 99}})
    assert await ledger.verify(KEY) == ["record 2 was changed: its digest does not fit"]


@pytest.mark.parametrize("n", ["NaN", "1.0", "[1", "1 ", " 1", '0,"attempt":1', '1,"\\u0061ttempt":1', "1e0", "10e-1"])
async def test_a_record_in_another_spelling_is_a_change_whatever_python_reads_there(
    ledger: RowsLedger, rows: Rows, n: str
) -> None:
    """A duplicate name, of which others read the first; another number, escape or space; what is no JSON."""
    await append(ledger, 2)
    last = await rows.get(f"ledger:{KEY}", "record:000000000002")
    assert last is not None
    forged = replace(last, text=last.text.replace('"attempt":1,', f'"attempt":{n},'))
    assert forged.text != last.text
    wrong = await RowsLedger(Forged(rows, forged)).verify(KEY)
    assert any("record 2 was changed" in one for one in wrong)


@pytest.mark.parametrize(
    ("written", "respelled"),
    [
        ('"kind":"check"', '"kind":"hidden","kind":"check"'),
        ('"sequence":2', '"sequence":9,"sequence":2'),
        ('"sequence":2', '"sequence": 2'),
        ('"kind":"check"', '"kind":"chec\\u006b"'),
        ('"format":1', '"format":1.0'),
    ],
)
async def test_a_field_of_a_record_in_another_spelling_is_a_change(
    ledger: RowsLedger, rows: Rows, written: str, respelled: str
) -> None:
    await append(ledger, 2)
    last = await rows.get(f"ledger:{KEY}", "record:000000000002")
    assert last is not None
    forged = replace(last, text=last.text.replace(written, respelled))
    assert forged.text != last.text
    (wrong,) = await RowsLedger(Forged(rows, forged)).verify(KEY)
    assert "record 2 was changed" in wrong


async def test_a_record_whose_digest_is_over_its_other_spelling_is_a_change(ledger: RowsLedger, rows: Rows) -> None:
    """Somebody who writes the digest anew over the text with two names."""
    await append(ledger, 1)
    last = await rows.get(f"ledger:{KEY}", "record:000000000001")
    assert last is not None
    body = last.body
    canonical = json.dumps({**body, "digest": None}, sort_keys=True, separators=(",", ":"))
    twice = '"body":{"cause":"sweep","cause":"event"'
    text = canonical.replace('"digest":null,', "").replace('"body":{"cause":"event"', twice)
    forged_digest = hashlib.sha256(text.encode()).hexdigest()
    forged = last.text.replace('"body":{"cause":"event"', twice).replace(body["digest"], forged_digest)
    assert forged_digest in forged
    assert twice in forged
    wrong = await RowsLedger(Forged(rows, replace(last, text=forged))).verify(KEY)
    assert "record 1 was changed: it is spelled in another way than we write it" in wrong


class Forged:
    """Rows one of which is stored as another text."""

    def __init__(self, rows: Rows, forged: Row) -> None:
        self._rows = rows
        self._forged = forged
        self.get, self.write, self.close = rows.get, rows.write, rows.close

    async def range(self, partition: str, start: str, end: str, *, page: int = 1000) -> AsyncGenerator[Row]:
        async for row in self._rows.range(partition, start, end, page=page):
            yield self._forged if row.key == self._forged.key else row


async def test_a_record_changed_along_with_its_digest_no_longer_fits_the_next(ledger: RowsLedger, rows: Rows) -> None:
    _, second, _ = await append(ledger, 3)
    forged = digest_with(second, {"n": 99}, second.previous)
    await tamper(rows, 2, lambda body: {**body, "body": {"n": 99}, "digest": forged})
    (wrong,) = await ledger.verify(KEY)
    assert wrong == "record 3 does not follow record 2: one of them was changed or replaced"


async def test_a_last_record_changed_along_with_its_digest_no_longer_fits_the_head(
    ledger: RowsLedger, rows: Rows
) -> None:
    *_, last = await append(ledger, 3)
    forged = digest_with(last, {"n": 99}, last.previous)
    await tamper(rows, 3, lambda body: {**body, "body": {"n": 99}, "digest": forged})
    assert await ledger.verify(KEY) == ["the head or record 3 was changed: their digests differ"]


async def test_missing_records_are_named(ledger: RowsLedger, rows: Rows) -> None:
    await append(ledger, 5)
    for sequence in (2, 3):
        await tamper(rows, sequence, lambda _: None)
    assert await ledger.verify(KEY) == ["records 2 to 3 are missing"]


async def test_a_first_record_that_is_missing_is_named(ledger: RowsLedger, rows: Rows) -> None:
    await append(ledger, 2)
    await tamper(rows, 1, lambda _: None)
    assert await ledger.verify(KEY) == ["record 1 is missing"]


async def test_records_cut_off_behind_the_head_are_named(ledger: RowsLedger, rows: Rows) -> None:
    await append(ledger, 4)
    for sequence in (3, 4):
        await tamper(rows, sequence, lambda _: None)
    assert await ledger.verify(KEY) == ["records 3 to 4 are missing: the head names a later record"]


async def test_reordered_records_are_named(ledger: RowsLedger, rows: Rows) -> None:
    await append(ledger, 3)
    partition, names = f"ledger:{KEY}", ("record:000000000001", "record:000000000002")
    first, second = [await rows.get(partition, name) for name in names]
    assert first is not None
    assert second is not None
    await rows.write(partition, Replace(names[0], second.body, first.etag), Replace(names[1], first.body, second.etag))
    wrong = await ledger.verify(KEY)
    assert "record 1 was reordered: it says that it is record 2" in wrong
    assert "record 2 was reordered: it says that it is record 1" in wrong


async def test_a_record_from_another_key_is_named(ledger: RowsLedger, rows: Rows) -> None:
    await append(ledger, 2)
    (other,) = await append(ledger, 1, "person:other")
    stolen = await rows.get("ledger:person:other", "record:000000000001")
    assert stolen is not None
    await tamper(rows, 1, lambda _: stolen.body)
    assert other.key == "person:other"
    assert "record 1 was put here from 'person:other'" in await ledger.verify(KEY)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: {**body, "more": 1},
        lambda body: {name: value for name, value in body.items() if name != "kind"},
        lambda body: {**body, "at": "yesterday"},
        lambda body: {**body, "at": "2026-03-01T09:31:00"},
        lambda body: {**body, "at": "2026-03-01T09:31:00Z"},
        lambda body: {**body, "sequence": True},
        lambda body: {**body, "body": [1]},
        lambda body: {**body, "format": True},
        lambda body: {**body, "format": 2},
        lambda body: {name: value for name, value in body.items() if name != "format"},
    ],
)
async def test_a_record_of_the_wrong_shape_is_named_and_is_not_read(
    ledger: RowsLedger, rows: Rows, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    await append(ledger, 3)
    await tamper(rows, 2, change)
    (wrong,) = await ledger.verify(KEY)
    assert wrong.startswith("record 2 was changed: ")
    with pytest.raises(Damaged):
        await records(ledger)


# -- a record that is whole, and says what this build cannot read


@pytest.mark.parametrize(
    ("kind", "body", "wrong"),
    [
        ("result", {"n": 1}, "is of kind 'result', which this build does not know"),
        ("check", {}, "does not say what a record of kind 'check' says: cause is missing; origin is missing; outcome"),
        ("check", {"outcome": "perhaps"}, "outcome: Input should be 'done', 'unchanged'"),
        ("check", {"read": ["NL"]}, "read[0]: 'NL' is not '<billing account>/<billing profile>'"),
        ("check", {"attempt": "1"}, "attempt: Input should be a valid integer"),
        ("check", {"held": {"a/NL": {"proof": "mine"}}}, "held.a/NL.proof: Input should be 'created-by', 'intent'"),
        ("check", {"next": [{"kind": "settle", "due": "now"}]}, "next[0].due: Invalid isoformat string: 'now'"),
        ("check", {"looks": 1}, "looks: Unexpected keyword argument"),
        ("intent", {"actions": [{"action": "rob"}]}, "actions[0]: Input tag 'rob' found using 'action' does not match"),
        ("intent", {"actions": [{"action": "grant"}]}, "actions[0].grant.profile is missing"),
        ("adopt", {"created_on": "2026-03-01T09:30:00"}, "created_on: the time has no zone"),
        ("decision", {"verb": "rob", "by": "olga"}, "verb: Input should be 'release', 'dismiss', 'pause', 'resume' or"),
        ("digest", {"heads": {"operator": ["1", "f"]}}, "heads.operator[0]: Input should be a valid integer"),
        ("unmanaged", {"appeared": [{"profile": "a/NL", "principal": 7}]}, "appeared[0].principal: it is not a text"),
    ],
)
async def test_what_cannot_be_read_is_refused_in_a_sentence_and_its_chain_holds(
    ledger: RowsLedger, rows: Rows, kind: str, body: dict[str, Any], wrong: str
) -> None:
    first, *_ = await append(ledger, 1)
    await forge(rows, KEY, AT, kind, body)
    last = await (await ledger.open(KEY)).append(AT, check_body())
    with pytest.raises(Permanent) as refused:
        await records(ledger)
    said = refused.value.reason
    assert said.startswith(f"record 2 of '{KEY}' ")
    assert wrong in said
    assert said.endswith("; a later build wrote it, or somebody else did: `verify` says whether its chain holds")
    with pytest.raises(Permanent, match="record 2 of"):
        await ledger.latest(KEY, 2)
    assert await ledger.latest(KEY, 1) == [last]
    assert await ledger.verify(KEY) == []
    left_out: list[str] = []
    assert [record async for record in ledger.read(KEY, left_out)] == [first, last]
    assert left_out == [said]


async def test_a_chain_of_an_earlier_build_is_refused_in_a_sentence_and_nobody_appends(
    ledger: RowsLedger, rows: Rows
) -> None:
    """Builds before the first release wrote no form into their rows."""
    await append(ledger, 3)
    for key in ("head", *(f"record:{sequence:012}" for sequence in range(1, 4))):
        row = await rows.get(f"ledger:{KEY}", key)
        assert row is not None
        old = {name: value for name, value in row.body.items() if name != "format"}
        await rows.write(f"ledger:{KEY}", Replace(key, old, row.etag))
    remedy = (
        "is not of form 1, the only one read here: a build from before the first release wrote it, or somebody changed "
        "it; name an empty store in INVOICE_ACCESS_STORE"
    )
    for use in (records(ledger), ledger.open(KEY), ledger.latest(KEY, 1), ledger.head(KEY)):
        with pytest.raises(Permanent) as refused:
            await use
        assert refused.value.reason.startswith("row '")
        assert refused.value.reason.endswith(f" in 'ledger:{KEY}' {remedy}")
    first, head = await ledger.verify(KEY)
    assert (
        first
        == f"record 1 was changed: row 'record:000000000001' in 'ledger:{KEY}' {remedy}; so are 2 records after it"
    )
    assert head == f"the head was changed: row 'head' in 'ledger:{KEY}' {remedy}"


@pytest.mark.parametrize("name", ["x", "2", "000000000000", "0000000000002"])
async def test_a_row_that_is_no_record_of_ours_is_named(ledger: RowsLedger, rows: Rows, name: str) -> None:
    await append(ledger, 1)
    first = await rows.get(f"ledger:{KEY}", "record:000000000001")
    assert first is not None
    await rows.write(f"ledger:{KEY}", Insert(f"record:{name}", first.body))
    assert await ledger.verify(KEY) == [f"row 'record:{name}' is no record of ours"]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (None, "the head is missing behind record 2"),
        ({"sequence": 1}, "the head was changed: it names record 1, and the last one is 2"),
        ({"digest": "f" * 64}, "the head or record 2 was changed: their digests differ"),
        ({"sequence": "two"}, f"the head was changed: row 'head' in 'ledger:{KEY}' is no head of a chain"),
        ({"key": "person:other"}, "the head was changed: it is not as we write it"),
        ({"more": 1}, "the head was changed: it is not as we write it"),
    ],
)
async def test_a_head_that_was_changed_is_named(
    ledger: RowsLedger, rows: Rows, change: dict[str, Any] | None, wrong: str
) -> None:
    await append(ledger, 2)
    head = await rows.get(f"ledger:{KEY}", "head")
    assert head is not None
    gone = change is None
    changed = Delete("head", head.etag) if gone else Replace("head", {**head.body, **(change or {})}, head.etag)
    await rows.write(f"ledger:{KEY}", changed)
    assert await ledger.verify(KEY) == [wrong]


# -- heads, keys, and what was kept elsewhere


async def test_the_head_is_the_last_record_s_sequence_and_digest(ledger: RowsLedger) -> None:
    assert await ledger.head(KEY) == (0, "")
    *_, last = await append(ledger, 3)
    assert await ledger.head(KEY) == (3, last.digest)


async def keys(ledger: RowsLedger) -> list[str]:
    return [key async for key in ledger.keys()]  # noqa: SIM118 - it is no mapping


async def test_every_key_that_ever_had_a_record_is_listed_once(ledger: RowsLedger) -> None:
    named = [KEY, "operator", "digest", "identity:upn:" + "x" * 1000, "profile:acc/Zürich#?%"]
    assert await keys(ledger) == []
    await asyncio.gather(*(append(ledger, 2, key) for key in named))
    await append(ledger, 1)
    assert sorted(await keys(ledger)) == sorted(named)


async def test_a_chain_that_was_only_opened_is_not_listed(ledger: RowsLedger) -> None:
    await ledger.open(KEY)
    assert await keys(ledger) == []


async def test_a_key_whose_first_append_failed_is_listed_and_holds(ledger: RowsLedger, rows: Rows) -> None:
    chain = await RowsLedger(Failing(rows, f"ledger:{KEY}")).open(KEY)
    with pytest.raises(Transient):
        await chain.append(AT, check_body())
    assert await keys(ledger) == [KEY]
    assert await ledger.verify(KEY) == []
    assert await ledger.head(KEY) == (0, "")
    await append(ledger, 1)
    assert await keys(ledger) == [KEY]


class Failing:
    """Rows that cannot be written in one partition."""

    def __init__(self, rows: Rows, partition: str) -> None:
        self._rows = rows
        self._partition = partition
        self.get, self.range, self.close = rows.get, rows.range, rows.close

    async def write(self, partition: str, *operations: Any) -> tuple[str, ...]:
        if partition == self._partition:
            raise Transient("the store went away")
        return await self._rows.write(partition, *operations)


async def test_a_list_of_keys_that_names_another_key_is_an_error(ledger: RowsLedger, rows: Rows) -> None:
    await append(ledger, 1)
    listed = await rows.get("ledger-keys", f"key:{KEY}")
    assert listed is not None
    await rows.write("ledger-keys", Replace(listed.key, {"key": "person:other"}, listed.etag))
    with pytest.raises(Damaged):
        await keys(ledger)


async def test_a_key_that_was_taken_from_the_list_is_a_fault_of_its_chain(ledger: RowsLedger, rows: Rows) -> None:
    await append(ledger, 2)
    listed = await rows.get("ledger-keys", f"key:{KEY}")
    assert listed is not None
    await rows.write("ledger-keys", Delete(listed.key, listed.etag))
    assert await ledger.verify(KEY) == ["its key was removed from the list of chains"]


async def test_records_are_as_they_were_kept_elsewhere(ledger: RowsLedger) -> None:
    appended = await append(ledger, 4)
    assert await ledger.verify(KEY, {record.sequence: record.digest for record in appended}) == []


async def test_a_chain_rewritten_from_somewhere_on_is_not_what_was_kept_elsewhere(
    ledger: RowsLedger, rows: Rows
) -> None:
    first, second, third = await append(ledger, 3)
    forged, previous = [], first.digest
    for record in (second, third):
        body = {"n": 99}
        digest = digest_with(record, body, previous)
        forged.append({"body": body, "previous": previous, "digest": digest})
        previous = digest
    await tamper(rows, 2, lambda body: {**body, **forged[0]})
    await tamper(rows, 3, lambda body: {**body, **forged[1]})
    head = await rows.get(f"ledger:{KEY}", "head")
    assert head is not None
    await rows.write(f"ledger:{KEY}", Replace("head", {**head.body, "digest": previous}, head.etag))
    assert await ledger.verify(KEY) == []
    assert await ledger.verify(KEY, {1: first.digest}) == []
    assert await ledger.verify(KEY, {1: first.digest, 3: third.digest}) == [
        "record 3 was replaced: its digest is not the one that was kept elsewhere"
    ]


@pytest.mark.parametrize("left", [0, 1])
async def test_a_chain_cut_off_with_its_head_lacks_what_was_kept_elsewhere(
    ledger: RowsLedger, rows: Rows, left: int
) -> None:
    *_, last = await append(ledger, 2)
    rest = [row async for row in rows.range(f"ledger:{KEY}", "!", "~")]
    await rows.write(f"ledger:{KEY}", *(Delete(row.key, row.etag) for row in rest))
    await append(ledger, left)
    assert await ledger.verify(KEY) == []
    assert await ledger.verify(KEY, {2: last.digest}) == ["record 2 is missing: its digest was kept elsewhere"]


async def test_a_chain_that_grows_while_it_is_verified_holds(ledger: RowsLedger, rows: Rows) -> None:
    """Somebody appends between our reads of the records and of the head."""
    await append(ledger, 2)
    growing = Growing(rows)
    assert await RowsLedger(growing).verify(KEY) == []
    assert growing.grown == 3
    assert await ledger.head(KEY) == (5, (await records(ledger))[-1].digest)


async def test_a_first_record_that_comes_in_while_a_chain_is_verified_is_no_fault(rows: Rows) -> None:
    assert await RowsLedger(Growing(rows)).verify(KEY) == []


class Growing:
    """Rows in which somebody appends a record before each of our first three reads of a head."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.grown = 0
        self.write, self.range, self.close = rows.write, rows.range, rows.close

    async def get(self, partition: str, key: str) -> Row | None:
        if key == "head" and self.grown < 3:
            self.grown += 1
            await append(RowsLedger(self._rows), 1)
        return await self._rows.get(partition, key)


async def test_a_key_without_records_holds_and_reads_as_empty(ledger: RowsLedger) -> None:
    assert await records(ledger) == []
    assert await ledger.verify(KEY) == []


async def test_what_is_stored_is_json_that_anybody_can_read(ledger: RowsLedger, rows: Rows) -> None:
    (record,) = await append(ledger, 1)
    row = await rows.get(f"ledger:{KEY}", "record:000000000001")
    assert row is not None
    stored = json.loads(row.text)
    assert replace(record, at=datetime.fromisoformat(stored.pop("at"))) == record
    assert stored == {
        "key": KEY,
        "sequence": 1,
        "kind": "check",
        "body": {"cause": "event", "origin": "/hr#1", "outcome": "unchanged"},
        "format": 1,
        "previous": "0" * 64,
        "digest": record.digest,
    }
