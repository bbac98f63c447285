"""The app tells people outside: over sockets, in Microsoft's worker, through a restart of it."""

import re
from pathlib import Path
from typing import Any

import httpx

from sandbox.settings import Options
from sandbox.up import Sandbox, running

PATIENCE = 60.0


async def run(sandbox: Sandbox, *names: str) -> None:
    """Runs timers now, one after another."""
    async with httpx.AsyncClient(timeout=PATIENCE) as door:
        for name in names:
            done = await door.post(f"{sandbox.functions}/admin/functions/{name}?wait=true", json={})
            assert done.json()["ok"], done.text


async def came(sandbox: Sandbox, receiver: str) -> list[dict[str, Any]]:
    """What came to a receiver, as the door shows it."""
    async with httpx.AsyncClient(timeout=PATIENCE) as door:
        shown = (await door.get(f"{sandbox.faults}/notices")).json()["notices"]
    return [one["body"] for one in shown if one["receiver"] == receiver]


def stored(state: Path) -> set[str]:
    """Every word in the files of ledger and state: a signature is one."""
    words = re.compile(rb"[A-Za-z0-9_-]{20,}")
    files = [path.read_bytes() for path in state.rglob("*.sqlite*")]
    assert files
    return {word.decode() for file in files for word in words.findall(file)}


async def test_each_reason_is_told_once_to_a_webhook_and_a_channel_and_the_week_to_finance(tmp_path: Path) -> None:
    options = Options(state=tmp_path, notices=True)
    async with running(options) as sandbox:
        await run(sandbox, "sweep", "notify")
        told = await came(sandbox, "webhook")
        kinds = [one["kind"] for one in told]
        assert "leaver-holds-unmanaged" in kinds
        assert len(kinds) == len({*kinds})
        assert len(sandbox.receivers.texts("teams")) == len(told)
        ((title, *days),) = sandbox.receivers.texts("finance")
        assert title.endswith("active profiles will mail their next invoice")
        assert days

        async with httpx.AsyncClient(timeout=PATIENCE) as door:
            assert (await door.post(f"{sandbox.functions}/admin/host/restart")).status_code == 202
        await run(sandbox, "notify")
        assert await came(sandbox, "webhook") == told

        async with httpx.AsyncClient(timeout=PATIENCE) as door:
            lines = (await door.get(f"{sandbox.functions}/admin/host/logs")).json()["lines"]
        log = "\n".join(line["text"] for line in lines)
        assert "notify: " in log
        assert not [one for one in sandbox.receivers.signatures.values() if one in log]
    assert stored(tmp_path).isdisjoint(sandbox.receivers.signatures.values())


async def test_without_the_option_nobody_is_told_anything(tmp_path: Path) -> None:
    async with running(Options(state=tmp_path)) as sandbox, httpx.AsyncClient(timeout=PATIENCE) as door:
        functions = {one["name"] for one in (await door.get(f"{sandbox.functions}/admin/functions")).json()}
        assert "notify" not in functions
        assert (await door.get(f"{sandbox.faults}/notices")).json() == {"notices": []}
