"""What the app tells of its work while it does it: spans and measures. Off unless the platform's switch is on.

Lives here: the switch, the names of spans and measures, and the port that services tell them through. Nothing here
imports OpenTelemetry; `shared.adapters.telemetry` does, and is loaded only where the switch is on.

A trace goes over the queues as the text of W3C's `traceparent`. Facts are ids, codes and counts, never names of people.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import TracebackType
from typing import Final, Protocol, Self

_SWITCHES: Final = ("PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY", "PYTHON_ENABLE_OPENTELEMETRY")
"""Either has the worker take part in OpenTelemetry; with the first it also sets up the export to Azure Monitor.

Source: azure-functions-runtime 1.3.0, `handle_event.worker_init_request`.
"""

_TRUE: Final = frozenset({"1", "true", "t", "yes", "y"})
"""What the worker takes for true. Source: azure-functions-runtime 1.3.0, `app_setting_manager.is_true_like`."""


def is_switched_on(environment: Mapping[str, str]) -> bool:
    """Whether the platform was asked for OpenTelemetry."""
    return any(environment.get(name, "").strip().lower() in _TRUE for name in _SWITCHES)


type Fact = str | int | float | bool
"""What a span may say of itself."""


@dataclass(frozen=True, slots=True)
class Spanned:
    """What a span is: its name in a trace, the facts that it may say, and in words."""

    name: str
    facts: tuple[str, ...]
    words: str


class Span(Enum):
    """A piece of work that shows in a trace. docs/reference/metrics.md is made of this."""

    INTAKE = Spanned(
        "intake",
        ("messages", "checks", "rejected", "ignored"),
        "A batch of messages from people-events. It is linked to the trace of each.",
    )
    ASK = Spanned(
        "ask for a check",
        ("key",),
        "One check that events of the batch led to. It is in the trace of the first of them, linked to those of the "
        "others and to the batch.",
    )
    RECONCILE = Spanned("reconcile", ("key", "cause", "attempt", "outcome"), "One check, up to its record.")
    DECIDE = Spanned(
        "decide", ("employment", "grants", "revokes"), "What the policy says of a person, compared with what they have."
    )
    WRITE = Spanned("billing write", ("action", "answer"), "One write to billing, or what would be one.")
    READ_BACK = Spanned("read-back", ("action", "found"), "The read that shows what a write did.")
    SWEEP = Spanned("sweep", ("sweep", "complete", "enqueued"), "One sweep.")


class Kind(StrEnum):
    """How a measure adds up."""

    COUNTER = "counter"
    """Each value is added."""
    HISTOGRAM = "histogram"
    """Each value counts: least, most, sum, how many."""
    GAUGE = "gauge"
    """The latest value counts."""
    TOTAL = "total"
    """Asked for when it is exported, and all of it since the process began."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a measure is: its name, how it adds up, its unit (UCUM), the facts that go with each value, and in words."""

    name: str
    kind: Kind
    unit: str
    facts: tuple[str, ...]
    words: str


class Measure(Enum):
    """Everything that is measured. docs/reference/metrics.md is made of this."""

    CHECKS = Measured("invoice_access.checks", Kind.COUNTER, "{check}", ("outcome", "cause"), "Checks that ended.")
    CHECK_SECONDS = Measured(
        "invoice_access.check.duration", Kind.HISTOGRAM, "s", ("outcome",), "How long a check took, from its work item."
    )
    ACTIONS = Measured(
        "invoice_access.actions",
        Kind.COUNTER,
        "{action}",
        ("action", "outcome"),
        "Steps of checks: grants, removals, updates of e-mail invoicing, and reads or stores that failed.",
    )
    LEAVER_CLOCK = Measured(
        "invoice_access.leaver.clock",
        Kind.HISTOGRAM,
        "s",
        (),
        "How long somebody who left kept access, from when the app could have acted: it had heard, and it was true.",
    )
    INTAKE = Measured(
        "invoice_access.intake",
        Kind.COUNTER,
        "{item}",
        ("became",),
        "What came of people-events: checks asked for, events rejected, items that name nobody.",
    )
    QUEUE_AGE = Measured(
        "invoice_access.queue.age",
        Kind.HISTOGRAM,
        "s",
        ("queue",),
        "How long a message lay on its queue, from when it was put there or due.",
    )
    SWEEPS = Measured("invoice_access.sweeps", Kind.COUNTER, "{sweep}", ("complete",), "Sweeps that left a report.")
    SWEEP_SECONDS = Measured("invoice_access.sweep.duration", Kind.HISTOGRAM, "s", (), "How long a sweep took.")
    DRIFT = Measured(
        "invoice_access.drift", Kind.COUNTER, "{key}", ("kind",), "Drift that sweeps found, by kind of drift."
    )
    DRIFT_ANNOUNCED = Measured(
        "invoice_access.drift.announced",
        Kind.COUNTER,
        "{key}",
        ("announced",),
        "Drift of people of which an event had told (`yes`), and of which none did that should have (`no`).",
    )
    LIMIT_USED = Measured(
        "invoice_access.limit.used",
        Kind.GAUGE,
        "1",
        ("kind",),
        "The share of a daily limit that is used up, as the last sweep found it.",
    )
    HOLDS = Measured(
        "invoice_access.holds", Kind.GAUGE, "{hold}", ("kind",), "Open holds, as the last sweep found them."
    )
    PAUSES = Measured("invoice_access.pauses", Kind.GAUGE, "{pause}", (), "Pauses that stood after the last sweep.")
    API_CALLS = Measured(
        "invoice_access.api.calls",
        Kind.TOTAL,
        "{call}",
        ("call",),
        "Requests to billing and to Microsoft Graph, repeats and polls included.",
    )
    API_WAIT = Measured(
        "invoice_access.api.wait",
        Kind.TOTAL,
        "s",
        ("service",),
        "Seconds for which calls waited for their turn, so that the service refuses none.",
    )


class Telling(Protocol):
    """A span that is under way."""

    def __call__(self, **facts: Fact) -> None:
        """Says more of it."""
        ...


class Telemetry(Protocol):
    """What services tell of their work. Telling never raises, and changes nothing about the work."""

    @property
    def is_on(self) -> bool:
        """Whether anybody listens: what costs something only to be told is asked for first."""
        ...

    def span(
        self, span: Span, *, parent: str = "", links: Iterable[str] = (), **facts: Fact
    ) -> AbstractContextManager[Telling]:
        """A piece of work, from entering to leaving; what raises in it marks it as failed, with its kind alone.

        `parent` is the `traceparent` of what it goes on with; without one that can be read, it goes on with what runs
        here. `links` are those of traces that it has to do with and does not belong to.
        """
        ...

    def measure(self, what: Measure, value: float, **facts: str) -> None:
        """One value, with the facts that the measure names."""
        ...

    def trace(self) -> str:
        """The `traceparent` of what runs here; "" where there is none."""
        ...


class _Nothing:
    """A span that nobody listens to."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def __call__(self, **facts: Fact) -> None:
        pass


_NOTHING: Final = _Nothing()


class _NoTelemetry:
    """Nobody listens. One object for every span: it has no state."""

    __slots__ = ()

    is_on = False

    def span(
        self,
        span: Span,  # noqa: ARG002 - as in the port
        *,
        parent: str = "",  # noqa: ARG002
        links: Iterable[str] = (),  # noqa: ARG002
        **facts: Fact,  # noqa: ARG002
    ) -> AbstractContextManager[Telling]:
        return _NOTHING

    def measure(self, what: Measure, value: float, **facts: str) -> None:
        pass

    def trace(self) -> str:
        return ""


NO_TELEMETRY: Final[Telemetry] = _NoTelemetry()
