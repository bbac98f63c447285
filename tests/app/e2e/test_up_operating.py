"""A running sandbox tells its operator how to reach the app in it."""

import asyncio
import sys
from pathlib import Path

from sandbox.settings import PROJECT, Options
from sandbox.up import running
from shared.adapters.store.rows_sqlite import SqliteRows
from shared.adapters.store.state import RowsState

APP = "import azure.functions as func\n\napp = func.FunctionApp()\n"


async def test_every_verb_works_in_a_shell_that_read_the_file_it_wrote(tmp_path: Path) -> None:
    app = tmp_path / "the app"
    app.mkdir()
    (app / "function_app.py").write_text(APP)
    (app / "host.json").write_text('{"version": "2.0"}')
    options = Options(app_directory=app, state=tmp_path / "a state", settings={"ODD": "it's $HOME", "A:B": "1"})
    async with running(options) as sandbox:
        assert sandbox.environment is not None
        assert sandbox.environment.stat().st_mode & 0o077 == 0, "secrets may be in it"
        rows = SqliteRows(sandbox.ledger)
        await RowsState(rows).reports(1)  # the app has been here: an operator's command makes no store
        await rows.close()
        verbs = ('pause --why "it works"', "holds list")
        script = f"set -a; . '{sandbox.environment}'; set +a; printf '%s\\n' \"$ODD\"; " + "; ".join(
            f"'{sys.executable}' -m cli {verb}" for verb in verbs
        )
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", script), cwd=PROJECT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        async with asyncio.timeout(60):
            said, _ = await process.communicate()
    lines = said.decode().splitlines()
    assert lines[0] == "it's $HOME"
    assert sum(line.endswith(": it works") for line in lines) == 1
    assert "Nothing waits." in lines
    assert process.returncode == 0
