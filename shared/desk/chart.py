"""A chart of one figure by day, as the numbers that an SVG of it is made of: bars on a logarithmic scale, and an aim.

Lives here: where everything stands. What is drawn is a template's, without a script and without a style.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Final

WIDTH, HEIGHT = 640, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 626, 20, 170
_LOWEST, _HIGHEST = 1.0, 86_400.0

TICKS: Final = (
    (1.0, "second", 1),
    (10.0, "second", 10),
    (60.0, "minute", 1),
    (600.0, "minute", 10),
    (3600.0, "hour", 1),
)
"""Heights that are named: seconds, and the same in a unit that people say."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: the day, its figure, and where it stands."""

    day: str
    figure: float
    x: float
    y: float
    width: float
    height: float
    is_late: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its bars, its lines with what they are called, and the height of the aim."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str, int], ...]
    aim: float


def bars(figures: Sequence[tuple[str, float]], aim: float) -> Chart:
    """The chart of seconds by day, the oldest first."""
    step = (_RIGHT - _LEFT) / max(len(figures), 7)
    made = []
    for number, (day, figure) in enumerate(figures):
        y = min(_height(figure), _BOTTOM - 2.0)  # what took no time is still somebody
        x = round(_LEFT + number * step + step * 0.15, 1)
        made.append(Bar(day, figure, x, y, round(step * 0.7, 1), round(_BOTTOM - y, 1), figure > aim))
    return Chart(tuple(made), tuple((_height(at), unit, count) for at, unit, count in TICKS), _height(aim))


def _height(figure: float) -> float:
    """Where a figure is, on a scale of logarithms: seconds and hours are both to be seen."""
    share = log10(min(max(figure, _LOWEST), _HIGHEST)) / log10(_HIGHEST)
    return round(_BOTTOM - share * (_BOTTOM - _TOP), 1)
