"""Telemetry that is kept in memory: every span that ended, and every measure, as OpenTelemetry's SDK has them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.adapters.telemetry import OpenTelemetry
from shared.telemetry import Measure, Span

type Facts = Mapping[str, str]


class Heard:
    """Somebody who listens to `telemetry`."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._kept))
        self._reader = InMemoryMetricReader()
        self.telemetry = OpenTelemetry(self.tracers, MeterProvider([self._reader]))

    def spans(self, which: Span | None = None) -> Sequence[ReadableSpan]:
        """The spans that ended, in that order, and lets go of them where all are asked for."""
        found = self._kept.get_finished_spans()
        return [one for one in found if which is None or one.name == which.value.name]

    def forget(self) -> None:
        """Nothing was heard so far."""
        self._kept.clear()
        self._reader.get_metrics_data()

    def tree(self) -> Sequence[str]:
        """Every span as `<name> <- <its parent's name>`; a parent that is none of ours is `?`, and none is nothing."""
        names = {identity(one): one.name for one in self.spans()}
        return [f"{one.name}{_under(one, names)}" for one in self.spans()]

    def measured(self, what: Measure) -> Mapping[tuple[tuple[str, Any], ...], float]:
        """A measure's values by their facts: a sum, the last value of a gauge, how many of a histogram."""
        return dict(self._points(what))

    def exported(self) -> Iterator[tuple[str, Mapping[str, Any], float, float, float, int]]:
        """Every value: its measure's name, its facts, the least, the most, the sum, and how many it is made of."""
        for name, point in self._every():
            facts = dict(point.attributes or {})
            if hasattr(point, "count"):
                yield name, facts, point.min, point.max, point.sum, point.count
            else:
                yield name, facts, point.value, point.value, point.value, 1

    def _points(self, what: Measure) -> Iterator[tuple[tuple[tuple[str, Any], ...], float]]:
        for name, point in self._every():
            if name == what.value.name:
                value: Any = point.count if hasattr(point, "count") else point.value
                yield tuple(sorted((point.attributes or {}).items())), value

    def _every(self) -> Iterator[tuple[str, Any]]:
        data = self._reader.get_metrics_data()
        every = [] if data is None else [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics]
        return ((metric.name, point) for metric in every for point in metric.data.data_points)


def identity(span: ReadableSpan) -> tuple[int, int]:
    """What tells a span from every other: its trace and its own number."""
    context = span.get_span_context()
    assert context is not None
    return context.trace_id, context.span_id


def trace_of(span: ReadableSpan) -> int:
    """Which trace a span is in."""
    return identity(span)[0]


def _under(span: ReadableSpan, names: Mapping[tuple[int, int], str]) -> str:
    if span.parent is None:
        return ""
    return f" <- {names.get((span.parent.trace_id, span.parent.span_id), '?')}"
