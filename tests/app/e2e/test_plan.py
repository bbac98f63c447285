"""`plan` in an operator's shell, against the demo world: its examples, its statuses, and that nothing is written."""

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.settings import PROJECT, Mode, Options
from sandbox.up import Sandbox, running
from shared.adapters.store.rows_sqlite import SqliteRows
from shared.adapters.store.state import RowsState

APP = "import azure.functions as func\n\napp = func.FunctionApp()\n"
NOT_SAID = "No full check has said yet under which identity the app works: what you made yourself counts as managed."
PAYROLL = """
  - name: payroll
    who: "department eq 'Human Resources' and city eq 'Lyon'"
    profiles: [{ name: "Contoso France" }]
"""


@dataclass
class Shell:
    """A shell that read the app's environment, beside a sandbox whose app does nothing."""

    sandbox: Sandbox
    folder: Path

    async def says(self, verb: str) -> tuple[int | None, str, str]:
        script = f"set -a; . '{self.sandbox.environment}'; set +a; '{sys.executable}' -m cli {verb}"
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", script), cwd=PROJECT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(60):
            answer, told = await process.communicate()
        return process.returncode, answer.decode(), told.decode()

    def everything(self) -> tuple[object, ...]:
        """Every row of the store, every message, and how often billing was written to."""
        with closing(sqlite3.connect(self.sandbox.ledger)) as store:
            rows = store.execute("SELECT version, partition, key, body FROM rows ORDER BY version").fetchall()
        queues = [(queue.options.name, queue.counts()) for queue in self.sandbox.broker.queues()]
        return rows, queues, len(self.sandbox.billing.audit)

    def policy(self, text: str) -> Path:
        """The policy in force with a rule more."""
        assert self.sandbox.environment is not None
        path = self.folder / "new.yaml"
        path.write_text(self.sandbox.environment.with_name("policy.yaml").read_text().replace("rules:\n", text, 1))
        return path


@pytest.fixture
async def shell(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Shell]:
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_text(APP)
    (app / "host.json").write_text('{"version": "2.0"}')
    mode = getattr(request, "param", Mode.ENFORCE)
    async with running(Options(app_directory=app, state=tmp_path / "state", mode=mode)) as sandbox:
        rows = SqliteRows(sandbox.ledger)
        await RowsState(rows).reports(1)  # the app has been here: an operator's command makes no store
        await rows.close()
        yield Shell(sandbox, tmp_path)


async def test_a_plan_of_the_demo_world_writes_nothing_anywhere(shell: Shell) -> None:
    await shell.says("pause --why 'a row to change'")
    before = shell.everything()
    status, answer, told = await shell.says("plan")
    assert (status, told) == (0, "")
    lines = answer.splitlines()
    assert lines[0].startswith("Paused: operator-stop since ")
    assert lines[1] == NOT_SAID
    assert lines[2].startswith(
        "Nothing to do by itself: 103 changes wait for a decision and 1 change for a pause or a "
    )
    assert lines[-1] == "Plan: 0 to give, 0 to remove, 0 to turn on; 104 wait. --full lists each."
    assert "11 profiles" in answer
    status, answer, _ = await shell.says("plan --json --exit-code")
    document = json.loads(answer)
    assert status == 3
    assert document["schema"] == "invoice-access/plan/1"
    assert document["counts"] == {"give": 0, "remove": 0, "turn_on": 0, "wait": 104, "observe": 0, "dismissed": 0}
    people = [one["person"] for one in document["changes"] if one["person"] is not None]
    assert all(person["name"] and person["id"] for person in people)
    await shell.says(f"plan --policy {shell.policy(f'rules:{PAYROLL}')}")
    assert shell.everything() == before


async def test_a_comparison_says_whom_a_new_rule_would_give_something(shell: Shell) -> None:
    new = shell.policy(f"rules:{PAYROLL}")
    status, answer, told = await shell.says(f"plan --policy {new}")
    assert (status, told) == (0, "")
    first, *lines = answer.splitlines()
    assert first == NOT_SAID
    assert lines[0].startswith("new.yaml against the policy in force (")
    assert "): rule payroll is new. " in lines[0]
    assert lines[0].endswith(" s. Nothing is changed by this.")
    assert all(line.startswith("  + give    ") and "rule payroll" in line for line in lines[1:-2])
    assert lines[-1].startswith("Plan: ")


@pytest.mark.parametrize("shell", [Mode.OBSERVE], indirect=True)
async def test_where_nothing_is_enforced_a_plan_says_what_would_be_done(shell: Shell) -> None:
    _, answer, _ = await shell.says("plan")
    lines = answer.splitlines()[1:]
    assert lines[0].startswith("Observing: 104 changes would be made, and nothing is written.")
    assert lines[-1].startswith("Plan: 103 would be given, 0 removed, 1 turned on: nothing is written")


async def test_a_policy_that_cannot_be_used_is_misuse_and_says_why(shell: Shell) -> None:
    status, answer, told = await shell.says("plan --policy nowhere.yaml")
    assert (status, answer) == (2, "")
    assert "nowhere.yaml" in told
    bad = shell.policy("ruels:\n")
    status, answer, told = await shell.says(f"plan --policy {bad} --json")
    assert (status, answer, json.loads(told)["code"]) == (2, "", "policy")
