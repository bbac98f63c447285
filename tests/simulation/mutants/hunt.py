"""Hunts one mutant: runs seeds of the simulation, one after the other, until an invariant notices it.

To be run in a folder of its own that holds the mutated copy (`python -m tests.simulation.mutants.hunt`): what is
imported must be the copy. Lives here: that run, and the one line of JSON that says what came of it.
"""

import argparse
import gc
import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import shared
from tests.simulation.engine.run import run_seed


@dataclass(frozen=True, slots=True)
class Catch:
    """What came of a hunt.

    `seed` is the first at which one of the expected invariants noticed, and `invariant` that one; both None where none
    did. `said` are its own words. `others` are the invariants that noticed something before or besides, by how many
    seeds they did. `seeds` were run in `seconds` of CPU.
    """

    seed: int | None
    invariant: str | None
    said: str
    others: dict[str, int]
    seeds: int
    seconds: float


def hunt(seeds: Iterable[int], expected: Collection[str]) -> Catch:
    """Runs seeds until one of the expected invariants is violated. For code outside any event loop."""
    began = time.process_time()
    others: Counter[str] = Counter()
    ran = 0
    for seed in seeds:
        ran += 1
        verdict = run_seed(seed)
        first = next((one for one in verdict.violations if one.invariant in expected), None)
        others.update({one.invariant for one in verdict.violations} - {first.invariant if first else ""})
        if first is not None:
            said = f"{first.at}: {first.what}"
            return Catch(seed, first.invariant, said, dict(others), ran, time.process_time() - began)
    return Catch(None, None, "", dict(others), ran, time.process_time() - began)


def main(arguments: Sequence[str] | None = None) -> int:
    """Hunts as the arguments say, and writes the catch as one line of JSON."""
    parser = argparse.ArgumentParser(prog="hunt", description="Runs seeds until an invariant notices a mutant.")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, required=True)
    parser.add_argument("--expected", nargs="+", required=True)
    asked = parser.parse_args(arguments)
    if Path.cwd() not in Path(shared.__path__[0]).parents:
        sys.stderr.write(f"the app is imported from {shared.__path__[0]}, and not from the copy in {Path.cwd()}\n")
        return 2
    logging.disable(logging.CRITICAL)  # the app's own log: what happened is in the verdict
    gc.set_threshold(100_000, 50, 1_000)  # a seed makes no garbage worth a search every two thousand objects
    gc.freeze()
    catch = hunt(range(asked.first_seed, asked.first_seed + asked.seeds), asked.expected)
    sys.stdout.write(json.dumps(asdict(catch)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
