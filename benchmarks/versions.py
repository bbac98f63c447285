"""The figures that are compared with another version: ours and theirs in turn, each run in a process of its own.

Lives here: running `one_version` in each checkout, and the targets. Run it alone with `python -m benchmarks.versions
[--before COMMIT]`. The ratio is what counts: it is of one run, on a machine that is as busy for both.
"""

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import one_version
from benchmarks.figures import Figure, show

ROUNDS: Final = 2
HERE: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the table: what `one_version` calls it, our target, and the most that it may be of the one before."""

    name: str
    what: str
    unit: str
    at_most: float | None = None
    ratio: float | None = None


_EVENTS: Final = (
    _Line("burst", f"CPU per event, {one_version.EVENTS} at once", "ms", 3.0, 1.0),
    _Line("second", "  and of its second check", "ms", None, 1.0),
    _Line("single", f"CPU per event, one after another ({one_version.SINGLES})", "ms", None, 1.0),
    _Line("graph", "Graph requests per check (one group named)", "", 2, 1.0),
    _Line("billing", "billing requests per check (one profile given)", "", 1, 1.0),
    _Line("megabytes", "peak memory of the worker after that", "MB", 150),
)

_SECTIONS: Final[Sequence[tuple[str, str, Sequence[_Line]]]] = (
    (
        "decide",
        f"A sweep decides for {one_version.PEOPLE:,} people and {one_version.PROFILES:,} profiles",
        (
            _Line("seconds", "CPU", "s", None, 0.25),
            _Line("p99", "an HTTP answer's wait meanwhile, p99, CPU", "ms", 50),
            _Line("drifts", "drifts found", ""),
        ),
    ),
    (
        "lists",
        "A sweep reads an estate of 500 profiles, virtual time",
        (
            _Line("ms80", "where ARM takes 80 ms for an answer", "s"),
            _Line("ms300", "where ARM takes 300 ms", "s", None, round(1 / 4.5, 3)),
        ),
    ),
    (
        "check",
        "A check that changes nothing, virtual time",
        (_Line("ms", "Graph and ARM take 80 ms, the store 30", "ms"),),
    ),
    (
        "cold",
        f"The first {one_version.FIRST} events of all, without a stored catalogue",
        (
            _Line("listed", "times that billing accounts are listed", "", 1),
            _Line("retries", "checks that are put off", "", 0),
        ),
    ),
    (
        "checks",
        "CPU of a check that changes nothing, in one process with the stand-ins",
        (
            _Line("few", "12 profiles", "ms", None, 1.0),
            _Line("many", f"{one_version.PROFILES:,} profiles", "ms", None, 1.0),
        ),
    ),
    ("events", "An event that changes nothing, in the worker", _EVENTS),
    (
        "swept",
        f"A sweep of {one_version.SWEPT:,} people and as many assignments on 12 profiles, in the worker",
        (
            _Line("seconds", "CPU", "s", None, 1.15),
            _Line("megabytes", "peak memory of the worker after that", "MB"),
        ),
    ),
)


def measure(before: Path | None, only: Collection[str] | None = None) -> Iterator[tuple[str, list[Figure]]]:
    """Section by section: ours, and what it is of the version in the checkout `before`."""
    for figure, title, lines in _SECTIONS:
        if only is not None and figure not in only:
            continue
        runs: dict[Path, list[Mapping[str, Any]]] = {HERE: [], **({} if before is None else {before: []})}
        for _ in range(ROUNDS):
            for checkout, found in runs.items():
                found.append(_run(figure, checkout))
        yield title, [each for line in lines for each in _figures(line, runs[HERE], runs[before] if before else [])]


def _figures(line: _Line, ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> Iterator[Figure]:
    value = median(run[line.name] for run in ours)
    if not theirs:
        yield Figure(line.what, value, line.unit, line.at_most)
        return
    other = median(run[line.name] for run in theirs)
    yield Figure(line.what, value, line.unit, line.at_most, f"before: {other:.4g} {line.unit}")
    if other:
        yield Figure("  of the version before", value / other, "x", line.ratio)


def _run(figure: str, checkout: Path) -> Mapping[str, Any]:
    script = Path(one_version.__file__).resolve()
    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, str(script), figure],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{figure} in {checkout}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def checkout_of(version: str | None) -> Iterator[Path | None]:
    """A folder with a version: the one named, or a commit taken out of this repository."""
    if version is None or Path(version).is_dir():
        yield None if version is None else Path(version).resolve()
        return
    taken = subprocess.run(["git", "archive", version], cwd=HERE, capture_output=True, check=False)  # noqa: S603, S607
    if taken.returncode:
        raise SystemExit(f"{version} is neither a folder nor a commit: {taken.stderr.decode()}")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=BytesIO(taken.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


def main() -> None:
    """Prints the sections."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.versions", description=__doc__)
    parser.add_argument("--before", help="a commit, or a folder, with the version to compare with")
    parser.add_argument("--only", nargs="*", help="figures, by the names that `one_version` has for them")
    given = parser.parse_args()
    with checkout_of(given.before) as before:
        for title, figures in measure(before, given.only):
            show(title, figures)


if __name__ == "__main__":
    main()
