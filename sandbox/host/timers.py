"""Timer triggers without tasks or waiting: which are due, and what they are told about their schedule.

One `TimerPump` serves one function. A run is never started while another is under way; ticks that pass
meanwhile are skipped, as the platform skips them. Whether the last due tick was missed is kept by the caller
(`Monitors`), in memory, so it survives a restart of the worker and of the host's functions but not the end of
the host's process.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sandbox.host.bindings import Function, TimerTrigger
from sandbox.host.frames import Datum
from sandbox.wire import Clock

_LATE_FROM = timedelta(seconds=1)
"""A tick that starts this much after its moment is past due; anything less is the machine's own slack."""

_NEVER_RAN = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Monitor:
    """What is remembered of a monitored timer: when it last ran and when it is next due."""

    last: datetime
    next: datetime


@dataclass(slots=True)
class Monitors:
    """The monitors of all timers, by function name."""

    by_function: dict[str, Monitor] = field(default_factory=dict)


class TimerPump:
    """Feeds one timer function; see the module."""

    def __init__(self, function: Function, monitors: Monitors, *, clock: Clock) -> None:
        assert isinstance(function.trigger, TimerTrigger), "a timer pump is for a timer function"
        self.function = function
        self._trigger = function.trigger
        self._clock = clock
        now = clock()
        self._monitors = monitors
        self._monitored = function.trigger.monitored and function.trigger.schedule.can_be_monitored
        remembered = monitors.by_function.get(function.name) if self._monitored else None
        self._last = remembered.last if remembered is not None else _NEVER_RAN
        self._next = remembered.next if remembered is not None else function.trigger.schedule.after(now)
        self._at_startup = function.trigger.run_on_startup
        self.running = False
        self._asked_for = False
        self._remember()

    def poll(self) -> bool:
        """Whether a run is due now. Once said, it is for the caller to `begin` it, at once or in its turn."""
        if self.running or self._asked_for or not (self._at_startup or self._next <= self._clock()):
            return False
        self._at_startup = False
        self._asked_for = True
        return True

    def begin(self) -> Datum:
        """Begins a run, due or not, and returns the trigger's value."""
        assert not self.running, "a timer never runs twice at once"
        past_due = self._asked_for and self._monitored and self._clock() - self._next >= _LATE_FROM
        self.running = True
        self._asked_for = False
        value = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": {
                "Last": self._last.isoformat(),
                "LastUpdated": self._last.isoformat(),
                "Next": self._next.isoformat(),
            },
            "IsPastDue": past_due,
        }
        return Datum("json", json.dumps(value))

    def finish(self) -> None:
        """The run has ended; the next one is due at the first tick from now."""
        now = self._clock()
        self.running = False
        self._last = now
        self._next = self._trigger.schedule.after(now)
        self._remember()

    def next_moment(self) -> datetime | None:
        """When a run is due next; None while one is under way."""
        if self.running or self._asked_for:
            return None
        return self._clock() if self._at_startup else self._next

    def _remember(self) -> None:
        if self._monitored:
            self._monitors.by_function[self.function.name] = Monitor(self._last, self._next)
