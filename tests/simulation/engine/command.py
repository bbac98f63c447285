"""The simulation's command line: many seeds side by side, or one with its whole trace.

`python -m tests.simulation.engine --seeds 2000 [--first-seed 1]`, or `--seed 17`. The exit status is 1 when a promise
was not kept.
"""

import argparse
import gc
import logging
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.simulation.engine.faults import Fault
from tests.simulation.engine.run import Verdict, run_seed

_SHOWN_PER_FAILURE = 3
_CHUNK = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what was asked for and says what came of it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make simulate", description="The deterministic simulation.")
    parser.add_argument("--seeds", type=_some, default=200, help="how many seeds to run (default: 200)")
    parser.add_argument("--first-seed", type=int, default=1, help="the first of them (default: 1)")
    parser.add_argument("--seed", type=int, help="one seed only, with its trace")
    parser.add_argument("--processes", type=_some, default=os.cpu_count() or 1, help="how many at once (default: CPUs)")
    asked = parser.parse_args(arguments)
    return _replay(asked.seed) if asked.seed is not None else _run(asked.first_seed, asked.seeds, asked.processes)


def _some(text: str) -> int:
    """A number of things of which there has to be one at least."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} proves nothing; give 1 or more")
    return int(text)


def _replay(seed: int) -> int:
    _prepare()
    verdict = run_seed(seed)
    sys.stdout.write("\n".join(verdict.trace) + "\n\n")
    for violation in verdict.violations:
        sys.stdout.write(f"{violation}\n")
    kept = "every promise was kept" if verdict.kept else f"{len(verdict.violations)} times a promise was not kept"
    sys.stdout.write(f"seed {seed}: {kept}; trace {verdict.digest[:16]}, {verdict.cpu_seconds:.2f} s of CPU\n")
    return 0 if verdict.kept else 1


def _run(first: int, count: int, processes: int) -> int:
    began = time.monotonic()
    counts: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    failed: list[int] = []
    cpu = slowest = 0.0
    with multiprocessing.get_context("fork").Pool(processes, _prepare) as pool:
        for verdict in pool.imap_unordered(_summary, range(first, first + count), chunksize=_CHUNK):
            counts += verdict.counts
            cpu += verdict.cpu_seconds
            slowest = max(slowest, verdict.cpu_seconds)
            if not verdict.kept:
                failed.append(verdict.seed)
                broken.update({violation.invariant for violation in verdict.violations})
                first_one, more = verdict.violations[0], len(verdict.violations) - 1
                sys.stdout.write(f"SEED={verdict.seed}: {first_one}{f' (and {more} more)' if more else ''}\n")
                sys.stdout.write(f"    replay it: make simulate SEED={verdict.seed}\n")
                sys.stdout.flush()
    sys.stdout.write(_coverage(counts))
    seconds = time.monotonic() - began
    sys.stdout.write(
        f"{count} seeds from {first}: {len(failed)} failed; {seconds:.0f} s, "
        f"{cpu / max(1, count):.2f} s of CPU a seed, the slowest {slowest:.2f} s\n"
    )
    for name, times in broken.most_common():
        sys.stdout.write(f"    {name}: {times} seeds\n")
    return 1 if failed else 0


def _summary(seed: int) -> Verdict:
    """A verdict without its trace, which is long."""
    verdict = run_seed(seed)
    return Verdict(
        seed, verdict.violations[:_SHOWN_PER_FAILURE], (), verdict.digest, verdict.counts, verdict.cpu_seconds
    )


def _coverage(counts: Counter[str]) -> str:
    """What happened how often, by kind; a fault that never happened is a hole."""
    kinds: dict[str, list[str]] = {}
    for name, times in sorted(counts.items()):
        kind, _, rest = name.partition(":")
        kinds.setdefault(kind, []).append(f"{rest or 'all'} {times}")
    switches = kinds.pop("switch", [])
    lines = [f"{kind}: {', '.join(each)}" for kind, each in kinds.items()]
    names = {each.partition("=")[0] for each in switches}
    lines.append(f"switches of the real services' unknowns: {len(names)} in {len(switches)} positions")
    never = [fault.value for fault in Fault if not counts[f"fault:{fault}"]]
    if never:
        lines.append(f"FAULTS THAT NEVER STRUCK: {', '.join(never)}")
    return "\n".join(lines) + "\n"


def _prepare() -> None:
    logging.disable(logging.CRITICAL)  # the app's own log; what happened is in the trace
    gc.set_threshold(100_000, 50, 1_000)  # a seed makes no garbage worth a search every two thousand objects
    gc.freeze()  # what was imported stays, and need not be checked again and again
