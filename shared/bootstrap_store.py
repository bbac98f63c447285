"""Opens the store of ledger and state: all that many commands need, so that they load neither policy nor clients."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.state import RowsState
from shared.ports import Ledger, State
from shared.settings import StoreSettings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.adapters.store.rows import Rows

_SQLITE = "sqlite:"


@asynccontextmanager
async def store(settings: StoreSettings) -> AsyncIterator[tuple[Ledger, State]]:
    """Ledger and state, for whoever runs this; closed in the end. Only a store in Azure needs to know who that is."""
    if settings.store.startswith(_SQLITE):
        rows = _file(settings)
        try:
            yield RowsLedger(rows), RowsState(rows)
        finally:
            await rows.close()
        return
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - half a second

    async with DefaultAzureCredential() as credential:
        rows = rows_of(settings, credential)
        try:
            yield RowsLedger(rows), RowsState(rows)
        finally:
            await rows.close()


def rows_of(settings: StoreSettings, credential: "AsyncTokenCredential") -> "Rows":
    """The rows of the store that the settings name."""
    if settings.store.startswith(_SQLITE):
        return _file(settings)
    from shared.adapters.store.rows_tables import TableRows  # noqa: PLC0415

    return TableRows(settings.store, credential)


def _file(settings: StoreSettings) -> "Rows":
    from shared.adapters.store.rows_sqlite import SqliteRows  # noqa: PLC0415

    return SqliteRows(Path(settings.store.removeprefix(_SQLITE)))
