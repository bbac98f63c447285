"""The stores that the contract suites run on: SQLite in a file and in memory, and Azurite's Table Storage.

Only fixtures live here.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from azure.core.credentials import AzureNamedKeyCredential

from shared.adapters.store.rows import Rows
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.adapters.store.rows_tables import TableRows
from tests.azurite_server import ACCOUNT, KEY, azurite


@pytest.fixture(scope="session")
def azurite_tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The table endpoint of an Azurite that keeps everything in memory."""
    with azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server.endpoint


@pytest.fixture
def azurite_credential() -> AzureNamedKeyCredential:
    return AzureNamedKeyCredential(ACCOUNT, KEY)


@pytest.fixture(params=["sqlite", "sqlite-in-memory", "tables"])
async def rows(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rows]:
    """An empty store of each kind."""
    store: Rows
    match request.param:
        case "sqlite":
            store = SqliteRows(tmp_path / "rows.sqlite")
        case "sqlite-in-memory":
            store = SqliteRows(IN_MEMORY)
        case _:
            endpoint = request.getfixturevalue("azurite_tables")
            credential = request.getfixturevalue("azurite_credential")
            store = TableRows(endpoint, credential, table=f"t{uuid4().hex}")
    yield store
    await store.close()
