"""`plan` in an operator's shell, against the demo world: its examples, its statuses, and that nothing is written."""

import asyncio
import json
import re
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
    who: "department eq 'Human Resources' and companyName eq 'Contoso France'"
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


FINANCE = """
version: 1
accounts: all
enforce: all
rules:
  - name: finance-nl
    who: "department eq 'Finance' and companyName eq 'Contoso Nederland'"
    profiles: [{ name: "Contoso Nederland" }]
"""


async def test_what_was_reviewed_is_made_by_the_app_and_refused_a_second_time(tmp_path: Path) -> None:
    policy, file = tmp_path / "finance.yaml", tmp_path / "reviewed plan.json"
    policy.write_text(FINANCE)
    async with running(Options(policy=policy, state=tmp_path / "state")) as sandbox:
        shell = Shell(sandbox, tmp_path)
        assert sandbox.host is not None
        async with asyncio.timeout(60):
            assert (await sandbox.host.run_now("subscriptions", "")).ok  # the app has been here: there is a store
        rows = SqliteRows(sandbox.ledger)
        await RowsState(rows).reports(1)
        await rows.close()
        status, planned, told = await shell.says(f"plan --out '{file}' --json")
        people = {one["person"]["name"] for one in json.loads(planned)["changes"]}
        assert (status, len(people) > 2, "invoice-access apply" in told) == (0, True, True)
        status, answer, _ = await shell.says(f"apply '{file}'")
        assert (status, answer) == (2, ""), "nobody can be asked"
        status, answer, told = await shell.says(f"apply '{file}' --yes")
        assert status == 0, told
        assert answer.splitlines()[0] == f"{len(people)} checks were asked for: {len(people)} done."
        writes = [entry.operation for entry in sandbox.billing.audit]
        assert len([one for one in writes if "create" in one.lower()]) == len(people)
        status, answer, told = await shell.says(f"apply '{file}' --yes")
        assert (status, answer) == (5, "")
        assert "Nothing was changed: it is not what you reviewed." in told
        assert all(f"give {name} on Contoso Nederland" in told for name in people)
        async with asyncio.timeout(60):
            assert (await sandbox.host.run_now("sweep", "")).ok
        new = tmp_path / "new.yaml"
        new.write_text(FINANCE.replace("rules:\n", f"rules:{PAYROLL}", 1))
        for command, shown in examples("how-to/plan.md"):
            _, answer, _ = await shell.says(command.removeprefix("invoice-access ").replace("new.yaml", f"'{new}'"))
            assert timeless(answer) == timeless(shown), command


def examples(page: str) -> list[tuple[str, str]]:
    """The commands of a page with what they answer, of those whose answer it shows."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", (PROJECT / "docs" / page).read_text(), re.DOTALL):
        for example in block.split("$ ")[1:]:
            command, _, shown = example.partition("\n")
            found += [(command, shown)] if shown else []
    assert len(found) == 2, "each of them is tried"
    return found


def timeless(said: str) -> str:
    """What was said, without how long it took and the digest of a policy."""
    return re.sub(r"\([0-9a-f]{8}\)", "(digest)", re.sub(r"[\d.]+ s\b", "0 s", said)).strip()


async def test_reconcile_has_a_check_on_the_queue_and_nothing_of_what_waits(shell: Shell) -> None:
    await shell.says("pause --why 'a row to change'")
    before = shell.everything()
    status, answer, told = await shell.says("reconcile --all --yes")
    assert (status, told) == (0, "")
    assert (
        answer == "Everything could be read. 104 differ, and wait for what `invoice-access plan` says; nothing else.\n"
    )
    assert shell.everything() == before
    person = "b0a1d000-0000-4000-8000-000000000175"
    status, answer, _ = await shell.says(f"reconcile {person} --yes --wait 0 --json")
    assert status == 1, "nobody takes it from the queue here"
    assert [one["outcome"] for one in json.loads(answer)["people"]] == [None]
    (queued,) = [queue.counts() for queue in shell.sandbox.broker.queues() if queue.options.name == "access-work"]
    assert queued.active == 1
