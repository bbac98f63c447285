"""What every backend of `Rows` must do, so that ledger and state need not know which one they have."""

import asyncio
from contextlib import aclosing

import pytest

from shared.adapters.store.rows import (
    KEY_CHARACTERS,
    ROW_CHARACTERS,
    Changed,
    Delete,
    Exists,
    Insert,
    Replace,
    Rows,
    after,
)
from shared.errors import Permanent

AWKWARD = "".join(chr(code) for code in range(0x80))
"""Every ASCII character, those that Table Storage forbids in keys among them."""


async def keys(rows: Rows, partition: str, start: str = "\0", end: str = "\x7f") -> list[str]:
    return [row.key async for row in rows.range(partition, start, end)]


async def test_a_row_that_was_inserted_is_read_back_whole(rows: Rows) -> None:
    body = {"text": 'Zürich 𝄞 "quoted" \\ \x00', "number": 1.5, "list": [1, None, True], "nested": {"a": {}}}
    (etag,) = await rows.write("p", Insert("k", body))
    row = await rows.get("p", "k")
    assert row is not None
    assert (row.partition, row.key, row.body, row.etag) == ("p", "k", body, etag)


async def test_a_row_that_is_not_there_is_none_and_a_store_never_written_to_is_empty(rows: Rows) -> None:
    assert await rows.get("p", "k") is None
    assert await keys(rows, "p") == []
    await rows.write("p", Insert("other", {}))
    assert await rows.get("p", "k") is None
    assert await rows.get("elsewhere", "other") is None


async def test_a_row_is_inserted_once(rows: Rows) -> None:
    await rows.write("p", Insert("k", {"n": 1}))
    with pytest.raises(Exists):
        await rows.write("p", Insert("k", {"n": 2}))
    row = await rows.get("p", "k")
    assert row is not None
    assert row.body == {"n": 1}


async def test_a_row_is_replaced_only_at_the_version_that_was_read(rows: Rows) -> None:
    (first,) = await rows.write("p", Insert("k", {"n": 1, "old": True}))
    (second,) = await rows.write("p", Replace("k", {"n": 2}, first))
    with pytest.raises(Changed):
        await rows.write("p", Replace("k", {"n": 3}, first))
    row = await rows.get("p", "k")
    assert row is not None
    assert (row.body, row.etag) == ({"n": 2}, second)


async def test_a_shorter_body_leaves_nothing_of_the_longer_one(rows: Rows) -> None:
    (etag,) = await rows.write("p", Insert("k", {"text": "x" * 100_000}))
    await rows.write("p", Replace("k", {"text": "y"}, etag))
    row = await rows.get("p", "k")
    assert row is not None
    assert row.body == {"text": "y"}


async def test_a_row_is_deleted_only_at_the_version_that_was_read(rows: Rows) -> None:
    (first,) = await rows.write("p", Insert("k", {"n": 1}))
    (second,) = await rows.write("p", Replace("k", {"n": 2}, first))
    with pytest.raises(Changed):
        await rows.write("p", Delete("k", first))
    assert await rows.write("p", Delete("k", second)) == ("",)
    assert await rows.get("p", "k") is None


async def test_what_was_deleted_is_no_longer_what_was_read_even_when_it_is_made_anew(rows: Rows) -> None:
    (first,) = await rows.write("p", Insert("k", {}))
    await rows.write("p", Delete("k", first))
    with pytest.raises(Changed):
        await rows.write("p", Replace("k", {}, first))
    with pytest.raises(Changed):
        await rows.write("p", Delete("k", first))
    await rows.write("p", Insert("k", {}))
    with pytest.raises(Changed):
        await rows.write("p", Replace("k", {"n": 1}, first))


@pytest.mark.parametrize("spoiler", ["exists", "changed"])
async def test_a_batch_is_done_whole_or_not_at_all(rows: Rows, spoiler: str) -> None:
    (stale,) = await rows.write("p", Insert("there", {"n": 0}))
    (there,) = await rows.write("p", Replace("there", {"n": 1}, stale))
    bad = Insert("there", {}) if spoiler == "exists" else Replace("there", {"n": 2}, stale)
    with pytest.raises(Exists if spoiler == "exists" else Changed):
        await rows.write("p", Insert("a", {}), bad, Insert("z", {}))
    assert await keys(rows, "p") == ["there"]
    etags = await rows.write("p", Insert("a", {}), Replace("there", {"n": 2}, there), Insert("z", {}))
    assert await keys(rows, "p") == ["a", "there", "z"]
    assert [row.etag async for row in rows.range("p", "a", "{")] == list(etags)


async def test_a_batch_holds_a_hundred_operations_and_no_more(rows: Rows) -> None:
    inserts = [Insert(f"{number:03}", {"n": number}) for number in range(101)]
    with pytest.raises(ValueError, match="at most 100 operations"):
        await rows.write("p", *inserts)
    assert len(await rows.write("p", *inserts[:100])) == 100
    assert await keys(rows, "p") == [f"{number:03}" for number in range(100)]


async def test_a_batch_names_each_row_once(rows: Rows) -> None:
    with pytest.raises(ValueError, match="as many rows"):
        await rows.write("p", Insert("k", {}), Insert("k", {}))
    assert await keys(rows, "p") == []


async def test_an_empty_batch_does_nothing(rows: Rows) -> None:
    assert await rows.write("p") == ()


async def test_a_range_includes_its_start_and_excludes_its_end(rows: Rows) -> None:
    await rows.write("p", *(Insert(key, {}) for key in "edcba"))
    await rows.write("q", Insert("c", {}))
    assert await keys(rows, "p", "b", "d") == ["b", "c"]


async def test_a_range_is_read_in_pages_without_loss_or_repetition(rows: Rows) -> None:
    await rows.write("p", *(Insert(f"{number:02}", {}) for number in range(7)))
    found = [row.key async for row in rows.range("p", "01", "99", page=2)]
    assert found == ["01", "02", "03", "04", "05", "06"]


async def test_a_range_may_be_left_early(rows: Rows) -> None:
    await rows.write("p", *(Insert(f"{number:02}", {}) for number in range(7)))
    async with aclosing(rows.range("p", "0", "9", page=3)) as found:
        first = await anext(found)
    assert first.key == "00"
    assert len(await keys(rows, "p")) == 7


async def test_keys_of_any_ascii_character_keep_their_order_and_their_own_row(rows: Rows) -> None:
    await rows.write("p", *(Insert(character, {"is": character}) for character in AWKWARD[::-1][:100]))
    await rows.write("p", *(Insert(character, {"is": character}) for character in AWKWARD[::-1][100:]))
    found = [(row.key, row.body["is"]) async for row in rows.range("p", "\0", "\x7f")]
    assert found == [(character, character) for character in AWKWARD[:-1]]
    assert await keys(rows, "p", "/", "A") == list("/0123456789:;<=>?@")
    for character in AWKWARD:
        row = await rows.get("p", character)
        assert row is not None
        assert row.body == {"is": character}


async def test_partitions_of_any_ascii_character_are_apart(rows: Rows) -> None:
    names = ["a/b", "a\\b", "a#b", "a?b", "a%2Fb", "a'b", "a b", "a.0b", "a&1b"]
    for name in names:
        await rows.write(name, Insert("k", {"is": name}))
    for name in names:
        assert [row.body["is"] async for row in rows.range(name, "\0", "\x7f")] == [name]


async def test_keys_begin_with_a_prefix_up_to_what_comes_after_it(rows: Rows) -> None:
    await rows.write("p", *(Insert(key, {}) for key in ("a", "a:", "a:1", "a:~\x7f", "a;", "b")))
    assert await keys(rows, "p", "a:", after("a:")) == ["a:", "a:1", "a:~\x7f"]


async def test_the_longest_keys_of_the_longest_spelling_fit(rows: Rows) -> None:
    key = "/" * KEY_CHARACTERS
    await rows.write(key, Insert(key, {"n": 1}))
    row = await rows.get(key, key)
    assert row is not None
    assert row.body == {"n": 1}
    for wrong in (key + "/", "", "é"):
        with pytest.raises(ValueError, match="ASCII characters"):
            await rows.write("p", Insert(wrong, {}))


async def test_a_body_fills_a_row_to_its_limit_and_is_refused_beyond_it(rows: Rows) -> None:
    room = ROW_CHARACTERS - len('{"text":""}')
    await rows.write("p", Insert("k", {"text": "x" * room}))
    row = await rows.get("p", "k")
    assert row is not None
    assert len(row.body["text"]) == room
    with pytest.raises(Permanent, match="448,001 characters"):
        await rows.write("p", Insert("l", {"text": "x" * (room + 1)}))
    assert await keys(rows, "p") == ["k"]


async def test_a_body_of_nothing_but_quotation_marks_and_foreign_script_fits(rows: Rows) -> None:
    body = {"quotes": '"' * 100_000, "backslashes": "\\" * 50_000, "script": "é" * 10_000 + "𝄞" * 5_000}
    await rows.write("p", Insert("k", body))
    row = await rows.get("p", "k")
    assert row is not None
    assert row.body == body


async def test_a_batch_over_its_size_is_refused(rows: Rows) -> None:
    with pytest.raises(Permanent, match="a batch in 'p' would be"):
        await rows.write("p", *(Insert(str(number), {"text": "x" * 200_000}) for number in range(3)))
    assert await keys(rows, "p") == []


async def test_of_many_who_replace_one_version_one_succeeds(rows: Rows) -> None:
    (etag,) = await rows.write("p", Insert("k", {"by": None}))

    async def attempt(number: int) -> int | None:
        try:
            await rows.write("p", Replace("k", {"by": number}, etag), Insert(f"by-{number}", {}))
        except Changed:
            return None
        return number

    won = [number for number in await asyncio.gather(*map(attempt, range(8))) if number is not None]
    row = await rows.get("p", "k")
    assert row is not None
    assert won == [row.body["by"]]
    assert await keys(rows, "p") == [f"by-{won[0]}", "k"]
