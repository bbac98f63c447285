"""The mutants' command line: makes each mistake in a copy of the app, and proves that the simulation notices it.

`python -m tests.simulation.mutants [--only NAME ...] [--seeds 500]`. The exit status is 1 when a mutant survived, or
was noticed only by other invariants than those that it breaks, and 2 when the code moved on from under one.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.simulation.mutants.every import MUTANTS
from tests.simulation.mutants.hunt import Catch
from tests.simulation.mutants.mutant import MovedOnError, Mutant

ROOT: Final = Path(__file__).parents[3]

SEEDS: Final = 500
"""The most seeds for one mutant: each has to be noticed within these."""

_COPIED: Final = ("shared", "functions", "sandbox", "cli", "tests", "deploy", "host.json", "pyproject.toml")
"""What the simulation and the stories import and read."""

_STORY_SECONDS: Final = 300.0
"""Wall-clock seconds that stories may take before they count as stuck."""

_SOME_FAILED: Final = 1
"""pytest's exit status when it ran tests and some failed."""

_SECONDS_A_SEED: Final = 10.0
"""Wall-clock seconds that a seed may take on average before a hunt counts as stuck; a usual one takes half of one."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one mutant. `wrong` says what is wrong with that; "" for one that was caught as it should be.

    `story` is the test that noticed it, "" where none was asked or none did.
    """

    mutant: Mutant
    catch: Catch | None
    wrong: str
    seconds: float
    story: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the mutants asked for and says what came of each; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make mutants", description="Proves that the simulation notices mistakes.")
    parser.add_argument("--only", nargs="*", default=[], help="names, or parts of names, of mutants (default: all)")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"the most seeds for each (default: {SEEDS})")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at once (default: CPUs)")
    parser.add_argument("--list", action="store_true", help="say what there are, and run none")
    asked = parser.parse_args(arguments)
    chosen = [mutant for mutant in MUTANTS if not asked.only or any(part in mutant.name for part in asked.only)]
    if not chosen:
        parser.error(f"no mutant is called {', '.join(asked.only)}; --list says what there are")
    if asked.list:
        sys.stdout.write("".join(f"{one.name:<32} {one.promise}\n" for one in chosen))
        return 0
    try:
        for mutant in chosen:
            mutant.text(ROOT)
    except MovedOnError as stale:
        sys.stderr.write(f"{stale}\n")
        return 2
    return _run(chosen, asked.seeds, asked.processes)


def _run(chosen: Sequence[Mutant], seeds: int, processes: int) -> int:
    began = time.monotonic()
    with ThreadPoolExecutor(processes) as pool:
        failed = 0
        for report in pool.map(lambda mutant: run_mutant(mutant, seeds), chosen):
            failed += bool(report.wrong)
            sys.stdout.write(_line(report))
            sys.stdout.flush()
    sys.stdout.write(f"{len(chosen)} mutants, {failed} of them not caught; {time.monotonic() - began:.0f} s\n")
    return 1 if failed else 0


def run_mutant(mutant: Mutant, seeds: int = SEEDS) -> Report:
    """Makes a mutant and hunts it; whatever it does, it does to a copy, in a process of its own.

    A seed or story that catches it is run once more on the app as it is: what fails there proves nothing. Stories come
    first: they are quick.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prog_name(mutant)) as folder:
        copy = Path(folder)
        _copy_to(copy)
        source = (copy / mutant.file).read_text()
        (copy / mutant.file).write_text(mutant.text(copy))
        if mutant.stories and (report := _by_stories(mutant, copy, source, began)) is not None:
            return report
        catch, wrong = _hunt(copy, mutant.caught_by, 1, seeds)
        if catch is not None and catch.seed is not None:
            (copy / mutant.file).write_text(source)
            control, wrong = _hunt(copy, mutant.caught_by, catch.seed, 1)
            if control is not None and control.seed is not None:
                wrong = f"seed {control.seed} violates {control.invariant} without it as well"
        elif catch is not None:
            others = ", ".join(f"{name} ({times} seeds)" for name, times in sorted(catch.others.items()))
            wrong = f"not noticed within {catch.seeds} seeds by {' or '.join(mutant.caught_by)}"
            wrong += f"; only by {others}" if others else ", nor by anything else"
    return Report(mutant, catch, wrong, time.monotonic() - began)


def _by_stories(mutant: Mutant, copy: Path, source: str, began: float) -> Report | None:
    """What came of a mutant whose stories were told; None where none noticed it and seeds may."""
    story, wrong = _told(copy, mutant.stories)
    if story:
        (copy / mutant.file).write_text(source)
        fails, wrong = _told(copy, (story,))
        wrong = f"{fails} fails without it as well" if fails else wrong
    elif not wrong and mutant.caught_by:
        return None
    elif not wrong:
        wrong = f"not noticed by {' or '.join(mutant.stories)}"
    return Report(mutant, None, wrong, time.monotonic() - began, story)


def prog_name(mutant: Mutant) -> str:
    """What a mutant's folder is called, for whoever finds one that was left behind."""
    return f"mutant-{mutant.name}-"


def _told(copy: Path, stories: Sequence[str]) -> tuple[str, str]:
    """The first story that fails ("" for none), and what is wrong where they could not be told."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    for story in stories:
        try:
            done = subprocess.run(  # noqa: S603 - this interpreter, on our own tests
                [*command, story], cwd=copy, env=os.environ | {"PYTHONPATH": str(copy)}, capture_output=True, text=True,
                timeout=_STORY_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return "", f"{story} ran for {_STORY_SECONDS:.0f} s and was stopped: a mutant must not hang"
        if done.returncode == _SOME_FAILED:
            return story, ""
        if done.returncode != 0:
            return "", f"{story} could not be told ({done.returncode}):\n{done.stdout[-2000:]}{done.stderr[-500:]}"
    return "", ""


def _hunt(copy: Path, expected: Sequence[str], first_seed: int, seeds: int) -> tuple[Catch | None, str]:
    """A catch, and what is wrong where there is none."""
    command = [sys.executable, "-m", "tests.simulation.mutants.hunt", "--expected", *expected]
    command += ["--first-seed", str(first_seed), "--seeds", str(seeds)]
    patience = 60.0 + seeds * _SECONDS_A_SEED
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, on our own module
            command, cwd=copy, env=os.environ | {"PYTHONPATH": str(copy)}, capture_output=True, text=True,
            timeout=patience, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, f"it ran for {patience:.0f} s and was stopped: a mutant must not hang"
    if done.returncode != 0:
        return None, f"the hunt itself failed ({done.returncode}):\n{done.stderr.strip()}"
    return Catch(**json.loads(done.stdout.splitlines()[-1])), ""


def _copy_to(folder: Path) -> None:
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            # Azurite stands below tests once it is installed: 55,000 files that no mutant needs.
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy2(source, folder / name)


def _line(report: Report) -> str:
    name, catch = report.mutant.name, report.catch
    if report.story and not report.wrong:
        return f"{name:<32} {report.story.rpartition('::')[2]}  ({report.seconds:.0f} s)\n"
    if report.wrong or catch is None:
        return f"{name:<32} NOT CAUGHT ({report.seconds:.0f} s): {report.wrong}\n"
    return f"{name:<32} seed {catch.seed:>3}  {catch.invariant}  ({report.seconds:.0f} s)\n"
