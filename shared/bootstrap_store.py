"""Opens the store of ledger and state: all that many commands need, so that they load neither policy nor clients."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.adapters.store.state import RowsState
from shared.ports import Ledger, State
from shared.settings import StoreSettings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.adapters.store.rows import Rows

type Opened = tuple[Callable[[], Ledger], State]
"""The state, and what opens the ledger: few commands read it, and its records are many types."""

_SQLITE = "sqlite:"


@asynccontextmanager
async def store(settings: StoreSettings) -> AsyncIterator[Opened]:
    """Ledger and state, for whoever runs this; closed in the end. Only a store in Azure needs to know who that is."""
    if settings.store.startswith(_SQLITE):
        rows = _file(settings)
        try:
            yield _ledger_of(rows), RowsState(rows)
        finally:
            await rows.close()
        return
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - half a second

    async with DefaultAzureCredential() as credential:
        rows = rows_of(settings, credential)
        try:
            yield _ledger_of(rows), RowsState(rows)
        finally:
            await rows.close()


def _ledger_of(rows: "Rows") -> Callable[[], Ledger]:
    @cache
    def open_ledger() -> Ledger:
        from shared.adapters.store.ledger import RowsLedger  # noqa: PLC0415

        return RowsLedger(rows)

    return open_ledger


def rows_of(settings: StoreSettings, credential: "AsyncTokenCredential") -> "Rows":
    """The rows of the store that the settings name."""
    if settings.store.startswith(_SQLITE):
        return _file(settings)
    from shared.adapters.store.rows_tables import TableRows  # noqa: PLC0415

    return TableRows(settings.store, credential)


def _file(settings: StoreSettings) -> "Rows":
    from shared.adapters.store.rows_sqlite import SqliteRows  # noqa: PLC0415

    return SqliteRows(Path(settings.store.removeprefix(_SQLITE)))
