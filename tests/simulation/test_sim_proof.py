"""The proof: a digest a day, and an audit that finds whatever was done to the ledger up to a digest kept outside."""

import asyncio
import json
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.ledger_rows import FIRST_PREVIOUS
from shared.adapters.store.rows import Delete, Insert, Replace, Row, Rows
from shared.domain.history.records import DigestBody, Record
from shared.errors import Permanent, Transient
from shared.services import ledger_audit as proof
from shared.services.ledger_audit import DIGEST, LISTING, Anchor, Verdict, digest_when_due, verify
from tests.ledger_records import check_body, digest_of, forge
from tests.simulation.small_world import FEMKE, NL, guid
from tests.simulation.stage import Stage
from tests.simulation.virtual_time import VirtualLoop

KEYS: Final = (f"person:{FEMKE}", NL.canonical, "operator", "identity:upn:" + "0" * 64)
DAY: Final = timedelta(hours=24, seconds=1)


async def append(stage: Stage, key: str, count: int = 1) -> None:
    chain = await stage.app.ledger.open(key)
    for number in range(count):
        await chain.append(stage.now, check_body(number))


async def records(stage: Stage, key: str) -> list[Record]:
    return [record async for record in stage.app.ledger.read(key)]


async def digests_of(stage: Stage) -> list[DigestBody]:
    return [one.body for one in await records(stage, DIGEST) if isinstance(one.body, DigestBody)]


async def take(stage: Stage) -> Anchor:
    """Lets a day pass and a digest be taken; what somebody keeps of it."""
    await asyncio.sleep(DAY.total_seconds())
    await digest_when_due(stage.app)
    sequence, digest = await stage.app.ledger.head(DIGEST)
    return Anchor(sequence, digest)


def said(log: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in log.records if record.name == proof.__name__]


# -- the daily digest


async def test_the_first_digest_names_every_head_and_the_log_says_what_to_keep(
    set_stage: Callable[..., Stage], caplog: pytest.LogCaptureFixture
) -> None:
    stage = set_stage()
    for count, key in enumerate(KEYS, 1):
        await append(stage, key, count)
    with caplog.at_level(logging.INFO):
        await digest_when_due(stage.app)
    (record,) = await records(stage, DIGEST)
    assert record.body == DigestBody({key: await stage.app.ledger.head(key) for key in KEYS})
    assert said(caplog) == [f"ledger digest: 1 {record.digest}"]


async def until(stage: Stage, hour: int, minute: int = 0, *, days: int = 0) -> None:
    """Lets time pass until that time of that day."""
    then = (stage.now + timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)
    await asyncio.sleep((then - stage.now).total_seconds())


async def test_a_digest_is_due_on_every_day_and_names_what_changed_since(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    for key in KEYS:
        await append(stage, key)
    await digest_when_due(stage.app)
    await append(stage, KEYS[0])
    await until(stage, 23, 59)
    await digest_when_due(stage.app)
    assert len(await records(stage, DIGEST)) == 1
    await until(stage, 0, 1, days=1)
    await digest_when_due(stage.app)
    _, second = await records(stage, DIGEST)
    assert second.body == DigestBody({KEYS[0]: await stage.app.ledger.head(KEYS[0])})
    await take(stage)
    assert (await records(stage, DIGEST))[-1].body == DigestBody({})


async def test_no_day_goes_without_a_digest_whatever_the_minute_of_the_sweeps(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage()
    began, dice = stage.now, random.Random(5)
    while stage.now - began < timedelta(days=40):
        await digest_when_due(stage.app)
        await asyncio.sleep(3600 * dice.uniform(0.95, 1.1))
    days = [record.at.date() for record in await records(stage, DIGEST)]
    assert days == [began.date() + timedelta(days=number) for number in range(len(days))]
    assert len(days) >= 40


async def test_a_clock_a_little_ahead_at_midnight_takes_no_second_digest(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    await until(stage, 23, 59)
    await (await stage.app.ledger.open(DIGEST)).append(stage.now + timedelta(minutes=2), DigestBody({}))
    await digest_when_due(stage.app)
    await until(stage, 0, 30, days=1)
    await digest_when_due(stage.app)
    assert len(await records(stage, DIGEST)) == 1


async def test_a_digest_of_a_clock_that_was_ahead_puts_off_the_next_by_a_day_at_most(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage()
    await (await stage.app.ledger.open(DIGEST)).append(stage.now + timedelta(days=400), DigestBody({}))
    await digest_when_due(stage.app)
    assert len(await records(stage, DIGEST)) == 2
    await digest_when_due(stage.app)
    assert len(await records(stage, DIGEST)) == 2


async def test_a_record_that_cannot_be_read_is_not_the_end_of_the_digests(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    await digest_when_due(stage.app)
    await forge(stage.ledger_rows, DIGEST, stage.now, "other", {})
    await digest_when_due(stage.app)
    assert (await stage.app.ledger.head(DIGEST))[0] == 2, "today's was taken"
    await until(stage, 0, 30, days=1)
    await digest_when_due(stage.app)
    assert (await stage.app.ledger.head(DIGEST))[0] == 3


async def test_many_heads_are_named_in_several_records_and_the_last_one_covers_them(
    set_stage: Callable[..., Stage], caplog: pytest.LogCaptureFixture
) -> None:
    stage = set_stage()
    long = [f"identity:upn:{number:0600}" for number in range(700)]
    many = [f"person:{guid(7, number)}" for number in range(2100)]
    for key in (*long, *many):
        await append(stage, key)
    with caplog.at_level(logging.INFO):
        anchor = await take(stage)
    assert [len(one.heads) for one in await digests_of(stage)] == [579, 2000, 221]
    assert said(caplog) == [f"ledger digest: 3 {anchor.digest}"]
    verdict = await verify(stage.app.ledger, anchor)
    assert (verdict.faults, verdict.newer, verdict.chains, verdict.proved) == ({}, {}, 2801, 2803)


async def test_of_two_sweeps_at_once_one_takes_the_digest_and_neither_fails(
    set_stage: Callable[..., Stage], caplog: pytest.LogCaptureFixture
) -> None:
    stage = set_stage()
    await append(stage, KEYS[0])
    apps = [replace(stage.app, ledger=RowsLedger(Slow(stage.ledger_rows))) for _ in range(3)]
    with caplog.at_level(logging.INFO):
        await asyncio.gather(*map(digest_when_due, apps))
    assert len(await records(stage, DIGEST)) == 1
    assert sum(line.startswith("ledger digest: 1 ") for line in said(caplog)) == 1
    assert sum("left to another sweep" in line for line in said(caplog)) == 2


@pytest.mark.parametrize(("failure", "level"), [(Transient("busy"), "WARNING"), (Permanent("no role"), "ERROR")])
async def test_a_store_that_fails_puts_the_digest_off_and_fails_nobody(
    set_stage: Callable[..., Stage], caplog: pytest.LogCaptureFixture, failure: Exception, level: str
) -> None:
    stage = set_stage()
    await append(stage, KEYS[0])
    with caplog.at_level(logging.INFO):
        await digest_when_due(replace(stage.app, ledger=RowsLedger(Failing(stage.ledger_rows, failure))))
    assert [record.levelname for record in caplog.records if record.name == proof.__name__] == [level]
    assert await records(stage, DIGEST) == []
    await digest_when_due(stage.app)
    assert len(await records(stage, DIGEST)) == 1


async def test_one_damaged_head_keeps_no_other_chain_out_of_the_digest(
    set_stage: Callable[..., Stage], caplog: pytest.LogCaptureFixture
) -> None:
    stage = set_stage()
    for key in KEYS:
        await append(stage, key)
    await put(stage.ledger_rows, f"ledger:{KEYS[0]}", "head", {"sequence": "one"})
    await digest_when_due(stage.app)
    assert len(await records(stage, DIGEST)) == 1
    assert (await digests_of(stage))[-1].heads.keys() == set(KEYS[1:])
    assert f"without '{KEYS[0]}'" in caplog.text


async def test_chains_whose_keys_were_taken_off_the_list_are_in_the_digest(stage: Stage) -> None:
    """The state knows everybody who holds something, and the catalogue every profile."""
    rows = stage.ledger_rows
    everybody = [key async for key in stage.app.ledger.keys()]  # noqa: SIM118 - it is no mapping
    assert f"person:{FEMKE}" in everybody
    for key in everybody:
        await put(rows, "ledger-keys", f"key:{key}", None)
    await append(stage, NL.canonical)
    await put(rows, "ledger-keys", f"key:{NL.canonical}", None)
    anchor = await take(stage)
    named = (await digests_of(stage))[-1].heads.keys()
    assert {f"person:{FEMKE}", NL.canonical} <= named
    await erase(rows, f"ledger:person:{FEMKE}")
    verdict = await verify(stage.app.ledger, anchor)
    assert f"person:{FEMKE}" in verdict.faults


class Slow:
    """Rows that take a while to answer, so that others come in between."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.range, self.close = rows.range, rows.close

    async def get(self, partition: str, key: str) -> Row | None:
        found = await self._rows.get(partition, key)
        await asyncio.sleep(0.01)
        return found

    async def write(self, partition: str, *operations: Any) -> tuple[str, ...]:
        await asyncio.sleep(0.01)
        return await self._rows.write(partition, *operations)


class Failing:
    """Rows that cannot be written."""

    def __init__(self, rows: Rows, failure: Exception) -> None:
        self._failure = failure
        self.get, self.range, self.close = rows.get, rows.range, rows.close

    async def write(self, _: str, *__: Any) -> tuple[str, ...]:
        raise self._failure


# -- the audit


async def test_what_came_after_the_digest_is_named_and_no_fault(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    await append(stage, KEYS[0], 3)
    await append(stage, KEYS[1], 2)
    anchor = await take(stage)
    await append(stage, KEYS[0], 2)
    await append(stage, KEYS[2], 4)
    await take(stage)
    verdict = await verify(stage.app.ledger, anchor)
    assert verdict == Verdict(
        chains=4,
        records=3 + 2 + 2 + 4 + 2,
        anchor=anchor,
        proved=3 + 2 + 1,
        newer={KEYS[0]: 2, KEYS[2]: 4, DIGEST: 1},
        unknown=frozenset({KEYS[2]}),
    )


async def test_without_a_digest_from_outside_nothing_is_proved(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    await append(stage, KEYS[0], 3)
    await take(stage)
    assert await verify(stage.app.ledger) == Verdict(chains=2, records=4)


async def test_a_store_that_was_rewritten_with_its_digests_is_found_by_the_anchor_alone(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage()
    await append(stage, KEYS[0], 3)
    anchor = await take(stage)
    await rewrite(stage.ledger_rows, KEYS[0], 1)
    await rewrite(stage.ledger_rows, DIGEST, 1, {"heads": {KEYS[0]: list(await stage.app.ledger.head(KEYS[0]))}})
    assert (await verify(stage.app.ledger)).faults == {}
    verdict = await verify(stage.app.ledger, anchor)
    assert verdict.faults == {
        DIGEST: ("record 1 was replaced: its digest is not the one that was kept elsewhere",),
    }
    assert verdict.proved == 0


@pytest.mark.parametrize("anchor", [Anchor(1, "f" * 64), Anchor(2, "f" * 64)])
async def test_a_digest_that_is_not_of_this_ledger_proves_nothing(
    set_stage: Callable[..., Stage], anchor: Anchor
) -> None:
    stage = set_stage()
    await append(stage, KEYS[0])
    await take(stage)
    verdict = await verify(stage.app.ledger, anchor)
    assert verdict.faults.keys() == {DIGEST}
    assert verdict.proved == 0


async def test_an_empty_ledger_lacks_what_was_kept_outside(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    assert await verify(stage.app.ledger) == Verdict(chains=0, records=0)
    verdict = await verify(stage.app.ledger, Anchor(1, "f" * 64))
    assert verdict.faults == {DIGEST: ("record 1 is missing: its digest was kept elsewhere",)}


async def test_a_later_digest_cannot_take_back_what_an_earlier_one_says(set_stage: Callable[..., Stage]) -> None:
    """Whoever may write to the store may append to the chain of digests, too."""
    stage = set_stage()
    await append(stage, KEYS[0], 2)
    anchor = await take(stage)
    await rewrite(stage.ledger_rows, KEYS[0], 2)
    head = await stage.app.ledger.head(KEYS[0])
    await (await stage.app.ledger.open(DIGEST)).append(stage.now, DigestBody({KEYS[0]: head}))
    verdict = await verify(stage.app.ledger, anchor)
    assert verdict.faults == {
        KEYS[0]: (
            "record 2 was replaced: its digest is not the one that was kept elsewhere",
            "record 2 was replaced: digest 2 contradicts an earlier one",
        )
    }


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("decision", {"verb": "pause", "by": "olga"}),
        ("heads", {"heads": {}}),
        (DIGEST, {}),
        (DIGEST, {"heads": [1]}),
        (DIGEST, {"heads": {"operator": [0, "f" * 64]}}),
        (DIGEST, {"heads": {"operator": ["1", "f" * 64]}}),
        (DIGEST, {"heads": {"operator": None}}),
    ],
)
async def test_a_record_among_the_digests_that_names_no_heads_is_a_fault(
    set_stage: Callable[..., Stage], kind: str, body: dict[str, Any]
) -> None:
    """The chain of digests holds, and the digest that comes after such a record is compared all the same."""
    stage = set_stage()
    await append(stage, KEYS[0])
    await forge(stage.ledger_rows, DIGEST, stage.now, kind, body)
    await (await stage.app.ledger.open(DIGEST)).append(stage.now, DigestBody({KEYS[0]: (1, "f" * 64)}))
    faults = (await verify(stage.app.ledger)).faults
    (fault,) = faults[DIGEST]
    assert fault.startswith("record 1 ")
    assert faults[KEYS[0]] == ("record 1 was replaced: its digest is not the one that was kept elsewhere",)


async def test_a_list_of_chains_that_was_changed_is_named_as_such(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    await append(stage, KEYS[0])
    await put(stage.ledger_rows, "ledger-keys", f"key:{KEYS[0]}", {"key": "person:other"})
    assert (await verify(stage.app.ledger)).faults.keys() == {LISTING}


# -- whatever somebody does to the store


async def get(rows: Rows, partition: str, key: str) -> dict[str, Any]:
    row = await rows.get(partition, key)
    assert row is not None, (partition, key)
    return row.body


async def put(rows: Rows, partition: str, key: str, body: dict[str, Any] | None) -> None:
    """Makes a row what somebody who may write to the store wants it to be; None takes it out."""
    row = await rows.get(partition, key)
    if row is None:
        assert body is not None
        await rows.write(partition, Insert(key, body))
    else:
        await rows.write(partition, Delete(key, row.etag) if body is None else Replace(key, body, row.etag))


async def erase(rows: Rows, partition: str) -> None:
    for row in [row async for row in rows.range(partition, "!", "~")]:
        await rows.write(partition, Delete(row.key, row.etag))


def refitted(body: dict[str, Any]) -> dict[str, Any]:
    """The row with the digest that belongs to what it says now."""
    fields = {name: value for name, value in body.items() if name != "digest"}
    return {**body, "digest": digest_of(fields)}


async def rewrite(rows: Rows, key: str, start: int, body: dict[str, Any] | None = None) -> None:
    """Changes a record and makes everything after it, and the head, fit."""
    partition = f"ledger:{key}"
    head = await get(rows, partition, "head")
    previous = FIRST_PREVIOUS
    for sequence in range(1, head["sequence"] + 1):
        name = f"record:{sequence:012}"
        record = await get(rows, partition, name)
        if sequence >= start:
            changed = {"body": body or {"n": "forged"}} if sequence == start else {}
            record = refitted({**record, **changed, "previous": previous})
            await put(rows, partition, name, record)
        previous = record["digest"]
    await put(rows, partition, "head", {**head, "digest": previous})


async def cut(rows: Rows, key: str, last: int) -> None:
    """Takes out every record after one, and sets the head back."""
    partition = f"ledger:{key}"
    head = await get(rows, partition, "head")
    for sequence in range(last + 1, head["sequence"] + 1):
        await put(rows, partition, f"record:{sequence:012}", None)
    if last == 0:
        await put(rows, partition, "head", None)
        await put(rows, "ledger-keys", f"key:{key}", None)
        return
    record = await get(rows, partition, f"record:{last:012}")
    await put(rows, partition, "head", {**head, "sequence": last, "digest": record["digest"]})


@dataclass
class History:
    """A ledger with a past, a digest of it that was kept, and how much that covers of each chain."""

    stage: Stage
    anchor: Anchor
    covered: dict[str, int] = field(default_factory=dict)
    newer: dict[str, int] = field(default_factory=dict)


async def live(
    stage: Stage, before: Sequence[tuple[str, int] | None], after: Sequence[tuple[str, int] | None]
) -> History:
    """Appends and takes digests (None) until one is kept, and goes on for a while."""

    async def pass_through(steps: Sequence[tuple[str, int] | None]) -> dict[str, int]:
        for step in steps:
            if step is None:
                await take(stage)
            else:
                await append(stage, *step)
        return {key: (await stage.app.ledger.head(key))[0] for key in (*KEYS, DIGEST)}

    covered = await pass_through(before)
    anchor = await take(stage)
    covered[DIGEST] = anchor.sequence
    grown = {key: length - covered[key] for key, length in (await pass_through(after)).items()}
    return History(
        stage,
        anchor,
        {key: length for key, length in covered.items() if length},
        {key: count for key, count in grown.items() if count},
    )


async def tamper(history: History, act: str, draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    """Does one thing to what the anchor covers; what it was, "" for nothing."""
    rows = history.stage.ledger_rows
    key = draw(st.sampled_from(sorted(history.covered)))
    partition, covered = f"ledger:{key}", history.covered[key]
    place = draw(st.integers(1, covered))
    name = f"record:{place:012}"
    match act:
        case "field" | "refit":
            record = await get(rows, partition, name)
            which = draw(st.sampled_from(sorted(record)))
            changed = {**record, which: other_than(record[which], draw)}
            await put(rows, partition, name, refitted(changed) if act == "refit" and which != "digest" else changed)
            act += f" {which}"
        case "more":
            await put(rows, partition, name, {**await get(rows, partition, name), "more": draw(st.integers())})
        case "out":
            await put(rows, partition, name, None)
        case "swap" | "move":
            target = key if act == "swap" else draw(st.sampled_from(sorted(history.covered)))
            there = draw(st.integers(1, history.covered[target]))
            if (target, there) == (key, place):
                return ""
            mine = await get(rows, partition, name)
            theirs = await get(rows, f"ledger:{target}", f"record:{there:012}")
            await put(rows, partition, name, theirs)
            await put(rows, f"ledger:{target}", f"record:{there:012}", mine)
            act += f" with {target} {there}"
        case "rewrite":
            await rewrite(rows, key, place)
        case "cut":
            place -= 1
            await cut(rows, key, place)
        case "head":
            head = await get(rows, partition, "head")
            which = draw(st.sampled_from((*sorted(head), "")))
            await put(rows, partition, "head", {**head, which: other_than(head[which], draw)} if which else None)
            act += f" {which}"
        case "list":
            await put(rows, "ledger-keys", f"key:{key}", draw(st.sampled_from((None, {}, {"key": "person:other"}))))
    return f"{act} at {key} {place}"


def other_than(value: Any, draw: Callable[[st.SearchStrategy[Any]], Any]) -> Any:
    """A value that means something else: of the same kind, or of another."""
    texts = st.sampled_from(("", "x", FIRST_PREVIOUS, "2026-03-02T09:00:00+00:00", KEYS[0], KEYS[1]))
    others = st.one_of(texts, st.integers(-1, 5), st.booleans(), st.none(), st.dictionaries(texts, texts, max_size=1))
    return draw(others.filter(lambda other: json.dumps(other) != json.dumps(value)))


STEPS: Final = st.lists(st.one_of(st.none(), st.tuples(st.sampled_from(KEYS), st.integers(1, 4))), max_size=8)


ACTS: Final = ("field", "refit", "more", "out", "swap", "move", "rewrite", "cut", "head", "list")


@pytest.mark.parametrize("act", ACTS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=STEPS, after=STEPS, drawing=st.data())
def test_any_change_to_what_a_digest_covers_is_found_and_nothing_else_is_reported(
    act: str, before: list[tuple[str, int] | None], after: list[tuple[str, int] | None], drawing: st.DataObject
) -> None:
    async def story() -> None:
        stage = Stage()
        try:
            history = await live(stage, [(KEYS[0], 3), *before], after)
            verdict = await verify(stage.app.ledger, history.anchor)
            assert verdict.faults == {}
            assert verdict.newer == history.newer
            assert verdict.proved == sum(history.covered.values())
            assert verdict.records == sum(history.covered.values()) + sum(history.newer.values())
            done = await tamper(history, act, drawing.draw)
            note(done)
            if done:
                assert (await verify(stage.app.ledger, history.anchor)).faults
        finally:
            await stage.close()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(story())
