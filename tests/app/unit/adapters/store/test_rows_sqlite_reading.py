"""Single rows are read in place, beside the connection that writes: nothing may be stale, and no lock may be missed."""

import sqlite3
from pathlib import Path

import pytest

from shared.adapters.store.rows import Insert, Replace
from shared.adapters.store.rows_sqlite import SqliteRows
from shared.errors import StoreRefused


async def read(rows: SqliteRows, key: str) -> object:
    row = await rows.get("p", key)
    return None if row is None else row.body["n"]


async def test_what_was_just_written_is_read(tmp_path: Path) -> None:
    rows = SqliteRows(tmp_path / "rows.sqlite")
    (etag,) = await rows.write("p", Insert("k", {"n": 0}))
    for number in range(1, 20):
        (etag,) = await rows.write("p", Replace("k", {"n": number}, etag))
        assert await read(rows, "k") == number
    await rows.close()


async def test_what_another_process_wrote_is_read(tmp_path: Path) -> None:
    rows, others = SqliteRows(tmp_path / "rows.sqlite"), SqliteRows(tmp_path / "rows.sqlite")
    await rows.write("p", Insert("k", {"n": 1}))
    row = await rows.get("p", "k")
    assert row is not None
    await others.write("p", Replace("k", {"n": 2}, row.etag))
    assert await read(rows, "k") == 2
    await rows.close()
    await others.close()


async def test_a_row_is_read_while_another_process_writes(tmp_path: Path) -> None:
    rows = SqliteRows(tmp_path / "rows.sqlite", lock_seconds=0.0)
    await rows.write("p", Insert("k", {"n": 1}))
    other = sqlite3.connect(tmp_path / "rows.sqlite", autocommit=True)
    other.execute("BEGIN IMMEDIATE")
    other.execute("DELETE FROM rows")
    assert await read(rows, "k") == 1
    other.execute("COMMIT")
    assert await read(rows, "k") is None
    other.close()
    await rows.close()


async def test_a_file_that_was_damaged_and_fixed_meanwhile_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    rows = SqliteRows(path)
    for number in range(60):
        await rows.write("p", Insert(f"{number:02}", {"n": number, "text": "x" * 4000}))
    await rows.close()
    assert await read(rows, "00") == 0
    assert await read(rows, "01") == 1
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(StoreRefused, match="it is damaged"):
        await rows.get("p", "50")
    for name in ("rows.sqlite", "rows.sqlite-wal", "rows.sqlite-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    backup = SqliteRows(path)
    await backup.write("p", Insert("50", {"n": "restored"}))
    await backup.close()
    assert await read(rows, "50") == "restored"
    assert await read(rows, "50") == "restored"
    await rows.close()
