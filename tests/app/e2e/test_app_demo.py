"""The demo: the whole story on the real protocols, and what it reports."""

import asyncio
import io
import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from sandbox.demo.story import Seen
from sandbox.demo.telling import Told, tell, verdict

ROOT = Path(__file__).parents[3]

TOLD = (
    "the first sweep wants more than the daily limit; an operator releases it",
    "a hire",
    "a hire announced before the directory knows them",
    "a future-dated hire",
    "a move between companies",
    "a leaver disabled",
    "a leaver deleted",
    "a leaver named by an employee id that the directory no longer knows",
    "a rehire",
    "the same event ten times",
    "events out of order",
    "garbage on the queue is rejected, fixed and replayed",
    "a profile opted out by hand is put back",
    "an unmanaged assignment stays",
    "a managed assignment, re-made by hand, is unmanaged now",
    "a lost event is healed by the sweep",
    "a removed rule is cleaned up",
    "a hire date of 1601 stops nobody else",
    "the identity endpoint is down while the app starts",
    "the app is killed in the middle of a burst",
    "managed is what the policy gives, the rest was never touched",
    "the same story, observed, writes nothing",
    "Graph's own notifications, and nobody sends an event",
)


async def test_the_story_goes_as_expected_and_the_report_says_so(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "demo", "--report", str(report)),
        *("--switch", "arm.error_bodies=wrapped"),  # as the specification says; `make demo` plays what was recorded
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    async with asyncio.timeout(240):
        out, _ = await demo.communicate()
    found = json.loads(report.read_text())
    differed = [step for step in found["steps"] if not step["ok"]]
    assert not differed
    assert demo.returncode == 0, out.decode()
    assert found["ok"] is True
    assert sum(line.strip().startswith("invoice-access ") for line in out.decode().splitlines()) == 5
    assert "make demo KEEP=1" in out.decode()
    assert sorted(step["name"] for step in found["steps"]) == sorted(TOLD)
    assert all(step["expected"] and step["seconds"] > 0 for step in found["steps"])


def test_a_step_that_differs_fails_the_demo_and_is_told_with_both_sides() -> None:
    seen = Seen()
    seen.check("Eva manages invoices of Litware Polska", expected=True, observed=False)
    console = Console(file=io.StringIO(), record=True, width=120)
    told = Told("the same event ten times", seen, 0.2)
    tell(console, told)
    assert "expected True, observed False" in console.export_text()
    assert verdict([told]) == 1
    assert told.as_report() == {
        "name": "the same event ten times",
        "ok": False,
        "expected": {"Eva manages invoices of Litware Polska": True},
        "observed": {"Eva manages invoices of Litware Polska": False},
        "seconds": 0.2,
    }
