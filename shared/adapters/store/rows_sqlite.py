"""Rows in a SQLite file: the embedded default, for one machine.

Everything about SQLite lives here, and nothing of what the rows mean. Writes and ranges run on one worker
thread: a write is 0.2 ms of CPU, but it ends with an fsync and may wait for another process's lock, and the
event loop must not wait with it. The way to the thread and back is 0.15 to 0.25 ms of CPU. A single row is read
in place, in hundredths of that: in WAL mode a reader waits for nobody. An in-memory database has no locks and no
fsync, and does everything in place.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from shared.adapters.store.rows import Changed, Delete, Exists, Insert, Operation, Replace, Row, check_key, texts
from shared.errors import StoreRefused, Transient

IN_MEMORY: Final = ":memory:"
"""The path of a database that lives and dies with its `SqliteRows`."""

LOCK_SECONDS: Final = 5.0
"""How long a call waits for another process that writes. Writes take milliseconds; longer, and it is stuck."""

_APPLICATION_ID: Final = 0x1417ACC5
"""Marks the file as this app's (PRAGMA application_id): no other program's database is written to by mistake."""

_SCHEMA_VERSION: Final = 1

_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS rows (
        version INTEGER PRIMARY KEY AUTOINCREMENT, -- the etag: never used twice, also not for a row made anew
        partition TEXT NOT NULL,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (partition, key)
    ) STRICT
"""

_TRANSIENT_CODES: Final = {
    sqlite3.SQLITE_BUSY: "another process keeps it locked",
    sqlite3.SQLITE_LOCKED: "it is locked within this process",
    sqlite3.SQLITE_PROTOCOL: "several processes opened it at the same moment",
    sqlite3.SQLITE_SCHEMA: "its schema changed meanwhile",
    sqlite3.SQLITE_IOERR: "the disk failed to read or write",
    sqlite3.SQLITE_NOMEM: "no memory is left",
}

_TO_BE_FIXED_CODES: Final = {
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; is the folder there, and may this user write to it?",
    sqlite3.SQLITE_READONLY: "it may not be written to by this user",
    sqlite3.SQLITE_PERM: "it may not be used by this user",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_NOTADB: "it is no SQLite database; move it away or restore it from a backup",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore it from a backup",
}


class SqliteRows:
    """`Rows` in the SQLite file at `path`, made with its folder on first use.

    Several processes may use one file. It is in WAL mode, so that readers outside never wait, and each
    write ends with an fsync: an intent must outlive a power cut.
    """

    def __init__(self, path: Path | str, *, lock_seconds: float = LOCK_SECONDS) -> None:
        self._path = str(path)
        self._lock_seconds = lock_seconds
        self._connection: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._read_beside: sqlite3.Connection | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def get(self, partition: str, key: str) -> Row | None:
        """One row, None when there is none."""
        check_key(key)
        sql = "SELECT body, version FROM rows WHERE partition = ? AND key = ?"

        def select(database: sqlite3.Connection) -> tuple[str, int] | None:
            found: tuple[str, int] | None = database.execute(sql, (partition, key)).fetchone()
            return found

        try:
            found = select(self._in_place()) if self._connection is not None else await self._run(select)
        except sqlite3.Error:
            # Whatever it is: the thread waits for locks, and says what is wrong.
            self._close_reader()
            found = await self._run(select)
        return None if found is None else Row(partition, key, found[0], str(found[1]))

    async def write(self, partition: str, *operations: Operation) -> tuple[str, ...]:
        """Does all of the operations or none; see `Rows.write`."""
        bodies = texts(partition, operations)
        if not operations:
            return ()
        return await self._run(lambda database: _write(database, partition, operations, bodies))

    async def range(self, partition: str, start: str, end: str, *, page: int = 1000) -> AsyncGenerator[Row]:
        """The rows from `start` up to but not including `end`; see `Rows.range`."""
        sql = "SELECT key, body, version FROM rows WHERE partition = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?"
        while True:
            select = partial(_select, sql=sql, values=(partition, start, end, page))
            found = await self._run(select)
            for key, body, version in found:
                yield Row(partition, key, body, str(version))
            if len(found) < page:
                return
            start = found[-1][0] + "\0"  # the least key after the last one

    async def close(self) -> None:
        """Closes the file and ends the thread. An in-memory database is gone then."""
        self._close_reader()
        if self._connection is not None:
            await self._run(lambda _: self._disconnect())
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    async def _run[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._path == IN_MEMORY:
            return self._work(work)
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rows-sqlite")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, work)

    def _work[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = self._connect()
            return work(self._connection)
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the code without its details
            if code in _TRANSIENT_CODES:
                raise Transient(f"'{self._path}': {_TRANSIENT_CODES[code]} ({error})") from error
            if code in _TO_BE_FIXED_CODES:
                self._disconnect()  # so that a repaired file is used without a restart
                raise StoreRefused(f"'{self._path}': {_TO_BE_FIXED_CODES[code]} ({error})") from error
            raise

    def _connect(self) -> sqlite3.Connection:
        if self._path != IN_MEMORY:
            folder = Path(self._path).parent
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreRefused(f"'{self._path}': its folder cannot be made: {error.strerror}") from error
        # The worker uses it, and the worker that a later call starts; one in memory stays with the loop's own thread.
        connection = sqlite3.connect(
            self._path, timeout=self._lock_seconds, autocommit=True, check_same_thread=self._path == IN_MEMORY
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        def pragma(name: str) -> int:
            value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
            return value

        # In this order: tables and mark come in one transaction, and another process may be at it right now.
        has_tables = connection.execute("SELECT 1 FROM sqlite_schema").fetchone() is not None
        if has_tables and pragma("application_id") != _APPLICATION_ID:
            raise StoreRefused(f"'{self._path}': it is another program's database; name a file of our own")
        if pragma("user_version") > _SCHEMA_VERSION:
            raise StoreRefused(f"'{self._path}': a newer version of this app made it; run that one")
        _switch_to_wal(connection, self._lock_seconds)
        connection.execute("PRAGMA synchronous = FULL")
        if pragma("application_id") != _APPLICATION_ID:
            with _transaction(connection):
                connection.execute(_SCHEMA)
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    def _in_place(self) -> sqlite3.Connection:
        """The connection for reads on the event loop. It never waits: a read that meets a lock goes to the thread."""
        if self._path == IN_MEMORY:
            assert self._connection is not None, "it is the database"
            return self._connection
        if self._reader is None or self._read_beside is not self._connection:
            self._close_reader()  # the file was reopened since, and may be another one
            self._read_beside = self._connection
            self._reader = sqlite3.connect(self._path, timeout=0, autocommit=True)
            self._reader.execute("PRAGMA query_only = ON")
        return self._reader

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _select(database: sqlite3.Connection, sql: str, values: tuple[str | int, ...]) -> list[tuple[str, str, int]]:
    return database.execute(sql, values).fetchall()


def _switch_to_wal(connection: sqlite3.Connection, lock_seconds: float) -> None:
    """Turns on write-ahead logging, which the file then keeps.

    SQLite does not wait for locks here as it does elsewhere, so that processes that open a new file at the
    same moment would fail each other. Source: "Write-Ahead Logging", section 9, sqlite.org.
    """
    deadline = time.monotonic() + lock_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # where the disk is full, SQLite has rolled back already
            connection.execute("ROLLBACK")
        raise


def _write(
    database: sqlite3.Connection, partition: str, operations: Sequence[Operation], bodies: Sequence[str]
) -> tuple[str, ...]:
    with _transaction(database):
        return tuple(
            _do(database, partition, operation, body) for operation, body in zip(operations, bodies, strict=True)
        )


def _do(database: sqlite3.Connection, partition: str, operation: Operation, body: str) -> str:
    if isinstance(operation, Replace | Delete):
        gone = database.execute(
            "DELETE FROM rows WHERE partition = ? AND key = ? AND version = ?",
            (partition, operation.key, operation.etag),
        )
        if gone.rowcount != 1:
            raise Changed(f"row '{operation.key}' in '{partition}' is no longer what was read")
    if isinstance(operation, Insert | Replace):
        try:
            added = database.execute(
                "INSERT INTO rows (partition, key, body) VALUES (?, ?, ?)", (partition, operation.key, body)
            )
        except sqlite3.IntegrityError as error:
            raise Exists(f"row '{operation.key}' in '{partition}' is there already") from error
        return str(added.lastrowid)
    return ""
