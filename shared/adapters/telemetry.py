"""Telemetry over OpenTelemetry's API. Imported only where the platform's switch is on: see `shared.telemetry`.

Lives here: how our spans and measures become OpenTelemetry's, and how a trace goes over a queue. Nothing is configured
here. The worker sets up the SDK and the export to Azure Monitor before it loads the app (azure-functions-runtime 1.3.0,
`otel.initialize_azure_monitor`), and whoever sets them up twice sends everything twice.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Final

from opentelemetry import context, metrics, trace
from opentelemetry.trace import SpanContext, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.domain.work import RejectedEvent, Scheduled
from shared.ports import Queues
from shared.telemetry import Fact, Kind, Measure, Span, Telling

NAME: Final = "invoice-access"
"""What the tracer and the meter are called."""

_TRACEPARENT: Final = "traceparent"
_W3C: Final = TraceContextTextMapPropagator()
_KINDS: Final = {Span.ASK: SpanKind.PRODUCER, Span.WRITE: SpanKind.CLIENT, Span.READ_BACK: SpanKind.CLIENT}
"""Anything else is internal: the host has a request of its own for each run of a function."""

type _Tell = Callable[[float, Mapping[str, str]], None]


class OpenTelemetry:
    """`Telemetry` on the process's own providers, unless others are given."""

    is_on = True

    def __init__(
        self, tracers: trace.TracerProvider | None = None, meters: metrics.MeterProvider | None = None
    ) -> None:
        self._tracer = trace.get_tracer(NAME, tracer_provider=tracers)
        self._meter = metrics.get_meter(NAME, meter_provider=meters)
        self._tells = {one: self._instrument(one) for one in Measure if one.value.kind is not Kind.TOTAL}

    def span(
        self, span: Span, *, parent: str = "", links: Iterable[str] = (), **facts: Fact
    ) -> AbstractContextManager[Telling]:
        """See `Telemetry`."""
        return self._span(span, parent, links, facts)

    def measure(self, what: Measure, value: float, **facts: str) -> None:
        """See `Telemetry`."""
        self._tells[what](value, facts)

    def trace(self) -> str:
        """See `Telemetry`."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        return carrier.get(_TRACEPARENT, "")

    def observe(self, what: Measure, values: Callable[[], Mapping[str, float]]) -> None:
        """Has a total asked for whenever it is exported: its values, by its one fact."""
        measured = what.value
        [fact] = measured.facts

        def ask(_: metrics.CallbackOptions) -> Iterator[metrics.Observation]:
            return (metrics.Observation(value, {fact: name}) for name, value in values().items())

        self._meter.create_observable_counter(measured.name, [ask], measured.unit, measured.words)

    def _instrument(self, what: Measure) -> _Tell:
        measured = what.value
        if measured.kind is Kind.COUNTER:
            return self._meter.create_counter(measured.name, measured.unit, measured.words).add
        if measured.kind is Kind.HISTOGRAM:
            return self._meter.create_histogram(measured.name, measured.unit, measured.words).record
        return self._meter.create_gauge(measured.name, measured.unit, measured.words).set

    @contextmanager
    def _span(self, span: Span, parent: str, links: Iterable[str], facts: Mapping[str, Fact]) -> Iterator[Telling]:
        begins, linked = _beginning(parent, links)
        with self._tracer.start_as_current_span(
            span.value.name,
            begins,
            kind=_KINDS.get(span, SpanKind.INTERNAL),
            links=[trace.Link(one) for one in linked],
            attributes=_attributes(facts),
            record_exception=False,  # its text may name people
            set_status_on_exception=False,
        ) as started:

            def tell(**more: Fact) -> None:
                started.set_attributes(_attributes(more))

            try:
                yield tell
            except BaseException as error:
                started.set_attribute("error.type", type(error).__name__)
                started.set_status(StatusCode.ERROR, type(error).__name__)
                raise


def _attributes(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {f"invoice_access.{name}": value for name, value in facts.items()}


def _beginning(parent: str, links: Iterable[str]) -> tuple[context.Context, list[SpanContext]]:
    """What a span begins under, and what it is linked to.

    The host begins a trace for each run of a function, or goes on with that of the message; which of both is up to its
    version. So a span goes on under the host's where that is in the parent's trace, and under the parent elsewhere. It
    is never in the trace of a link.
    """
    here = context.get_current()
    hosts = trace.get_current_span(here).get_span_context()
    came = _read(parent)
    linked = [one for text in links if (one := _read(text)) is not None]
    if came is None:
        if hosts.is_valid and any(one.trace_id == hosts.trace_id for one in linked):
            return trace.set_span_in_context(trace.INVALID_SPAN, here), [*linked, hosts]
        return here, linked
    if came.trace_id == hosts.trace_id:
        return here, linked
    if hosts.is_valid:
        linked.append(hosts)
    return trace.set_span_in_context(trace.NonRecordingSpan(came), here), linked


def _read(traceparent: str) -> SpanContext | None:
    """What a `traceparent` names; None for text that is none: anybody may have written it."""
    found = trace.get_current_span(_W3C.extract({_TRACEPARENT: traceparent}, context.Context())).get_span_context()
    return found if found.is_valid else None


class TracedQueues:
    """`Queues`, whose checks go on with the trace of whoever sends them, where they have none of their own."""

    def __init__(self, queues: Queues, telemetry: OpenTelemetry) -> None:
        self._queues = queues
        self._telemetry = telemetry

    async def send_work(self, items: Sequence[Scheduled]) -> None:
        """See `Queues`."""
        trace_here = self._telemetry.trace()
        await self._queues.send_work([one if one.trace else replace(one, trace=trace_here) for one in items])

    async def send_rejected(self, events: Sequence[RejectedEvent]) -> None:
        """See `Queues`."""
        await self._queues.send_rejected(events)
