"""`python -m benchmarks.against OTHER_CHECKOUT`: what an unchanged event costs here and in another version, in turn.

Both versions run in this environment, one after the other and again, in a worker process of their own, at the same
Contoso. The policy's limits let the first sweep grant everything, so that the events that follow find what they should:
every one of them ends `unchanged`, which is checked. The ratio is what counts; the figures are this machine's.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any, Final

ROUNDS: Final = 3

_MEASURE: Final = """
import asyncio, functools, json, sqlite3, sys, tempfile
from collections import Counter
from pathlib import Path
from benchmarks import running_app
from benchmarks.events_cost import _cpu_ms_per_event, _one_by_one

async def main():
    with tempfile.TemporaryDirectory() as folder:
        policy = Path(folder) / "policy.yaml"
        text = Path("sandbox/contoso-policy.yaml").read_text()
        limits = "daily_limits" if Path("shared/domain/guards/daily_limits.py").exists() else "budgets"
        policy.write_text(text + f"\\n{limits}: {{ grants: 100000/100000/100 %, profile_updates: 1000/1000/100 % }}\\n")
        running_app.Options = functools.partial(running_app.Options, policy=policy)
        async with running_app.app_at_contoso(Path(folder), clerks=200) as (app, people):
            await app.sweep()
            await app.rest()
            await app.handle(people)
            await app.rest()
            app.requests()
            bursts = [await _cpu_ms_per_event(app, people) for _ in range(3)]
            requests = app.requests()
            singles = await _one_by_one(app, people[:100])
            await app.rest()
            peak = app.spent().peak_bytes
            [store] = Path(folder, "state").rglob("*.sqlite")
            with sqlite3.connect(store) as rows:
                bodies = [json.loads(body) for (body,) in rows.execute("select body from rows")]
        outcomes = Counter()
        for record in bodies:
            check = record.get("body", record) if isinstance(record, dict) else {}
            if isinstance(check, dict) and check.get("cause") == "event":
                outcomes[check.get("outcome")] += 1
        print(json.dumps({"burst": sorted(bursts)[1], "single": singles, "peak": peak, "requests": dict(requests),
                          "events": 3 * len(people), "outcomes": outcomes}))

asyncio.run(main())
"""


def measure(checkout: Path) -> dict[str, Any]:
    """The figures of one version: CPU milliseconds an event, requests by call, bytes, and how the checks ended."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", _MEASURE], cwd=checkout, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{checkout}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Prints a line for each run, and the ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against", description=__doc__)
    parser.add_argument("other", type=Path, help="a checkout of the other version")
    given = parser.parse_args()
    here: list[dict[str, Any]] = []
    there: list[dict[str, Any]] = []
    for number in range(ROUNDS):
        for name, checkout, runs in (("there", given.other, there), ("here", Path(), here)):
            runs.append(measure(checkout.resolve()))
            print(f"{number + 1} {name:5} {json.dumps(runs[-1])}", flush=True)
    for what in ("burst", "single", "peak"):
        ours, theirs = (median(run[what] for run in runs) for runs in (here, there))
        print(f"{what}: {ours:.2f} here, {theirs:.2f} there, ratio {ours / theirs:.3f}")
    print("requests an event:", *(sum(runs[0]["requests"].values()) / runs[0]["events"] for runs in (here, there)))


if __name__ == "__main__":
    main()
