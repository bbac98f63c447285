"""Where a span begins: the host has a trace of its own for each run, which may or may not be the message's."""

import pytest
from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from shared.telemetry import Measure, Span
from tests.heard import Heard, trace_of

ONE, TWO = int("1" * 32, 16), int("2" * 32, 16)
MESSAGE = f"00-{ONE:032x}-00000000000000aa-01"
BATCHED = f"00-{TWO:032x}-00000000000000bb-01"


def _hosts(trace_id: int) -> context.Context:
    """What the worker attaches before it runs a function."""
    began = SpanContext(trace_id, 0xCC, is_remote=True, trace_flags=TraceFlags(1))
    return trace.set_span_in_context(NonRecordingSpan(began), context.Context())


@pytest.mark.parametrize(("hosts", "parent", "linked"), [(ONE, 0xCC, []), (TWO, 0xAA, [TWO])])
def test_a_check_is_in_the_trace_of_its_message_and_under_the_hosts_span_if_that_is(
    hosts: int, parent: int, linked: list[int]
) -> None:
    heard = Heard()
    token = context.attach(_hosts(hosts))
    with heard.telemetry.span(Span.RECONCILE, parent=MESSAGE):
        pass
    context.detach(token)
    (span,) = heard.spans()
    assert trace_of(span) == ONE
    assert span.parent is not None
    assert span.parent.span_id == parent
    assert [link.context.trace_id for link in span.links] == linked


def test_a_span_is_in_no_trace_that_it_is_linked_to_though_the_host_goes_on_with_it() -> None:
    heard = Heard()
    token = context.attach(_hosts(TWO))
    with heard.telemetry.span(Span.RECONCILE, links=(BATCHED,)):
        pass
    context.detach(token)
    (span,) = heard.spans()
    assert span.parent is None
    assert {link.context.trace_id for link in span.links} == {TWO}
    assert [link.context.span_id for link in span.links] == [0xBB, 0xCC]


def test_a_batch_goes_on_with_the_hosts_trace_and_is_linked_to_its_messages() -> None:
    heard = Heard()
    token = context.attach(_hosts(TWO))
    with heard.telemetry.span(Span.INTAKE, links=(MESSAGE, "", "no trace")):
        pass
    context.detach(token)
    (span,) = heard.spans()
    assert trace_of(span) == TWO
    assert [link.context.trace_id for link in span.links] == [ONE]


def test_totals_are_asked_for_when_they_are_exported() -> None:
    heard, calls = Heard(), {"billing reads": 3}
    heard.telemetry.observe(Measure.API_CALLS, lambda: calls)
    calls["billing reads"] = 7
    assert heard.measured(Measure.API_CALLS) == {(("call", "billing reads"),): 7}
