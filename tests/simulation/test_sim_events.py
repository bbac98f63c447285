"""Events as they come: many at once, early, wrong, and one that finds a bug of ours."""

import json
import logging
from datetime import UTC, datetime

import pytest

from shared.domain.work import CauseKind
from shared.errors import Transient
from shared.sources.read import read_message
from tests.simulation.small_world import DE, DIETER, FEMKE, NL, TESS
from tests.simulation.stage import Stage


def due_times(stage: Stage, kind: CauseKind) -> list[datetime]:
    return sorted(m.due for m in stage.queues.waiting if m.item.cause.kind is kind)


async def test_what_concerns_one_person_in_a_batch_becomes_one_check(stage: Stage) -> None:
    batch = [stage.event(f"id:{FEMKE}"), stage.event(f"id:{FEMKE.upper()}"), stage.event(f"id:{DIETER}")]
    await stage.receive(*batch)
    assert sorted(m.item.key.canonical for m in stage.queues.waiting) == [f"person:{FEMKE}", f"person:{DIETER}"]
    (origin,) = {m.item.cause.origin for m in stage.queues.waiting if FEMKE in m.item.key.canonical}
    assert origin == "/hr#1 (+1)"


async def test_a_wrong_event_is_rejected_whole_and_stops_no_other(stage: Stage) -> None:
    anna = stage.hire("anna")
    garbage = [b"", b"\xff\xfe", b"{", b"[" * 5000, b'{"specversion": "1.0"}', stage.event("nobody in particular")]
    await stage.receive(*garbage, stage.event(f"id:{anna}"))
    await stage.run_until_quiet()
    assert stage.held(anna) == {NL}
    assert [event.body for event in stage.queues.rejected] == garbage
    assert all(event.reason and event.remedy and event.field_name for event in stage.queues.rejected)


async def test_one_bad_event_of_a_batch_is_rejected_alone_and_costs_no_other(stage: Stage) -> None:
    """Alone, because of a long message only the first part is kept, and the bad event may be behind it."""
    anna = stage.hire("anna")
    bad = stage.event("nobody in particular")
    others = [stage.event(f"employee-id:{number}") for number in range(800)]
    batch = b"[" + b",".join([*others, stage.event(f"id:{anna}"), bad]) + b"]"
    await stage.receive(batch)
    (rejected,) = stage.queues.rejected
    assert (rejected.field_name, json.loads(rejected.body)) == ("[801].subject", json.loads(bad))
    assert f"person:{anna}" in {message.item.key.canonical for message in stage.queues.waiting}


async def test_an_unreadable_date_costs_the_later_check_and_a_date_of_never_nothing(stage: Stage) -> None:
    anna = stage.hire("anna")
    await stage.tell(f"id:{anna}", effective="next monday")
    await stage.tell(f"id:{DIETER}", effective="9999-12-31")
    assert {message.item.key.canonical for message in stage.queues.waiting} == {f"person:{anna}", f"person:{DIETER}"}
    (rejected,) = stage.queues.rejected
    assert rejected.field_name == "data.effective"
    await stage.run_until_quiet()
    assert stage.held(anna) == {NL}


async def test_lifecycle_notices_are_warned_of_once_and_nothing_is_rejected(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    which = "7c0f5a0e-0000-4000-8000-0000000005b5"
    notice = {
        "specversion": "1.0",
        "id": "b",
        "source": "/tenants/t/applications/a",
        "type": "Microsoft.Graph.SubscriptionReauthorizationRequired",
        "subject": f"Subscriptions/{which}",
        "data": {"lifecycleEvent": "reauthorizationRequired", "subscriptionId": which, "resource": "users"},
    }
    await stage.receive(*[json.dumps(notice).encode()] * 3)
    assert stage.queues.rejected == []
    assert stage.queues.waiting == []
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert line == f"people-events: subscription {which} asks for 'reauthorizationRequired'"


async def test_a_bug_about_one_event_rejects_that_event_only(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = stage.hire("anna")
    poison = stage.event(f"id:{TESS}")

    def with_a_bug(body: bytes, *, now: datetime) -> object:
        if body == poison:
            raise ZeroDivisionError
        return read_message(body, now=now)

    monkeypatch.setattr("shared.services.intake.intake.read_message", with_a_bug)
    await stage.receive(poison, stage.event(f"id:{anna}"))
    await stage.run_until_quiet()
    assert stage.held(anna) == {NL}
    (rejected,) = stage.queues.rejected
    assert rejected.body == poison
    assert "ZeroDivisionError" in rejected.reason


async def test_an_unreachable_queue_makes_intake_raise_so_that_the_batch_comes_back(stage: Stage) -> None:
    anna = stage.hire("anna")
    batch = [stage.event(f"id:{anna}"), b"garbage"]
    stage.queues.unreachable = True
    with pytest.raises(Transient):
        await stage.receive(*batch)
    stage.queues.unreachable = False
    await stage.receive(*batch)
    await stage.run_until_quiet()
    assert stage.held(anna) == {NL}
    assert len(stage.queues.rejected) == 1


async def test_a_past_effective_date_is_one_check_now(stage: Stage) -> None:
    await stage.tell(f"id:{FEMKE}", effective="2026-01-01")
    assert len(stage.queues.waiting) == 1


async def test_an_event_grants_nothing_to_whom_the_policy_gives_nothing(stage: Stage) -> None:
    anna = stage.hire("anna", department="Sales")
    await stage.event_about(anna)
    await stage.advance(hours=1)
    assert stage.held(anna) == set()
    assert (await stage.app.state.person(anna)).version is None


async def test_an_effective_date_brings_the_check_at_that_moment(stage: Stage) -> None:
    moment = datetime(2026, 3, 5, 8, 30, tzinfo=UTC)
    await stage.tell(f"id:{FEMKE}", effective="2026-03-05T09:30:00+01:00")
    await stage.advance(hours=1)
    assert due_times(stage, CauseKind.SCHEDULE) == [moment]
    await stage.advance(to=datetime(2026, 3, 5, 8, tzinfo=UTC))
    await stage.sweep()
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.advance(to=moment)
    await stage.run_until_quiet()
    assert stage.held(FEMKE) == {NL, DE}
    await stage.advance(minutes=6)
    assert stage.held(FEMKE) == {DE}


async def test_a_name_announced_for_a_future_date_is_looked_for_then_as_well(stage: Stage) -> None:
    await stage.tell("upn:anna@contoso.example", effective="2026-03-05T08:30:00Z")
    await stage.advance(to=datetime(2026, 3, 5, 8, 20, tzinfo=UTC))
    anna = stage.hire("anna")
    await stage.advance(to=datetime(2026, 3, 5, 8, 31, tzinfo=UTC))
    assert stage.held(anna) == {NL}
