"""`python -m benchmarks`: everything that is measured, as one table with its targets.

Exits 0 whatever the figures are, and with a traceback where something failed to run. `--quick` leaves out the demo.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks import (
    answers,
    command_time,
    demo_memory,
    directory_cost,
    gate_cost,
    limits_cost,
    page_cost,
    plan_memory,
    rows_cost,
    sweep_cost,
    verify_cost,
    versions,
)
from benchmarks.figures import show


async def measure(*, quick: bool) -> None:
    """Measures and prints what is not compared with another version, section by section."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("sweep", "rows", "verify", "demo", "plan"):
            (Path(folder) / name).mkdir()
        show("Start and sweep, the Contoso world", await sweep_cost.measure(Path(folder) / "sweep"))
        show("Ledger and state on SQLite, per event", await rows_cost.figures(Path(folder) / "rows" / "rows.sqlite"))
        show("The audit of the ledger on SQLite", await verify_cost.figures(Path(folder) / "verify" / "rows.sqlite"))
        show("A person read from Graph (two requests), CPU", await directory_cost.measure())
        show("The gate before a service", await gate_cost.measure())
        if not quick:
            show("Memory in the demo", await demo_memory.measure(Path(folder) / "demo"))
            show("A comparison of two policies", await plan_memory.measure(Path(folder) / "plan"))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What the app costs.")
    parser.add_argument("--quick", action="store_true", help="without the demo and 100,000 people: 3 minutes")
    parser.add_argument("--before", help="a commit, or a folder, of which the figures are compared with ours in turn")
    given = parser.parse_args()
    begun = time.monotonic()
    show("The start of the command line, CPU", command_time.measure())
    with tempfile.TemporaryDirectory() as folder:
        show("An answer from start to exit, 2,000 people and 200 profiles, CPU", answers.measure(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        show("The page, for 2,000 people and 200 profiles", page_cost.figures(Path(folder)))
    show("Reserving 400 grants, 32 at a time, in a row that is 15 ms away", limits_cost.measure())
    with versions.checkout_of(given.before) as before:
        for title, figures in versions.measure(before):
            show(title, figures)
    asyncio.run(measure(quick=given.quick))
    print(f"Measured in {time.monotonic() - begun:.0f} s.")


if __name__ == "__main__":
    main()
