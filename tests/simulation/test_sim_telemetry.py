"""What telemetry shows of a story, from the event over both queues to the read-back, and what is measured."""

from collections import Counter
from collections.abc import Callable

import pytest

from shared.bootstrap import telling
from shared.services.intake.intake import Incoming, intake
from shared.telemetry import Measure, Span
from tests.heard import Heard, trace_of
from tests.simulation.small_world import FEMKE, NL
from tests.simulation.stage import Stage

FRONT = "00-11111111111111111111111111111111-2222222222222222-01"
"""The trace in which the front took an event in."""
OTHER = "00-33333333333333333333333333333333-4444444444444444-01"


@pytest.fixture
def heard(stage: Stage) -> Heard:
    """Somebody who listens from after the first sweep on."""
    made = Heard()
    stage.app = telling(stage.app, made.telemetry)
    return made


async def test_one_trace_goes_from_the_event_over_both_queues_to_the_read_back(stage: Stage, heard: Heard) -> None:
    anna = stage.hire("anna")
    await intake(stage.app, [Incoming(stage.event(f"id:{anna}"), 1, FRONT)])
    await stage.run_until_quiet()
    assert stage.held(anna) == {NL}
    assert heard.tree() == [
        "ask for a check <- ?", "intake", "decide <- reconcile", "billing write <- reconcile",
        "read-back <- reconcile", "reconcile <- ask for a check",
    ]  # fmt: skip
    (batch,) = heard.spans(Span.INTAKE)
    assert {trace_of(one) for one in heard.spans()} == {trace_of(batch), int("1" * 32, 16)}
    assert [link.context.trace_id for link in batch.links] == [int("1" * 32, 16)]


async def test_the_spans_of_a_check_say_what_it_was_about_and_how_it_ended(stage: Stage, heard: Heard) -> None:
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    (check,), (write,), (read,) = (heard.spans(one) for one in (Span.RECONCILE, Span.WRITE, Span.READ_BACK))
    assert check.attributes == {
        "invoice_access.key": f"person:{FEMKE}", "invoice_access.cause": "event", "invoice_access.attempt": 0,
        "invoice_access.outcome": "done",
    }  # fmt: skip
    assert write.attributes == {"invoice_access.action": "revoke", "invoice_access.answer": "done"}
    assert read.attributes == {"invoice_access.action": "revoke", "invoice_access.found": False}


async def test_two_events_of_one_batch_stay_in_the_traces_that_they_came_with(stage: Stage, heard: Heard) -> None:
    anna, boris = stage.hire("anna"), stage.hire("boris")
    events = [stage.event(f"id:{one}") for one in (anna, boris, boris)]
    traces = (FRONT, OTHER, FRONT)
    await intake(
        stage.app, [Incoming(body, n, trace) for n, (body, trace) in enumerate(zip(events, traces, strict=True))]
    )
    await stage.run_until_quiet()
    of = {one.attributes["invoice_access.key"]: one for one in heard.spans(Span.RECONCILE) if one.attributes}
    assert trace_of(of[f"person:{anna}"]) == int("1" * 32, 16)
    assert trace_of(of[f"person:{boris}"]) == int("3" * 32, 16)
    asked = {one.attributes["invoice_access.key"]: one for one in heard.spans(Span.ASK) if one.attributes}
    (batch,) = heard.spans(Span.INTAKE)
    links = [link.context.trace_id for link in asked[f"person:{boris}"].links]
    assert links == [int("1" * 32, 16), trace_of(batch)]


async def test_a_settle_check_goes_on_with_the_trace_of_the_event(stage: Stage, heard: Heard) -> None:
    await intake(stage.app, [Incoming(stage.event(f"id:{FEMKE}"), 1, FRONT)])
    await stage.advance(minutes=10)
    checks = heard.spans(Span.RECONCILE)
    assert [one.attributes["invoice_access.cause"] for one in checks if one.attributes] == ["event", "settle"]
    assert {trace_of(one) for one in checks} == {int("1" * 32, 16)}


async def test_a_check_that_a_sweep_asked_for_has_a_trace_of_its_own_with_a_link(stage: Stage, heard: Heard) -> None:
    stage.hire("anna")
    await stage.sweep()
    await stage.run_until_quiet()
    (sweep,), (check,) = heard.spans(Span.SWEEP), heard.spans(Span.RECONCILE)
    assert check.parent is None
    assert trace_of(check) != trace_of(sweep)
    assert [link.context.trace_id for link in check.links] == [trace_of(sweep)]


async def test_text_that_is_no_traceparent_begins_a_trace(stage: Stage, heard: Heard) -> None:
    """Anybody may write it on a message."""
    for number, text in enumerate(("", "rubbish", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "ÿ" * 9000)):
        await intake(stage.app, [Incoming(stage.event(f"id:{FEMKE}"), number, text)])
    assert heard.tree() == ["ask for a check <- intake", "intake"] * 4


async def test_a_story_is_measured_to_the_last_check(stage: Stage, heard: Heard) -> None:
    anna = stage.hire("anna")
    await stage.event_about(anna)
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    stage.hire("boris")
    await stage.receive(b"no event", stage.event(f"id:{anna}"))
    await stage.run_until_quiet()
    report = await stage.sweep()
    await stage.run_until_quiet()
    measured = {tuple(sorted(dict(facts).items())): count for facts, count in heard.measured(Measure.CHECKS).items()}
    assert measured == {
        (("cause", "event"), ("outcome", "done")): 2, (("cause", "event"), ("outcome", "unchanged")): 1,
        (("cause", "sweep"), ("outcome", "done")): 1,
    }  # fmt: skip
    assert report.drift
    assert report.complete


async def test_every_measure_is_told_with_the_facts_that_it_names_and_no_others(stage: Stage, heard: Heard) -> None:
    boris = stage.hire("boris")
    await stage.event_about(boris)
    stage.change(boris, companyName="Contoso Deutschland")
    await stage.settle()
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    measured = {what: heard.measured(what) for what in Measure}
    beyond_the_stage = {Measure.QUEUE_AGE, Measure.API_WAIT}
    assert {what for what, values in measured.items() if values} == set(Measure) - beyond_the_stage
    for what, values in measured.items():
        for facts in values:
            assert [name for name, _ in facts] == sorted(what.value.facts), what


async def test_every_span_says_the_facts_that_it_names_and_no_others(stage: Stage, heard: Heard) -> None:
    stage.set_profile(NL, invoiceEmailOptIn=False)
    anna = stage.hire("anna")
    await stage.settle()
    await stage.event_about(anna)
    found = {one.name for one in heard.spans()}
    assert found == {one.value.name for one in Span}
    for which in Span:
        said = {name for one in heard.spans(which) for name in one.attributes or {}}
        assert said == {f"invoice_access.{name}" for name in which.value.facts}, which


async def test_what_a_service_says_of_somebody_is_in_no_span(
    stage: Stage, heard: Heard, set_stage: Callable[..., Stage]
) -> None:
    """A span that fails has its kind alone: an error's text may name people."""
    stage.state_rows.at_write(RuntimeError("anna@contoso.example"), "people", times=1)
    await stage.event_about(stage.hire("anna"))
    assert stage.raised
    (failed,) = [one for one in heard.spans(Span.RECONCILE) if not one.status.is_ok]
    assert failed.status.description == "RuntimeError"
    told = " ".join(one.to_json() for one in heard.spans())
    assert "anna@" not in told
    assert Counter(one.name for one in heard.spans())["reconcile"] == 2
