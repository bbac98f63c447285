"""The desk of an operator: a deployment's environment whose queue nobody answers, its store, and perhaps a terminal.

Lives here: what the tests of the operators' verbs share. No test.
"""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows_sqlite import SqliteRows
from shared.adapters.store.state import RowsState
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.guards.holds import Hold, KeyHolds, Status
from shared.domain.guards.pauses import PauseKind
from shared.domain.history.records import DecisionBody
from shared.domain.view import Called
from shared.ports import Stored
from tests.app.policy_texts import LEAST

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Store:
    """The store beside the command line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def run[T](self, use: Callable[[RowsState], Awaitable[T]]) -> T:
        async def opened() -> T:
            async with self.state() as state:
                return await use(state)

        return asyncio.run(opened())

    @asynccontextmanager
    async def state(self) -> AsyncIterator[RowsState]:
        rows = SqliteRows(self._path)
        try:
            yield RowsState(rows)
        finally:
            await rows.close()

    def run_rows[T](self, use: Callable[[SqliteRows], Awaitable[T]]) -> T:
        async def opened() -> T:
            rows = SqliteRows(self._path)
            try:
                return await use(rows)
            finally:
                await rows.close()

        return asyncio.run(opened())

    def record(self, decision: DecisionBody) -> None:
        async def append(rows: SqliteRows) -> None:
            await (await RowsLedger(rows).open("operator")).append(NOW, decision)

        self.run_rows(append)

    def ledger_text(self) -> str:
        """Every row of the operators' chain, as it is stored."""

        async def read(rows: SqliteRows) -> str:
            return "".join([row.text async for row in rows.range("ledger:operator", "", "~")])

        return self.run_rows(read)

    def put(self, *holds: Hold) -> None:
        async def use(state: RowsState) -> None:
            await state.put_key_holds(*(Stored(KeyHolds(one.key, {one.id: one})) for one in holds))

        self.run(use)

    def statuses(self) -> dict[str, Status]:
        async def use(state: RowsState) -> dict[str, Status]:
            return {id_: one.status async for row in state.holds() for id_, one in row.value.holds.items()}

        return self.run(use)

    def kinds(self) -> set[PauseKind]:
        async def use(state: RowsState) -> set[PauseKind]:
            return {pause.kind for pause in (await state.pauses()).value.active}

        return self.run(use)


def deployed(path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store of a deployment that the environment describes from now on, with nobody at a terminal."""
    policy = path / "policy.yaml"
    policy.write_text(LEAST)
    for name in [name for name in os.environ if name.startswith("INVOICE_ACCESS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("INVOICE_ACCESS_POLICY", str(policy))
    monkeypatch.setenv("INVOICE_ACCESS_STORE", f"sqlite:{path / 'store.sqlite'}")
    monkeypatch.setenv("ServiceBusConnection__fullyQualifiedNamespace", "127.0.0.1:9")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    store = Store(path / "store.sqlite")
    store.run(lambda state: state.reports(1))  # the app has been here: an operator's command makes no store
    return store


def called(object_id: str, name: str, address: str = "", employee_id: str = "") -> Called:
    """Somebody as a view keeps their names."""
    return Called(
        object_id=object_id,
        kind=PrincipalKind.PERSON,
        name=name,
        address=address,
        employee_id=employee_id,
        asked=NOW,
        used=NOW,
    )


class Terminal(io.StringIO):
    """Somebody sits there and answers."""

    def isatty(self) -> bool:
        return True


def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has somebody at the terminal give an answer."""

    def give(text: str) -> None:
        monkeypatch.setattr("sys.stdin", Terminal(f"{text}\n"))

    return give


type Said = pytest.CaptureFixture[str]
