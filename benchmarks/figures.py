"""A measured figure and its target, how they are printed, and the unit that machines can be compared by.

No measuring of the app lives here.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

_ROUNDS: Final = 5
_ROWS: Final = 400


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, its unit, and the most that it should be (None: reported only)."""

    what: str
    value: float
    unit: str
    at_most: float | None = None
    remark: str = ""

    def line(self) -> str:
        """The figure as a line of the table."""
        target = "" if self.at_most is None else f"<= {self.at_most:g}"
        met = "" if self.at_most is None else ("met" if self.value <= self.at_most else "NOT MET")
        return f"  {self.what:58} {_shown(self.value):>9} {self.unit:5} {target:8} {met:8} {self.remark}".rstrip()


def show(title: str, figures: Iterable[Figure]) -> None:
    """Prints a section of the table."""
    print(title)
    for figure in figures:
        print(figure.line())
    print(flush=True)


def reference_ms() -> float:
    """CPU milliseconds of a fixed computation on this machine as it is now, the best of five.

    It is what the app's Python mostly does: dictionaries, sorting, JSON and digests. Some 4 ms on a server of 2025.
    """
    return min(cpu_ms(_reference) for _ in range(_ROUNDS))


def cpu_ms(work: Callable[[], object]) -> float:
    """CPU milliseconds that something takes in this process."""
    begun = time.process_time()
    work()
    return 1000 * (time.process_time() - begun)


def _reference() -> str:
    rows = [{"key": f"person:{number * 7919 % _ROWS:08}", "rank": [number, str(number)]} for number in range(_ROWS)]
    for _ in range(3):
        rows = json.loads(json.dumps(sorted(rows, key=lambda row: str(row["key"]))))
    return "".join(hashlib.sha256(json.dumps(row).encode()).hexdigest() for row in rows)


def _shown(value: float) -> str:
    return f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"
