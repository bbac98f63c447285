"""CPU from start to exit of what the command line does before it reads anything: help and completion.

Run it alone with `python -m benchmarks.command_time`.
"""

import os
import resource
import statistics
import subprocess
import sys

from benchmarks.figures import Figure, show

AT_MOST = 0.25
"""Seconds of CPU: somebody waits for it at every press of the tab key."""

_COMPLETES = {"_INVOICE_ACCESS_COMPLETE": "complete_zsh"}

_STARTS: dict[str, tuple[list[str], dict[str, str]]] = {
    "--help": (["--help"], {}),
    "holds --help": (["holds", "--help"], {}),
    "holds release --help": (["holds", "release", "--help"], {}),
    "completion of a verb": ([], {**_COMPLETES, "_TYPER_COMPLETE_ARGS": "invoice-access st"}),
    "completion of an option": ([], {**_COMPLETES, "_TYPER_COMPLETE_ARGS": "invoice-access holds release --"}),
}


def measure(runs: int = 5) -> list[Figure]:
    """The median of several starts, each in a process of its own."""
    return [
        Figure(f"invoice-access {name}", _median(arguments, environment, runs), "s", AT_MOST)
        for name, (arguments, environment) in _STARTS.items()
    ]


def _median(arguments: list[str], environment: dict[str, str], runs: int) -> float:
    return statistics.median(_cpu(arguments, environment) for _ in range(runs))


def _cpu(arguments: list[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(  # noqa: S603 - this interpreter, on our own module
        [sys.executable, "-m", "cli", *arguments],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    show("The start of the command line, CPU", measure())
