"""A measured figure and its target, how they are printed, and CPU of this process.

No measuring of the app lives here.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


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


def cpu_ms(work: Callable[[], object]) -> float:
    """CPU milliseconds that something takes in this process."""
    begun = time.process_time()
    work()
    return 1000 * (time.process_time() - begun)


def _shown(value: float) -> str:
    return f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"
