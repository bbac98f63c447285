"""A sweep that ends in what nobody foresaw: writes are paused, a bug is told as it is, the next good sweep goes on."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from sandbox.faults import Effect
from shared.domain.guards.pauses import Pause, PauseKind
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.people import Person
from shared.errors import FailedRead
from shared.services.ledger_audit import DIGEST
from tests.english import english
from tests.simulation.small_world import FEMKE, MCA, NL
from tests.simulation.stage import Stage
from tests.simulation.test_sim_sweep_guards import paused, queued

SetStage = Callable[..., Stage]

ALONE = "\ud800"
"""What JSON can escape and UTF-8 has no bytes for."""


def answer_with(stage: Stage, path: str, change: Callable[[dict[str, Any]], None], *, at: str) -> None:
    """Lets billing answer a list with one row that is odd, everything beyond ASCII escaped."""
    body = stage.call_arm("GET", path)
    change(next(row for row in body["value"] if at in row["id"]))
    stage.fault("arm", Effect(status=200, body=json.dumps(body)), path=f"{path.rpartition('/')[0]}/[^/]*$")


def properties(**odd: Any) -> Callable[[dict[str, Any]], None]:
    """Changes properties of a row."""
    return lambda row: row["properties"].update(odd)


class WithABug:
    """A directory adapter with a mistake in it: no error of the tree, and it names a person."""

    def __init__(self, stage: Stage, bug: BaseException) -> None:
        self._living = stage.app.directory
        self._bug = bug

    def __getattr__(self, name: str) -> Any:
        return getattr(self._living, name)

    def people(self, _odata_filter: str) -> AsyncIterator[Person]:
        raise self._bug


def break_directory(stage: Stage, bug: BaseException) -> Any:
    """Puts the bug into the app; returns the app without it."""
    living = stage.app
    buggy: Any = WithABug(stage, bug)
    stage.app = replace(living, directory=buggy)
    return living


# -- answers that do not fit


async def test_a_time_beyond_every_calendar_costs_its_row_and_takes_nothing_away(stage: Stage) -> None:
    answer_with(
        stage,
        f"{MCA}/billingProfiles/{NL.profile}/billingRoleAssignments",
        properties(createdOn="9999-12-31T23:59:59-08:00"),
        at=FEMKE,
    )
    before = stage.everything_held()
    report = await stage.settle()
    assert (report.complete, report.pauses) == (True, ())
    (finding,) = [one for one in report.findings if one.kind == "assignment-not-read"]
    assert finding.profile == NL
    assert "properties.createdOn" in english(finding.why)
    assert stage.everything_held() == before
    assert stage.raised == []
    stage.faults.lift()
    assert "assignment-not-read" not in {one.kind for one in (await stage.settle()).findings}


@pytest.mark.parametrize("odd", [{"poNumber": ALONE}, {"shipTo": {ALONE: 1}}, {"displayName": ALONE}])
async def test_text_that_nothing_can_keep_is_a_failed_sweep(stage: Stage, odd: dict[str, Any]) -> None:
    answer_with(stage, f"{MCA}/billingProfiles", properties(**odd), at=NL.profile)
    with pytest.raises(FailedRead, match=r"value\[\d\]\.properties"):
        await stage.sweep()
    setting = (await paused(stage))[Pause(PauseKind.INCOMPLETE_SWEEP)]
    assert "properties" in english(setting.why)
    stage.faults.lift()
    assert (await stage.settle()).pauses == ()


async def test_a_check_of_a_profile_that_says_such_a_thing_is_tried_again(stage: Stage) -> None:
    stage.set_profile(NL, invoiceEmailOptIn=False)
    path = f"{MCA}/billingProfiles/{NL.profile}"
    body = stage.call_arm("GET", path)
    body["properties"]["poNumber"] = ALONE
    laid = stage.fault("arm", Effect(status=200, body=json.dumps(body)), method="GET", path=f"{path}$")
    assert await stage.check(NL) is Outcome.RETRY
    assert "properties.poNumber" in english((await stage.last_check(NL)).why)
    stage.faults.lift(laid.id)
    await stage.advance(hours=1)
    assert stage.profile(NL)["invoiceEmailOptIn"] is True


# -- bugs


async def test_a_bug_sets_the_pause_and_is_raised_as_it_is(stage: Stage) -> None:
    bug = KeyError("anna@contoso.example")
    living = break_directory(stage, bug)
    anna = stage.hire("anna")
    with pytest.raises(KeyError) as raised:
        await stage.sweep()
    assert raised.value is bug
    assert raised.value.__cause__ is raised.value.__context__ is None
    setting = (await paused(stage))[Pause(PauseKind.INCOMPLETE_SWEEP)]
    assert setting.by.startswith("sweep#")
    assert "KeyError" in english(setting.why)
    assert "anna" not in english(setting.why)  # it is listed and kept, and a bug's words may be anybody's name
    assert queued(stage) == set()
    assert await stage.check(PersonKey(anna)) is Outcome.HELD
    stage.app = living
    assert (await stage.settle()).pauses == ()
    assert stage.held(anna) == {NL}


async def test_a_day_of_bugs_has_its_digest(stage: Stage) -> None:
    before, _ = await stage.app.ledger.head(DIGEST)
    break_directory(stage, KeyError("x"))
    for _ in range(2):
        await stage.advance(hours=24)
        with pytest.raises(KeyError):
            await stage.sweep()
    assert (await stage.app.ledger.head(DIGEST))[0] == before + 2


@pytest.mark.parametrize(("rows", "at"), [("guards", "baseline="), ("reports", "")])
async def test_a_bug_at_the_end_of_a_sweep_sets_the_pause_as_well(stage: Stage, rows: str, at: str) -> None:
    stage.state_rows.at_write(TypeError("a bug"), rows, holds=at)
    with pytest.raises(TypeError, match="a bug"):
        await stage.sweep()
    assert (await paused(stage)).keys() == {Pause(PauseKind.INCOMPLETE_SWEEP)}


async def test_where_the_pause_cannot_be_set_either_the_bug_is_what_is_raised(stage: Stage) -> None:
    bug = KeyError("x")
    break_directory(stage, bug)
    stage.state_rows.at_write(FailedRead("the store is away"), "guards", holds="pauses=")
    with pytest.raises(KeyError) as raised:
        await stage.sweep()
    assert raised.value is bug


async def test_a_host_that_shuts_down_is_no_failed_sweep(stage: Stage) -> None:
    begun = asyncio.Event()
    living = stage.app.billing

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(living, name)

        async def assignments(self, profile: ProfileKey) -> Any:
            begun.set()
            await asyncio.sleep(60)
            return await living.assignments(profile)

    slow: Any = Slow()
    stage.app = replace(stage.app, billing=slow)
    sweeping = asyncio.create_task(stage.sweep())
    await begun.wait()
    sweeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sweeping
    assert await paused(stage) == {}
