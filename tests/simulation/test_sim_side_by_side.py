"""Reads that need nothing of each other take the time of the slowest, and leave nothing running."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

from sandbox.faults import Effect
from shared.domain.keys import PersonKey
from shared.domain.outcome import Outcome
from shared.domain.work import CauseKind
from shared.errors import FailedRead
from shared.services.estate import read_estate
from tests.english import english
from tests.simulation.small_world import FEMKE, POLICY, guid, user, world
from tests.simulation.stage import Stage

LISTS = "GET /providers/Microsoft.Billing/billingAccounts"
EVENTS = 32


def many_lists(count: int) -> Any:
    """The small world with so many profiles more."""
    given = world()
    account = given["billingAccounts"][0]
    [pattern] = [profile for profile in account["billingProfiles"] if profile["name"] == "DE-BG7"]
    for number in range(count):
        account["billingProfiles"].append({**pattern, "name": f"P{number:03}-BG7", "tags": {}})
    return given


async def test_a_sweeps_lists_are_read_side_by_side_and_found_in_order(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(given=many_lists(96))
    for number in range(10):  # the ones of each ten take longer the earlier they come
        stage.fault("arm", Effect(delay_seconds=0.5 - number / 50), path=rf"P\d\d{number}-BG7/billingRoleAssignments$")
    before = stage.now
    estate = await read_estate(stage.app)
    took = (stage.now - before).total_seconds()
    assert [*estate.rows] == [profile.key for profile in estate.catalogue.profiles]
    one_after_another = 96 * (0.5 - 4.5 / 50)
    assert took < one_after_another / 6


async def test_lists_that_fail_side_by_side_are_told_in_order(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(given=many_lists(12))
    for number in (2, 7, 9):
        path = rf"P00{number}-BG7/billingRoleAssignments$"
        stage.fault("arm", Effect(status=404, delay_seconds=1 - number / 10), path=path)
    estate = await read_estate(stage.app)
    assert [re.findall(r"^assignments of .*?P00(\d)", english(failure)) for failure in estate.failures] == [
        ["2"],
        ["7"],
        ["9"],
    ]
    assert len(estate.rows) == len(estate.catalogue.profiles) - 3


async def test_the_first_events_of_all_read_the_catalogue_once_and_none_is_put_off(
    set_stage: Callable[..., Stage],
) -> None:
    given = world()
    given["users"] += [user(guid(77, number), f"clerk{number}", "Contoso Nederland") for number in range(EVENTS)]
    stage = set_stage(given=given, policy=f"{POLICY}daily_limits: {{ grants: 100/100/100 }}\n")
    stage.fault("arm", Effect(delay_seconds=0.3))
    outcomes = await asyncio.gather(*(stage.check(PersonKey(guid(77, number))) for number in range(EVENTS)))
    assert outcomes == [Outcome.DONE] * EVENTS
    assert stage.calls()[f"arm {LISTS}"] == 1


async def test_a_check_waits_for_directory_and_store_side_by_side(stage: Stage) -> None:
    """Two rows of 30 ms, the person's and their holds', are read while Graph takes 80 to answer."""
    stage.state_rows.at_read(lambda: asyncio.sleep(0.03))
    await stage.check(PersonKey(FEMKE), CauseKind.SETTLE)  # the catalogue is at hand
    before = stage.now
    assert await stage.check(PersonKey(FEMKE), CauseKind.SETTLE) is Outcome.UNCHANGED
    without = (stage.now - before).total_seconds()
    stage.fault("graph", Effect(delay_seconds=0.08), path=rf"/users/{FEMKE}$")
    before = stage.now
    assert await stage.check(PersonKey(FEMKE), CauseKind.SETTLE) is Outcome.UNCHANGED
    assert (stage.now - before).total_seconds() - without < 0.03


async def test_a_check_whose_store_fails_leaves_no_read_of_the_directory(stage: Stage) -> None:
    stage.state_rows.at_read(FailedRead("the store is away"), "people")
    stage.fault("graph", Effect(delay_seconds=5), path=rf"/users/{FEMKE}$")
    assert await stage.check(PersonKey(FEMKE)) is Outcome.RETRY
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert english((await stage.last_check(FEMKE)).why) == "the store is away"
