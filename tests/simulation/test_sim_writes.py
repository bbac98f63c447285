"""Writes on bad days: what Azure ends with, what is recorded, and what follows."""

import asyncio
import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from sandbox.faults import Effect
from shared.adapters.store.rows import Changed
from shared.domain.guards.pauses import Pause, PauseKind
from shared.domain.history.checks import CheckBody
from shared.domain.keys import PersonKey
from shared.domain.work import CauseKind
from shared.errors import Transient
from tests.english import english
from tests.simulation.small_world import DE, FEMKE, HOLDING, NL, TESS, TREASURY
from tests.simulation.stage import Stage

CREATE = "createBillingRoleAssignment"


def arm(code: str, message: str = "x") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def grants(stage: Stage, person: str) -> int:
    """How often billing accepted a create for a person."""
    return sum(what == "create-role-assignment" and who == person for what, who in stage.writes())


async def outcomes(stage: Stage, person: str) -> list[str]:
    return [check.outcome for check in await stage.checks(person)]


async def test_a_create_that_is_answered_202_is_waited_for(stage: Stage) -> None:
    stage.turn(create_status=202, create_seconds=8.0)
    anna = stage.hire("anna")
    await stage.event_about(anna)
    assert stage.held(anna) == {NL}
    assert await outcomes(stage, anna) == ["done"]


async def test_a_create_that_outlasts_the_handler_is_unverified_and_looked_after(stage: Stage) -> None:
    stage.turn(create_status=202, create_seconds=70.0)
    anna = stage.hire("anna")
    began = stage.now
    await stage.event_about(anna)
    assert stage.now - began < timedelta(seconds=46)
    assert await outcomes(stage, anna) == ["unverified"]
    assert [kind for kind, _ in stage.awaited(anna)] == ["verify"]
    await stage.advance(minutes=10)
    assert grants(stage, anna) == 1
    assert stage.held(anna) == {NL}
    assert (await outcomes(stage, anna))[-1] == "unchanged"
    assert stage.awaited(anna) == []


async def test_an_invisible_write_is_checked_again_and_not_repeated_with_a_young_intent(
    stage: Stage,
) -> None:
    stage.turn(grants_visible_after_seconds=100)
    anna = stage.hire("anna")
    await stage.event_about(anna)
    assert await outcomes(stage, anna) == ["unverified"]
    ((kind, due),) = stage.awaited(anna)
    assert kind == "verify"
    assert timedelta(seconds=30) <= due - stage.now <= timedelta(seconds=60)
    await stage.event_about(anna)
    await stage.advance(minutes=10)
    assert grants(stage, anna) == 1
    assert (await outcomes(stage, anna))[-1] == "unchanged"


async def test_a_write_that_never_became_visible_is_repeated_when_its_intent_is_old(stage: Stage) -> None:
    # The service says "done", and nothing came of it.
    stage.fault("arm", Effect(status=200, body={}), method="POST", path=CREATE, times=1)
    anna = stage.hire("anna")
    await stage.event_about(anna)
    assert await outcomes(stage, anna) == ["unverified"]
    await stage.advance(seconds=100)
    assert stage.held(anna) == set()
    await stage.advance(minutes=4)
    assert stage.held(anna) == {NL}
    assert (await outcomes(stage, anna))[-1] == "done"


async def test_a_write_that_is_never_seen_is_given_up_with_an_alert(stage: Stage) -> None:
    stage.turn(grants_visible_after_seconds=10_000)
    anna = stage.hire("anna")
    await stage.event_about(anna)
    await stage.advance(minutes=30)
    check = await stage.last_check(anna)
    assert check.outcome == "gave-up"
    assert english(check.alert) == "a write was accepted and never became visible"
    assert stage.awaited(anna) == []


async def test_checks_after_a_write_come_at_growing_distances_and_count(stage: Stage) -> None:
    stage.turn(grants_visible_after_seconds=10_000)
    anna = stage.hire("anna")
    await stage.event_about(anna)
    distances = []
    for attempt in range(3):
        (message,) = [one for one in stage.queues.waiting if one.item.key == PersonKey(anna)]
        assert (message.item.cause.kind, message.item.attempt) == (CauseKind.VERIFY, attempt)
        assert message.item.cause.origin == "/hr#1"
        distances.append((message.due - stage.now).total_seconds())
        await stage.advance(to=message.due)
        await stage.run_until_quiet()
    assert [30 <= distances[0] < 60, 120 <= distances[1] < 150, 600 <= distances[2] < 630] == [True] * 3


async def test_a_revoke_that_is_not_visible_yet_is_not_repeated(stage: Stage) -> None:
    stage.turn(revokes_visible_after_seconds=50)
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert (await outcomes(stage, FEMKE))[-1] == "unverified"
    await stage.event_about(FEMKE)
    await stage.advance(minutes=10)
    assert [what for what, who in stage.writes() if who == FEMKE].count("delete-role-assignment") == 1
    assert stage.held(FEMKE) == set()
    assert (await outcomes(stage, FEMKE))[-1] == "unchanged"


async def test_a_conflict_on_create_is_success_where_the_assignment_is_managed(stage: Stage) -> None:
    stage.turn(duplicate="conflict", grants_visible_after_seconds=0)
    anna = stage.hire("anna")
    hang_up = Effect(hang_up=True, after=True)
    stage.fault("arm", hang_up, method="POST", path=CREATE, times=1)
    stage.fault("arm", Effect(status=404, body=arm("NotFound")), method="GET", path=f"NL-BG7.*_{anna}", times=5)
    await stage.event_about(anna)
    await stage.advance(minutes=20)
    assert stage.held(anna) == {NL}
    assert (await outcomes(stage, anna))[-1] in {"done", "unchanged"}
    stage.change(anna, accountEnabled=False)
    await stage.event_about(anna)
    assert stage.held(anna) == set()


async def test_who_was_given_it_by_hand_meanwhile_holds_it_and_it_is_unmanaged(stage: Stage) -> None:
    stage.turn(duplicate="conflict")
    anna = stage.hire("anna")
    stage.give(NL, anna)
    stage.fault("arm", Effect(status=404, body=arm("NotFound")), method="GET", path=f"NL-BG7.*_{anna}", times=1)
    await stage.event_about(anna)
    check = await stage.last_check(anna)
    assert (check.outcome, check.actions[0].outcome) == ("unchanged", "unchanged")
    assert "somebody else was quicker" in english(check.actions[0].why)
    stage.change(anna, accountEnabled=False)
    await stage.event_about(anna)
    assert stage.held(anna) == {NL}


@pytest.mark.parametrize(
    "effect",
    [
        Effect(status=500, body=arm("InternalServerError"), after=True),
        Effect(status=503, after=True),
        Effect(hang_up=True, after=True),
        Effect(status=504, after=True, delay_seconds=5),
    ],
)
async def test_a_write_that_happened_although_the_answer_was_lost_is_done_once(stage: Stage, effect: Effect) -> None:
    stage.fault("arm", effect, method="POST", path=CREATE)
    anna = stage.hire("anna")
    await stage.event_about(anna)
    assert stage.held(anna) == {NL}
    assert grants(stage, anna) == 1
    assert (await outcomes(stage, anna))[0] == "done"


async def test_a_write_that_did_not_happen_although_nobody_knew_happens_in_the_end(stage: Stage) -> None:
    stage.fault("arm", Effect(hang_up=True), method="POST", path=CREATE, times=1)
    anna = stage.hire("anna")
    await stage.event_about(anna)
    assert await outcomes(stage, anna) == ["unverified"]
    await stage.advance(minutes=5)
    assert stage.held(anna) == {NL}
    assert grants(stage, anna) == 1


async def test_throttling_is_waited_out_for_as_long_as_the_service_asks(stage: Stage) -> None:
    wait = Effect(status=429, headers={"retry-after": "200"}, body=arm("429"))
    stage.fault("arm", wait, method="POST", path=CREATE, times=1)
    anna = stage.hire("anna")
    asked = stage.now
    await stage.event_about(anna)
    assert await outcomes(stage, anna) == ["retry"]
    ((kind, due),) = stage.awaited(anna)
    assert kind == "retry"
    assert timedelta(seconds=200) <= due - asked <= timedelta(seconds=231)
    await stage.advance(minutes=5)
    assert stage.held(anna) == {NL}
    assert (await outcomes(stage, anna))[-1] == "done"


@pytest.mark.parametrize(
    "effect",
    [
        Effect(status=401, body=arm("401", "No claims present for the caller in the system")),
        Effect(status=403, body=arm("AuthorizationFailed")),
    ],
)
@pytest.mark.parametrize(("method", "elsewhere"), [("GET", "held"), ("POST", "done")])
async def test_a_role_lost_on_one_profile_stops_the_checks_writes_on_the_whole_account(
    stage: Stage, effect: Effect, method: str, elsewhere: str
) -> None:
    stage.fault("arm", effect, method=method, path="HOLDING-BG7")
    anna = stage.hire("anna")
    stage.join(TREASURY, anna)
    await stage.event_about(anna)
    assert stage.held(anna) == ({NL} if elsewhere == "done" else set())
    check = await stage.last_check(anna)
    assert check.outcome == "gave-up"
    assert check.alert
    by_profile = {action.profile: action.outcome for action in check.actions}
    assert by_profile == {NL: elsewhere, HOLDING: "gave-up"}
    assert (await stage.app.state.pauses()).value.active.keys() == {Pause(PauseKind.ROLE_LOST, HOLDING.account)}
    assert "retry" not in {kind for kind, _ in stage.awaited(anna)}


async def test_what_surely_failed_is_not_taken_for_a_write_on_its_way(stage: Stage) -> None:
    stage.fault("arm", Effect(status=400, body=arm("BadRequest")), method="POST", path=CREATE, times=1)
    anna = stage.hire("anna")
    await stage.event_about(anna)
    assert stage.held(anna) == set()
    await stage.advance(seconds=20)
    await stage.event_about(anna)
    assert stage.held(anna) == {NL}


async def test_a_give_up_beside_a_wait_raises_its_alert_at_once(stage: Stage) -> None:
    stage.change(FEMKE, companyName="Contoso Deutschland")
    stage.fault("arm", Effect(status=403, body=arm("AuthorizationFailed")), method="POST", path="DE-BG7")
    await stage.event_about(FEMKE)
    check = await stage.last_check(FEMKE)
    assert check.outcome == "waiting"
    assert check.alert


async def test_a_failing_read_stops_no_other_action_and_forgets_no_evidence(stage: Stage) -> None:
    stage.change(FEMKE, companyName="Contoso Deutschland")
    stage.fault("arm", Effect(status=400, body=arm("BadRequest")), method="GET", path="DE-BG7", times=1)
    await stage.event_about(FEMKE)
    seen = (await stage.app.state.person(FEMKE)).value.sightings
    assert list(seen) == [f"moved:{NL.folded}"]
    stage.fault("arm", Effect(status=404, body="<html>a gateway"), method="GET", path="NL-BG7.*_", times=1)
    await stage.check(PersonKey(FEMKE), CauseKind.SETTLE)
    assert (await stage.app.state.person(FEMKE)).value.sightings == seen
    assert stage.held(FEMKE) == {NL, DE}
    await stage.advance(minutes=6)
    assert stage.held(FEMKE) == {DE}


async def test_a_group_that_cannot_be_read_keeps_its_own_revoke_and_nothing_else(stage: Stage) -> None:
    stage.leave(TREASURY, TESS)
    await stage.event_about(TESS)
    stage.change(TESS, department="Finance")
    stage.fault("graph", Effect(status=500), method="GET", path="/groups/", times=3)  # as often as a read is sent
    await stage.advance(minutes=5, seconds=45)
    assert stage.held(TESS) == {HOLDING, NL}
    assert "retry" in await outcomes(stage, TESS)
    await stage.advance(minutes=2)
    assert stage.held(TESS) == {NL}


async def test_after_the_deadline_no_write_begins(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.fault("graph", Effect(delay_seconds=25), path=f"/users/{anna}")
    await stage.event_about(anna)
    assert stage.held(anna) == set()
    check = await stage.last_check(anna)
    assert check.outcome == "retry"
    stage.faults.lift()
    await stage.advance(minutes=1)
    assert stage.held(anna) == {NL}


async def test_a_write_that_hangs_ends_with_the_handlers_time(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.turn(create_status=202, create_seconds=4000.0, create_retry_after_seconds=10)
    began = stage.now
    await stage.event_about(anna)
    assert timedelta(seconds=40) < stage.now - began < timedelta(seconds=50)
    assert await outcomes(stage, anna) == ["unverified"]


async def test_after_a_day_of_retries_a_key_is_given_up_with_an_alert(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    anna = stage.hire("anna")
    stage.fault("arm", Effect(status=429), method="POST", path=CREATE)
    told = stage.now
    await stage.event_about(anna)
    await stage.advance(hours=25)
    last = (await stage.records(anna))[-1]
    assert isinstance(last.body, CheckBody)
    assert last.body.outcome == "gave-up"
    assert english(last.body.alert) == "given up after 24 h of retries"
    assert timedelta(hours=24) <= last.at - told < timedelta(hours=24, minutes=16)
    assert stage.awaited(anna) == []
    alerts = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(alerts) == 1
    assert anna in alerts[0].getMessage()
    stage.faults.lift()
    await stage.settle()
    assert stage.held(anna) == {NL}


async def test_who_waited_in_the_queue_for_days_gets_a_day_of_retries_all_the_same(stage: Stage) -> None:
    anna = stage.hire("anna")
    await stage.tell(f"id:{anna}")
    await asyncio.sleep(3 * 24 * 3600)  # the app was down
    stage.fault("arm", Effect(status=429), method="POST", path=CREATE, times=1)
    await stage.run_until_quiet()
    assert await outcomes(stage, anna) == ["retry"]
    await stage.advance(minutes=2)
    assert stage.held(anna) == {NL}


@pytest.mark.parametrize("appends", [0, 1])
async def test_who_lost_the_lock_stops_and_comes_back(stage: Stage, appends: int) -> None:
    anna = stage.hire("anna")
    stage.ledger_rows.at_write(Changed("somebody else appended"), "ledger:", spare=appends)
    await stage.event_about(anna)
    assert stage.held(anna) == ({NL} if appends else set())
    assert [kind for kind, _ in stage.awaited(anna)] == ["retry"]
    stage.ledger_rows.lift()
    await stage.advance(seconds=40)
    assert stage.held(anna) == {NL}
    assert (await stage.last_check(anna)).cause == "retry"


async def test_what_was_written_is_recorded_also_where_the_store_failed_afterwards(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.fault("arm", Effect(status=403, body=arm("AuthorizationFailed")), method="POST", path="HOLDING-BG7")
    stage.join(TREASURY, anna)
    stage.state_rows.at_write(Transient("the store is busy"), "people", spare=1, times=1)
    await stage.event_about(anna)
    check = (await stage.checks(anna))[0]
    assert check.outcome == "retry"
    assert (NL, "done") in {(action.profile, action.outcome) for action in check.actions}


async def test_an_unreachable_queue_brings_the_message_back(stage: Stage) -> None:
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.tell(f"id:{FEMKE}")
    message = stage.queues.take(stage.now)
    assert message is not None
    stage.queues.unreachable = True
    assert await stage.deliver(message) is None
    assert isinstance(stage.raised[0], Transient)
    stage.queues.unreachable = False
    await stage.advance(minutes=6)
    assert stage.held(FEMKE) == {DE}


async def test_a_store_that_cannot_be_read_makes_the_check_come_back(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.ledger_rows.at_read(Transient("the store is busy"))
    await stage.event_about(anna)
    stage.ledger_rows.lift()
    assert [kind for kind, _ in stage.awaited(anna)] == ["retry"]
    await stage.advance(seconds=40)
    assert stage.held(anna) == {NL}


async def test_checks_for_the_same_later_moment_coalesce(stage: Stage) -> None:
    for _ in range(5):
        await stage.event_about(FEMKE)
    assert len(stage.awaited(FEMKE)) == 1
    assert stage.queues.dropped == 4


async def test_ten_copies_of_an_event_have_one_effect(stage: Stage) -> None:
    anna = stage.hire("anna")
    await stage.receive(*[stage.event(f"id:{anna}", event_id="same")] * 10)
    await stage.run_until_quiet()
    for _ in range(10):
        await stage.event_about(anna, event_id="same")
    assert grants(stage, anna) == 1


# -- the log


async def test_a_check_leaves_one_line_with_ids_and_no_names(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "shared")
    anna = stage.hire("anna")
    await stage.event_about(anna)
    (line,) = [record.getMessage() for record in caplog.records if "reconcile:" in record.getMessage()]
    said = json.loads(line.partition("reconcile: ")[2])
    assert said["check"] == f"person:{anna}"
    assert said["outcome"] == "done"
    assert [action["why"] for action in said["actions"]] == ["given by rule own-company"]
    assert "contoso.example" not in line
