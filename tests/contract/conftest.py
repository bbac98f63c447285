"""The stores that the contract suites run on: SQLite in a file and in memory, and Azurite's Table Storage.

Only fixtures live here. Azurite is Node.js: where npm is missing its tests are skipped, except under CI=true.
"""

import base64
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from azure.core.credentials import AzureNamedKeyCredential

from shared.adapters.rows import Rows
from shared.adapters.rows_sqlite import IN_MEMORY, SqliteRows
from shared.adapters.rows_tables import TableRows

_AZURITE = Path(__file__).parent.parent / "azurite"
_START_SECONDS = 30
_ACCOUNT = "contracttests"
_KEY = base64.b64encode(b"a key of this test run alone").decode()


def _without_azurite(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; under CI=true the tests on Azurite are required", pytrace=False)
    pytest.skip(reason)


def _installed_program() -> Path:
    program = _AZURITE / "node_modules" / "azurite" / "dist" / "src" / "table" / "main.js"
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        _without_azurite("npm or node is missing, and Azurite needs them")
    elif not program.exists():
        installed = subprocess.run(  # noqa: S603 - our own command line
            [npm, "ci", "--no-audit", "--no-fund"], cwd=_AZURITE, capture_output=True, text=True, check=False
        )
        if installed.returncode:
            _without_azurite(f"'npm ci' in tests/azurite failed: {installed.stderr.strip()[-300:]}")
    return program


@pytest.fixture(scope="session")
def azurite_tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The table endpoint of an Azurite that keeps everything in memory."""
    program = _installed_program()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("azurite")
    log = folder / "log"
    arguments = ["--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    with log.open("wb") as output:
        azurite = subprocess.Popen(  # noqa: S603 - our own command line
            ["node", program, *arguments, "--tableHost", "127.0.0.1", "--tablePort", str(port)],  # noqa: S607
            cwd=folder,
            env={**os.environ, "AZURITE_ACCOUNTS": f"{_ACCOUNT}:{_KEY}"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_it_listens(azurite, port, log)
        yield f"http://127.0.0.1:{port}/{_ACCOUNT}"
    finally:
        azurite.terminate()
        try:
            azurite.wait(10)
        except subprocess.TimeoutExpired:
            azurite.kill()
            azurite.wait()


def _wait_until_it_listens(azurite: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and azurite.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"Azurite did not start:\n{log.read_text(errors='replace')[-2000:]}", pytrace=False)


@pytest.fixture
def azurite_credential() -> AzureNamedKeyCredential:
    return AzureNamedKeyCredential(_ACCOUNT, _KEY)


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
