"""SQLite's own: files, folders, locks, several processes and damage."""

import asyncio
import multiprocessing
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.store.rows import Insert, Replace
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.errors import StoreRefused, Transient


async def kept(path: Path) -> list[str]:
    rows = SqliteRows(path)
    try:
        return [row.key async for row in rows.range("p", "\0", "\x7f")]
    finally:
        await rows.close()


async def test_the_folder_is_made_and_rows_outlive_the_process_that_wrote_them(tmp_path: Path) -> None:
    path = tmp_path / "not" / "there yet" / "rows.sqlite"
    rows = SqliteRows(path)
    await rows.write("p", Insert("k", {}))
    await rows.close()
    assert await kept(path) == ["k"]


async def test_closed_rows_open_again_by_themselves(tmp_path: Path) -> None:
    rows = SqliteRows(tmp_path / "rows.sqlite")
    await rows.close()
    await rows.write("p", Insert("k", {}))
    await rows.close()
    assert await rows.get("p", "k") is not None
    await rows.close()


async def test_a_reader_outside_sees_what_was_written_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    rows = SqliteRows(path)
    await rows.write("p", Insert("k", {"n": 1}))
    outside = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        reading = outside.execute("SELECT body FROM rows")
        await rows.write("p", Insert("l", {}))  # a reader in the middle of it holds nobody up
        assert reading.fetchone() == ('{"n":1}',)
        reading.close()
        assert outside.execute("SELECT count(*) FROM rows").fetchone() == (2,)
    finally:
        outside.close()
        await rows.close()


def _append(path: Path, name: str, count: int) -> None:
    async def main() -> None:
        rows = SqliteRows(path)
        for number in range(count):
            await rows.write("p", Insert(f"{name}-{number:03}", {}))
        await rows.close()

    asyncio.run(main())


async def test_processes_that_open_a_new_file_at_once_all_write_to_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    processes = [multiprocessing.get_context("spawn").Process(target=_append, args=(path, name, 30)) for name in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join, 60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert await kept(path) == [f"{name}-{number:03}" for name in "abc" for number in range(30)]


async def test_a_file_locked_by_another_process_is_transient_and_the_loop_runs_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rows.sqlite"
    rows = SqliteRows(path, lock_seconds=0.3)
    (etag,) = await rows.write("p", Insert("k", {"n": 1}))
    other = sqlite3.connect(path, autocommit=True)
    other.execute("BEGIN IMMEDIATE")
    longest, before = 0.0, time.monotonic()
    waiting = asyncio.ensure_future(rows.write("p", Replace("k", {"n": 2}, etag)))
    while not waiting.done():
        await asyncio.sleep(0.01)
        longest, before = max(longest, time.monotonic() - before), time.monotonic()
    with pytest.raises(Transient, match="another process keeps it locked"):
        await waiting
    other.execute("ROLLBACK")
    other.close()
    assert longest < 0.2
    await rows.write("p", Replace("k", {"n": 2}, etag))
    await rows.close()


async def test_a_file_that_is_no_database_is_named_and_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and dear to somebody\n" * 100)
    rows = SqliteRows(path)
    with pytest.raises(StoreRefused, match=r"notes\.txt.*no SQLite database"):
        await rows.get("p", "k")
    with pytest.raises(StoreRefused):
        await rows.write("p", Insert("k", {}))
    assert path.read_text().startswith("not a database")
    path.unlink()
    await rows.write("p", Insert("k", {}))  # fixed without a restart
    await rows.close()


async def test_another_programs_database_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE rows (a, b)")
    other.close()
    rows = SqliteRows(path)
    with pytest.raises(StoreRefused, match="another program's database"):
        await rows.write("p", Insert("k", {}))
    await rows.close()


async def test_a_database_of_a_newer_version_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    rows = SqliteRows(path)
    await rows.write("p", Insert("k", {}))
    await rows.close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 2")
    newer.close()
    with pytest.raises(StoreRefused, match="newer version"):
        await rows.get("p", "k")
    await rows.close()


async def test_a_damaged_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    rows = SqliteRows(path)
    for number in range(40):
        await rows.write("p", Insert(f"{number:02}", {"text": "x" * 4000}))
    await rows.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreRefused, match="it is damaged; restore it"):
        await rows.get("p", "01")
    await rows.close()


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    rows = SqliteRows(tmp_path / "file" / "rows.sqlite")
    with pytest.raises(StoreRefused, match="folder cannot be made"):
        await rows.get("p", "k")
    await rows.close()


async def test_a_path_that_is_a_folder_cannot_be_opened(tmp_path: Path) -> None:
    rows = SqliteRows(tmp_path)
    with pytest.raises(StoreRefused, match="cannot be opened"):
        await rows.get("p", "k")
    await rows.close()


async def test_a_full_disk_is_told_and_writing_goes_on_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, connect = 20, sqlite3.connect

    def small_disk(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small_disk)
    rows = SqliteRows(tmp_path / "rows.sqlite")
    await rows.write("p", Insert("first", {"text": "x" * 4000}))
    for _ in range(3):
        assert await rows.get("p", "first") is not None
        assert await rows.get("p", "00") is None
        with pytest.raises(StoreRefused, match="the disk is full"):
            await rows.write("p", *(Insert(f"{number:02}", {"text": "x" * 4000}) for number in range(40)))
    pages = 1000
    await rows.write("p", *(Insert(f"{number:02}", {"text": "x" * 4000}) for number in range(40)))
    assert await rows.get("p", "39") is not None
    await rows.close()


async def test_an_in_memory_store_is_gone_when_it_is_closed() -> None:
    rows = SqliteRows(IN_MEMORY)
    await rows.write("p", Insert("k", {}))
    await rows.close()
    assert await rows.get("p", "k") is None
    await rows.close()


async def test_an_in_memory_store_is_refused_to_another_thread() -> None:
    """Closing a connection while another thread uses it ends the process, also where SQLite is thread-safe."""
    rows = SqliteRows(IN_MEMORY)
    await rows.write("p", Insert("k", {}))
    with pytest.raises(sqlite3.ProgrammingError, match="same thread"):
        await asyncio.to_thread(asyncio.run, rows.get("p", "k"))
    await rows.close()
